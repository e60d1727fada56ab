#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the tilewright executable to its contract: where output goes, exit codes, catalogues, JSON Schema, completion.

  run_contract.py path/to/tilewright
"""
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TILEWRIGHT = pathlib.Path(sys.argv[1]).resolve()
MALFORMED = ROOT / "tests/cli/malformed"


def run(*words, cwd=ROOT, **more):
    return subprocess.run([str(TILEWRIGHT), *words], cwd=cwd, capture_output=True, text=True, timeout=60, check=False, **more)


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def result_of(*words, **more):
    """Standard output of a command that must succeed and say nothing else."""
    result = run(*words, **more)
    expect(result.returncode == 0 and result.stderr == "", f"{words}: {result.returncode}\n{result.stderr}")
    return result.stdout


def shipped_files():
    for path in sorted((ROOT / "configs").rglob("*.yaml")):
        content = yaml.safe_load(path.read_text())
        if isinstance(content, dict) and content.get("kind") in kinds():
            yield path, content


def kinds():
    return [row["name"] for row in json.loads(result_of("list", "kinds", "--format", "json"))]


def test_version_and_help():
    expect(re.fullmatch(r"tilewright \d+\.\d+\.\d+\n", result_of("--version")), "version")
    expect("Exit codes" in result_of("--help"), "help")
    for command in ("run", "map", "validate", "report", "compare", "check", "list", "schema", "completion"):
        expect(f"Usage: tilewright {command}" in result_of(command, "--help"), f"help of {command}")


def test_check_accepts_every_shipped_file_from_anywhere():
    files = [str(path.relative_to(ROOT)) for path, _ in shipped_files()]
    expect(len(files) >= 4, f"only {files}")
    with tempfile.TemporaryDirectory() as elsewhere:
        lines = result_of("check", *files, cwd=elsewhere).splitlines()
    expect([line.split(":")[0] for line in lines] == files and all(": ok (" in line for line in lines), str(lines))


def test_check_reports_broken_files_and_goes_on():
    good = ROOT / "configs/arch/keller_core_5nm.yaml"
    result = run("check", str(MALFORMED / "file_empty.yaml"), str(good))
    expect(result.returncode == 2, "exit code")
    expect("ok (accelerator)" in result.stdout and "config.empty" in result.stderr, result.stdout + result.stderr)


def test_overrides_apply_in_order():
    good = "configs/arch/keller_core_5nm.yaml"
    result_of("check", good, "--set", "pe.lanes=7", "--set", "pe.lanes=8")
    expect(run("check", good, "--set", "pe.lanes=8", "--set", "pe.lanes=7").returncode == 2, "the last one counts")


MACHINE = "configs/arch/magnet_16pe_5nm_lpddr5.yaml"


def test_map_prints_a_loop_nest_and_both_evaluations():
    text = result_of("map", MACHINE, "segformer_b2_ade:enc3.0.q", "--budget", "2000")
    for part in ("output channels", "chunks of the reduction", "evaluations", "mapspace", "simulated"):
        expect(part in text, f"{part}: {text}")


def test_map_json_has_the_keys_of_the_contract():
    words = ("map", MACHINE, "configs/workloads/segformer_b2_ade_paths.yaml:enc3.0.qk", "--budget", "2000", "--objective", "edp")
    result = json.loads(result_of(*words, "--format", "json"))
    expect(result["schema_version"] == 1 and result["machine"] == "magnet_16pe_5nm_lpddr5", str(result))
    (layer,) = result["layers"]
    for key in ("name", "evaluations", "evaluations_per_s", "mapspace_size", "proof", "gap", "best"):
        expect(key in layer, key)
    best = layer["best"]
    expect(abs(best["edp"] / ((best["cycles"] + best["expected_wait_cycles"]) * best["energy_j"]) - 1) < 1e-9, str(best))
    expect(layer["simulated"]["cycles"] >= layer["simulated"]["model_cycles"], "a lower bound")
    expect(best["activity"]["mac"] == layer["macs"] and "dram_activate" not in best["activity"], str(best["activity"]))
    again = json.loads(result_of(*words, "--format", "json"))["layers"][0]
    expect(again["best"] == best and again["gap"] == layer["gap"], "the same twice")
    rows = result_of(*words, "--format", "csv").splitlines()
    expect(len(rows) == 2 and rows[0].startswith("layer,"), rows)


def test_map_prints_a_pareto_front():
    words = ("map", MACHINE, "segformer_b2_ade:enc3.0.q", "--budget", "3000", "--no-simulation", "--pareto")
    result = json.loads(result_of(*words, "--format", "json"))
    points = result["layers"][0]["pareto"]
    expect(len(points) >= 2, str(points))
    for one, next_one in zip(points, points[1:]):
        expect(one["expected_cycles"] < next_one["expected_cycles"] and one["energy_j"] > next_one["energy_j"], "a front")
    best = result["layers"][0]["best"]
    expect(abs(points[0]["expected_cycles"] - best["cycles"] - best["expected_wait_cycles"]) < 1e-6, "its first point is the fastest")
    expect("Pareto front by the model" in result_of(*words), "text")
    plain = json.loads(result_of(*words[:-1], "--format", "json"))["layers"][0]
    expect("pareto" not in plain, "only where asked for")


def test_map_says_which_tensors_stay():
    small = ("map", MACHINE, "segformer_b2_ade:enc3.0.qk", "--no-simulation", "--strategy", "two_stage", "--set",
             "global_buffer.capacity=1 MiB", "--objective", "edp", "--format", "json")
    kept = {rule: json.loads(result_of(*small, "--residency", rule))["residency"] for rule in ("none", "greedy", "search")}
    expect(kept["none"]["kept"] == 0 and kept["none"]["kept_outputs_of"] == [], str(kept["none"]))
    edp = {rule: one["expected_cycles"] * one["expected_energy_j"] for rule, one in kept.items()}
    expect(edp["search"] < edp["greedy"] < edp["none"], str(edp))
    expect(kept["search"]["greedy_expected_cycles"] == kept["greedy"]["expected_cycles"], "the same rule in both")


def test_map_maps_each_distinct_layer_once():
    words = ("map", MACHINE, "segformer_b0_ade", "--budget", "200", "--strategy", "descent", "--no-simulation", "--format", "json")
    layers = json.loads(result_of(*words))["layers"]
    expect(sum(layer["alike"] for layer in layers) > 2 * len(layers), "repeated shapes")
    expect(len({layer["name"] for layer in layers}) == len(layers), "names")


def test_map_names_what_is_wrong():
    def error(code, text, *words):
        result = run("map", *words)
        expect(result.returncode == code and text in result.stderr and result.stdout == "", f"{words}: {result.returncode} {result.stderr}")

    error(2, "did you mean 'Conv2DFuse'?", MACHINE, "segformer_b2_ade:Conv2DFuze")
    error(2, "did you mean 'segformer_b2_ade'?", MACHINE, "segformer_b2_adr")
    error(2, "did you mean 'energy'?", MACHINE, "segformer_b2_ade", "--objective", "enrgy")
    error(2, "did you mean 'fuse_2048'?", MACHINE, "configs/workloads/segformer_b2_ade_paths.yaml:Conv2DFuse", "--path", "fuse_2049")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "narrow.yaml"
        narrow = "kind: mapping_constraints\nname: narrow\ndescription: too narrow\n"
        file.write_text(narrow + "tile_rows: {one_of: [7]}\n")
        error(2, "the constraint 'tile_rows' of 'narrow' allows no mapping", MACHINE, "segformer_b2_ade:Conv2DFuse", "--constraints", str(file))
        file.write_text(narrow + "chunk_channels: {whole: true}\nblock_columns: {at_least: 16}\n")
        error(1, "narrow", MACHINE, "segformer_b2_ade:Conv2DFuse", "--constraints", str(file), "--set", "pe.input_buffer=1 KiB")
        file.write_text(narrow + "tile_rowz: {one_of: [7]}\n")
        error(2, "did you mean 'tile_rows'?", MACHINE, "segformer_b2_ade:Conv2DFuse", "--constraints", str(file))


def test_map_can_be_interrupted():
    with subprocess.Popen([str(TILEWRIGHT), "map", MACHINE, "segformer_b2_ade", "--budget", "100000000"], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        expect(process.returncode == 130 and output == b"", f"{process.returncode}")


def test_catalogues():
    names = [row["name"] for row in json.loads(result_of("list", "actions", "--format", "json"))]
    expect("mac" in names and "dram_refresh" in names, str(names))
    networks = {row["name"]: row for row in json.loads(result_of("list", "networks", "--format", "json"))}
    expect(networks["segformer_b2_ade"]["gmac"] == "62.34", "SegFormer-B2 has 62.34 GMAC")
    expect("keller_core_5nm" in result_of("list", "machines"), "machines")
    expect("pe0" in result_of("list", "modules", "configs/arch/keller_core_5nm.yaml"), "modules")
    expect("Conv2DFuse" in result_of("list", "layers", "configs/workloads/segformer_b2_ade_paths.yaml"), "layers")
    suites = [row["name"] for row in json.loads(result_of("list", "suites", "--format", "json"))]
    expect(suites[0] == "accelerator" and "h200_sxm/wgmma" in suites, str(suites))
    for what in ("experiments", "dataflows", "layer-kinds", "stalls", "suites", "kinds", "diagnostics"):
        expect(len(result_of("list", what).splitlines()) >= 1, what)
        csv = result_of("list", what, "--format", "csv").splitlines()
        expect(len(csv) == len(json.loads(result_of("list", what, "--format", "json"))) + 1, f"{what} as CSV")


def test_json_schema_accepts_what_ships_and_refuses_what_is_malformed():
    schemas = {kind: json.loads(result_of("schema", kind)) for kind in kinds()}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, content in shipped_files():
        jsonschema.validate(content, schemas[content["kind"]], cls=jsonschema.Draft202012Validator)
    for name in ("key_misspelt", "key_unknown", "key_missing", "integer_fraction", "integer_word", "integer_zero",
                 "integer_quoted", "size_bare", "size_case", "size_unknown_unit", "frequency_size", "word_misspelt",
                 "word_list_empty", "switch_yes", "section_is_number", "value_is_list", "real_too_large",
                 "path_three_stages", "source_without_value", "source_unknown_key"):
        content = yaml.load((MALFORMED / f"{name}.yaml").read_text(), Loader=yaml.BaseLoader if name == "switch_yes"
                            else yaml.SafeLoader)
        valid = jsonschema.Draft202012Validator(schemas[content["kind"]]).is_valid(content)
        # A section of an extending file may leave keys out, so only the loader can miss 'value' in it.
        expect(valid == (name == "source_without_value"), f"{name}: valid is {valid}")


def test_keys_are_documented():
    text = result_of("schema", "accelerator", "--format", "text")
    expect(re.search(r"^pe\.lanes +an integer, 1 \.\. 256, a power of two +required +output channels", text, re.MULTILINE),
           text)
    rows = json.loads(result_of("list", "kinds", "--format", "json"))
    for row in rows:
        lines = result_of("schema", row["name"], "--format", "csv").splitlines()
        expect(len(lines) > 3 and lines[0] == "key,value,default,description", row["name"])


def test_documentation_lists_every_code():
    listed = {row["code"] for row in json.loads(result_of("list", "diagnostics", "--format", "json"))}
    headings = set(re.findall(r"^### `([a-z.-]+)`", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
    expect(listed == headings, f"only listed: {listed - headings}; only documented: {headings - listed}")
    used = set()
    for folder in ("sim", "arch", "workloads", "mappers"):
        for path in (ROOT / folder).rglob("*.[ch]*"):
            if path.name != "diagnostics.cpp":  # the list itself
                used |= set(re.findall(r'"((?:config|usage|onnx|results)\.[a-z-]+)"', path.read_text()))
    expect(used == listed, f"only used: {used - listed}; only listed: {listed - used}")
    shown = set()
    for path in MALFORMED.glob("*.stderr"):
        shown |= set(re.findall(r"\[((?:config|usage|onnx|results)\.[a-z-]+)\]$", path.read_text(), re.MULTILINE))
    # A large file is made below; models are written by tests/workloads/onnx_test.cpp.
    elsewhere = {"config.too-large", "onnx.shape", "onnx.unsupported"}
    expect(listed - shown == elsewhere, f"codes without a malformed input: {listed - shown}")


def complete(script, *words):
    """What bash would offer for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    program = f"{script}\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words) - 1}\n_tilewright\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    result = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=20, check=True)
    return result.stdout.split()


def test_completion():
    script = result_of("completion", "bash")
    expect(complete(script, "tilewright", "ch") == ["check"], "commands")
    expect(complete(script, "tilewright", "run", "--fid") == ["--fidelity"], "options")
    expect(complete(script, "tilewright", "run", "--fidelity", "") == ["event", "tick"], "values")
    expect(complete(script, "tilewright", "schema", "acc") == ["accelerator"], "kinds")
    expect(complete(script, "tilewright", "validate", "acc") == ["accelerator"], "suites")
    expect("h200_sxm/tma" in complete(script, "tilewright", "validate", "accelerator", "h200_sxm/t"), "more suites")
    expect(complete(script, "tilewright", "compare", "--fail") == ["--fail-above"], "options of compare")
    expect(complete(script, "tilewright", "validate", "--max-error", "") == [], "a number cannot be completed")
    for shell in ("zsh", "fish"):
        text = result_of("completion", shell)
        for word in ("run", "check", "fidelity", "accelerator", "layer-kinds", "zsh", "validate", "h200_sxm/wgmma", "max-error"):
            expect(word in text, f"{shell}: {word}")


def test_validate_prints_results_only_and_knows_its_thresholds():
    schema = json.loads((ROOT / "sim/report/validate.schema.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder) / "new/results"
        result = run("validate", "accelerator", "--format", "json", "-o", str(results), "--max-error", "10")
        expect(result.returncode == 0 and "written to" in result.stderr, f"{result.returncode} {result.stderr}")
        record = json.loads(result.stdout)
        jsonschema.validate(record, schema, cls=jsonschema.Draft202012Validator)
        expect(record["suites"] == ["accelerator"] and len(record["points"]) > 10, str(record["suites"]))
        expect(sorted(path.name for path in results.iterdir()) ==
               ["points.csv", "report.html", "summary.csv", "validate.json"], str(list(results.iterdir())))
        expect(json.loads((results / "validate.json").read_text()) == record, "the file is what was printed")
    misspelt = run("validate", "h200_sxm/wgma")
    expect(misspelt.returncode == 2 and misspelt.stdout == "" and "did you mean 'h200_sxm/wgmma'?" in misspelt.stderr,
           misspelt.stderr)
    strict = run("validate", "accelerator", "--max-error", "0.001%")
    expect(strict.returncode == 3 and "above --max-error" in strict.stderr and "every point" in strict.stdout,
           f"{strict.returncode} {strict.stderr}")
    # Two quick suites: all of them take minutes. No recorded point may get lost between simulated and not simulated.
    suites = ("h200_sxm/synchronisation", "h100_sxm/launch")
    gpu = json.loads(result_of("validate", *suites, "--format", "json"))
    missing = sum(row["n"] for row in gpu["not_simulated"])
    recorded = sum(len(json.loads((ROOT / f"gpu_ref/measurements/{suite}.json").read_text())["points"]) for suite in suites)
    simulated = {point["id"].rsplit("/", 1)[0] for point in gpu["points"]}
    expect(missing + len(simulated) >= recorded, f"{missing} + {len(simulated)} of {recorded} recorded points")
    csv = result_of("validate", "accelerator", "--format", "csv").splitlines()
    expect(len(csv) == len(record["points"]) + 1 and csv[0].startswith("id,suite,family,split"), csv[0])


def test_results_make_pages_and_are_compared():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        result = run("run", "configs/experiments/segformer_b2_paths.yaml", "--set", "paths=[full]", "-o", str(path / "before"))
        expect(result.returncode == 0, result.stderr)
        (path / "after").mkdir()
        later = json.loads((path / "before/run.json").read_text())
        later["runs"][0]["cycles"] = later["runs"][0]["cycles"] * 101 // 100
        (path / "after/run.json").write_text(json.dumps(later))
        expect(run("validate", "accelerator", "-o", str(path / "measured")).returncode == 0, "validate")
        expect(result_of("report", "before", "-o", "same.html", cwd=path) == "same.html\n", "report names its page")
        expect((path / "same.html").read_bytes() == (path / "before/report.html").read_bytes(), "the page of a run again")
        expect(result_of("report", "before", "after/run.json", "measured", cwd=path) == "report.html\n", "three results")
        page = (path / "report.html").read_text()
        expect("3 results" in page and page.count("Simulator against measurement") == 2, "all three are in it")
        expect("0 of 10 values changed" in result_of("compare", "before", "before/run.json", "--fail-above", "0", cwd=path),
               "equal results")
        changed = run("compare", "before", "after", "--fail-above", "0.0001", cwd=path)
        expect(changed.returncode == 3 and "cycles" in changed.stdout and "--fail-above" in changed.stderr, changed.stderr)
        expect(run("compare", "before", "after", "--fail-above", "1000", cwd=path).returncode == 0, "a wide threshold")
        both = json.loads(result_of("compare", "before", "after", "--format", "json", cwd=path))
        expect(len(both["differences"]) == 10 and 0.009 < both["largest"] < 0.011, str(both["largest"]))
        mixed = run("compare", "before", "measured", cwd=path)
        expect(mixed.returncode == 2 and "cannot be compared" in mixed.stderr, mixed.stderr)
        (path / "before/run.json").write_bytes((path / "before/run.json").read_bytes()[:5000])
        broken = run("report", "before", "-o", "broken.html", cwd=path)
        expect(broken.returncode == 2 and "[results.not-json]" in broken.stderr and not (path / "broken.html").exists(),
               broken.stderr)


def test_an_interrupt_ends_a_run_with_130():
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([str(TILEWRIGHT), "run", "configs/experiments/segformer_b2_paths.yaml", "--fidelity",
                                    "tick", "-o", folder], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        if "this build cannot run experiments" in errors:
            return
        expect(process.returncode == 130 and "interrupted" in errors and output == "",
               f"{process.returncode} {output!r} {errors!r}")


def test_a_full_disk_is_noticed():
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([str(TILEWRIGHT), "list", "actions"], stdout=full, stderr=subprocess.PIPE, text=True,
                                timeout=20, check=False)
    expect(result.returncode == 1 and "standard output" in result.stderr, f"{result.returncode} {result.stderr}")


def test_a_file_that_is_too_large():
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("kind: experiment\n#" + "x" * (4 << 20))
        file.flush()
        result = run("check", file.name)
    expect(result.returncode == 2 and "[config.too-large]" in result.stderr, result.stderr)


def main():
    failures = 0
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        try:
            test()
        except (AssertionError, KeyError, ValueError, subprocess.SubprocessError, jsonschema.ValidationError) as problem:
            failures += 1
            print(f"{name}: {str(problem)[:2000]}")
    print(f"{len(tests) - failures} of {len(tests)} tests passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
