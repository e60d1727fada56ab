#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instruction counts of the attention kernels' inner loops, phase by phase, from their machine code.

    sass_phases.py BINARY_OR_SASS KERNELS_FOLDER OUT.json      write them
    sass_phases.py BINARY_OR_SASS KERNELS_FOLDER --check FILE  compare; 1 if a count differs, 77 without cuobjdump
KERNELS_FOLDER is configs/kernels. A loop that does not hold exactly one HGMMA per 16 columns of the head and per 16 keys is
an error: such a kernel does other work than it says. For every kernel: the consumer's loop over tiles and the producer's, cut at the
instructions that wait, signal or start something (`ends_with`); what lies between is counted by opcode. The branch
that masks a partial tile is left out (it is skipped on all tiles but the last). The simulator's twins take their
instruction counts from this file.
"""
import json
import pathlib
import re
import sys

import yaml

from sass_counts import disassemble, kernels, loops

MARKERS = ("HGMMA", "WARPGROUP", "SYNCS", "LDGSTS", "UTMALDG", "BAR", "FENCE", "ARRIVES", "LDGDEPBAR", "BRA")
LONG_BRANCH = 40  # instructions: only the masking of a partial tile is skipped over so many


def segments(body):
    """[{ends_with, counts}] of straight code; a forward branch over more than LONG_BRANCH instructions is taken."""
    found, counts, skip_to = [], {}, None
    for index, (address, opcode, operands) in enumerate(body):
        if skip_to is not None and address < skip_to:
            continue
        skip_to = None
        name = opcode.split(".")[0]
        target = re.search(r"0x([0-9a-f]+)", operands) if name == "BRA" else None
        if target and address < int(target.group(1), 16) <= body[-1][0]:
            to = int(target.group(1), 16)
            if sum(1 for one in body if address < one[0] < to) > LONG_BRANCH:
                skip_to = to
        counts[name] = counts.get(name, 0) + 1
        if name in MARKERS and name != "BRA" or index + 1 == len(body):
            found.append({"ends_with": opcode, "counts": dict(sorted(counts.items()))})
            counts = {}
    return found


def merged(parts):
    """Neighbouring segments that end with the same opcode are one, with the number of times it stands there."""
    out = []
    for part in parts:
        if out and out[-1]["ends_with"].split(".")[:2] == part["ends_with"].split(".")[:2]:
            out[-1]["times"] += 1
            for name, count in part["counts"].items():
                out[-1]["counts"][name] = out[-1]["counts"].get(name, 0) + count
        else:
            out.append({"ends_with": part["ends_with"], "times": 1, "counts": dict(part["counts"])})
    return out


def count_of(body, prefix):
    return sum(1 for _, opcode, _ in body if opcode.startswith(prefix))


def bodies(code):
    return sorted(([one for one in code if first <= one[0] <= last] for first, last in loops(code)), key=len)


def consumer_loop(code, parameters):
    products = parameters["head_size"] // 16 + parameters["key_tile"] // 16
    for body in bodies(code):
        if count_of(body, "HGMMA") == products and count_of(body, "MUFU") >= parameters["key_tile"] // 2:
            return body
    return None


def producer_loop(code, parameters):
    opcode = "LDGSTS" if parameters["kernel"] == "gather" else "UTMALDG"
    lanes = parameters["head_size"] // 8
    copies = 2 * parameters["key_tile"] // (128 // lanes) if opcode == "LDGSTS" else 2 * parameters["head_size"] // 64
    for body in bodies(code):
        if count_of(body, opcode) >= copies and count_of(body, "HGMMA") == 0:
            return body
    return None


def phases_of(text, folder):
    found = {name: code for name, code in kernels(text).items() if code}
    out = {}
    for file in sorted(pathlib.Path(folder).glob("*.yaml")):
        parameters = yaml.safe_load(file.read_text(encoding="utf-8"))
        type_name = "".join(part.capitalize() for part in file.stem.split("_"))
        code = next((code for name, code in found.items() if f"{len(type_name)}{type_name}EEEv" in name), None)
        if code is None:
            raise ValueError(f"no kernel {file.stem} in the machine code")
        for opcode in ("LDL", "STL"):
            if count_of(code, opcode):
                raise ValueError(f"{file.stem} spills: it holds {opcode}")
        loops_of = {"consumer_tile": consumer_loop(code, parameters), "producer_tile": producer_loop(code, parameters)}
        for role, body in loops_of.items():
            if body is None:
                raise ValueError(f"{file.stem}: no {role} loop with the products or copies of one tile")
        out[file.stem] = {role: merged(segments(body)) for role, body in loops_of.items()}
    return out


def text_of(found):
    """One segment a line."""
    kernels_text = []
    for name, roles in found.items():
        roles_text = [f'  "{role}": [\n' + ",\n".join("   " + json.dumps(part) for part in parts) + "\n  ]"
                      for role, parts in roles.items()]
        kernels_text.append(f' "{name}": {{\n' + ",\n".join(roles_text) + "\n }")
    return "{\n" + ",\n".join(kernels_text) + "\n}\n"


def main(arguments):
    if len(arguments) not in (3, 4) or (len(arguments) == 4) != (arguments[2] == "--check"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        found = phases_of(disassemble(arguments[0]), arguments[1])
    except ValueError as error:
        print(f"sass_phases: {error}", file=sys.stderr)
        return 1
    if arguments[2] != "--check":
        pathlib.Path(arguments[2]).write_text(text_of(found), encoding="utf-8")
        return 0
    expected = json.loads(pathlib.Path(arguments[3]).read_text(encoding="utf-8"))
    different = [name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)]
    for name in different:
        print(f"sass_phases: the instruction counts of {name} differ from {arguments[3]}; write the file anew",
              file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
