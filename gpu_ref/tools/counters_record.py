#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Joins the profiler's counters with the points of a suite that was run under it with --once.

    counters_record.py ONCE.json OUT.json CSV...
Each CSV is one profiler run (`ncu --csv --page raw`) over the same launches, in the order of the points of ONCE.json;
several files carry several groups of counters. Clocks under a profiler are not those of a measurement, so only counts
are kept and every time is dropped.
"""
import csv
import json
import pathlib
import sys

PREFIXES = ("smsp__", "l1tex__", "lts__", "dram__", "sm__")


def counters_of(path: str) -> list:
    """One {counter: (value, unit)} per launch."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(line for line in file if line.startswith('"')))
    names, units, launches = rows[0], rows[1], rows[2:]
    kept = [i for i, name in enumerate(names) if name.startswith(PREFIXES) and name.endswith(".sum")]
    return [{names[i]: (float(row[i].replace(",", "")), units[i] or "1") for i in kept} for row in launches]


def joined(point: dict, counters: dict) -> dict:
    first = next(iter(counters))
    value = counters[first][0]
    return {**point, "metric": first, "unit": counters[first][1], "median": value, "minimum": value, "spread": 0.0,
            "repeats": 1, "sm_clock_hz": None, "power_w": None, "verified": None,
            "metrics": {name: {"value": number, "unit": unit} for name, (number, unit) in counters.items()}}


def main(arguments: list) -> int:
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    once, out, files = arguments[0], pathlib.Path(arguments[1]), arguments[2:]
    record = json.loads(pathlib.Path(once).read_text(encoding="utf-8"))
    merged = [{} for _ in record["points"]]
    for path in files:
        launches = counters_of(path)
        if len(launches) != len(merged):
            print(f"counters_record: {path} has {len(launches)} launches, {once} has {len(merged)} points",
                  file=sys.stderr)
            return 1
        for counters, found in zip(merged, launches):
            counters.update(found)
    header = record["header"]
    header.update(suite=out.stem, quick=False, profiler="ncu --clock-control none --cache-control none")
    points = [joined(point, counters) for point, counters in zip(record["points"], merged)]
    with open(out, "w", encoding="utf-8") as file:
        file.write('{"header": ' + json.dumps(header, indent=1) + ',\n"points": [\n')
        file.write(",\n".join(json.dumps(point, separators=(",", ":")) for point in points) + "\n]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
