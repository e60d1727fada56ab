#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what is in the vit records of a folder, a few dozen lines: INT8 layers, fp16 paths, kinds of the full network."""
import json
import pathlib
import sys


def joules(point: dict) -> str:
    for key in ("joules_per_launch", "joules_per_replay"):
        if key in point["metrics"]:
            return f"{point['metrics'][key]['value'] * 1e3:9.3f} mJ {point['power_w']:5.0f} W"
    return ""


def int8_lines(points: list) -> list:
    lines = [f"{'INT8 layer':24}{'us':>10}{'TMAC/s':>9}  hash"]
    for point in points:
        if point["parameters"]["path"] == "full":
            lines.append(f"{point['parameters']['layer']:24}{point['median'] * 1e6:10.2f}"
                         f"{point['metrics']['macs_per_second']['value'] * 1e-12:9.2f}  {point['hashes']['outputs']} {joules(point)}"
                         f"{'' if point['verified'] else '  WRONG DATA'}")
    wrong = sum(1 for point in points if not point["verified"])
    return lines + [f"{len(points)} INT8 layers, {wrong} wrong"]


def fp16_lines(points: list) -> list:
    lines = [f"{'fp16':44}{'us':>10}{'GMAC':>9}"]
    for point in points:
        name = point["parameters"]["path"] + (" " + point["parameters"]["kind"] if "kind" in point["parameters"] else "")
        if point["family"] == "fp16_path" or point["parameters"]["path"] == "full":
            lines.append(f"{name:44}{point['median'] * 1e6:10.1f}{point['metrics']['macs']['value'] * 1e-9:9.2f}  {joules(point)}")
    return lines


def main(arguments: list) -> int:
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        print("usage: summary.py FOLDER", file=sys.stderr)
        return 2
    for name, lines in (("vit_int8", int8_lines), ("vit_fp16", fp16_lines)):
        file = pathlib.Path(arguments[0]) / f"{name}.json"
        if file.exists():
            print("\n".join(lines(json.loads(file.read_text(encoding="utf-8"))["points"])))
        else:
            print(f"there is no {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
