#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the machine code of the suite issue_streams, instruction by instruction, for the frames that it is put into.

    make_streams.py FRAME_SS.cubin FRAME_RS.cubin SOFTMAX.json OUT.json    the streams and where they go
    make_streams.py --softmax SASS KERNELS_FOLDER OUT.json                 SOFTMAX.json: the arithmetic of attention loops
A compiler decides registers, order, stalls and reuse of operands; here they are what is asked about. OUT.json:
    offsets   per frame (SS, RS), of its two bodies: byte offsets of the 240 instructions in the cubin
    code      name -> words: 128 bits in hexadecimal, a period that is repeated to 240 instructions;
              text: with registers and .reuse; issue: as machine_code.py writes them (opcode, stall, yield, scoreboards)
    cases     name, first and second (code of even and odd warpgroups), warps_per_sub_core, beside (none, SS, RS), same
Fields of an instruction: opcode bits 0 to 11, destination from bit 16, operands from 24, 32 and 64, then control bits 105 to
125, which machine_code.py describes; bits 122 to 124 keep operands a, b, c in the reuse cache. Registers are even (E) or odd (O):
that decides their bank.
"""
import itertools
import json
import pathlib
import re
import struct
import sys

import machine_code
import yaml

KERNEL = "stream_frame"
BODY = 240
ANY = 255  # as a register: RZ
# Opcode and modifiers, without registers and control.
OPCODES = {
    "FFMA": 0x7223, "FMUL": 0x00400000_0000000000007220, "FADD": 0x7221, "FMNMX": 0x07800000_0000000000007209,
    "MUFU.EX2": 0x00000800_0000000000007308, "F2FP": 0x000010ff_000000000000723e, "LOP3": 0x078e9600_0000000000007212,
    "IMAD": 0x078e0200_0000000000007224, "NOP": 0x7918,
}
FIELDS = {"a": 24, "b": 32, "c": 64}
OPERANDS = {"FFMA": "abc", "FMUL": "ab", "FADD": "ab", "FMNMX": "ab", "MUFU.EX2": "b", "F2FP": "ab", "LOP3": "abc", "IMAD": "abc", "NOP": ""}
WINDOW, STEP = 60, 20  # of a softmax: instructions of one stream, and from one to the next
KERNELS = ("gather_m128_d128", "dense_d128", "dense_d64")


def bits(word, low, count):
    return word >> low & (1 << count) - 1


def with_bits(word, low, count, value):
    return word & ~((1 << count) - 1 << low) | value << low


def opcode_of(word):
    return next((name for name, made in OPCODES.items() if made & 0xfff == word & 0xfff), None)


class Frame:
    """Where the bodies lie in a cubin, and which registers they may use."""

    def __init__(self, path):
        self.data = pathlib.Path(path).read_bytes()
        offset, size = self.section(".text." + KERNEL)
        words = [int.from_bytes(self.data[at:at + 16], "little") for at in range(offset, offset + size, 16)]
        ffma = OPCODES["FFMA"] & 0xfff
        ends = [at for at in range(1, len(words)) if words[at] & 0xfff == 0x947 and words[at - 1] & 0xfff == ffma]
        if len(ends) != 2:
            raise ValueError(f"{path}: {len(ends)} loops of FFMA where the frame has two")
        self.bodies = [[at for at in range(end) if words[at] & 0xfff == ffma][-BODY:] for end in ends]
        self.offsets = [[offset + 16 * at for at in body] for body in self.bodies]
        self.registers = set.intersection(*({bits(words[at], 16, 8) for at in body} for body in self.bodies))
        # The first instruction of a body waits for the loads of its registers.
        self.waits = [bits(words[body[0]], 116, 6) for body in self.bodies]

    def section(self, name):
        table = struct.unpack_from("<Q", self.data, 0x28)[0]
        size, count, strings = struct.unpack_from("<HHH", self.data, 0x3a)
        headers = [struct.unpack_from("<IIQQQQIIQQ", self.data, table + k * size) for k in range(count)]
        for header in headers:
            at = headers[strings][4] + header[0]
            if self.data[at:self.data.index(b"\0", at)].decode() == name:
                return header[4], header[5]
        raise ValueError(f"no section {name}")


class Registers:
    """Sources are read only, destinations written only, so that no instruction depends on another."""

    def __init__(self, frames):
        usable = sorted(set.intersection(*(frame.registers for frame in frames)))
        banks = [[register for register in usable if register % 2 == bank] for bank in (0, 1)]
        self.sources = {"E": banks[0][:15], "O": banks[1][:15]}
        self.destinations = [register for pair in zip(banks[0][15:23], banks[1][15:23]) for register in pair]
        self.banks = banks

    def renamed(self, register):
        bank = self.banks[register % 2]
        return register if register == ANY else bank[register // 2 % len(bank)]


def instruction(name, destination=ANY, operands=(), reuse=0, stall=1, yields=False):
    word = OPCODES[name] | (7 << 5 | 7 << 8) << 105  # no scoreboards
    if name != "NOP":
        word = with_bits(word, 16, 8, destination)
    for field, register in zip(OPERANDS[name], operands):
        word = with_bits(word, FIELDS[field], 8, register)
    return with_issue(with_bits(word, 122, 3, reuse), stall, yields)


def with_issue(word, stall, yields):
    return with_bits(word, 105, 5, stall | (0 if yields else 1) << 4)


class Writer:
    def __init__(self, registers):
        self.registers = registers
        self.code, self.cases = {}, []

    def stream(self, name, banks="", reuse=0, kept="", count=48, **issue):
        """`kept`: operands (a, b, c) that are always the same register; `banks`: of the operands, A: even and odd in turn."""
        places = OPERANDS[name]
        turn = dict.fromkeys(places, 0)
        made = []
        for k in range(count):
            operands = []
            for place, bank in zip(places, banks):
                pool = self.registers.sources["EO"[k % 2] if bank == "A" else bank]
                index = places.index(place)
                operands.append(pool[index] if place in kept else pool[3 + (index + 3 * (turn[place] // (2 if bank == "A" else 1))) % 12])
                turn[place] += 1
            made.append(instruction(name, self.registers.destinations[k % 16], operands, reuse, **issue))
        return made

    def add(self, name, words, second=None, warps=(1,), beside=("none",), same=False):
        first = self.keep(words)
        for kind, count in itertools.product(beside, warps):
            self.cases.append({"name": name, "first": first, "second": self.keep(second) if second else first,
                               "warps_per_sub_core": count, "beside": kind, "same": same})

    def keep(self, words):
        if BODY % len(words):
            raise ValueError(f"a period of {len(words)} instructions does not fill {BODY}")
        made = {"words": [f"{word:032x}" for word in words], "text": [text_of(word) for word in words],
                "issue": issues_of(words)}
        key = next((key for key, code in self.code.items() if code["words"] == made["words"]), None)
        if key is None:
            key = f"code{len(self.code)}"
            self.code[key] = made
        return key


def text_of(word):
    name = opcode_of(word)
    reuse = bits(word, 122, 3)
    parts = [f"R{bits(word, 16, 8)}"] if name != "NOP" else []
    parts += [f"R{bits(word, FIELDS[place], 8)}" + (".reuse" if reuse >> "abc".index(place) & 1 else "") for place in OPERANDS[name]]
    return f"{name} {', '.join(parts)}".strip().replace("R255", "RZ")


def issues_of(words):
    """As the simulator reads them; what the reuse cache keeps goes round with the period."""
    made, cache = [], {}
    for _ in range(2):
        made = []
        for word in words:
            places = OPERANDS[opcode_of(word)]
            read = [(place, bits(word, FIELDS[place], 8), bool(bits(word, 122 + "abc".index(place), 1))) for place in places]
            reads = machine_code.bank_reads(cache, [one for one in read if one[1] != ANY])
            made.append(machine_code.text_of_instruction((0, opcode_of(word), "", bits(word, 105, 21), False, reads)))
    return made


def bursts(words, count, pause):
    """`count` instructions as they are, the last of them followed by a pause."""
    made = [words[k % len(words)] for k in range(BODY)]
    for at in range(count - 1, BODY, count):
        made[at] = with_issue(made[at], pause, True)
    return made


def in_turn(first, second):
    return [word for pair in zip(first[:len(first) // 2], second[:len(second) // 2]) for word in pair]


STREAMS = {
    "FFMA": ("EEE", "EEO", "EOE", "OEE", "EOO"), "FMUL": ("EE", "EO"), "FADD": ("EE", "EO"), "FMNMX": ("EE", "EO"), "F2FP": ("EO",),
    "LOP3": ("EEE", "EOE"), "IMAD": ("EEE", "EOE"), "MUFU.EX2": ("E",), "NOP": ("",),
}
REUSED = [("FFMA", "EEE", "abc", reuse) for reuse in (0, 1, 5, 7)] + [("FFMA", "EEE", "ac", 5), ("FFMA", "EOE", "ac", 5), ("FFMA", "EAO", "ac", 5)] + [
    ("FMUL", "EE", "ab", reuse) for reuse in (0, 1, 3)] + [("FMUL", "EA", "a", 1)]
BESIDE = [("FMUL", "EO"), ("FMUL", "EE"), ("FFMA", "EOE"), ("FFMA", "EEE"), ("FMNMX", "EO"), ("LOP3", "EOE"), ("LOP3", "EEE"), ("IMAD", "EOE"),
          ("MUFU.EX2", "E"), ("NOP", "")]
PAIRED = [("FMUL", "EO"), ("FFMA", "EOE"), ("FMNMX", "EO"), ("IMAD", "EOE"), ("MUFU.EX2", "E"), ("NOP", "")]


def write_operands(writer):
    for name, all_banks in STREAMS.items():
        for banks in all_banks:
            writer.add(f"{name} {banks}".strip(), writer.stream(name, banks), warps=(1, 2, 3))
    for name, banks, kept, reuse in REUSED:
        for stall in (1, 2):
            label = f"{name} {banks} keeps {kept} reuse {reuse} stall {stall}"
            writer.add(label, writer.stream(name, banks, reuse, kept, stall=stall), warps=(1, 2))
        writer.add(f"{name} {banks} keeps {kept} reuse {reuse} 12 then 11", bursts(writer.stream(name, banks, reuse, kept), 12, 11), warps=(1, 2),
                   beside=("SS",))


def write_beside(writer):
    for name, banks in BESIDE:
        for stall in range(1, 9):
            words = writer.stream(name, banks, stall=stall, yields=True)
            label = f"{name} {banks}".strip() + f" stall {stall} yields"
            writer.add(label, words, warps=(1, 2, 3) if stall in (2, 4, 6) else (1,), beside=("SS",))
            writer.add(label, words, beside=("RS",))
    for name, banks, reuse, kept in (("FMUL", "EO", 0, ""), ("FMUL", "EA", 1, "a"), ("FFMA", "EOE", 0, ""), ("FMNMX", "EO", 0, ""), ("NOP", "", 0, "")):
        for count in (4, 12, 24, 48, 240):
            words = bursts(writer.stream(name, banks, reuse, kept), count, 11)
            writer.add(f"{name} {banks}".strip() + f" {count} then 11", words, warps=(1, 2), beside=("none", "SS"))


def write_pairs(writer):
    for first, second in itertools.combinations(PAIRED, 2):
        one, other = (writer.stream(*which) for which in (first, second))
        label = f"{first[0]} and {second[0]}"
        writer.add(f"{label} in turn", in_turn(one, other), warps=(1, 2))
        writer.add(f"{label} in turn, 12 then 11", bursts(in_turn(one, other), 12, 11), warps=(1, 2), beside=("SS",))
        writer.add(f"{label} side by side, 12 then 11", bursts(one, 12, 11), bursts(other, 12, 11), warps=(2,), beside=("none", "SS"))


def write_softmax(writer, softmax):
    for kernel, words in softmax.items():
        renamed = []
        for text in words:
            word = int(text, 16)
            for low in (16, *(FIELDS[place] for place in OPERANDS[opcode_of(word)])):
                word = with_bits(word, low, 8, writer.registers.renamed(bits(word, low, 8)))
            renamed.append(word)
        for at in range(0, len(renamed) - WINDOW + 1, STEP):
            window = renamed[at:at + WINDOW]
            label = f"softmax of {kernel} from {at}"
            writer.add(label, window, warps=(1, 2, 3), same=True)
            writer.add(label, window, warps=(1, 2), beside=("SS",), same=True)


def streams_of(frames, softmax):
    writer = Writer(Registers(frames))
    write_operands(writer)
    write_beside(writer)
    write_pairs(writer)
    write_softmax(writer, softmax)
    return {"offsets": {kind: frame.offsets for kind, frame in zip(("SS", "RS"), frames)},
            "waits": {kind: frame.waits for kind, frame in zip(("SS", "RS"), frames)}, "code": writer.code, "cases": writer.cases}


WORDS = re.compile(r"/\*([0-9a-f]{4,})\*/.*;\s*/\* 0x([0-9a-f]{16}) \*/\s*\n\s*/\* 0x([0-9a-f]{16}) \*/")


def softmax_of(text, folder):
    """Arithmetic of the consumers' loops, in order; conditions and addresses left out."""
    found = {}
    loops = machine_code.kernels(text)
    for kernel in KERNELS:
        parameters = yaml.safe_load((pathlib.Path(folder) / f"{kernel}.yaml").read_text(encoding="utf-8"))
        name = machine_code.kernel_of(loops, kernel)
        begin = text.index("Function : " + name)
        end = text.find("Function :", begin + 12)
        words = {int(at, 16): int(high + low, 16) for at, low, high in WORDS.findall(text[begin:end if end > 0 else len(text)])}
        loop = [words[one[0]] for one in machine_code.straight(machine_code.consumer_loop(loops[name], parameters))]
        # Without predicates; of MUFU, EX2 alone.
        found[kernel] = [f"{with_bits(word, 12, 4, 7):032x}" for word in loop if opcode_of(word) in ("FFMA", "FMUL", "FADD", "FMNMX", "F2FP") or
                         (opcode_of(word) == "MUFU.EX2" and bits(word, 74, 4) == 2)]
    return found


def main(arguments):
    if len(arguments) == 4 and arguments[0] == "--softmax":
        made = softmax_of(pathlib.Path(arguments[1]).read_text(encoding="utf-8"), arguments[2])
        text = json.dumps(made, indent=1)
    elif len(arguments) == 4:
        text = json.dumps(streams_of([Frame(path) for path in arguments[:2]], json.loads(pathlib.Path(arguments[2]).read_text(encoding="utf-8"))))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    pathlib.Path(arguments[-1]).write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
