#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Machine code for issue_streams: what an instruction reads, its fields, and the streams that the build writes.

    test_streams.py STREAMS_FOLDER        of the build
"""
import json
import pathlib
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import machine_code  # noqa: E402
import make_streams  # noqa: E402

BUILT = pathlib.Path(sys.argv.pop())
RECORD = ROOT / "measurements" / "h100_sxm" / "issue_streams.json"


class Reads(unittest.TestCase):
    def reads(self, *instructions):
        cache = {}
        return [machine_code.bank_reads(cache, machine_code.registers_read(*one)) for one in instructions][-1]

    def test_operands_are_counted_by_bank(self):
        self.assertEqual(self.reads(("FFMA", "R24, R24, R5, -R6")), [2, 1, 2, 1])
        self.assertEqual(self.reads(("FMNMX", "R9, |R3|, R3, !PT")), [0, 1, 0, 1])  # one register is read once
        self.assertEqual(self.reads(("ISETP.GE.AND", "P0, PT, R4, R7, PT")), [1, 1, 1, 1])
        self.assertEqual(self.reads(("IMAD.MOV.U32", "R8, RZ, RZ, R10")), [1, 0, 1, 0])
        self.assertEqual(self.reads(("LDS", "R8, [R10]")), [0, 0, 0, 0])

    def test_the_cache_keeps_an_operand_of_the_same_place(self):
        kept = ("FFMA", "R20, R3, R8.reuse, R5.reuse")
        self.assertEqual(self.reads(kept, ("FFMA", "R22, R7, R8.reuse, R5.reuse")), [0, 1, 1, 2])
        self.assertEqual(self.reads(kept, ("FFMA", "R22, R8, R7, R5")), [1, 1, 1, 2])  # R8 in another place is read
        self.assertEqual(self.reads(kept, ("FMUL", "R22, R2, R8"), ("FMUL", "R22, R2, R8")), [2, 0, 2, 0])  # not marked again


class Streams(unittest.TestCase):
    def test_fields_of_an_instruction(self):
        word = make_streams.instruction("FFMA", 24, (2, 5, 6), reuse=5, stall=3, yields=True)
        self.assertEqual(make_streams.text_of(word), "FFMA R24, R2.reuse, R5, R6.reuse")
        self.assertEqual(make_streams.issues_of([word]), ["FFMA 3 y p0121"])
        self.assertEqual(make_streams.issues_of([make_streams.instruction("NOP")]), ["NOP 1"])

    def test_what_is_no_frame_is_refused(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\x7fELF" + bytes(0x3c) + struct.pack("<HHH", 64, 0, 0))
            file.flush()
            with self.assertRaises((ValueError, IndexError, struct.error)):
                make_streams.Frame(file.name)

    def test_the_built_streams_are_the_recorded_ones(self):
        streams = json.loads((BUILT / "streams.json").read_text(encoding="utf-8"))
        record = json.loads(RECORD.read_text(encoding="utf-8"))
        built = [(one["name"], one["warps_per_sub_core"], one["beside"]) for one in streams["cases"]]
        recorded = [tuple(point["parameters"].values()) for point in record["points"]]
        self.assertEqual(built, recorded)
        self.assertEqual(len(set(built)), len(built))

    def test_streams_fill_the_frame_with_its_own_registers(self):
        streams = json.loads((BUILT / "streams.json").read_text(encoding="utf-8"))
        frames = [make_streams.Frame(BUILT / f"frame_{kind}.cubin") for kind in ("ss", "rs")]
        usable = set.intersection(*(frame.registers for frame in frames)) | {make_streams.ANY}
        for code in streams["code"].values():
            self.assertEqual(make_streams.BODY % len(code["words"]), 0)
            for text in code["words"]:
                word = int(text, 16)
                name = make_streams.opcode_of(word)
                fields = [] if name == "NOP" else [16] + [make_streams.FIELDS[place] for place in make_streams.OPERANDS[name]]
                self.assertLessEqual({make_streams.bits(word, low, 8) for low in fields}, usable)


if __name__ == "__main__":
    unittest.main()
