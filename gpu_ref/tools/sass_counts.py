#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the opcodes in the largest loop of a kernel's machine code, and checks them against expectations.

    sass_counts.py BINARY KERNEL_PATTERN            print the counts
    sass_counts.py BINARY --check EXPECTED.json     assert the counts of each listed kernel

A measured loop whose instructions the compiler removed, doubled or replaced measures something else than its name
says. BINARY is an executable, an object file, or a text file made by `cuobjdump --dump-sass`.
"""
import argparse
import collections
import json
import re
import shutil
import subprocess
import sys

INSTRUCTION = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)\s*([^;]*);")
TARGET = re.compile(r"0x([0-9a-f]+)")


def disassemble(path: str) -> str:
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            file.seek(0)
            return file.read().decode()
    tool = shutil.which("cuobjdump") or shutil.which("/usr/local/cuda/bin/cuobjdump")
    if tool is None:
        print("sass_counts: cuobjdump is not installed", file=sys.stderr)
        sys.exit(77)  # ctest: skipped
    return subprocess.run([tool, "--dump-sass", path], check=True, capture_output=True, text=True).stdout


def kernels(text: str) -> dict:
    """Name of each kernel -> [(address, opcode, operands)]."""
    found, current = {}, None
    for line in text.splitlines():
        if "Function :" in line:
            current = found.setdefault(line.split("Function :")[1].strip(), [])
        elif current is not None and (match := INSTRUCTION.search(line)):
            current.append((int(match.group(1), 16), match.group(2), match.group(3)))
    return found


def loops(code: list) -> list:
    """Every backward branch spans a loop: [(first address, last address)]. A branch to itself ends a kernel."""
    spans = []
    for address, opcode, operands in code:
        if opcode.startswith("BRA") and (match := TARGET.search(operands)):
            if int(match.group(1), 16) < address:
                spans.append((int(match.group(1), 16), address))
    return spans


def count(code: list, span: tuple) -> collections.Counter:
    return collections.Counter(opcode.split(".")[0] for address, opcode, _ in code if span[0] <= address <= span[1])


def loop_with_most(code: list, opcode: str) -> collections.Counter:
    """Counts of the smallest loop among those with the most instructions of this opcode."""
    counted = [(count(code, span), span[1] - span[0]) for span in loops(code)]
    if not counted:
        return collections.Counter()
    return max(counted, key=lambda item: (item[0][opcode], -item[1]))[0]


def check(all_kernels: dict, expectations: list) -> list:
    errors = []
    for expected in expectations:
        names = [name for name in all_kernels if re.search(expected["kernel"], name)]
        if not names:
            errors.append(f"no kernel matches {expected['kernel']}")
        for name in names:
            counts = loop_with_most(all_kernels[name], expected["opcode"])
            found = counts[expected["opcode"]]
            wanted = expected.get("count") or f"a multiple of {expected['multiple_of']}"
            right = found == expected["count"] if "count" in expected else found > 0 and found % expected["multiple_of"] == 0
            if not right:
                errors.append(f"{name}: {found} {expected['opcode']} in the measured loop, expected {wanted}")
            anywhere = {opcode.split(".")[0] for _, opcode, _ in all_kernels[name]}
            for opcode in sorted(anywhere.intersection(expected.get("forbidden", []))):
                errors.append(f"{name}: holds {opcode}, which the kernel must do without")
            others = sum(counts.values()) - found
            if others > expected["others_per_instruction"] * found:
                errors.append(f"{name}: {others} other instructions beside {found} {expected['opcode']} in the measured "
                              f"loop, at most {expected['others_per_instruction']} for each allowed: {dict(counts)}")
    return errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("pattern", nargs="?", default=".")
    parser.add_argument("--check", metavar="EXPECTED")
    arguments = parser.parse_args()
    all_kernels = kernels(disassemble(arguments.binary))
    if arguments.check:
        with open(arguments.check, encoding="utf-8") as file:
            errors = check(all_kernels, json.load(file)["loops"])
        for error in errors:
            print(error, file=sys.stderr)
        return 1 if errors else 0
    for name, code in sorted(all_kernels.items()):
        if re.search(arguments.pattern, name):
            print(name)
            for span in loops(code):
                print(f"  loop {span[0]:#x}..{span[1]:#x}: {dict(count(code, span).most_common(12))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
