#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/h100.md and its plots, and the table of results of gpu_ref/README.md, from the measurement records.

    make_card_page.py            write the page and the plots that are stale (these need matplotlib)
    make_card_page.py --check    write nothing; exit code 1 when the page or a plot is not what the records give
    make_card_page.py --text     write the page only
What is shown is said in card_page.yaml (constants and curves), card_verdicts.yaml and card_summary.yaml. Exit code 2: usage error,
or a figure that the records do not hold.
"""
import argparse
import pathlib
import re
import sys

import yaml

import card_figures
import card_plots
from card_figures import FigureError, Records

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MEASUREMENTS = HERE.parent / "measurements"
PAGE = ROOT / "docs" / "h100.md"
PLOTS = ROOT / "docs" / "h100"
README = HERE.parent / "README.md"
TABLE = re.compile(r"(<!-- results[^\n]*-->\n).*?(\n<!-- end of results -->)", re.DOTALL)
INTRODUCTION = """\
What the shared-memory path of a Hopper SM does, constant by constant and curve by curve. Cycles are SM cycles. A value
is the median over the repeats of a launch; its spread is (largest - smallest) / median of the points that it is
made of, and says how well it repeats, not how well it is known. "Public" is what published sources and simulators'
configurations say. In the plots a solid line is the H100 and a dashed one of the same colour the H200, where it was measured;
of bars, the short black line is the H200.

How the points are measured, and what is doubtful about them, is in [gpu_ref/README.md](../gpu_ref/README.md).
"""


def substituted(node, key: str, value):
    """`node` with $key replaced in every string; a string that is nothing else becomes the value itself."""
    if isinstance(node, dict):
        return {name: substituted(part, key, value) for name, part in node.items()}
    if isinstance(node, list):
        return [substituted(part, key, value) for part in node]
    if isinstance(node, str):
        return value if node == f"${key}" else node.replace(f"${key}", str(value))
    return node


def expanded(constants: list) -> list:
    rows = []
    for constant in constants:
        if "over" not in constant:
            rows.append(constant)
            continue
        (key, values), = constant["over"].items()
        rest = {name: part for name, part in constant.items() if name != "over"}
        rows += [substituted(rest, key, value) for value in values]
    return rows


def families_of(figure) -> list:
    if isinstance(figure, list):
        return [name for part in figure for name in families_of(part)]
    return [figure["family"]] if "family" in figure else families_of(figure.get("of", []))


def value_cell(records: Records, constant: dict) -> str:
    return card_figures.text(card_figures.value(records, constant["figure"]), constant.get("digits", 3))


def other_cell(records: Records, constant: dict) -> str:
    try:
        return value_cell(records, constant)
    except FigureError:
        return ""


def spread_cell(records: Records, figure: dict) -> str:
    spread = card_figures.spread(records, figure)
    return "" if spread is None else f"{100 * spread:.1f} %" if spread >= 0.0005 else "< 0.1 %"


def constants_table(section: dict, cards: list) -> list:
    lines = ["| constant | H100 | spread | H200 | unit | public | record |", "|---|---|---|---|---|---|---|"]
    for constant in expanded(section["constants"]):
        figure = constant["figure"]
        try:
            value = value_cell(cards[0], constant)
        except FigureError:
            if constant.get("optional"):
                continue
            raise
        suites = sorted({suite for name in families_of(figure) for suite in cards[0].suites_of(name)})
        links = ", ".join(f"[{suite}](../gpu_ref/measurements/{cards[0].folder.name}/{suite}.json)" for suite in suites)
        lines.append(f"| {constant['name']} | {value} | {spread_cell(cards[0], figure)} | {other_cell(cards[1], constant)} "
                     f"| {constant['unit']} | {constant.get('public', '')} | {links} |")
    return lines


def verdict_lines(verdict: dict, records: Records) -> list:
    figures = {name: card_figures.text(card_figures.value(records, figure))
               for name, figure in verdict["figures"].items()}
    return [f"### {verdict['title']}", "", f"Public: {verdict['public']}.", "",
            verdict["text"].strip().format(**figures), ""]


def summary_cell(row: dict, card: Records) -> str:
    try:
        figures = {name: card_figures.text(card_figures.value(card, figure)) for name, figure in row["figures"].items()}
    except FigureError:
        return "not measured"
    return row["text"].format(**figures)


def readme_with_results(summary: list, cards: list) -> str:
    """The README with its table of results filled in; a figure that the first card lacks is an error."""
    lines = ["| constant | H100 | H200 | against public figures |", "|---|---|---|---|"]
    for row in summary:
        for figure in row["figures"].values():
            card_figures.value(cards[0], figure)
        cells = [summary_cell(row, card) for card in cards]
        lines.append(f"| {row['constant']} | {cells[0]} | {'the same' if cells[1] == cells[0] else cells[1]} | {row.get('public', '')} |")
    text, found = TABLE.subn(lambda marks: marks.group(1) + "\n".join(lines) + marks.group(2),
                             README.read_text(encoding="utf-8"))
    if found != 1:
        raise FigureError(f"{README} has {found} places for the table of results, not one")
    return text


def cards_table(cards: list) -> list:
    lines = ["| card | driver, CUDA | measured | commit of gpu_bench | points | power limit | memory |",
             "|---|---|---|---|---|---|---|"]
    for card in cards:
        header, device = card.header(), card.header()["device"]
        plain = [record for suite, record in card.suites.items() if not suite.startswith("counters_")]
        commits = ", ".join(sorted({record["header"]["commit"] for record in plain}))
        days = sorted({record["header"]["date"][:10] for record in plain})
        lines.append(f"| {header['card_name']} | {header['driver']}, {header['cuda']} | {' to '.join(dict.fromkeys((days[0], days[-1])))} "
                     f"| {commits} | {sum(len(record['points']) for record in plain)} | {device['power_limit_w']:.0f} W "
                     f"| {card_figures.hbm_peak(card) * 1e-12:.3f} TB/s by bus and clock |")
    return lines


def families_table(card: Records) -> list:
    """Every family: how many points, how many of them held back, and how well they repeat."""
    lines = ["| family | suite | points | validation | median spread | largest spread |", "|---|---|---|---|---|---|"]
    for family, entries in sorted(card.by_family.items()):
        if family.startswith("counters:"):
            continue
        points = [point for _, point in entries]
        spreads = sorted(point["spread"] for point in points)
        held = sum(point["split"] == "validation" for point in points)
        lines.append(f"| {family} | {', '.join(card.suites_of(family))} | {len(points)} | {held} "
                     f"| {100 * spreads[len(spreads) // 2]:.1f} % | {100 * spreads[-1]:.1f} % |")
    return lines


def page_text(page: dict, verdicts: list, cards: list) -> str:
    lines = ["# What an H100 SXM does", "",
             "<!-- Written by gpu_ref/tools/make_card_page.py from gpu_ref/measurements. Do not edit. -->", "",
             INTRODUCTION, *cards_table(cards), "", "## Verdicts where public sources disagree", ""]
    for verdict in verdicts:
        lines += verdict_lines(verdict, cards[0])
    for section in page["sections"]:
        lines += [f"## {section['title']}", ""]
        if "text" in section:
            lines += [section["text"].strip(), ""]
        lines += [*constants_table(section, cards), ""]
        for plot in section.get("plots", []):
            lines += [f"![{plot['title']}](h100/{plot['file']}.svg)", "", f"*{plot['title']}.*", ""]
    lines += ["## How well the points repeat", "",
              "Every family of the H100's records. Spreads are over the repeats of one session; another card of the same name may differ by more.",
              "", *families_table(cards[0]), ""]
    return "\n".join(lines)


def plots_of(page: dict) -> list:
    return [plot for section in page["sections"] for plot in section.get("plots", [])]


def check(texts: dict, page: dict, cards: list) -> list:
    wrong = [f"{path} is not what the records give" for path, text in texts.items()
             if not path.exists() or path.read_text(encoding="utf-8") != text]
    wrong += [found for plot in plots_of(page) if (found := card_plots.stale(plot, cards, PLOTS))]
    known = {f"{plot['file']}.svg" for plot in plots_of(page)}
    return wrong + [f"{path} is on no page" for path in sorted(PLOTS.glob("*")) if path.name not in known]


def write(texts: dict, page: dict, cards: list, text_only: bool) -> None:
    PLOTS.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    for plot in [] if text_only else plots_of(page):
        if card_plots.stale(plot, cards, PLOTS):
            card_plots.draw(plot, cards, PLOTS)
            print(f"drew {plot['file']}.svg")


def main(arguments: list) -> int:
    parser = argparse.ArgumentParser(description="docs/h100.md from the measurement records")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when something is stale")
    parser.add_argument("--text", action="store_true", help="leave the plots alone")
    options = parser.parse_args(arguments)
    page, verdicts, summary = (yaml.safe_load((HERE / f"card_{name}.yaml").read_text(encoding="utf-8"))
                               for name in ("page", "verdicts", "summary"))
    cards = [Records(MEASUREMENTS / card) for card in page["cards"]]
    try:
        texts = {PAGE: page_text(page, verdicts, cards), README: readme_with_results(summary, cards)}
        if options.check:
            wrong = check(texts, page, cards)
            for line in wrong:
                print(f"make_card_page: {line}; run gpu_ref/tools/make_card_page.py", file=sys.stderr)
            return 1 if wrong else 0
        write(texts, page, cards, options.text)
    except FigureError as error:
        print(f"make_card_page: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
