#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds `tilewright explore` to its contract: output, failures, kill -9 and resume, interrupts.

  run_explore.py path/to/tilewright
"""
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TILEWRIGHT = pathlib.Path(sys.argv[1]).resolve()

SPACE = """
kind: exploration
name: small
machine: configs/arch/magnet_16pe_5nm_lpddr5.yaml
workload:
  name: b0
  network: segformer_b0_ade
  image_height: 128
  image_width: 128
  paths:
    - {name: full, group: full}
    - {name: narrow, group: fuse, fuse_input_channels: 512}
compare_paths: [full]
parameters:
  - {name: pes, keys: [pe_count], values: [4, 6, 8, 16]}
  - {name: lanes, keys: [pe.lanes], powers_of_two: {from: 4, to: 16}}
  - {name: weight_buffer, keys: [pe.weight_buffer], values: [1 KiB, 32 KiB, 64 KiB]}
  - {name: dram_channels, keys: [dram.channels], range: {from: 2, to: 4, step: 2}}
derived:
  - {key: pe.output_buffer, value: "512 * lanes", unit: B}
conditions: ["pes * lanes >= 32"]
search: {strategy: exhaustive}
mapper: {budget: 100, reference_budget: 500, sample_points: 1}
simulation: {random_points: 3}
"""


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def explore(*words, cwd=ROOT):
    return subprocess.run([str(TILEWRIGHT), "explore", *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=300,
                          check=False)


def rows(folder, query):
    database = sqlite3.connect(folder / "explore.sqlite")
    found = database.execute(query).fetchall()
    database.close()
    return found


def results(folder):
    """All that was found, without when and how long."""
    return {
        "outcome": rows(folder, "SELECT stage, number, status, reason, area_m2, layers FROM outcome ORDER BY stage, number"),
        "point": rows(folder, "SELECT * FROM point ORDER BY number"),
        "path": rows(folder, "SELECT * FROM path_result ORDER BY stage, number, path"),
        "json": (folder / "explore.json").read_text(),
        "csv": (folder / "points.csv").read_text(),
    }


def dominated(values, others):
    return any(all(o <= v for o, v in zip(other, values)) and other != values for other in others)


def test_results(file, folder):
    done = explore(file, "-j", "2", "--format", "json", "-o", folder)
    expect(done.returncode == 0, done.stderr)
    expect(done.stdout == (folder / "explore.json").read_text(), "stdout is the file")
    result = json.loads(done.stdout)
    expect(list(result) == ["schema_version", "objectives", "points", "pareto"], f"keys: {list(result)}")
    expect(result["objectives"] == ["energy_j", "area_m2", "latency_s"], "objectives")
    points = result["points"]
    # 4 x 3 x 3 x 2, less 4 x 4 and 6 x 4 lanes (each 3 x 2 points)
    expect(len(points) == 72 - 12, f"{len(points)} points")
    good = [p for p in points if p["status"] == "ok"]
    bad = [p for p in points if p["status"] != "ok"]
    expect(good and bad, "both kinds")
    for point in bad:
        expect(point["status"] == "failed" and point["reason"] and not point["objectives"], f"failed: {point}")
        expect(point["parameters"]["pes"] == 6 or point["parameters"]["weight_buffer"] == "1 KiB", f"failed: {point}")
    expect(any(p["reason"].startswith("pes = 6: 'pe_count' must be a multiple of 'noc.rows' (4)") for p in bad), "named parameter")
    values = [[p["objectives"][key] for key in result["objectives"]] for p in good]
    front = [i for i, p in enumerate(points) if p["status"] == "ok" and
             not dominated([p["objectives"][key] for key in result["objectives"]], values)]
    expect(result["pareto"] == front, f"front {result['pareto']} is not {front}")
    for point in good:
        o = point["objectives"]
        expect(abs(o["edp_js"] / (o["energy_j"] * o["latency_s"]) - 1) < 1e-12, "edp")
        expect(abs(o["throughput_per_area_per_s_m2"] * o["latency_s"] * o["area_m2"] - 1) < 1e-12, "throughput per area")
    text = (folder / "summary.txt").read_text()
    for words in ("Why each is there", "rank correlation", "The bounded mapper", "best in energy", "full alone"):
        expect(words in text, f"'{words}' in the summary")
    for number, in rows(folder, "SELECT number FROM outcome WHERE stage = 2 AND number IN (SELECT number FROM point) LIMIT 1"):
        expect(number >= 0, "simulated")
    machines = sorted((folder / "front").glob("*.yaml"))
    expect(len(machines) == len(front), "a machine a point of the front")
    check = subprocess.run([str(TILEWRIGHT), "check", *map(str, machines)], cwd=ROOT, capture_output=True, text=True, check=False)
    expect(check.returncode == 0, check.stderr)


def test_jobs_and_formats_agree(file, folder):
    alone = folder / "alone"
    done = explore(file, "-j", "1", "--format", "csv", "-o", alone)
    expect(done.returncode == 0 and done.stdout == (alone / "points.csv").read_text(), "csv")
    expect(results(alone) == results(folder), "one worker finds what two find")


def test_report_and_compare(folder):
    """What explore writes is what the other commands read."""
    page = folder / "page.html"
    done = subprocess.run([str(TILEWRIGHT), "report", str(folder), "-o", str(page)], cwd=ROOT, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stderr)
    html = page.read_text()
    expect("Pareto front" in html and html.count("<svg") == 3 and "nan" not in html, "a figure for each pair of objectives")
    result = json.loads((folder / "explore.json").read_text())
    good = [p for p in result["points"] if p["status"] == "ok"]
    other = folder / "other"
    other.mkdir()
    good[0]["objectives"]["energy_j"] *= 1.5
    (other / "explore.json").write_text(json.dumps(result))
    done = subprocess.run([str(TILEWRIGHT), "compare", str(folder), str(other), "--format", "json", "--fail-above", "40"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    expect(done.returncode == 3, f"{done.returncode} {done.stderr}")
    differences = json.loads(done.stdout)["differences"]
    expect(len(differences) == 6 * len(good), f"{len(differences)} values")
    changed = [d for d in differences if d["before"] != d["after"]]
    expect([d["metric"] for d in changed] == ["energy_j"] and abs(changed[0]["relative"] - 0.5) < 1e-9, f"changed: {changed}")


def test_refusals(file, folder):
    again = explore(file, "-o", folder)
    expect(again.returncode == 2 and "--resume" in again.stderr, again.stderr)
    other = explore(file, "--resume", "-o", folder, "--set", "search.seed=2")
    expect(other.returncode == 2 and "another exploration" in other.stderr, other.stderr)
    nowhere = explore(file, "--resume")
    expect(nowhere.returncode == 2 and "-o DIR" in nowhere.stderr, nowhere.stderr)
    before = results(folder)
    done = explore(file, "--resume", "-o", folder)
    expect(done.returncode == 0 and results(folder) == before, "nothing is left to do")
    sessions = rows(folder, "SELECT DISTINCT session FROM outcome")
    expect(sessions == [(1,)], f"nothing was done twice: {sessions}")


def start(file, folder, *words):
    return subprocess.Popen([str(TILEWRIGHT), "explore", str(file), "-j", "2", "-o", str(folder), *words], cwd=ROOT,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for(folder, enough, process):
    """Until so many outcomes are in the database or the run ends; the file is locked, so its log's size stands for them."""
    log = folder / "explore.sqlite-wal"
    while process.poll() is None and (not log.exists() or log.stat().st_size < enough):
        time.sleep(0.002)


def simulated_layers(folder):
    return rows(folder, "SELECT sum(layers_computed) FROM outcome WHERE stage = 2")[0][0]


def test_reuse(file, reference, folder):
    """Another run of the same space simulates nothing; of a machine that differs it does, and finds what it finds alone."""
    folder.mkdir()
    again = folder / "again"
    done = explore(file, "-o", again, "--reuse", reference)
    expect(done.returncode == 0, done.stderr)
    expect(simulated_layers(reference) > 0 and simulated_layers(again) == 0, "nothing is simulated again")
    expect(results(again)["path"] == results(reference)["path"], "the results are those of before")
    renamed = folder / "renamed.yaml"
    renamed.write_text(f"kind: accelerator\nextends: {ROOT}/configs/arch/magnet_16pe_5nm_lpddr5.yaml\nname: renamed\n")
    done = explore(file, "-o", folder / "named", "--reuse", reference, "--set", f"machine={renamed}")
    expect(done.returncode == 0 and simulated_layers(folder / "named") == 0, f"a name is no reason to simulate: {done.stderr}")
    slower = folder / "slower.yaml"
    slower.write_text(renamed.read_text() + "noc: {latency: {value: 9, source: a test}}\n")
    done = explore(file, "-o", folder / "slow", "--reuse", reference, "--set", f"machine={slower}")
    alone = explore(file, "-o", folder / "slow_alone", "--set", f"machine={slower}")
    expect(done.returncode == 0 and alone.returncode == 0, done.stderr + alone.stderr)
    expect(simulated_layers(folder / "slow") > 0, "another machine is simulated")
    expect(results(folder / "slow")["path"] == results(folder / "slow_alone")["path"], "what was known of another machine is not taken")
    nothing = explore(file, "-o", folder / "none", "--reuse", folder)
    expect(nothing.returncode == 2 and "[results.not-found]" in nothing.stderr, nothing.stderr)
    expect(not (folder / "none").exists(), "nothing is made")


def test_kill_and_resume(file, reference, folder):
    """Killed again and again, at random moments, the run ends with what an undisturbed one finds."""
    generator = random.Random(1)
    known, kills = [], 0
    while kills < 12:
        process = start(file, folder, "--resume")
        wait_for(folder, generator.randrange(60_000, 600_000), process)
        time.sleep(generator.random() * 0.2)
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills += 1
        now = rows(folder, "SELECT stage, number, session FROM outcome") if (folder / "explore.sqlite").exists() else []
        expect(set(known) <= set(now), "what was known is still there, from the same session")
        known = now
    expect(kills >= 2, f"only {kills} kills before the end")
    done = explore(file, "-j", "2", "--resume", "-o", folder)
    expect(done.returncode == 0, done.stderr)
    expect(set(known) <= set(rows(folder, "SELECT stage, number, session FROM outcome")), "nothing lost or done again")
    expect(results(folder) == results(reference), "killed and resumed is as undisturbed")


def children_of(process):
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []


def test_interrupt(file, reference, folder):
    process = start(file, folder)
    wait_for(folder, 150_000, process)  # the empty tables take some 60,000
    workers = children_of(process.pid)
    expect(workers, "workers")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    expect(process.returncode == 130 and "interrupted" in errors, f"{process.returncode}: {errors}")
    expect(not any(os.path.exists(f"/proc/{worker}") for worker in workers), "no worker is left")
    expect(not (folder / "explore.json").exists(), "nothing half-written")
    done = explore(file, "--resume", "-o", folder)
    expect(done.returncode == 0 and results(folder) == results(reference), done.stderr)


def test_killed_worker(file, folder):
    """A worker that dies costs its point, with the reason; the rest goes on."""
    process = start(file, folder, "--set", "search.points=1")
    wait_for(folder, 150_000, process)
    workers = children_of(process.pid)
    expect(workers, "workers")
    os.kill(workers[0], signal.SIGKILL)
    process.communicate(timeout=300)
    expect(process.returncode == 0, "the run goes on")
    reasons = [reason for reason, in rows(folder, "SELECT reason FROM outcome WHERE status = 2") if "signal 9" in reason]
    expect(len(reasons) == 1, f"one point is recorded: {reasons}")


def test_evolutionary_resumes_alike(file, folder):
    words = ("--set", "search={strategy: evolutionary, points: 30, population: 6}", "--set", "simulation.random_points=0")
    whole, parts = folder / "whole", folder / "parts"
    done = explore(file, *words, "-o", whole)
    expect(done.returncode == 0, done.stderr)
    process = start(file, parts, *words)
    wait_for(parts, 120_000, process)
    process.kill()
    process.wait()
    done = explore(file, *words, "--resume", "-o", parts)
    expect(done.returncode == 0 and results(parts) == results(whole), "the same generations after a kill")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        file = folder / "small.yaml"
        file.write_text(SPACE)
        reference = folder / "reference"
        test_results(file, reference)
        test_jobs_and_formats_agree(file, reference)
        test_report_and_compare(reference)
        test_refusals(file, reference)
        test_reuse(file, reference, folder / "reused")
        test_kill_and_resume(file, reference, folder / "killed")
        test_interrupt(file, reference, folder / "interrupted")
        test_killed_worker(file, folder / "worker")
        test_evolutionary_resumes_alike(file, folder / "evolved")
    print("ok")


main()
