#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The record checker, the machine-code counter and the header generator, each against small inputs."""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import check_records  # noqa: E402
import counters_record  # noqa: E402
import sass_counts  # noqa: E402

SCHEMA = json.loads((ROOT / "measurements" / "schema.json").read_text(encoding="utf-8"))

SASS = """
	Function : copy_kernel
        /*0000*/                   MOV R1, c[0x0][0x28] ;      /* 0x0 */
        /*0010*/                   LDS.128 R4, [R2] ;          /* 0x0 */
        /*0020*/                   LDS.128 R8, [R2+0x10] ;     /* 0x0 */
        /*0030*/              @P0  BRA 0x10 ;                  /* 0x0 */
        /*0040*/                   EXIT ;                      /* 0x0 */
        /*0050*/                   BRA 0x50;                   /* 0x0 */
"""


def point(number: int, split: str, family: str = "shared_load") -> dict:
    return {"id": f"{family}/n={number}", "family": family, "split": split, "parameters": {"n": number},
            "metric": "cycles", "unit": "cycle", "median": 2.0, "minimum": 1.0, "spread": 0.1, "repeats": 5,
            "metrics": {"cycles": {"value": 2.0, "unit": "cycle"}}, "sm_clock_hz": 1.9e9, "l2_clock_hz": None,
            "memory_clock_hz": None, "power_w": None, "verified": True}


def record() -> dict:
    return {"header": {"schema_version": 1, "suite": "shared_memory", "card": "h200_sxm", "card_name": "NVIDIA H200",
                       "driver": "580", "cuda": "13.0", "date": "2026-11-24T00:00:00Z", "commit": "0123abc",
                       "command": "gpu_bench", "quick": False, "combined_families": [], "validation_period": 3,
                       "device": {"sm_count": 132, "l2_bytes": 1, "memory_bytes": 1, "compute_capability": "9.0"}},
            "points": [point(0, "calibration"), point(1, "calibration"), point(2, "validation")]}


def errors_of(changed: dict) -> list:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "h200_sxm" / "shared_memory.json"
        path.parent.mkdir()
        path.write_text(json.dumps(changed), encoding="utf-8")
        return check_records.record_errors(path, SCHEMA)


class Records(unittest.TestCase):
    def test_a_right_record_passes(self):
        self.assertEqual(errors_of(record()), [])

    def test_each_kind_of_wrong_record_is_named(self):
        def change(said, edit):
            changed = copy.deepcopy(record())
            edit(changed)
            with self.subTest(said):
                self.assertTrue(any(said in error for error in errors_of(changed)), errors_of(changed))

        change("the rule says validation", lambda r: r["points"][2].update(split="calibration"))
        change("used 2 times", lambda r: r["points"].__setitem__(1, copy.deepcopy(r["points"][0])))
        change("False was expected", lambda r: r["header"].update(quick=True))
        change("is a required property", lambda r: r["points"][0].pop("spread"))
        change("verified", lambda r: r["points"][0].update(verified=False))
        change("the minimum is above the median", lambda r: r["points"][0].update(minimum=3.0))
        change("differs from the metric", lambda r: r["points"][0].update(median=2.5))
        change("not one this chip can have", lambda r: r["points"][0].update(sm_clock_hz=9e9))
        change("does not spell the parameters", lambda r: r["points"][0].update(id="shared_load/n=7"))
        change("the file is", lambda r: r["header"].update(card="h100_sxm"))
        change("combined_families disagrees", lambda r: r["header"].update(combined_families=["shared_load"]))

    def test_a_combined_family_cannot_be_declared_away(self):
        changed = record()
        changed["points"] = [point(0, "calibration", "gather")]
        self.assertTrue(any("combined_families disagrees" in error for error in errors_of(changed)))
        self.assertTrue(any("the rule says validation" in error for error in errors_of(changed)))


class Sources(unittest.TestCase):
    """What the kernels declare and what the checker knows must be the same: no record is needed to see it."""

    def test_combined_families_are_the_checkers(self):
        declared = set()
        for path in sorted((ROOT / "micro").glob("*.cu*")):
            text = path.read_text(encoding="utf-8")
            for found in re.finditer(r"bench\.add\(((?:(?!bench\.add\()[^;])*?)Mechanisms::kCombined", text):
                names = re.findall(r'"([a-z0-9_]+)"', found.group(1))
                conditional = found.group(1).rstrip().endswith("?")
                declared.update(names[:1] if conditional else names)
        self.assertEqual(declared, check_records.GPU_BENCH_COMBINED_FAMILIES)

    def test_every_suite_is_described(self):
        listed = re.findall(r'Suite\{"([a-z0-9_]+)"', (ROOT / "micro" / "gpu_bench.cpp").read_text(encoding="utf-8"))
        described = re.findall(r"^\| `([a-z0-9_]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
        self.assertEqual(sorted(listed), sorted(described))


class MachineCode(unittest.TestCase):
    expected = {"kernel": "copy", "opcode": "LDS", "count": 2, "others_per_instruction": 0.5}

    def test_counts_the_loop_and_leaves_the_rest(self):
        code = sass_counts.kernels(SASS)["copy_kernel"]
        self.assertEqual(dict(sass_counts.loop_with_most(code, "LDS")), {"LDS": 2, "BRA": 1})

    def test_expectations(self):
        found = sass_counts.kernels(SASS)
        self.assertEqual(sass_counts.check(found, [self.expected]), [])
        for change, said in (({"count": 4}, "expected 4"), ({"kernel": "absent"}, "no kernel matches"),
                             ({"others_per_instruction": 0.2}, "other instructions"), ({"forbidden": ["MOV"]}, "holds MOV")):
            with self.subTest(change):
                self.assertIn(said, " ".join(sass_counts.check(found, [{**self.expected, **change}])))

    def test_a_removed_loop_is_noticed(self):
        without = {"copy_kernel": [(0, "EXIT", "")]}
        self.assertIn("0 LDS", " ".join(sass_counts.check(without, [self.expected])))


class Counters(unittest.TestCase):
    def test_joins_launches_with_points_and_drops_times(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "once.json").write_text(json.dumps(record()), encoding="utf-8")
            rows = ['"ID","smsp__inst_executed.sum"', '"","inst"'] + [f'"{i}","1,00{i}"' for i in range(3)]
            (place / "a.csv").write_text("==PROF== noise\n" + "\n".join(rows) + "\n", encoding="utf-8")
            out = place / "counters_shared_memory.json"
            self.assertEqual(counters_record.main([str(place / "once.json"), str(out), str(place / "a.csv")]), 0)
            joined = json.loads(out.read_text(encoding="utf-8"))
            self.assertEqual([p["median"] for p in joined["points"]], [1000, 1001, 1002])
            self.assertIsNone(joined["points"][0]["sm_clock_hz"])
            (place / "a.csv").write_text("\n".join(rows[:-1]) + "\n", encoding="utf-8")
            self.assertEqual(counters_record.main([str(place / "once.json"), str(out), str(place / "a.csv")]), 1)


class Generator(unittest.TestCase):
    def test_names_every_accumulator_once(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "wgmma.cuh"
            subprocess.run([sys.executable, str(ROOT / "tools" / "make_wgmma_header.py"), str(out)], check=True)
            text = out.read_text(encoding="utf-8")
        for size in (8, 128, 256):
            body = text.split(f"struct Wgmma<{size}> {{")[1].split("};")[0]
            self.assertEqual(len(re.findall(r'"\+f"', body)), 3 * size // 2)  # ss, rs, rs_across
            self.assertEqual(len(re.findall(r'"=f"', body)), size // 2)  # ss_first


if __name__ == "__main__":
    unittest.main()
