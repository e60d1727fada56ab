#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The machine code of mix_beside's loops beside what the card measured of them, for the simulator's benchmark mix_beside.

    mix_code.py BINARY_OR_SASS RECORD.json OUT.json
RECORD.json is measurements/<card>/mix_beside.json of the same build: the compiler orders a mix otherwise in another.
"""
import collections
import json
import pathlib
import re
import sys

from machine_code import bodies, kernels, straight, text_of_instruction
from sass_counts import disassemble

KERNEL = re.compile(r"mix_kernelILb(\d)ELi(\d+)ELb(\d)E")  # A from registers, batch, operands in registers
OPCODES = {"FFMA": "FFMA", "FMUL": "FMUL", "FADD": "FADD", "FMNMX": "FMNMX", "EX2": "MUFU", "F2FP": "F2FP", "LOP3": "LOP3", "IMAD": "IMAD"}
TURNS = 32  # of a mix in its loop


def content(body):
    """How many of each instruction a turn has; the few that count the loop fall out."""
    counted = collections.Counter(one[1].split(".")[0] for one in body)
    return tuple(sorted((opcode, count // TURNS) for opcode, count in counted.items() if opcode in OPCODES.values() and count >= TURNS))


def name_of(from_registers, batch, registers, what):
    return f"{'RS' if from_registers else 'SS'} {batch} {'registers' if registers else 'constants'} {what}"


def loops(text):
    found = {}
    for kernel, code in kernels(text).items():
        if match := KERNEL.search(kernel):
            shape = [int(one) for one in match.groups()]
            for body in (body for body in bodies(code) if len(body) > 10):  # the shortest first: those around it come later
                products = sum(1 for one in body if one[1].startswith("HGMMA"))
                what = "products" if products == shape[1] else content(body) if products == 0 else ()
                if what and (name := name_of(*shape, what)) not in found:
                    found[name] = [text_of_instruction(one) for one in straight(body)]
    return found


def main(arguments):
    if len(arguments) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    code, points = loops(disassemble(arguments[1])), []
    for point in json.loads(pathlib.Path(arguments[2]).read_text(encoding="utf-8"))["points"]:
        given = point["parameters"]
        shape = (given["a"] == "RS", given["batch"] or 32, given["operands"] == "registers")
        mix = tuple(sorted(collections.Counter(OPCODES[one] for one in given["mix"].split("+")).items()))
        names = name_of(*shape, mix), name_of(*shape, "products") if given["batch"] else None
        for name in names:
            if name is not None and name not in code:
                print(f"mix_code: no loop '{name}' in {arguments[1]}", file=sys.stderr)
                return 1
        points.append({**given, "code": names[0], "matrix": names[1],
                       **{key: point["metrics"][key]["value"] for key in ("turn_cycles", "wgmma_cycles")}})
    pathlib.Path(arguments[3]).write_text(json.dumps({"code": code, "points": points}, indent=0), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
