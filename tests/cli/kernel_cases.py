"""sampan compile: kernels that don't compile, files that can't be read or written, the cache."""
from harness import case, cases

GOOD = """#include "sampan_kernel.h"
KERNEL(twice, 64, 1, 1)(GLOBAL f32* x, u32 n) {
  const u32 i = GID(0) * 64 + LID(0);
  if (i < n) x[i] = x[i] * 2.0f;
}
"""
BROKEN = {
    "kernel_unknown_name": (GOOD.replace("2.0f", "oops"), ["bad.k:4", "oops"]),
    "kernel_cut": (GOOD[:-20], ["bad.k"]),
    "kernel_foreign_include": ('#include "secret.h"\n' + GOOD, ["bad.k", "secret.h"]),
    "kernel_invalid_utf8": (GOOD.encode().replace(b"2.0f", b"\xff\xfe"), ["bad.k:4"]),
    "kernel_of_binary": (b"\x7fELF\0\1\x1b[2J" * 100, ["bad.k"]),
}


def compile_is_refused(setup, text, mentions):
    file = setup.write("bad.k", text)
    setup.refused("compile", file, "-d", "cpu", mentions=mentions, log=True, bounded=False)


cases({name: lambda setup, row=row: compile_is_refused(setup, *row)
       for name, row in BROKEN.items()})


def good(setup):
    return setup.write("good.k", GOOD)


@case
def kernel_compiles(setup):
    out = setup.works("compile", good(setup), "-d", "cpu", "-k", "twice", bounded=False).out
    assert "good.k" in out and "twice" in out and "64 x 1 x 1" in out, out


@case
def kernel_unknown_entry(setup):
    result = setup.run("compile", good(setup), "-d", "cpu", "-k", "thrice", bounded=False)
    assert result.code == 1 and "thrice" in result.err and result.err.count("\n") == 1, result


UNREADABLE = {
    "kernel_file_missing": ("nowhere.k", ["nowhere.k"]),
    "kernel_file_is_a_folder": ("/", ["/:", "directory"]),
    "kernel_file_never_ends": ("/dev/zero", ["/dev/zero", "64 MiB"]),
}
cases({name: lambda setup, row=row: setup.refused("compile", row[0], "-d", "cpu", mentions=row[1])
       for name, row in UNREADABLE.items()})

DEFINITIONS = {
    "definition_with_blank": ("A B", ["'A B"]),
    "definition_with_quote": ("A='", ["'A='"]),
    "definition_without_name": ("=1", ["NAME=VALUE"]),
}
cases({name: lambda setup, row=row: setup.refused("compile", good(setup), "-d", "cpu", "-D", row[0],
                                                  mentions=row[1])
       for name, row in DEFINITIONS.items()})


@case
def binary_is_written(setup):
    target = setup.folder / "good.bin"
    setup.works("compile", good(setup), "-d", "cpu", "-o", target, bounded=False)
    assert target.stat().st_size > 0


UNWRITABLE = {"binary_to_missing_folder": "nowhere/good.bin", "binary_to_full_disk": "/dev/full",
              "binary_to_a_folder": "."}
cases({name: lambda setup, target=target: setup.refused(
    "compile", good(setup), "-d", "cpu", "-o", target, mentions=[target], bounded=False)
    for name, target in UNWRITABLE.items()})


@case
def no_compiler(setup):
    setup.refused("compile", good(setup), "-d", "cpu", env={"PATH": str(setup.folder)},
                  mentions=["C++ compiler", "SAMPAN_CXX", "install"])
    setup.refused("compile", good(setup), "-d", "cpu", env={"SAMPAN_CXX": "/no/such/compiler"},
                  mentions=["SAMPAN_CXX", "/no/such/compiler"])


@case
def no_temporary_folder(setup):
    folder = setup.folder / "nowhere"
    setup.refused("compile", good(setup), "-d", "cpu", env={"TMPDIR": str(folder)},
                  mentions=[folder, "TMPDIR"])


# ---- The cache of compiled code ----------------------------------------------------------------

def cached_files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 0)


def compile_with_cache(setup, folder, **options):
    return setup.works("compile", good(setup), "-d", "cpu", "-k", "twice",
                       env={"SAMPAN_CACHE_DIR": str(folder)}, bounded=False, **options).out


DAMAGE = {
    "cache_entries_empty": lambda data: b"",
    "cache_entries_cut": lambda data: data[:len(data) // 2],
    "cache_entries_of_zeros": lambda data: bytes(len(data)),
    "cache_entries_flipped": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "cache_entries_longer": lambda data: data + b"more",
    "cache_entries_of_text": lambda data: b"I am no entry\n",
    "cache_entries_lying_length": lambda data: data[:8] + b"\xff" * 24 + data[32:],
}


def damaged_cache(setup, damage):
    """A bad entry is a miss: the kernel is compiled anew, and the entry is right again."""
    folder = setup.folder / "cache"
    expected = compile_with_cache(setup, folder)
    entries = cached_files(folder)
    before = {path: path.read_bytes() for path in entries}
    assert entries, "nothing was cached"
    for path in entries:
        path.write_bytes(damage(before[path]))
    assert compile_with_cache(setup, folder) == expected
    after = {path.name: path.read_bytes() for path in cached_files(folder)}
    for path in entries:
        assert len(after[path.name]) == len(before[path]), path


cases({name: lambda setup, damage=damage: damaged_cache(setup, damage)
       for name, damage in DAMAGE.items()})


@case
def cache_in_an_impossible_place(setup):
    file = setup.write("file", "")
    for place in (file, file / "below", "relative/folder", "/proc/sampan", "/dev/full"):
        compile_with_cache(setup, place)
    assert not (setup.folder / "relative").exists()


@case
def cache_writable_by_others(setup):
    folder = setup.folder / "open"
    folder.mkdir()
    folder.chmod(0o777)
    compile_with_cache(setup, folder)
    assert not cached_files(folder), "what others can change was used"


@case
def full_disk(setup):
    """No file may grow: nothing is cached or built, and one sentence says so."""
    setup.works("run", "--device", "cpu", "--tokens", "4", "--prompt", "A", file_bytes=0)
    setup.refused("compile", good(setup), "-d", "cpu", file_bytes=0, bounded=False,
                  mentions=["temporary file", "TMPDIR"])
    # Enough for what the compiler writes, not for everything; never a wrong result.
    for size in (1, 4096, 20000):
        result = setup.run("compile", good(setup), "-d", "cpu", "-k", "twice", file_bytes=size,
                           bounded=False)
        assert result.code in (0, 1), result
        if result.code == 0:
            assert "64 x 1 x 1" in result.out, result
    out = compile_with_cache(setup, setup.folder / "cache")
    assert "64 x 1 x 1" in out


@case
def no_home(setup):
    impossible = setup.write("file", "") / "below"
    for home in (None, "", "relative", str(impossible)):
        env = {"HOME": home}
        setup.works("run", "--device", "cpu", "--tokens", "4", "--prompt", "A", env=env)
        setup.works("compile", good(setup), "-d", "cpu", env=env, bounded=False)
        setup.works("devices", env=env)
        setup.works("env", env=env)
    assert not (setup.folder / "relative").exists()
