#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages and exit codes of gpu_bench that need no GPU."""
import subprocess
import sys
import unittest

BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else "gpu_bench"


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False)


class CommandLine(unittest.TestCase):
    def test_list_names_every_suite_on_stdout(self):
        done = run("--list")
        self.assertEqual(done.returncode, 0)
        names = [line.split()[0] for line in done.stdout.splitlines()]
        self.assertEqual(len(names), 29)
        self.assertIn("gather", names)
        self.assertEqual(done.stderr, "")

    def test_usage_errors_exit_2_and_name_what_was_wrong(self):
        for arguments, said in (
            (["--suite", "gathr", "--out", "."], "unknown suite 'gathr'; known: shared_memory"),
            (["--suite"], "option --suite needs a value"),
            (["--out", "/nowhere/at/all"], "--out /nowhere/at/all is not a folder"),
            (["--qick"], "unknown option '--qick'"),
        ):
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
