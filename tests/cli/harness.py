"""What the cases share: running the command within limits, and what a refusal has to look like."""
import os
import re
import resource
import subprocess
from pathlib import Path

CASES = {}  # name: function of a Setup, in order of definition

# A refused input may not cost memory in proportion to a number in it: the numbers in the cases ask
# for gigabytes at least. A small model takes some tens of MiB.
ADDRESS_SPACE_BYTES = 3 << 30
REFUSAL_PEAK_BYTES = 256 << 20


def case(function):
    """Registers a test under its function's name."""
    return cases({function.__name__: function})


def cases(functions):
    """Registers tests by name: for tables."""
    for name, function in functions.items():
        assert name not in CASES and re.fullmatch("[a-z0-9_]+", name), name
        CASES[name] = function


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"exit code {self.code}\nstdout: {self.out[-2000:]!r}\nstderr: {self.err[-2000:]!r}"


class Setup:
    """One case's surroundings: the command, an empty folder, and an environment that holds nothing
    of the user's: one core of the CPU, no OpenCL."""

    def __init__(self, program, mock, source, folder, sanitized):
        self.program, self.mock, self.source, self.folder = program, mock, source, folder
        self.sanitized = sanitized
        self.model = program.parent.parent / "share/sampan/model"
        home = folder / "home"
        home.mkdir()
        self.environment = {
            "HOME": str(home),
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "OCL_ICD_VENDORS": str(folder / "none"),
            "SAMPAN_CPU_DEVICES": str(min(os.sched_getaffinity(0))),
        }

    def run(self, *words, env=None, stdout=subprocess.PIPE, file_bytes=None, bounded=True):
        """Runs `sampan words...`. env: further variables, None removes one. file_bytes: no file
        grows larger, as on a full disk. bounded: address space is limited."""
        environment = {**self.environment, **(env or {})}
        environment = {key: value for key, value in environment.items() if value is not None}

        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
            if bounded and not self.sanitized:  # sanitizers reserve terabytes
                resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))

        # restore_signals: writing beyond file_bytes shall fail, not end the process by SIGXFSZ.
        done = subprocess.run([self.program, *words], env=environment, stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=subprocess.PIPE, timeout=100, check=False,
                              preexec_fn=limit, restore_signals=False, cwd=self.folder)
        return Result(done.returncode, (done.stdout or b"").decode(),
                      done.stderr.decode())

    def works(self, *words, **options):
        """Runs it; nothing may be on stderr."""
        result = self.run(*words, **options)
        assert result.code == 0 and not result.err, result
        return result

    def refused(self, *words, mentions=(), code=1, log=False, **options):
        """Runs it and checks that it is refused as everything has to be: with the exit code, an
        empty stdout, and one sentence on stderr that holds all of `mentions` and says what to do.
        log: a compiler's log follows."""
        result = self.run(*words, **options)
        assert result.code == code, result
        assert not result.out, result
        check_sentence(result.err, mentions, log)
        return result

    def peak_is_small(self):
        """Of all that ran so far. Sanitizers take several times as much."""
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        assert self.sanitized or peak < REFUSAL_PEAK_BYTES, f"{peak} bytes of memory"

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


TRACES = ("terminate called", "what():", "basic_", "std::", "Traceback", "core dumped", "Sanitizer")


def check_sentence(text, mentions, log=False):
    lines = text.split("\n")
    sentence = lines[0]
    assert text.endswith("\n") and (log or lines[1:] == [""]), f"not one line: {text!r}"
    assert sentence.startswith("sampan: "), sentence
    assert not re.search(r"[.!?] +[A-Z]", sentence), f"more than one sentence: {sentence}"
    assert not any(trace in sentence for trace in TRACES), sentence
    assert all(c.isprintable() for c in sentence), f"control characters: {sentence!r}"
    assert len(sentence) < 600, f"too long: {sentence}"
    for word in mentions:
        assert str(word) in sentence, f"{str(word)!r} is not in: {sentence}"
    # What to do follows the cause.
    assert "; " in sentence or "(see " in sentence or log, f"no way out: {sentence}"
