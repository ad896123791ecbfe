"""sampan env lists what the sources read, no more and no less."""
import json
import re

from harness import case

READS = re.compile(r'\b(?:getenv|secure_getenv|env|env_flag|value|variable)\("([A-Z][A-Z0-9_]+)"\)')
BY_THE_SYSTEM = {"PATH"}  # read by posix_spawnp, for us


def variables_of_the_sources(source):
    found = set()
    for folder in ("src", "tools", "examples", "include"):
        for path in (source / folder).rglob("*"):
            if path.suffix in (".cpp", ".h"):
                found.update(READS.findall(path.read_text()))
    return found


@case
def env_lists_every_variable(setup):
    lines = setup.works("env").out.splitlines()
    listed = {line.split()[0] for line in lines[1:]}
    read = variables_of_the_sources(setup.source)
    assert {"SAMPAN_DEVICES", "SAMPAN_CPU_ISA", "HOME"} <= read, read
    assert listed == read | BY_THE_SYSTEM, listed ^ (read | BY_THE_SYSTEM)
    for line in lines[1:]:
        assert len(line.split()) > 3, f"no meaning: {line}"


@case
def env_shows_values(setup):
    out = setup.works("env", env={"SAMPAN_LOG": "er ror", "TMPDIR": None}).out
    assert re.search(r"^SAMPAN_LOG +'er ror' ", out, re.MULTILINE), out
    assert re.search(r"^TMPDIR +\(not set\) ", out, re.MULTILINE), out


@case
def env_does_not_open_devices(setup):
    """It works where nothing else does: it is what helps then."""
    setup.works("env", env={"SAMPAN_DEVICES": "acme", "SAMPAN_CPU_DEVICES": "garbage",
                            "SAMPAN_LOG": "loud", "SAMPAN_TRACE": "/"})


@case
def log_level_unknown(setup):
    for words in (["devices"], ["run"], ["check"]):
        setup.refused(*words, env={"SAMPAN_LOG": "loud"},
                      mentions=["SAMPAN_LOG", "'loud'", "warning"])


@case
def trace_unwritable(setup):
    for path in ("/", "nowhere/trace.json"):
        setup.refused("run", env={"SAMPAN_TRACE": path}, mentions=["SAMPAN_TRACE", path])


@case
def trace_is_json(setup):
    trace = setup.folder / "trace.json"
    setup.works("run", "--device", "cpu", "--tokens", "2", env={"SAMPAN_TRACE": str(trace)})
    events = json.loads(trace.read_text())
    events = events["traceEvents"] if isinstance(events, dict) else events
    assert len(events) > 10 and all("ph" in event for event in events)
