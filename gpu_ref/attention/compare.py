#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the attention kernels side by side with PyTorch's (cuDNN, FlexAttention) on one card, interleaved.

    compare.py --library build/gpu_ref/attention/libtilewright_attention.so --out FOLDER --commit HASH --card NAME
Needs PyTorch with a Hopper card. Ratios between contenders of the same round count, not absolute figures: `burst` is a launch of
at most 60 ms after an idle moment, `sustained` three seconds of launches at the power limit. One record each.
"""
import argparse
import ctypes
import pathlib
import sys
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vit"))
from meter import Meter, point, write_record  # noqa: E402

HEAD_SIZE = 128
MASKS = {"uniform": 0, "runs": 1, "blocks": 2}


class Library:
    """The kernels behind their C interface."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.tw_attention_error.restype = ctypes.c_char_p
        self.c.tw_attention_kernels.restype = ctypes.c_char_p

    def kernels(self):
        return self.c.tw_attention_kernels().decode().split()

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.c.tw_attention_error().decode())

    def lists(self, kernel, heads, tokens, mask, density, group, run, seed=1):
        densities, lists = (ctypes.c_double * 2)(), ctypes.c_void_p()
        self.check(self.c.tw_attention_lists(kernel.encode(), heads, tokens, tokens, MASKS[mask], ctypes.c_double(density),
                                             group, run, ctypes.c_ulonglong(seed), densities, ctypes.byref(lists)))
        return lists, densities[1]

    def free(self, lists):
        self.c.tw_attention_free_lists(lists)

    def run(self, kernel, q, k, v, out, lists=None):
        heads, tokens = q.shape[-3], q.shape[-2]
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        pointers = [ctypes.c_void_p(x.data_ptr()) for x in (q, k, v, out)]
        self.check(self.c.tw_attention_run(kernel.encode(), *pointers, heads, tokens, tokens, lists, stream))


def once(launch):
    """Seconds of one launch on the card. The card waits meanwhile, so that the host's part is not counted."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda._sleep(1_000_000)
    begin.record()
    launch()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) * 1e-3


def burst(contenders, rounds):
    """Seconds of each contender; contenders take turns, with a pause that lets power and clock recover."""
    times = {name: [] for name in contenders}
    for round_ in range(rounds + 2):
        for name, launch in contenders.items():
            time.sleep(0.02)
            seconds = once(launch)
            if round_ >= 2:
                times[name].append(seconds)
    return times


def sustained(contenders, seconds):
    """Seconds a launch when the same kernel runs on and on; each contender twice, in turn."""
    rates = {name: [] for name in contenders}
    for _ in range(2):
        for name, launch in contenders.items():
            single = once(launch)
            count = max(1, int(seconds / 2 / single))
            for _ in range(count // 3):  # into the power limit before the clock counts
                launch()
            torch.cuda.synchronize()
            begin = time.perf_counter()
            for _ in range(count):
                launch()
            torch.cuda.synchronize()
            rates[name].append((time.perf_counter() - begin) / count)
    return rates


def arrays(heads, tokens):
    make = lambda: torch.randn(1, heads, tokens, HEAD_SIZE, device="cuda", dtype=torch.bfloat16)
    return make(), make(), make(), torch.empty(1, heads, tokens, HEAD_SIZE, device="cuda", dtype=torch.bfloat16)


def cudnn(q, k, v):
    def launch():
        with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
            return torch.nn.functional.scaled_dot_product_attention(q, k, v)
    return launch


def flex(q, k, v, density, block=128):
    """FlexAttention on random blocks of 128 x 128; the mask is given as blocks, nothing is evaluated inside one."""
    from torch.nn.attention.flex_attention import BlockMask, flex_attention
    heads, tokens = q.shape[1], q.shape[2]
    generator = torch.Generator(device="cuda").manual_seed(1)
    count = tokens // block
    kept = torch.rand(1, heads, count, count, device="cuda", generator=generator) < density
    kept[..., 0] = True
    number = kept.sum(-1, dtype=torch.int32)
    order = torch.argsort(kept.to(torch.int8), dim=-1, descending=True, stable=True).to(torch.int32)
    mask = BlockMask.from_kv_blocks(torch.zeros_like(number), torch.zeros_like(order), number, order, BLOCK_SIZE=block)
    compiled = torch.compile(flex_attention, dynamic=False)
    return lambda: compiled(q, k, v, block_mask=mask), float(kept.float().mean())


class Table:
    """The points of both records, printed as they come."""

    def __init__(self):
        self.meter = Meter()
        self.points = {"burst": [], "sustained": []}

    def add(self, kind, parameters, samples, density):
        flop = 4 * parameters["heads"] * parameters["tokens"] ** 2 * HEAD_SIZE * density
        family = f"side_by_side_{kind}"
        median = sorted(samples)[len(samples) // 2]
        self.points[kind].append(point(family, parameters, samples, self.meter, None, None, {
            "tflops": {"value": flop / median * 1e-12, "unit": "TFLOP/s"},
            "list_density": {"value": density, "unit": "1"}}))
        print(f"{family}  " + "  ".join(f"{key}={value}" for key, value in parameters.items()) +
              f"  {median * 1e6:.0f} us  {flop / median * 1e-12:.1f} TFLOP/s", flush=True)

    def write(self, folder, card, commit, command):
        for kind, points in self.points.items():
            if points:
                suite = f"side_by_side_{kind}"
                write_record(pathlib.Path(folder) / f"{suite}.json",
                             self.meter.header(suite, card, commit, command, {suite}), points)


def measure(table, what, contenders, densities, heads, tokens, options):
    kinds = {"burst": lambda: burst(contenders, 7), "sustained": lambda: sustained(contenders, 3.0)}
    sustain = what.pop("sustained", True)
    for kind, run in kinds.items():
        if options.kind not in (kind, "both") or (kind == "sustained" and not sustain):
            continue
        for name, samples in run().items():
            table.add(kind, {**what, "heads": heads, "tokens": tokens, "contender": name}, samples,
                      float(densities[name]))


def dense(library, table, options):
    for heads, tokens in ((24, 4096), (12, 16384), (12, 32760), (12, 75600)):
        q, k, v, out = arrays(heads, tokens)
        contenders = {"cudnn": cudnn(q, k, v)}
        for name in library.kernels():
            if name.startswith("dense") and "_d128" in name:
                contenders[name] = lambda name=name: library.run(name, q, k, v, out)
        measure(table, {"test": "dense"}, contenders, dict.fromkeys(contenders, 1.0), heads, tokens, options)


def sparse(library, table, options, kernels, mask, densities, group, run, test, heads=12, tokens=32760, rivals=()):
    q, k, v, out = arrays(heads, tokens)
    for density in densities:
        contenders = {"cudnn": cudnn(q, k, v), options.dense: lambda: library.run(options.dense, q, k, v, out)}
        kept = dict.fromkeys(contenders, 1.0)
        lists = {}
        for name in kernels:
            lists[name], kept[name] = library.lists(name, heads, tokens, mask, density, group, run)
            contenders[name] = lambda name=name: library.run(name, q, k, v, out, lists[name])
        if "flex" in rivals:
            try:
                contenders["flex_attention"], kept["flex_attention"] = flex(q, k, v, density)
                once(contenders["flex_attention"])
            except Exception as error:  # a rival that does not run here is left out, and said so
                print(f"flex_attention left out: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
                contenders.pop("flex_attention", None)
        measure(table, {"test": test, "mask": mask, "run": run, "mask_density": float(density),
                        "sustained": test != "crossover" and density in (0.1, 0.3)}, contenders, kept, heads, tokens, options)
        for one in lists.values():
            library.free(one)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("--dense", default="dense_d128", help="our dense kernel that the sparse ones are compared with")
    parser.add_argument("--kind", choices=("burst", "sustained", "both"), default="both")
    parser.add_argument("--only", choices=("dense", "block_sparse", "gather", "crossover"))
    parser.add_argument("--out", required=True, help="folder of the records")
    parser.add_argument("--card", required=True, help="folder name of the card in the records")
    parser.add_argument("--commit", required=True)
    options = parser.parse_args()
    library, table = Library(options.library), Table()
    names = [name for name in library.kernels() if "_d128" in name]
    gathers = [name for name in names if name.startswith("gather")]
    blocks = [name for name in names if name.startswith("block_sparse_128")]
    wanted = lambda test: options.only in (None, test)
    densities = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
    if wanted("dense"):
        dense(library, table, options)
    if wanted("block_sparse"):
        sparse(library, table, options, blocks, "blocks", densities, 128, 128, "block_sparse", tokens=32768,
               rivals=("flex",))
    if wanted("gather"):
        # Rows of the mask are shared by 384 queries: no list is a union of different rows, whatever the kernel's M.
        sparse(library, table, options, gathers, "uniform", densities, 384, 1, "gather")
    if wanted("crossover"):
        for run in (1, 4, 16, 64, 128):
            sparse(library, table, options, [n for n in gathers if "m64" not in n] + blocks, "runs",
                   (0.2, 0.4, 0.6, 0.8, 0.9, 0.95), 384, run, "crossover", tokens=16384)
    table.write(options.out, options.card, options.commit,
                "attention/compare.py --library libtilewright_attention.so --kind " + options.kind)


if __name__ == "__main__":
    main()
