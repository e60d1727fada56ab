#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times every execution path of a workload in fp16 on the card, and of some paths each kind of layer alone.

    paths.py --layers FILE.csv --out DIR [--card NAME] [--commit HASH] [--batch N] [--budget SECONDS]

FILE is what `tilewright list layers WORKLOAD --format csv` prints. Writes DIR/vit_fp16.json. Whole paths are one CUDA graph;
a kind is a graph of all its layers, in their order and on the values that the path gave them. Every third point is weighed;
when the budget is used up, the rest is timed only. Exit codes: 0 ok, 1 wrong values or a failed run, 2 usage.
"""
import argparse
import pathlib
import re
import sys
import time

import torch

from layers import KINDS, read_paths
from meter import Meter, Replay, point, write_record
from network import Network

# Error allowed between the fp16 path and the same operations in fp32, relative in the 2-norm over the logits.
TOLERANCE = 2e-2


def kinds_measured(paths: dict) -> list:
    """The full network, then every fifth path: kinds of all of them would take minutes for few different shapes."""
    return list(paths)[::5]


class Run:
    def __init__(self, options):
        self.options, self.meter, self.points = options, Meter(), []
        self.start, self.wrong = time.monotonic(), 0

    def left(self) -> float:
        return self.options.budget - (time.monotonic() - self.start)

    def weighed(self, replay, family):
        """Every third point of a family, as long as there is time."""
        number = sum(1 for one in self.points if one["family"] == family)
        return replay.weigh(self.meter) if number % 3 == 0 and self.left() > 3 else None

    def add(self, family, parameters, work, verified, more):
        replay = Replay(work)
        samples = replay.samples()
        weighed = self.weighed(replay, family)
        self.points.append(point(family, parameters, samples, self.meter, verified, weighed, more))
        median = self.points[-1]["median"]
        joules = f"{weighed['joules'] / weighed['replays'] * 1e3:9.3f} mJ" if weighed else ""
        print(f"{self.points[-1]['id']:80} {median * 1e6:10.1f} us {joules}", file=sys.stderr)

    def macs_of(self, layers, row=None):
        macs = sum(layer.macs for layer in layers if row in (None, layer.row)) * self.options.batch
        return {"macs": {"value": macs, "unit": "mac"}}

    def path(self, name, layers, with_kinds):
        network = Network(layers, self.options.batch, "cuda")
        results = network.outputs()
        verified = None
        if name == next(iter(self.options.paths)):
            verified = self.matches_fp32(network, results[-1])
        base = {"path": name, "batch": self.options.batch}
        self.add("fp16_path", base, network.forward, verified, self.macs_of(layers))
        if not with_kinds:
            return
        for row in KINDS:
            units = [unit for unit in network.units if unit.row == row]
            if units:
                work = [(unit.run, network.arguments(unit, results)) for unit in units]
                more = self.macs_of(layers, row)
                more["layers"] = {"value": len(units), "unit": "layer"}
                self.add("fp16_kind", {**base, "kind": row}, lambda: [run(*inputs) for run, inputs in work], None, more)

    def matches_fp32(self, network, logits):
        """The same operations on the same weights in fp32, layer formulas without cuDNN's or cuBLASLt's fast modes."""
        exact = Network(network.layers, self.options.batch, "cuda", dtype=torch.float32).forward()
        error = ((logits.float() - exact).norm() / exact.norm()).item()
        print(f"fp16 against fp32 logits: relative error {error:.2e}", file=sys.stderr)
        if not error < TOLERANCE:
            self.wrong += 1
            return False
        return True


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layers", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--card", default="")
    parser.add_argument("--commit", default="unknown")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--budget", type=float, default=150)
    options = parser.parse_args(arguments)
    if not options.out.is_dir():
        parser.error(f"--out {options.out} is not a folder")
    if not options.layers.is_file():
        parser.error(f"--layers {options.layers} is not a file")
    if options.batch < 1:
        parser.error("--batch must be 1 or more")
    options.paths = read_paths(options.layers)
    return options


def main(arguments) -> int:
    options = parse(arguments)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cuda.preferred_blas_library("cublaslt")
    run = Run(options)
    suite = "vit_fp16" if options.batch == 1 else f"vit_fp16_batch{options.batch}"
    card = options.card or re.sub("[^a-z0-9]", "_", torch.cuda.get_device_name().lower())
    header = run.meter.header(suite, card, options.commit, f"paths.py --layers LAYERS --batch {options.batch}",
                              ["fp16_kind", "fp16_path"])
    kinds = set(kinds_measured(options.paths))
    with torch.inference_mode():
        for name, layers in options.paths.items():
            try:
                run.path(name, layers, name in kinds)
            except (RuntimeError, ValueError) as error:  # the context may be gone: keep what there is, and fail
                print(f"paths: path {name} stopped: {error}", file=sys.stderr)
                run.wrong += 1
                break
            torch.cuda.empty_cache()
    write_record(options.out / f"{suite}.json", header, run.points)
    print(f"{options.out / suite}.json: {len(run.points)} points, {run.wrong} wrong")
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
