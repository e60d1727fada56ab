#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiler launcher: runs the command and fails when ptxas reports a C75xx note.

Those notes say that wgmma was serialised or a register hand-over ignored. ptxas does not treat them as warnings,
and a kernel compiled so measures something else than it says.
"""
import re
import subprocess
import sys


def main() -> int:
    done = subprocess.run(sys.argv[1:], stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode == 0 and re.search(r"\(C75\d\d\)", done.stderr):
        print("nvcc_strict: a C75xx note of ptxas counts as an error here", file=sys.stderr)
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
