# SPDX-License-Identifier: Apache-2.0
"""Draws the curves of a card's page as SVG files, for make_card_page.py. matplotlib is imported only to draw.

A plot has a file, a title and panels. A panel draws one metric of a selection of points (see card_figures.py):
"x" is a parameter or a metric, "y" a metric (default: the point's own), "series" the parameters that tell curves
apart. "style" is line, points or bars; "log" holds x, y or both. A second card is drawn dashed in the same colour.
Each file names the hash of all that it shows, so that a stale one is found without matplotlib.
"""
import hashlib
import json
import pathlib
import re

from card_figures import FigureError, Records, metric_of

HASH = re.compile(r"<!-- data ([0-9a-f]{64}) -->")
PANEL_WIDTH, PANEL_HEIGHT, PANELS_A_ROW = 3.9, 2.9, 3
DRAWING_VERSION = 1  # to be raised when the way of drawing changes


def x_of(point: dict, name: str):
    return point["parameters"][name] if name in point["parameters"] else metric_of(point, name)


def series_of(records: Records, panel: dict, only_where_measured: bool = False) -> dict:
    """Name of each curve -> its (x, y), in the order of x; names in the order of the record."""
    curves = {}
    for point in records.select(panel):
        if only_where_measured and panel.get("y", point["metric"]) not in point["metrics"]:
            continue  # an older record
        label = ", ".join(str(point["parameters"].get(key, "")) for key in panel.get("series", []))
        y = metric_of(point, panel.get("y")) * panel.get("scale", 1)
        curves.setdefault(label, []).append((x_of(point, panel["x"]), y))
    for curve in curves.values():
        if all(not isinstance(x, str) for x, _ in curve):
            curve.sort()
    return curves


def unit_of(records: Records, panel: dict) -> str:
    points = records.select(panel)
    if not points:
        raise FigureError(f"plot of {panel['family']}: no point with {panel.get('where', {})}")
    metric = panel.get("y", points[0]["metric"])
    unit = panel.get("unit", points[0]["metrics"][metric]["unit"])
    return f"{panel.get('label', metric.replace('_', ' '))} [{unit}]" if unit != "1" else metric.replace("_", " ")


def data_of(plot: dict, cards: list) -> list:
    """Per panel: the label of its y axis and, for each card, its curves."""
    return [[unit_of(cards[0], panel), [series_of(card, panel, card is not cards[0]) for card in cards]] for panel in plot["panels"]]


def hash_of(plot: dict, data: list) -> str:
    return hashlib.sha256(json.dumps([DRAWING_VERSION, plot, data], sort_keys=True).encode()).hexdigest()


def stale(plot: dict, cards: list, folder: pathlib.Path) -> str:
    """Why the file of a plot is not what the records give; empty when it is."""
    path = folder / f"{plot['file']}.svg"
    if not path.exists():
        return f"{path} is missing"
    found = HASH.search(path.read_text(encoding="utf-8")[:1000])
    wanted = hash_of(plot, data_of(plot, cards))
    return "" if found and found.group(1) == wanted else f"{path} was drawn from other records"


def short(number: float) -> str:
    """8388608 -> 8M: parameters that reach far are powers of two or multiples of them."""
    for least, factor, letter in ((1 << 30, 1 << 30, "G"), (1 << 20, 1 << 20, "M"), (1 << 12, 1 << 10, "K")):
        if number >= least:
            return f"{number / factor:.3g}{letter}"
    return f"{number:g}"


def _draw_bars(axes, panel: dict, curves: list) -> None:
    names = list(dict.fromkeys(x for card in curves for curve in card.values() for x, _ in curve))
    labels = list(curves[0])
    width = 0.8 / max(1, len(labels))
    for number, label in enumerate(labels):
        places = {name: i + (number - (len(labels) - 1) / 2) * width for i, name in enumerate(names)}
        first = curves[0][label]
        axes.bar([places[x] for x, _ in first], [y for _, y in first], width, label=label, color=f"C{number % 10}")
        for card in curves[1:]:
            others = card.get(label, [])
            axes.plot([places[x] for x, _ in others], [y for _, y in others], "k_", markersize=4)
    axes.set_xticks(range(len(names)), [str(name) for name in names], rotation=60, ha="right", fontsize=6)


def _draw_curves(axes, panel: dict, curves: list) -> None:
    labels = list(dict.fromkeys(label for card in curves for label in card))
    for card, line in zip(curves, ("-", "--")):
        for label, curve in card.items():
            colour = f"C{labels.index(label) % 10}"
            points = panel.get("style") == "points"
            axes.plot([x for x, _ in curve], [y for _, y in curve], color=colour, linewidth=0.9, markersize=2.5,
                      marker=("o" if line == "-" else "x") if points else ".",
                      linestyle="none" if points else line, label=label if line == "-" else None)
    if "x" in panel.get("log", ""):
        axes.set_xscale("log", base=2)
    if all(not isinstance(x, str) for card in curves for curve in card.values() for x, _ in curve):
        axes.xaxis.set_major_formatter(lambda x, _: short(x))
    if "y" in panel.get("log", ""):
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.06 * max(y for card in curves for curve in card.values() for _, y in curve))


def _draw_panel(axes, panel: dict, label: str, curves: list) -> None:
    if panel.get("style") == "bars":
        _draw_bars(axes, panel, curves)
    else:
        _draw_curves(axes, panel, curves)
    axes.set_title(panel.get("title", ""), fontsize=7)
    axes.set_ylabel(label, fontsize=6)
    if panel.get("style") != "bars":
        axes.set_xlabel(panel["x"].replace("_", " "), fontsize=6)
    axes.tick_params(labelsize=6)
    axes.minorticks_off()
    axes.grid(linewidth=0.3)
    if panel.get("series") and len(curves[0]) > 1:
        axes.legend(fontsize=5, title=", ".join(key.replace("_", " ") for key in panel["series"]), title_fontsize=5)


def _style_of_group(found) -> str:
    return f'<g clip-path="{found.group(1)}" style="{found.group(3)}">\n' + found.group(2).replace(
        f' style="{found.group(3)}"', "") + "</g>"


def _compact(svg: str, digest: str) -> str:
    """Fewer digits, no indentation, and one style for all markers of a curve: half the size."""
    svg = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found.group()):.2f}".rstrip("0").rstrip("."), svg)
    svg = re.sub(r"\n +", "\n", svg)
    svg = re.sub(r' id="(?:line2d|text|[xy]tick|patch|matplotlib|axes|figure|legend)[^"]*"', "", svg)
    svg = re.sub(r"<!--.*?-->\n", "", svg)
    svg = re.sub(r'<g clip-path="([^"]*)">\n((?:<use [^>]*style="([^"]*)"/>\n)(?:<use [^>]*style="\3"/>\n)*)</g>',
                 _style_of_group, svg)
    head, rest = svg.split("<svg", 1)
    return f"{head}<!-- data {digest} -->\n<svg{rest}"


def draw(plot: dict, cards: list, folder: pathlib.Path) -> None:
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("svg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    matplotlib.rcParams.update({"svg.hashsalt": "tilewright", "svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans"],
                                "axes.linewidth": 0.5, "path.simplify": True})
    data = data_of(plot, cards)
    columns = min(PANELS_A_ROW, len(data))
    rows = -(-len(data) // columns)
    figure, grid = pyplot.subplots(rows, columns, squeeze=False, layout="constrained",
                                   figsize=(PANEL_WIDTH * columns, PANEL_HEIGHT * rows))
    flat = [axes for row in grid for axes in row]
    for axes, panel, (label, curves) in zip(flat, plot["panels"], data):
        _draw_panel(axes, panel, label, curves)
    for axes in flat[len(data):]:
        axes.set_axis_off()
    path = folder / f"{plot['file']}.svg"
    figure.savefig(path, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    pyplot.close(figure)
    path.write_text(_compact(path.read_text(encoding="utf-8"), hash_of(plot, data)), encoding="utf-8")
