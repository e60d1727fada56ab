#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The attention programs' messages, the generator of kernels and the tables. Needs no GPU."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".")
GPU_REF = pathlib.Path(__file__).resolve().parent.parent
GENERATOR = GPU_REF / "tools" / "make_attention_kernels.py"
KERNEL = GPU_REF.parent / "configs" / "kernels" / "gather_m128_d128.yaml"


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


class CommandLine(unittest.TestCase):
    def test_usage_errors_exit_2_and_name_what_was_wrong(self):
        for program, arguments, said in (
            ("attention_check", ["--kernel", "gathr"], "unknown kernel 'gathr'; known: block_sparse_128_d128"),
            ("attention_check", ["--runs", "1"], "--runs must be at least 2"),
            ("attention_check", ["--kernel"], "option --kernel needs a value"),
            ("attention_bench", ["--suite", "attention"], "unknown suite 'attention'; known: attention_dense"),
            ("attention_marks", ["--suite", "attention_marks"], "known: attention_marks_before_products"),
            ("attention_bench", ["--out", "/nowhere/at/all"], "--out /nowhere/at/all is not a folder"),
        ):
            with self.subTest(program=program, arguments=arguments):
                done = run(FOLDER / program, *arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")


class Generator(unittest.TestCase):
    def generate(self, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "one.yaml"
            file.write_text(text, encoding="utf-8")
            done = run(sys.executable, GENERATOR, pathlib.Path(folder) / "out", file)
            made = pathlib.Path(folder) / "out" / "one.cu"
            return done, made.read_text(encoding="utf-8") if made.exists() else ""

    def test_every_parameter_reaches_the_kernel(self):
        done, made = self.generate(KERNEL.read_text(encoding="utf-8"))
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in ("kKeyTile = 160;", "kConsumerRegisters = 224;", "kOverlap = Overlap::kPipelined;"):
            self.assertIn(line, made)

    def test_wrong_files_are_refused_and_nothing_is_written(self):
        text = KERNEL.read_text(encoding="utf-8")
        for wrong, said in ((text + "key_tiles: 5\n", "unknown key key_tiles"),
                            (text.replace("stages: 2", "stages: two"), "stages must be an integer"),
                            (text.replace("pipelined", "piplined"), "overlap must be one of none, pipelined, pingpong")):
            done, made = self.generate(wrong)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
            self.assertEqual(made, "")


class Tables(unittest.TestCase):
    def test_crossing_is_interpolated(self):
        sys.path.insert(0, str(GPU_REF / "attention"))
        from tables import crossing
        self.assertEqual(crossing([(0.2, 0.5), (0.8, 0.9), (0.9, 1.1)]), "0.850")
        self.assertEqual(crossing([(0.2, 1.5), (0.8, 1.9)]), "< 0.20")
        self.assertEqual(crossing([(0.2, 0.5), (0.8, 0.9)]), "> 0.80")

    def test_the_recorded_comparison_prints(self):
        done = run(sys.executable, GPU_REF / "attention" / "tables.py", GPU_REF / "measurements" / "h100_sxm")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("gather_m192_d128", done.stdout)

    def test_machine_code_covers_every_kernel(self):
        lists = json.loads((KERNEL.parent / "machine_code.json").read_text(encoding="utf-8"))
        self.assertEqual(sorted(lists), sorted(path.stem for path in KERNEL.parent.glob("*.yaml")))


if __name__ == "__main__":
    unittest.main()
