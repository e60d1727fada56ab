#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the output hashes of a functional run of the simulator with those that the card recorded.

    compare_hashes.py RUN.json RECORD.json LAYERS.csv

RUN.json: tilewright run ... --functional --format json. LAYERS.csv says the shape of every layer of the run. Exit codes: 0 all
layers that both computed are equal, 1 some differ or there are none, 2 usage.
"""
import json
import pathlib
import sys

from layers import read_paths

SHAPE = ("groups", "input_channels", "output_channels", "kernel_height", "kernel_width", "stride", "padding", "input_height",
         "input_width", "output_height", "output_width", "relu")


def hashes_of(record: dict) -> dict:
    return {tuple(point["parameters"][key] for key in SHAPE): point["hashes"]["outputs"]
            for point in record["points"] if point["family"] == "int8_layer"}


def main(arguments: list) -> int:
    if len(arguments) != 3:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    try:
        run, record = (json.loads(pathlib.Path(file).read_text(encoding="utf-8")) for file in arguments[:2])
        paths = read_paths(arguments[2])
    except (OSError, ValueError) as error:
        print(f"compare_hashes: {error}", file=sys.stderr)
        return 2
    measured = hashes_of(record)
    compared, missing, different = {}, set(), []
    for simulated in run["runs"]:
        shapes = {layer.name: tuple(layer.numbers[key] for key in SHAPE) for layer in paths.get(simulated["name"], [])}
        for layer in simulated["layers"]:
            if "output_hash" not in layer:
                continue
            shape = shapes.get(layer["name"])
            if shape not in measured:
                missing.add(shape)
                continue
            compared.setdefault(shape, layer["name"])
            if measured[shape] != layer["output_hash"]:
                different.append(f"{simulated['machine']} {simulated['name']} {layer['name']}: simulator "
                                 f"{layer['output_hash']}, card {measured[shape]}")
    for line in different:
        print(line)
    print(f"{len(compared)} distinct layers compared, {len(different)} differ, {len(missing)} were not run on the card")
    return 1 if different or not compared else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
