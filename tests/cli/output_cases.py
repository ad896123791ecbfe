"""What goes to stdout: documented JSON, and an error where it can't be written."""
import json
import os

from harness import case, cases, check_sentence

from device_cases import offer_mocks

NUMBER = (int, float)
DEVICE = {"device": str, "backend": str, "name": str, "vendor": str, "driver_version": str,
          "emulated": bool, "memory_bytes": int, "identity": str, "also": list}
BACKEND = {"backend": str, "status": str, "reason": str, "path": str}
RUN_DEVICE = {"device": str, "backend": str, "emulated": bool, "tokens": list, "text": str,
              "prefill_tokens_per_s": NUMBER, "decode_tokens_per_s": NUMBER, "ttft_ms": NUMBER,
              "memory_bytes": int, "matches_first": bool}


def check_keys(value, keys):
    for key, kind in keys.items():
        assert isinstance(value[key], kind), f"{key}: {value[key]!r}"


@case
def devices_json(setup):
    offer_mocks(setup, ["mock"])
    (setup.folder / "plugins/broken.json").write_text("{")
    (setup.folder / "plugins/broken.json").chmod(0o600)
    out = json.loads(setup.works("devices", "--json").out)
    for device in out["devices"]:
        check_keys(device, DEVICE)
    for backend in out["backends"]:
        check_keys(backend, BACKEND)
        assert backend["status"] in ("loaded", "absent", "refused")
        assert (backend["status"] == "loaded") == (not backend["reason"]), backend
    ids = [device["device"] for device in out["devices"]]
    assert ids[0] == "cpu:0" and "mock:0" in ids, ids
    by_name = {backend["backend"]: backend for backend in out["backends"]}
    assert by_name["cpu"]["status"] == by_name["mock"]["status"] == "loaded"
    assert by_name["broken"]["status"] == "refused" and "broken.json" in by_name["broken"]["reason"]
    assert next(d for d in out["devices"] if d["device"] == "mock:0")["emulated"] is True
    text = setup.works("devices").out
    assert all(word in text for word in ("cpu:0", "mock:0", "broken.json", "(emulated)")), text


@case
def run_json(setup):
    words = ("run", "--device", "cpu", "--tokens", "12", "--prompt", "In the beginning")
    out = json.loads(setup.works(*words, "--json").out)
    assert set(out) >= {"prompt", "devices"} and out["prompt"] == "In the beginning"
    (device,) = out["devices"]
    check_keys(device, RUN_DEVICE)
    assert len(device["tokens"]) == 12 and all(isinstance(t, int) for t in device["tokens"])
    assert device["matches_first"] is True and device["memory_bytes"] > 0
    assert device["prefill_tokens_per_s"] > 0 and device["decode_tokens_per_s"] > 0
    # The same without --json: the prompt, the text behind it, the table.
    text = setup.works(*words).out
    assert text.startswith("In the beginning" + device["text"] + "\n"), text
    assert "cpu:0" in text and "decode tok/s" in text


@case
def run_json_repeats_and_migrates(setup):
    words = ("run", "--device", "cpu", "--tokens", "12", "--json")
    tokens = [json.loads(setup.works(*words, *more).out)["devices"][0]["tokens"]
              for more in ((), (), ("--migrate", "cpu@5"), ("--migrate", "cpu@1"))]
    assert all(each == tokens[0] for each in tokens), tokens
    sampled = [json.loads(setup.works(*words, "--temperature", "1", "--seed", seed).out)
               for seed in ("7", "7", "8")]
    first, again, other = (each["devices"][0]["tokens"] for each in sampled)
    assert first == again and first != other


@case
def perplexity_json(setup):
    text = setup.model / "heldout.txt"
    out = json.loads(setup.works("run", "--device", "cpu", "--perplexity", text, "--json").out)
    (device,) = out["devices"]
    check_keys(device, {"device": str, "tokens": int, "nll": float, "perplexity": float})
    assert device["tokens"] > 1000


@case
def check_json_and_list(setup):
    names = setup.works("check", "--list").out.splitlines()
    assert len(names) == len(set(names)) >= 700
    setup.refused("check", "--filter", "Acme.*", mentions=["Acme.*", "--list"])
    out = json.loads(setup.works("check", "--device", "cpu", "--filter", names[0], "--json",
                                 bounded=False).out)
    assert out["devices"][0]["failed"] == 0 and out["devices"][0]["cases"][0]["name"] == names[0]


DECLARATIONS = {
    "declaration_missing": (None, ["declaration.json"]),
    "declaration_no_json": ("{", ["declaration.json"]),
    "declaration_unknown_key": ('{"later": []}', ["declaration.json", "'later'"]),
    "declaration_of_no_case": ('{"unsupported": [{"test": "Acme.*", "reason": "none"}]}',
                               ["declaration.json", "Acme.*"]),
    "declaration_without_reason": ('{"unsupported": [{"test": "Copy.*"}]}',
                                   ["declaration.json", "reason"]),
}


def bad_declaration(setup, text, mentions):
    if text is not None:
        setup.write("declaration.json", text)
    setup.refused("check", "--device", "cpu", "--declaration", "declaration.json",
                  mentions=mentions)


cases({name: lambda setup, row=row: bad_declaration(setup, *row)
       for name, row in DECLARATIONS.items()})

WRITERS = {
    "devices": ["devices"], "devices_json": ["devices", "--json"], "env": ["env"],
    "help": ["--help"], "check_list": ["check", "--list"],
    "run": ["run", "--device", "cpu", "--tokens", "2"],
    "run_json": ["run", "--device", "cpu", "--tokens", "2", "--json"],
}


def full_output(setup, words):
    with open("/dev/full", "wb") as full:
        result = setup.run(*words, stdout=full)
    assert result.code == 1, result
    check_sentence(result.err, ["output", "stdout"])


cases({f"output_full_{name}": lambda setup, words=words: full_output(setup, words)
       for name, words in WRITERS.items()})


@case
def output_pipe_closed(setup):
    """The reader went away: an end by SIGPIPE or an error, no hang."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        result = setup.run("check", "--list", stdout=pipe)
    assert result.code == 1, result
    check_sentence(result.err, ["output", "stdout"])
