#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How make_card_page.py finds points, computes figures and notices stale plots, on a small set of records."""
import importlib.util
import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import card_figures  # noqa: E402
import card_plots  # noqa: E402
import make_card_page  # noqa: E402

HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None


def point(family: str, median: float, spread: float = 0.1, **parameters) -> dict:
    name = family + "/" + ",".join(f"{key}={value}" for key, value in parameters.items())
    return {"id": name, "family": family, "split": "calibration", "parameters": parameters, "metric": "cycles",
            "unit": "cycle", "median": median, "spread": spread, "repeats": 5, "sm_clock_hz": 1e9,
            "metrics": {"cycles": {"value": median, "unit": "cycle"}, "half": {"value": median / 2, "unit": "1"}}}


def suite(name: str, points: list) -> dict:
    return {"header": {"suite": name, "command": "gpu_bench --suite one", "device": {"memory_bus_bits": 4096, "memory_clock_hz_at_start": 1e9}},
            "points": points}


class WithRecords(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        folder = pathlib.Path(self.place.name) / "card"
        folder.mkdir()
        points = [point("load", 10.0, n=1, a="x"), point("load", 30.0, 0.2, n=2, a="x"), point("load", 7.0, n=1, a="y")]
        (folder / "one.json").write_text(json.dumps(suite("one", points)), encoding="utf-8")
        (folder / "counters_one.json").write_text(json.dumps(suite("counters_one", [point("load", 99.0, n=1, a="x")])),
                                                  encoding="utf-8")
        self.records = card_figures.Records(folder)


class Figures(WithRecords):
    def value(self, **figure) -> float:
        return card_figures.value(self.records, figure)

    def test_a_selection_names_one_point_of_what_was_timed(self):
        self.assertEqual(self.value(family="load", where={"n": 1, "a": "x"}), 10.0)
        self.assertEqual(self.value(family="load", where={"n": 1, "a": "x"}, metric="half", scale=4), 20.0)
        self.assertEqual(self.value(family="counters:load", where={"n": 1}), 99.0)

    def test_none_or_several_points_are_errors_that_say_which(self):
        for figure, said in (({"family": "load", "where": {"n": 3}}, "no point of load with {'n': 3}"),
                             ({"family": "load", "where": {"n": 1}}, "2 points of load with {'n': 1}: load/n=1,a=x"),
                             ({"family": "load", "where": {"n": 2}, "metric": "whole"}, "has no metric whole; it has cycles, half")):
            with self.subTest(figure), self.assertRaisesRegex(card_figures.FigureError, said.replace("{", r"\{")):
                card_figures.value(self.records, figure)

    def test_lists_and_optional_parameters(self):
        self.assertEqual(self.value(family="load", where={"n": [1, 2], "a": "x"}, reduce="maximum"), 30.0)
        self.assertEqual(self.value(family="load", where={"n": 2, "order?": "release"}), 30.0)

    def test_operations(self):
        low, high = {"family": "load", "where": {"n": 1, "a": "x"}}, {"family": "load", "where": {"n": 2}}
        self.assertEqual(self.value(op="difference", of=[high, low]), 20.0)
        self.assertEqual(self.value(op="ratio", of=[high, low], scale=100), 300.0)
        self.assertEqual(self.value(op="sum", of=[high, {"number": 0.5}]), 30.5)
        self.assertEqual(self.value(hbm_peak=True), 4096 / 8 * 2 * 1e9)
        self.assertEqual(card_figures.spread(self.records, {"op": "sum", "of": [low, high]}), 0.2)

    def test_significant_digits(self):
        for number, digits, shown in ((127.93, 4, "127.9"), (4.0, 3, "4.00"), (1750.54, 3, "1,751"), (0.6729, 3, "0.673"),
                                      (99.97, 3, "100"), (0, 3, "0"), (86.74, 3, "86.7")):
            self.assertEqual(card_figures.text(number, digits), shown)


class Page(WithRecords):
    def test_over_makes_a_row_of_each_value(self):
        rows = make_card_page.expanded([{"name": "load $n", "unit": "cycle", "over": {"n": [1, 2]},
                                         "figure": {"family": "load", "where": {"n": "$n", "a": "x"}}}])
        self.assertEqual([row["name"] for row in rows], ["load 1", "load 2"])
        self.assertEqual([card_figures.value(self.records, row["figure"]) for row in rows], [10.0, 30.0])

    def test_a_verdict_shows_the_records_numbers(self):
        verdict = {"title": "Loads", "public": "12", "text": "**{a} cycles.**",
                   "figures": {"a": {"family": "load", "where": {"n": 2}}}}
        self.assertIn("**30.0 cycles.**", make_card_page.verdict_lines(verdict, self.records))


class Plots(WithRecords):
    plot = {"file": "loads", "title": "Loads", "panels": [{"family": "load", "x": "n", "series": ["a"]}]}

    def test_curves_are_told_apart_and_sorted(self):
        self.assertEqual(card_plots.series_of(self.records, self.plot["panels"][0]), {"x": [(1, 10.0), (2, 30.0)], "y": [(1, 7.0)]})

    def test_short_numbers(self):
        self.assertEqual([card_plots.short(n) for n in (32, 1024, 4096, 1 << 21)], ["32", "1024", "4K", "2M"])

    @unittest.skipUnless(HAS_MATPLOTLIB, "matplotlib is not installed")
    def test_a_drawn_plot_is_fresh_until_its_records_change(self):
        folder = pathlib.Path(self.place.name)
        self.assertIn("is missing", card_plots.stale(self.plot, [self.records], folder))
        card_plots.draw(self.plot, [self.records], folder)
        first = (folder / "loads.svg").read_bytes()
        self.assertEqual(card_plots.stale(self.plot, [self.records], folder), "")
        card_plots.draw(self.plot, [self.records], folder)
        self.assertEqual((folder / "loads.svg").read_bytes(), first)
        self.records.by_family["load"][0][1]["median"] = 11.0
        self.assertIn("other records", card_plots.stale(self.plot, [self.records], folder))


if __name__ == "__main__":
    unittest.main()
