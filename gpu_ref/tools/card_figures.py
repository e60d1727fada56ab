# SPDX-License-Identifier: Apache-2.0
"""Looks up measured points of a card's records and computes figures from them, for make_card_page.py.

A selection names a family and the parameters that its points must have:
    {"family": "wgmma", "where": {"n": 128, "a": "SS"}}
    A value that is a list allows any of its members. A key that ends in "?" holds only for points that have the
    parameter; "suite" chooses a record, else all records of the card but the profiler's (counters_*) are searched.
A figure is a number computed from records:
    a selection, with "metric" (default: the point's own), "scale" (a factor), "reduce" (median, minimum, maximum or
    sum, of several points); without "reduce" the selection must name one point
    {"op": "sum" | "difference" | "product" | "ratio", "of": [FIGURE, ...], "scale": factor}
    {"hbm_peak": true}    bus width times two times memory clock, from the header
    {"number": 1.5}
"""
import json
import pathlib
import statistics

REDUCERS = {"median": statistics.median, "minimum": min, "maximum": max, "sum": sum}


class FigureError(Exception):
    """A figure that the records do not hold, or hold more than once."""


class Records:
    """The records that gpu_bench, stream_bench and attention_marks made on one card: those of other programs have pages of their own."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        records = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
        self.suites = {suite: record for suite, record in records.items()
                       if record["header"]["command"].startswith(("gpu_bench ", "attention_marks ", "stream_bench "))}
        self.by_family = {}
        for suite, record in self.suites.items():
            for point in record["points"]:
                # What a profiler counted has the family of what it counted: kept apart.
                family = ("counters:" if suite.startswith("counters_") else "") + point["family"]
                self.by_family.setdefault(family, []).append((suite, point))

    def header(self) -> dict:
        return next(record["header"] for suite, record in self.suites.items() if not suite.startswith("counters_"))

    def select(self, selection: dict) -> list:
        points = self.by_family.get(selection["family"], [])
        where = selection.get("where", {})
        return [point for suite, point in points
                if selection.get("suite", suite) == suite and _matches(point["parameters"], where)]

    def suites_of(self, family: str) -> list:
        return sorted({suite for suite, _ in self.by_family.get(family, [])})


def _matches(parameters: dict, where: dict) -> bool:
    for key, wanted in where.items():
        name = key.rstrip("?")
        if name not in parameters:
            if key.endswith("?"):
                continue
            return False
        if parameters[name] not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def metric_of(point: dict, metric: str) -> float:
    if metric is None:
        return point["median"]
    if metric == "sm_clock_hz":
        return point["sm_clock_hz"]
    if metric not in point["metrics"]:
        raise FigureError(f"{point['id']} has no metric {metric}; it has {', '.join(point['metrics'])}")
    return point["metrics"][metric]["value"]


def hbm_peak(records: Records) -> float:
    device = records.header()["device"]
    return device["memory_bus_bits"] / 8 * 2 * device["memory_clock_hz_at_start"]


def _selected(records: Records, figure: dict) -> float:
    points = records.select(figure)
    if not points:
        raise FigureError(f"no point of {figure['family']} with {figure.get('where', {})}")
    values = [metric_of(point, figure.get("metric")) for point in points]
    if "reduce" in figure:
        return REDUCERS[figure["reduce"]](values)
    if len(values) > 1:
        raise FigureError(f"{len(values)} points of {figure['family']} with {figure.get('where', {})}: "
                          f"{points[0]['id']}, {points[1]['id']}, ...")
    return values[0]


def value(records: Records, figure: dict) -> float:
    scale = figure.get("scale", 1)
    if "number" in figure:
        return figure["number"] * scale
    if "hbm_peak" in figure:
        return hbm_peak(records) * scale
    if "op" in figure:
        first, *others = [value(records, part) for part in figure["of"]]
        for other in others:
            first = {"sum": first + other, "difference": first - other, "product": first * other,
                     "ratio": first / other if other else float("nan")}[figure["op"]]
        return first * scale
    return _selected(records, figure) * scale


def spread(records: Records, figure: dict) -> float:
    """The largest spread of the points that a figure is made of; None where no point of it has repeats."""
    if "op" in figure:
        found = [spread(records, part) for part in figure["of"]]
    elif "family" in figure:
        # The spread of a point is that of its own metric; for its other metrics it is the nearest there is.
        found = [point["spread"] if point["repeats"] > 1 else None for point in records.select(figure)]
    else:
        found = []
    found = [one for one in found if one is not None]
    return max(found) if found else None


def text(number: float, digits: int = 3) -> str:
    """`digits` significant digits, four from 1000 on; never an exponent."""
    if number == 0 or number != number:
        return "0" if number == 0 else "n/a"
    digits = max(digits, 4) if abs(number) >= 1000 else digits
    rounded = float(f"{number:.{digits}g}")
    if abs(rounded) >= 10 ** (digits - 1):
        return f"{rounded:,.0f}"
    decimals = max(0, digits - 1 - int(f"{abs(rounded):e}".split("e")[1]))
    return f"{rounded:.{decimals}f}"
