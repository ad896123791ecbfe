"""Wrong usage: exit code 2, and the word that is wrong."""
from harness import case, cases

WRONG = {
    "usage_no_command": ([], ["command is missing", "--help"]),
    "usage_unknown_command": (["frobnicate"], ["frobnicate", "--help"]),
    "usage_unknown_option": (["run", "--frobnicate"], ["--frobnicate", "--help"]),
    "usage_option_without_value": (["run", "--prompt"], ["--prompt", "--help"]),
    "usage_tokens_zero": (["run", "--tokens", "0"], ["--tokens", "0"]),
    "usage_tokens_negative": (["run", "--tokens", "-1"], ["--tokens", "-1"]),
    "usage_tokens_no_number": (["run", "--tokens", "many"], ["--tokens", "many"]),
    "usage_tokens_overflow": (["run", "--tokens", "99999999999999999999999"], ["--tokens"]),
    "usage_temperature_negative": (["run", "--temperature", "-1"], ["--temperature", "-1"]),
    "usage_temperature_nan": (["run", "--temperature", "nan"], ["--temperature", "nan"]),
    "usage_seed_no_number": (["run", "--seed", "x"], ["--seed", "x"]),
    "usage_migrate_without_tokens": (["run", "--migrate", "cpu"], ["--migrate", "cpu"]),
    "usage_migrate_bad_tokens": (["run", "--migrate", "cpu@x"], ["--migrate", "cpu@x"]),
    "usage_migrate_zero_tokens": (["run", "--migrate", "cpu@0"], ["--migrate", "cpu@0"]),
    "usage_compile_without_file": (["compile"], ["file", "--help"]),
}

cases({name: lambda setup, row=row: setup.refused(*row[0], mentions=row[1], code=2)
       for name, row in WRONG.items()})


@case
def help_and_version_go_to_stdout(setup):
    assert "devices" in setup.works("--help").out
    for command in ("devices", "run", "check", "compile", "env"):
        assert "--help" in setup.works(command, "--help").out
    assert setup.works("--version").out.strip().count(".") == 2
