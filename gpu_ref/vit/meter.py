# SPDX-License-Identifier: Apache-2.0
"""Times and weighs CUDA graphs, and writes records by gpu_ref/measurements/schema.json."""
import datetime
import json
import math
import statistics
import time

import pynvml
import torch

REPEATS = 7
BATCH_SECONDS = 4e-3  # of replays between two looks at the clock
WARM_SECONDS, WEIGH_SECONDS = 0.3, 1.0


def rounded(value: float) -> float:
    return float(f"{value:.7g}")


class Meter:
    def __init__(self):
        pynvml.nvmlInit()
        self.device = pynvml.nvmlDeviceGetHandleByIndex(torch.cuda.current_device())

    def energy_j(self) -> float:
        return pynvml.nvmlDeviceGetTotalEnergyConsumption(self.device) * 1e-3

    def clock_hz(self, domain) -> float:
        return pynvml.nvmlDeviceGetClockInfo(self.device, domain) * 1e6

    def sm_clock_hz(self) -> float:
        return self.clock_hz(pynvml.NVML_CLOCK_SM)

    def memory_clock_hz(self) -> float:
        return self.clock_hz(pynvml.NVML_CLOCK_MEM)

    def power_w(self) -> float:
        return pynvml.nvmlDeviceGetPowerUsage(self.device) * 1e-3

    def header(self, suite, card, commit, command, combined) -> dict:
        properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        driver = pynvml.nvmlSystemGetDriverVersion()
        return {
            "schema_version": 1, "suite": suite, "card": card, "card_name": properties.name,
            "driver": driver.decode() if isinstance(driver, bytes) else driver,
            "cuda": torch.version.cuda,
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "commit": commit, "command": command, "quick": False,
            "device": {
                "sm_count": properties.multi_processor_count, "l2_bytes": properties.L2_cache_size,
                "memory_bytes": properties.total_memory,
                "compute_capability": f"{properties.major}.{properties.minor}",
                "pytorch": torch.__version__, "cudnn": str(torch.backends.cudnn.version()),
                "power_limit_w": pynvml.nvmlDeviceGetEnforcedPowerLimit(self.device) * 1e-3,
                "sm_clock_hz_at_start": self.sm_clock_hz(),
            },
            "combined_families": sorted(combined), "validation_period": 3,
        }


class Replay:
    """`work` captured once; what it allocates stays until the replay is dropped."""

    def __init__(self, work):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # algorithm choice and lazy initialisation stay out of the graph
            for _ in range(2):
                work()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.kept = work()
        self.begin, self.end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        self.time(1)
        self.count = max(1, math.ceil(BATCH_SECONDS / max(self.time(3), 1e-6)))

    def time(self, count=None) -> float:
        """Seconds of one replay, over `count`."""
        count = count or self.count
        self.begin.record()
        for _ in range(count):
            self.graph.replay()
        self.end.record()
        self.end.synchronize()
        return self.begin.elapsed_time(self.end) * 1e-3 / count

    def samples(self) -> list:
        self.time()
        return [self.time() for _ in range(REPEATS)]

    def weigh(self, meter: Meter) -> dict:
        """Joules of one replay, between two ticks of the energy counter with no pause between the replays."""
        start = time.monotonic()
        seen, begin, replays, clock = meter.energy_j(), None, 0, None
        while True:
            self.time()
            replays += self.count
            energy, now = meter.energy_j(), time.monotonic()
            if now - start > 20:
                raise RuntimeError("the energy counter does not move")
            if energy == seen:
                continue
            seen = energy
            if begin is None and now - start > WARM_SECONDS:
                begin, replays, clock = (now, energy), 0, meter.sm_clock_hz()
            elif begin is not None and now - begin[0] >= WEIGH_SECONDS:
                joules, seconds = energy - begin[1], now - begin[0]
                return {"joules": joules, "seconds": seconds, "replays": replays, "sm_clock_hz": clock}


def point(family, parameters, samples, meter, verified, weighed=None, more=None) -> dict:
    median = statistics.median(samples)
    metrics = {"time_s": {"value": rounded(median), "unit": "s"}, **(more or {})}
    out = {
        "id": family + "/" + ",".join(f"{key}={value}" for key, value in parameters.items()),
        "family": family, "split": "validation", "parameters": parameters, "metric": "time_s", "unit": "s",
        "median": rounded(median), "minimum": rounded(min(samples)),
        "spread": rounded((max(samples) - min(samples)) / median), "repeats": len(samples), "metrics": metrics,
        "sm_clock_hz": meter.sm_clock_hz(), "l2_clock_hz": None, "memory_clock_hz": meter.memory_clock_hz(),
        "power_w": meter.power_w(),
    }
    if weighed:
        metrics["joules_per_replay"] = {"value": rounded(weighed["joules"] / weighed["replays"]), "unit": "J"}
        metrics["sustained_time_s"] = {"value": rounded(weighed["seconds"] / weighed["replays"]), "unit": "s"}
        metrics["seconds_between_ticks"] = {"value": rounded(weighed["seconds"]), "unit": "s"}
        out["power_w"] = rounded(weighed["joules"] / weighed["seconds"])
        out["sm_clock_hz"] = weighed["sm_clock_hz"]
        out["joules"] = rounded(weighed["joules"])
    out["verified"] = verified
    return out


def write_record(path, header, points) -> None:
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in points)
    path.write_text(f'{{"header": {json.dumps(header, indent=1)},\n"points": [\n{lines}\n]}}\n', encoding="utf-8")
