#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks measurement records: the schema, the calibration/validation split, and what a schema cannot say.

    check_records.py [FOLDER_OR_FILE]...      default: gpu_ref/measurements
Exit code 0 when all is well, 1 when a record is wrong, 2 for a usage error. Needs no GPU.
"""
import collections
import json
import math
import pathlib
import sys

import jsonschema

MEASUREMENTS = pathlib.Path(__file__).resolve().parent.parent / "measurements"
# Nothing may be fitted to the points of these families; a record cannot declare one away. Of gpu_bench, those in which two
# mechanisms meet; of the other programs, all: kernels, layers and networks.
GPU_BENCH_COMBINED_FAMILIES = {
    "gather", "gather_sustained", "gather_window", "index_path_with_copy", "instruction_beside_wgmma", "pingpong", "pingpong_sustained",
    "mix_beside_wgmma", "tma_multicast", "wgmma_beside_fill", "wgmma_beside_shared", "wgmma_beside_stores",
}
COMBINED_FAMILIES = GPU_BENCH_COMBINED_FAMILIES | {
    "attention_block_sparse", "attention_crossover", "attention_dense", "attention_gather", "attention_marks", "attention_scaling", "fp16_kind", "fp16_path",
    "int8_layer", "side_by_side_burst", "side_by_side_sustained", "softmax_stream",
}


def schema_errors(record: dict, schema: dict) -> list:
    validator = jsonschema.Draft7Validator(schema)
    found = sorted(validator.iter_errors(record), key=lambda error: list(map(str, error.path)))
    return [f"{'/'.join(map(str, error.path)) or '(top)'}: {error.message[:200]}" for error in found[:20]]


def expected_split(family: str, index: int, combined: set, period: int) -> str:
    return "validation" if family in combined or index % period == period - 1 else "calibration"


def split_errors(record: dict) -> list:
    errors = []
    families = {point["family"] for point in record["points"]}
    combined = set(record["header"]["combined_families"])
    for family in sorted((combined ^ COMBINED_FAMILIES) & families):
        errors.append(f"family {family}: combined_families disagrees with the rule of check_records.py")
    seen = collections.Counter()
    for point in record["points"]:
        family = point["family"]
        expected = expected_split(family, seen[family], COMBINED_FAMILIES, record["header"]["validation_period"])
        if point["split"] != expected:
            errors.append(f"{point['id']}: split is {point['split']}, the rule says {expected}")
        seen[family] += 1
    return errors


def point_errors(point: dict) -> list:
    errors = []
    name = point["id"]
    expected = point["family"] + "/" + ",".join(f"{key}={value}" for key, value in point["parameters"].items())
    if name != expected and not any(isinstance(value, float) for value in point["parameters"].values()):
        errors.append(f"{name}: the id does not spell the parameters ({expected})")
    if point["metric"] not in point["metrics"]:
        errors.append(f"{name}: the metric {point['metric']} is not among the metrics")
    elif not math.isclose(point["metrics"][point["metric"]]["value"], point["median"], rel_tol=1e-5, abs_tol=1e-15):
        errors.append(f"{name}: median {point['median']} differs from the metric's value")
    if point["minimum"] > point["median"] * (1 + 1e-6) + 1e-15:
        errors.append(f"{name}: the minimum is above the median")
    clock = point["sm_clock_hz"]
    if clock is not None and not 0.3e9 < clock < 2.5e9:
        errors.append(f"{name}: SM clock {clock / 1e6:.0f} MHz is not one this chip can have")
    return errors


def record_errors(path: pathlib.Path, schema: dict) -> list:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [str(error)]
    errors = schema_errors(record, schema)
    if errors:
        return errors
    errors = split_errors(record)
    names = collections.Counter(point["id"] for point in record["points"])
    errors += [f"{name}: used {count} times" for name, count in names.items() if count > 1]
    for point in record["points"]:
        errors += point_errors(point)
    header = record["header"]
    if (header["card"], header["suite"]) != (path.parent.name, path.stem):
        errors.append(f"the header says {header['card']}/{header['suite']}, the file is {path.parent.name}/{path.stem}")
    return errors


def record_files(arguments: list) -> list:
    files = []
    for place in map(pathlib.Path, arguments or [MEASUREMENTS]):
        if not place.exists():
            print(f"check_records: {place} does not exist", file=sys.stderr)
            sys.exit(2)
        files += sorted(place.rglob("*.json")) if place.is_dir() else [place]
    return [path for path in files if path.name != "schema.json"]


def main(arguments: list) -> int:
    schema = json.loads((MEASUREMENTS / "schema.json").read_text(encoding="utf-8"))
    files = record_files(arguments)
    wrong = 0
    for path in files:
        for error in record_errors(path, schema):
            print(f"{path}: {error}", file=sys.stderr)
            wrong += 1
    print(f"{len(files)} records, {wrong} errors")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
