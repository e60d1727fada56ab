#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shares of multiply-accumulates, of GPU time and of accelerator time: by layer kind, and of every path against the full one.

    shares.py RUN.json RECORD.json [--machine NAME] [--path PATH]...

RUN.json: tilewright run ... --format json. RECORD.json: vit_fp16.json. A machine may be left out where the run has one; paths whose
kinds were measured are all shown unless some are named. Exit codes: 0 ok, 2 usage or nothing to compare.
"""
import argparse
import json
import pathlib
import sys

from layers import KINDS, row_of


class Shares:
    def __init__(self, run, record, machine):
        self.simulated = {one["name"]: one for one in run["runs"] if one["machine"] == machine}
        self.paths, self.kinds = {}, {}
        for point in record["points"]:
            path = point["parameters"]["path"]
            if point["family"] == "fp16_path":
                self.paths[path] = point
            elif point["family"] == "fp16_kind":
                self.kinds.setdefault(path, {})[point["parameters"]["kind"]] = point

    def kind_rows(self, path):
        """Per kind: MACs, GPU seconds, accelerator cycles and joules, each as a share of its own sum."""
        macs, cycles, joules = {}, {}, {}
        for layer in self.simulated[path]["layers"]:
            row = row_of(layer["kind"])
            macs[row] = macs.get(row, 0) + layer["macs"]
            cycles[row] = cycles.get(row, 0) + layer["cycles"]
            joules[row] = joules.get(row, 0) + layer["energy_j"]
        seconds = {kind: point["median"] for kind, point in self.kinds[path].items()}
        columns = [macs, seconds, cycles, joules]
        totals = [sum(column.values()) for column in columns]
        return [(kind, [column.get(kind, 0) / total for column, total in zip(columns, totals)])
                for kind in KINDS if any(kind in column for column in columns)]

    def path_rows(self):
        first = next(iter(self.paths))
        rows = []
        for name, point in self.paths.items():
            if name not in self.simulated or first not in self.simulated:
                continue
            ours, whole = self.simulated[name], self.simulated[first]
            rows.append((name, [ours["macs"] / whole["macs"], point["median"] / self.paths[first]["median"],
                                ours["cycles"] / whole["cycles"], ours["energy_j"] / whole["energy_j"]]))
        return rows


def percent(values) -> str:
    return "".join(f"{100 * value:11.1f}" for value in values)


def table(title, rows) -> str:
    head = f"{title:40}" + "".join(f"{name:>11}" for name in ("MACs %", "GPU %", "accel. %", "acc. J %"))
    return "\n".join([head] + [f"{name:40}{percent(values)}" for name, values in rows])


def fail(message: str):
    print(f"shares: {message}", file=sys.stderr)
    sys.exit(2)


def main(arguments: list) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("record")
    parser.add_argument("--machine")
    parser.add_argument("--path", action="append")
    options = parser.parse_args(arguments)
    try:
        run, record = (json.loads(pathlib.Path(file).read_text(encoding="utf-8")) for file in (options.run, options.record))
    except (OSError, ValueError) as error:
        fail(str(error))
    machines = sorted({one["machine"] for one in run["runs"]})
    machine = options.machine or (machines[0] if len(machines) == 1 else None)
    if machine not in machines:
        fail(f"--machine must be one of {', '.join(machines)}")
    shares = Shares(run, record, machine)
    for path in options.path or shares.kinds:
        if path not in shares.kinds or path not in shares.simulated:
            fail(f"path {path}: its kinds are not in both files; in both: "
                 f"{', '.join(sorted(set(shares.kinds) & set(shares.simulated)))}")
        whole, parts = shares.paths[path]["median"], sum(point["median"] for point in shares.kinds[path].values())
        print(table(f"{path}, kinds", shares.kind_rows(path)))
        print(f"on the GPU the kinds alone add up to {parts * 1e6:.0f} us, the path takes {whole * 1e6:.0f} us\n")
    print(table("path, of the first", shares.path_rows()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
