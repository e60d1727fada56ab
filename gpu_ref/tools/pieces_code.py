#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The machine code of consumer_pieces' loops beside what the card measured of them, for the simulator's benchmark consumer_pieces.

    pieces_code.py BINARY_OR_SASS RECORD.json OUT.json
RECORD.json is measurements/<card>/consumer_pieces.json of the same build: the compiler orders a piece otherwise in another.
"""
import json
import pathlib
import re
import sys

from machine_code import bodies, kernels, straight, text_of_instruction
from sass_counts import disassemble

PIECE = re.compile(r"piece_kernel.*ShapeILi(\d+)ELi(\d+)ELi\d+ELNS0_7OverlapE(\d)ELi\d+ELNS0_6SourceE(\d)EEELj(\d+)E")
PARTS = ("scores", "softmax", "outputs", "waits", "releases", "mask")
GATHERED = 2  # of enum class Source


def name_of(keys, head, pipelined, gathered, parts):
    return f"{keys} keys, head {head}, {'pipelined' if pipelined else 'none'}, fences {int(gathered)}, {parts}"


def loops(text):
    found = {}
    for kernel, code in kernels(text).items():
        if match := PIECE.search(kernel):
            keys, head, overlap, source, parts = (int(one) for one in match.groups())
            named = "+".join(part for bit, part in enumerate(PARTS) if parts >> bit & 1)
            bodies_found = [body for body in bodies(code) if len(body) > 20 and not any(one[1].startswith("EXIT") for one in body)]
            if bodies_found:
                found[name_of(keys, head, overlap != 0, source == GATHERED, named)] = [
                    text_of_instruction(one) for one in straight(bodies_found[0])]
    return found


def main(arguments):
    if len(arguments) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    code = loops(disassemble(arguments[1]))
    points = []
    for point in json.loads(pathlib.Path(arguments[2]).read_text(encoding="utf-8"))["points"]:
        if point["family"] == "consumer_piece":
            given = point["parameters"]
            name = name_of(given["key_tile"], given["head_size"], given["overlap"] != "none", given["fences"], given["parts"])
            if name not in code:
                print(f"pieces_code: no loop '{name}' in {arguments[1]}", file=sys.stderr)
                return 1
            points.append({"piece": name, "parts": given["parts"], "warpgroups": given["warpgroups"],
                           "turn_cycles": point["metrics"]["turn_cycles"]["value"]})
    pathlib.Path(arguments[3]).write_text(json.dumps({"code": code, "points": points}, indent=0), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
