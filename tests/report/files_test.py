# SPDX-License-Identifier: Apache-2.0
"""Reads the files of the example record back with Python's parsers.

The expected values are those worked out at the head of example_record.cpp, not what the program printed.
usage: files_test.py WRITE_EXAMPLE
"""
import csv
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

WRITE_EXAMPLE = sys.argv.pop(1)
SCHEMAS = pathlib.Path(__file__).parents[2] / "sim/report"
VOID = {"meta", "line", "rect", "circle", "polygon", "br", "path"}
# time in seconds, energies in joules: on chip, with DRAM
RUNS = {"full": (20000, 2e-5, 10e-6, 15e-6), "narrow": (14000, 1.4e-5, 7e-6, 11e-6),
        "shallow": (19000, 1.9e-5, 8e-6, 12.5e-6)}


class Page(html.parser.HTMLParser):
    """Checks that tags nest and collects what the page would load."""

    def __init__(self):
        super().__init__()
        self.open, self.loads, self.words, self.errors = [], [], [], []
        self.ids, self.links = set(), set()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids |= {values["id"]} if "id" in values else set()
        if tag == "a":
            self.links.add(values["href"])
        self.loads += [f"{tag} {key}" for key in ("src", "srcset", "data", "action") if key in values]
        self.loads += [tag] if tag in ("link", "iframe", "img", "object", "embed", "base", "use") else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        while self.open and self.open[-1] in VOID:
            self.open.pop()
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.errors.append((tag, self.getpos()))

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)


class FilesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        for name in ("new/folder", "again"):
            subprocess.run([WRITE_EXAMPLE, str(cls.path / name)], check=True)
        cls.first = cls.path / "new/folder"
        cls.json = json.loads((cls.first / "run.json").read_text())

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def rows(self, name):
        with open(self.first / name, newline="") as file:
            return list(csv.DictReader(file))

    def test_equal_records_give_equal_bytes_and_nothing_else_is_left(self):
        names = sorted(file.relative_to(self.first).as_posix() for file in self.first.rglob("*") if file.is_file())
        self.assertEqual(names, ["layers.csv", "report.html", "report.txt", "resolved.yaml", "run.json", "runs.csv",
                                 "validation/points.csv", "validation/report.html", "validation/report.txt",
                                 "validation/summary.csv", "validation/validate.json"])
        for name in names:
            self.assertEqual((self.first / name).read_bytes(), (self.path / "again" / name).read_bytes(), name)

    def test_json_fits_the_schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads((SCHEMAS / "run.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        self.assertEqual([error.message for error in validator.iter_errors(self.json)], [])
        broken = json.loads(json.dumps(self.json))
        broken["runs"][0]["cycles"] = 1.5
        del broken["runs"][1]["time_s"]
        self.assertEqual(len(list(validator.iter_errors(broken))), 2)

    def test_json_values(self):
        self.assertEqual(list(self.json)[:5],
                         ["schema_version", "version", "configuration_hash", "experiment", "fidelity"])
        for run in self.json["runs"]:
            cycles, time, on_chip, energy = RUNS[run["name"]]
            self.assertEqual(run["cycles"], cycles)
            self.assertIsInstance(run["macs"], int)
            self.assertAlmostEqual(run["time_s"] / time, 1)
            self.assertAlmostEqual(run["energy_on_chip_j"] / on_chip, 1)
            self.assertAlmostEqual(run["energy_j"] / energy, 1)
            self.assertAlmostEqual(run["energy_low_j"] / energy, 0.5)
            self.assertAlmostEqual(run["energy_high_j"] / energy, 2)
            self.assertAlmostEqual(sum(run["energy_by_component_j"].values()) / energy, 1)
            self.assertEqual(sum(layer["cycles"] for layer in run["layers"]), cycles)
            self.assertEqual(sum(run["stalls"]["pe"].values()), cycles)
            self.assertEqual(run["activity"]["mac"], run["macs"])
        self.assertEqual(self.json["runs"][0]["published"]["multiply-accumulates"]["value"], 0.001)
        self.assertEqual([layer["group"] for layer in self.json["runs"][0]["layers"]],
                         ["conv", "enc0.fc1", "enc0.fc1"])

    def test_csv(self):
        for row in self.rows("runs.csv"):
            cycles, time, on_chip, energy = RUNS[row["path"]]
            self.assertEqual(int(row["cycles"]), cycles)
            self.assertAlmostEqual(float(row["time_s"]) / time, 1)
            self.assertAlmostEqual(float(row["energy_on_chip_j"]) / on_chip, 1)
            self.assertAlmostEqual(float(row["energy_j"]) / energy, 1)
            self.assertAlmostEqual((float(row["energy_datapath_j"]) + float(row["energy_dram_j"])) / energy, 1)
        layers = self.rows("layers.csv")
        self.assertEqual(len(layers), 8)
        self.assertEqual(layers[0]["mapping"], 'os_lws, tile "4 x 4"')
        self.assertAlmostEqual(float(layers[0]["time_s"]) / 12e-6, 1)
        self.assertEqual(len(self.rows("runs.csv")), 3)

    def test_text(self):
        text = (self.first / "report.txt").read_text()
        line = {words[0]: words for words in map(str.split, text.splitlines()) if words}
        rows = [row.split() for row in text.splitlines()]
        self.assertIn(["narrow", "0.000600", "14,000", "0.01400", "0.00700", "[0.0035..0.0140]", "0.01100",
                       "[0.0055..0.0220]", "42.9", "70.0", "70.0", "73.3"], rows)
        # pJ per MAC: 0.75 x 10 pJ on chip, 4/6 x 15 pJ with DRAM
        self.assertIn(["fuse", "1", "[40.0..40.0]", "7.500", "0.75", "[0.75..0.75]", "10.000", "0.67", "[0.67..0.67]",
                       "0.75", "[0.75..0.75]"], rows)
        self.assertEqual(line["conv2d"][1:],
                         ["1", "0.000800", "80.0", "0.01200", "60.0", "0.00800", "80.0", "0.01000", "66.7", "0.0"])
        self.assertIn("consistent with", re.sub(r"\s+", " ", text))
        self.assertNotIn("reproduced", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 135)
        table = text.splitlines()[6:10]
        self.assertEqual(len({len(row) for row in table}), 1, "columns line up")

    def page(self, name):
        """The words of a page that nests, loads nothing and links only into itself."""
        source = (self.first / name).read_text()
        page = Page()
        page.feed(source)
        page.close()
        self.assertEqual(page.errors, [])
        self.assertEqual(page.open, [])
        self.assertEqual(page.loads, [])
        self.assertTrue(all(link.startswith("#") for link in page.links), page.links)
        self.assertTrue({link[1:] for link in page.links} <= page.ids, {link[1:] for link in page.links} - page.ids)
        self.assertIsNone(re.search(r"https?:|//\w|url\(|@import|fetch\(|XMLHttp", source))
        self.assertLess(len(source), 1_500_000)
        self.assertNotRegex(source, r"\b(nan|inf)\b")
        return " ".join(page.words)

    def test_page_stands_alone(self):
        words = self.page("report.html")
        for expected in ("0.015", "narrow", "enc0.fc1", "0123abcd", "tilewright run example.yaml", "by hand <1>",
                         "consistent with"):
            self.assertIn(expected, words)
        self.assertNotIn("reproduced", words)

    def test_page_of_a_validation_stands_alone(self):
        words = self.page("validation/report.html")
        for expected in ("30.0", "b512", "+50.0", "bursts are not <modelled>", "matches nothing", "changed: 1 outside",
                         "no twin simulates this", 'shape=4 x "4", <wide>', "by hand, page 1", "tilewright validate"):
            self.assertIn(expected, words)

    def test_json_of_a_validation_fits_the_schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads((SCHEMAS / "validate.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validation = json.loads((self.first / "validation/validate.json").read_text())
        validator = jsonschema.Draft202012Validator(schema)
        self.assertEqual([error.message for error in validator.iter_errors(validation)], [])
        self.assertEqual(list(validation["points"][0])[:9],
                         ["id", "suite", "family", "split", "metric", "unit", "measured", "simulated", "error"])
        self.assertEqual(list(validation["summary"][0]), ["suite", "family", "split", "metric", "n", "mape", "max_error",
                                                          "worst_id", "bias", "pearson", "rank", "baseline_mape"])
        validation["points"][0]["measured"] = "ten"
        self.assertEqual(len(list(validator.iter_errors(validation))), 1)

    def test_csv_of_a_validation(self):
        points = self.rows("validation/points.csv")
        self.assertEqual([row["id"] for row in points],
                         ["b8/cycles", "b64/cycles", "b512/cycles", "zero/conflicts", 'a<b>&"c",d/cycles'])
        self.assertAlmostEqual(float(points[1]["error_fraction"]), -0.1)
        self.assertEqual(points[2]["known_gap"], "b512/*")
        self.assertEqual(points[3]["baseline"], "")
        self.assertEqual(points[4]["parameters"], 'shape=4 x "4", <wide>')
        summary = self.rows("validation/summary.csv")
        self.assertAlmostEqual(float(summary[1]["mape_fraction"]), 0.3)
        self.assertEqual(summary[1]["pearson"], "")

    def test_text_of_a_validation(self):
        text = (self.first / "validation/report.txt").read_text()
        rows = [row.split() for row in text.splitlines()]
        self.assertIn(["chip", "load", "validation", "cycles", "2", "30.0", "50.0", "+20.0", "-", "1.000", "25.0!",
                       "b512/cycles"], rows)
        self.assertIn(["b512/cycles", "validation", "40", "60", "cycle", "+50.0", "-50.0", "known", "gap"], rows)
        self.assertIn(["zero/conflicts", "validation", "0", "3", "1", "+100.0", "-"], rows)
        self.assertIn(["card/tma", "multicast", "validation", "12", "no", "twin", "simulates", "this"], rows)
        for state in ("b512/*: +40.0 to +60.0 %, 1 point, holds", "MATCHES NOTHING", "CHANGED (1 of 1 points)"):
            self.assertIn(state, text)
        self.assertLess(text.index("Simulator against measurement"), text.index("every point"))


if __name__ == "__main__":
    unittest.main()
