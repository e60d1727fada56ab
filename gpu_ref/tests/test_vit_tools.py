#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tools of gpu_ref/vit on small files made here, and what vit_bench says without a card. Needs no GPU and no PyTorch."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv.pop(1)  # vit_bench
VIT = pathlib.Path(__file__).resolve().parent.parent / "vit"
HEAD = ("path,name,group,kind,groups,input_channels,output_channels,kernel_height,kernel_width,stride,padding,input_height,"
        "input_width,output_height,output_width,relu,tensor_groups,tensor_height,tensor_width,tensor_channels,inputs,macs\n")
ROW = "full,q,q,linear,1,64,32,1,1,1,0,1,16,1,16,0,1,4,4,32,-1,32768\n"
SHAPE = dict(zip(HEAD.split(",")[4:16], map(int, ROW.split(",")[4:16])))


def layer(name, kind, macs, cycles, **more):
    return {"name": name, "kind": kind, "macs": macs, "cycles": cycles, "energy_j": cycles * 1e-9, **more}


def run_of(path, layers):
    return {"name": path, "machine": "m", "layers": layers, **{key: sum(one[key] for one in layers)
                                                              for key in ("macs", "cycles", "energy_j")}}


def fp16(path, seconds, kind=None):
    parameters = {"path": path, "batch": 1, **({"kind": kind} if kind else {})}
    return {"family": "fp16_kind" if kind else "fp16_path", "parameters": parameters, "median": seconds}


class Tools(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, content):
        file = pathlib.Path(self.folder.name) / name
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(file)

    def tool(self, name, *arguments):
        return subprocess.run([sys.executable, str(VIT / name), *arguments], capture_output=True, text=True, check=False)

    def compare(self, simulated, measured):
        run = self.write("run.json", {"runs": [run_of("full", [layer("q", "linear", 1, 1, output_hash=simulated)])]})
        record = self.write("record.json", {"points": [
            {"family": "int8_layer", "parameters": SHAPE, "hashes": {"outputs": measured}}]})
        return self.tool("compare_hashes.py", run, record, self.write("layers.csv", HEAD + ROW))

    def test_equal_hashes(self):
        done = self.compare("00ff", "00ff")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 distinct layers compared, 0 differ, 0 were not run", done.stdout)

    def test_different_hashes(self):
        done = self.compare("00ff", "00fe")
        self.assertEqual(done.returncode, 1)
        self.assertIn("m full q: simulator 00ff, card 00fe", done.stdout)

    def test_usage(self):
        self.assertEqual(self.tool("compare_hashes.py").returncode, 2)
        self.assertEqual(self.tool("compare_hashes.py", "a", "b", "c").returncode, 2)
        self.assertEqual(self.tool("summary.py").returncode, 2)

    def test_bench_refuses(self):
        layers = self.write("layers.csv", HEAD + ROW)
        for arguments, said in (
            ([], "--layers is needed"),
            (["--layers"], "option --layers needs a value"),
            (["--layers", layers, "--largest", "1e9"], "--largest cannot be '1e9'"),
            (["--layers", layers, "--largest", "1", "--hash-on-host"], "has no layer to run"),
            (["--layers", layers, "--out", "/nowhere/at/all"], "--out /nowhere/at/all is not a folder"),
            (["--layers", "/nowhere"], "cannot read a line of /nowhere"),
            (["--layer", "x"], "unknown option '--layer'"),
        ):
            with self.subTest(arguments=arguments):
                done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)

    def test_bench_hashes_on_the_host(self):
        layers = self.write("layers.csv", HEAD + ROW)
        done = subprocess.run([BINARY, "--layers", layers, "--hash-on-host"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "^[0-9a-f]{16} q linear 1x64x1x16 -> 32, 1x1/1\n$")

    def shares(self, *more):
        full = run_of("full", [layer("c", "conv2d", 60, 100), layer("qk", "matmul", 40, 50), layer("s", "softmax", 0, 50)])
        half = run_of("half", [layer("c", "conv2d", 30, 50)])
        run = self.write("run.json", {"runs": [full, half]})
        record = self.write("record.json", {"points": [
            fp16("full", 4e-4), fp16("full", 3e-4, "conv2d"), fp16("full", 1e-4, "attention"), fp16("half", 3e-4)]})
        return self.tool("shares.py", run, record, *more)

    def test_shares(self):
        done = self.shares()
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line}
        self.assertEqual(rows["conv2d"], ["60.0", "75.0", "50.0", "50.0"])
        self.assertEqual(rows["attention"], ["40.0", "25.0", "50.0", "50.0"])
        self.assertEqual(rows["half"], ["30.0", "75.0", "25.0", "25.0"])

    def test_shares_refuses(self):
        self.assertIn("must be one of m", self.shares("--machine", "n").stderr)
        done = self.shares("--path", "half")
        self.assertEqual(done.returncode, 2)
        self.assertIn("in both: full", done.stderr)


if __name__ == "__main__":
    unittest.main()
