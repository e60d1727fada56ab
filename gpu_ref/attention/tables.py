#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what the side-by-side records say: speeds as ratios, and the densities at which one kernel overtakes another.

    tables.py gpu_ref/measurements/h100_sxm
"""
import collections
import json
import pathlib
import sys

GATHERS = ("gather_m64_d128", "gather_m128_d128", "gather_m192_d128")
DENSE, BLOCKS = "dense_d128", "block_sparse_128_d128"


def rounds(record):
    """{what was measured: {contender: point}}, in the order of the record."""
    found = collections.OrderedDict()
    for point in record["points"]:
        parameters = dict(point["parameters"])
        contender = parameters.pop("contender")
        found.setdefault(tuple(parameters.items()), {})[contender] = point
    return found


def rate(point):
    return point["metrics"]["tflops"]["value"]


def density(point):
    return point["metrics"]["list_density"]["value"]


def speed_rows(record, kind):
    for what, contenders in rounds(record).items():
        parameters = dict(what)
        if parameters["test"] == "crossover":
            continue
        reference = max(rate(contenders[DENSE]), 0.9 * rate(contenders["cudnn"]))
        for name, point in contenders.items():
            if parameters["test"] != "dense" and name in ("cudnn", DENSE):
                continue
            against = rate(contenders["cudnn"]) if parameters["test"] == "dense" else reference
            if name != "cudnn":
                yield (kind, parameters["test"], f"{parameters['heads']} x {parameters['tokens']}", name,
                       f"{density(point):.3f}", f"{rate(point):.0f}", f"{rate(point) / against:.3f}")


def crossing(pairs):
    """Where the ratio of two times passes 1; `pairs` are (density, ratio), ascending. Text when it does not."""
    if pairs[0][1] >= 1:
        return f"< {pairs[0][0]:.2f}"
    for (below, low), (above, high) in zip(pairs, pairs[1:]):
        if low < 1 <= high:
            return f"{below + (above - below) * (1 - low) / (high - low):.3f}"
    return f"> {pairs[-1][0]:.2f}"


def crossover_rows(record):
    by_run = collections.OrderedDict()
    for what, contenders in rounds(record).items():
        parameters = dict(what)
        if parameters["test"] == "crossover":
            by_run.setdefault(parameters["run"], []).append(contenders)
    for run, measured in by_run.items():
        measured.sort(key=lambda contenders: density(contenders[GATHERS[1]]))
        row = [str(run)]
        for gather in GATHERS[1:]:
            for rival in (DENSE, BLOCKS):
                row.append(crossing([(density(one[gather]), one[gather]["median"] / one[rival]["median"])
                                     for one in measured]))
        blocks = [(density(one[GATHERS[1]]), density(one[BLOCKS])) for one in measured]
        row.append(" ".join(f"{keys:.2f}:{block:.2f}" for keys, block in blocks))
        yield tuple(row)


def show(title, heads, rows):
    rows = [heads, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    print(title)
    for i, row in enumerate(rows):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if i == 0:
            print("  " + "  ".join("-" * width for width in widths))
    print()


def main(arguments):
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    records = {}
    for kind in ("burst", "sustained"):
        path = pathlib.Path(arguments[0]) / f"side_by_side_{kind}.json"
        if path.exists():
            records[kind] = json.loads(path.read_text(encoding="utf-8"))
    if "burst" not in records:
        print(f"tables.py: {arguments[0]} holds no side_by_side_burst.json", file=sys.stderr)
        return 2
    show("Speed per kept FLOP: of dense kernels relative to cuDNN's, of the others to max(dense_d128, 0.9 cuDNN) of the round",
         ("kind", "test", "heads x tokens", "kernel", "density", "TFLOP/s", "ratio"),
         [row for kind, record in records.items() for row in speed_rows(record, kind)])
    show("Density of kept keys up to which a gather is faster (12 heads x 16,384 tokens, burst)",
         ("run", "M=128 than dense", "than block_sparse", "M=192 than dense", "than block_sparse", "keys:blocks kept"),
         list(crossover_rows(records["burst"])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
