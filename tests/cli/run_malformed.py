#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every malformed input in tests/cli/malformed and compares exit code and standard error with what is expected.

A case is NAME.stderr beside NAME.yaml (run as `tilewright check NAME.yaml`) or NAME.args (one argument a line).
Every case must end with exit code 2 and leave standard output empty of results for the broken file.

  run_malformed.py path/to/tilewright [--update]    --update writes the expectations; read the difference before committing
"""
import difflib
import pathlib
import subprocess
import sys


def run(tilewright, folder, name):
    arguments = folder / f"{name}.args"
    words = arguments.read_text().splitlines() if arguments.exists() else ["check", f"{name}.yaml"]
    words = [word for word in words if word]
    return subprocess.run([tilewright, *words], cwd=folder, capture_output=True, text=True, timeout=20, check=False)


def main():
    tilewright = pathlib.Path(sys.argv[1]).resolve()
    update = "--update" in sys.argv[2:]
    folder = pathlib.Path(__file__).parent.resolve() / "malformed"
    names = sorted({path.stem for path in folder.iterdir() if path.suffix in (".yaml", ".args")
                    and not path.stem.startswith("helper_")})  # helpers are read by other cases
    failures = 0
    for name in names:
        result = run(tilewright, folder, name)
        expected_file = folder / f"{name}.stderr"
        if update:
            expected_file.write_text(result.stderr)
        expected = expected_file.read_text() if expected_file.exists() else ""
        if result.returncode != 2 or result.stdout or result.stderr != expected or not result.stderr:
            failures += 1
            print(f"{name}: exit code {result.returncode}, standard output {result.stdout!r}")
            print("".join(difflib.unified_diff(expected.splitlines(True), result.stderr.splitlines(True), "expected", "got")))
    count = len(names)
    print(f"{count - failures} of {count} malformed inputs are reported as expected")
    return 1 if failures or count < 60 else 0


if __name__ == "__main__":
    sys.exit(main())
