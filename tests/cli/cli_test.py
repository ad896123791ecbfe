#!/usr/bin/env python3
"""Runs cases of the command's behaviour: cli_test.py --sampan PROGRAM --mock PLUGIN --source FOLDER
[--sanitized] CASE... ; --list names them all."""
import argparse
import sys
import tempfile
import traceback
from pathlib import Path

import harness
import device_cases  # noqa: F401  (each registers its cases)
import environment_cases  # noqa: F401
import kernel_cases  # noqa: F401
import model_cases  # noqa: F401
import output_cases  # noqa: F401
import usage_cases  # noqa: F401


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--sampan", type=Path)
    parser.add_argument("--mock", type=Path)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--sanitized", action="store_true")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    if options.list:
        print("\n".join(harness.CASES))
        return 0
    failed = 0
    for name in options.cases or harness.CASES:
        with tempfile.TemporaryDirectory(prefix="sampan-cli.") as folder:
            setup = harness.Setup(options.sampan.resolve(), options.mock.resolve(),
                                  options.source.resolve(), Path(folder), options.sanitized)
            try:
                harness.CASES[name](setup)
            except Exception:
                failed += 1
                print(f"FAILED {name}")
                traceback.print_exc(file=sys.stdout)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
