#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The attention kernels' inner loops, instruction by instruction, from their machine code.

    machine_code.py BINARY_OR_SASS KERNELS_FOLDER OUT.json      write them
    machine_code.py BINARY_OR_SASS KERNELS_FOLDER --check FILE  compare; 1 if a loop differs, 77 without cuobjdump
KERNELS_FOLDER is configs/kernels. A loop that does not hold exactly one HGMMA per 16 columns of the head and per 16 keys is
an error: such a kernel does other work than it says. For every kernel: the consumer's loop over tiles and the producer's, one
string an instruction:

    OPCODE STALL [y] [s SCOREBOARD] [r SCOREBOARD] [w SCOREBOARDS] [p READS]

STALL is the number of cycles until the warp's next instruction may issue, y that another warp shall go before it, s the scoreboard that is held until the result
is there, r the one that is held until the operands were read, w those that are waited for: what the compiler wrote into the
instruction's control field (bits 105 to 125 of its 128; found by Jia et al., arXiv 1804.06826, section 2.1). p: how many
registers arithmetic reads of the even and the odd bank, first if the reuse cache still has what the compiler keeps there
(.reuse; one register for each operand), then if it does not. Of opcodes the
modifiers that decide what the instruction does are kept: HGMMA.N.SS or .RS with .last where a batch ends,
WARPGROUP.DEPBAR.n, MUFU.EX2. The branch that masks a partial tile is taken (it is on all tiles but the last). The simulator's
twins run these lists.
"""
import json
import pathlib
import re
import sys

import yaml

from sass_counts import disassemble

INSTRUCTION = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Za-z0-9_.]*)\s*([^;]*);\s*/\* (0x[0-9a-f]{16}) \*/")
CONTROL = re.compile(r"^\s*/\* (0x[0-9a-f]{16}) \*/\s*$")
LONG_BRANCH = 40  # instructions: only the masking of a partial tile is skipped over so many
NONE = 7          # as a scoreboard


def kernels(text):
    """Name of each kernel -> [(address, opcode, operands, control)]."""
    found, current, open_one = {}, None, None
    for line in text.splitlines():
        if "Function :" in line:
            current, open_one = found.setdefault(line.split("Function :")[1].strip(), []), None
        elif current is not None and (match := INSTRUCTION.search(line)):
            open_one = (int(match.group(1), 16), match.group(2), match.group(3))
        elif open_one and (match := CONTROL.match(line)):
            current.append((*open_one, int(match.group(1), 16) >> 41))
            open_one = None
    return found


def branch_target(one):
    match = re.search(r"0x([0-9a-f]+)", one[2]) if one[1].startswith("BRA") else None
    return int(match.group(1), 16) if match else None


def bodies(code):
    """Every backward branch spans a loop; the shortest first."""
    spans = [(target, one[0]) for one in code if (target := branch_target(one)) is not None and target < one[0]]
    return sorted(([one for one in code if first <= one[0] <= last] for first, last in spans), key=len)


ARITHMETIC = {"FFMA", "FMUL", "FADD", "FMNMX", "F2FP", "MUFU", "IMAD", "LOP3", "SHF", "LEA", "VIADD", "IADD3", "ISETP", "SEL", "PRMT", "VIMNMX", "MOV",
              "FSETP"}


def registers_read(opcode, operands):
    """[(operand, register, whether the reuse cache shall keep it)]; predicates and the destination are no operands."""
    if opcode.split(".")[0] not in ARITHMETIC:
        return []
    parts = [part.strip() for part in operands.split(",")]
    parts = [part for part in parts if not re.fullmatch(r"!?U?P(T|\d+)", part)]
    if not opcode.startswith(("ISETP", "FSETP")):
        parts = parts[1:]
    found = ((place, re.search(r"\bR(\d+)", part), ".reuse" in part) for place, part in enumerate(parts))
    return [(place, int(match.group(1)), reuse) for place, match, reuse in found if match]


def bank_reads(cache, read):
    """Even and odd reads with what `cache` (operand -> register) keeps, and without; `cache` is what it is afterwards."""
    counts = []
    for registers in ({one for place, one, _ in read if cache.get(place) != one}, {one for _, one, _ in read}):
        counts += [sum(1 for one in registers if one % 2 == bank) for bank in (0, 1)]
    cache.update({place: one if reuse else None for place, one, reuse in read})
    return counts


def straight(body):
    """Without what a long forward branch skips."""
    kept, skip_to, cache = [], None, {}
    for one in body:
        if skip_to is not None and one[0] < skip_to:
            continue
        skip_to = None
        target = branch_target(one)
        taken = target is not None and one[0] < target <= body[-1][0] and sum(
            1 for other in body if one[0] < other[0] < target) > LONG_BRANCH
        if taken:
            skip_to = target
        kept.append((*one, taken, bank_reads(cache, registers_read(one[1], one[2]))))
    return kept


def name_of(opcode, operands):
    parts = opcode.split(".")
    if parts[0] == "HGMMA":
        columns = parts[1].split("x")[1]
        first = operands.split(",")[1].strip()
        return ".".join(["HGMMA", columns, "SS" if first.startswith("gdesc") else "RS"] + (["last"] if "gsb0" in operands else []))
    if opcode.startswith("WARPGROUP.DEPBAR"):
        return f"WARPGROUP.DEPBAR.{int(operands.split(',')[1].strip(), 16)}"
    keep = {"MUFU": 2, "SYNCS": 3, "WARPGROUP": 2, "BAR": 2, "LDG": 1}
    return ".".join(parts[:keep.get(parts[0], 1)])


def text_of_instruction(one):
    _, opcode, operands, control, taken, reads = one
    text = f"{name_of(opcode, operands)}{'.taken' if taken else ''} {max(control & 15, 1)}"
    if control >> 4 & 1 == 0:
        text += " y"
    if control >> 5 & 7 != NONE:
        text += f" s{control >> 5 & 7}"
    if control >> 8 & 7 != NONE:
        text += f" r{control >> 8 & 7}"
    waits = "".join(str(k) for k in range(6) if control >> 11 + k & 1)
    text += f" w{waits}" if waits else ""
    return text + (" p" + "".join(map(str, reads)) if any(reads) else "")


def count_of(body, prefix):
    return sum(1 for one in body if one[1].startswith(prefix))


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


def kernel_of(found, stem):
    """Name of the kernel that a file of configs/kernels has made."""
    type_name = "".join(part.capitalize() for part in stem.split("_"))
    name = next((name for name in found if f"{len(type_name)}{type_name}EEEv" in name), None)
    if name is None:
        raise ValueError(f"no kernel {stem} in the machine code")
    return name


def loops_of(text, folder):
    found = {name: code for name, code in kernels(text).items() if code}
    out = {}
    for file in sorted(pathlib.Path(folder).glob("*.yaml")):
        parameters = yaml.safe_load(file.read_text(encoding="utf-8"))
        code = found[kernel_of(found, file.stem)]
        for opcode in ("LDL", "STL"):
            if count_of(code, opcode):
                raise ValueError(f"{file.stem} spills: it holds {opcode}")
        out[file.stem] = {"parameters": {key: value for key, value in parameters.items() if key != "kind"}}
        for role, body in (("consumer_tile", consumer_loop(code, parameters)), ("producer_tile", producer_loop(code, parameters))):
            if body is None:
                raise ValueError(f"{file.stem}: no {role} loop with the products or copies of one tile")
            out[file.stem][role] = [text_of_instruction(one) for one in straight(body)]
    return out


def text_of(found):
    """Some instructions a line, so that a change can be read."""
    kernels_text = []
    for name, parts in found.items():
        roles = [f'  "parameters": {json.dumps(parts["parameters"])}']
        for role in ("consumer_tile", "producer_tile"):
            lines = [", ".join(json.dumps(one) for one in parts[role][at:at + 6]) for at in range(0, len(parts[role]), 6)]
            roles.append(f'  "{role}": [\n   ' + ",\n   ".join(lines) + "\n  ]")
        kernels_text.append(f' "{name}": {{\n' + ",\n".join(roles) + "\n }")
    return "{\n" + ",\n".join(kernels_text) + "\n}\n"


def main(arguments):
    if len(arguments) not in (3, 4) or (len(arguments) == 4) != (arguments[2] == "--check"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        found = loops_of(disassemble(arguments[0]), arguments[1])
    except ValueError as error:
        print(f"machine_code: {error}", file=sys.stderr)
        return 1
    if arguments[2] != "--check":
        pathlib.Path(arguments[2]).write_text(text_of(found), encoding="utf-8")
        return 0
    expected = json.loads(pathlib.Path(arguments[3]).read_text(encoding="utf-8"))
    different = [name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)]
    for name in different:
        print(f"machine_code: the loops of {name} differ from {arguments[3]}; write the file anew", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
