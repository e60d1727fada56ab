#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The recipe of workloads/masks/masks.h, written a second time and element by element.

Prints the hashes that masks_test.cpp pins. The generators are first checked against their authors' published outputs.
"""
from fractions import Fraction

WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(x):
    x = (x + GOLDEN) & WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def rotate_left(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & WORD


def xoshiro(state):
    s = list(state)
    while True:
        yield (rotate_left((s[1] * 5) & WORD, 7) * 9) & WORD
        t = (s[1] << 17) & WORD
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate_left(s[3], 45)


def stream(seed, index):
    z = (mix(seed) + index) & WORD
    z = mix(z)
    return xoshiro([mix((z + n * GOLDEN) & WORD) for n in range(4)])


def pieces(draws, density, keys, length, shift):
    threshold = int(Fraction(density) * 2**53)
    kept = {}
    for key in range(keys):
        piece = (key + shift) // length
        if piece not in kept:
            kept[piece] = (next(draws) >> 11) < threshold
        if kept[piece]:
            yield key


def row(mask, query):
    kind, keys = mask["kind"], mask["keys"]
    if kind == "dense":
        return set(range(keys))
    if kind == "uniform":
        return set(pieces(stream(mask["seed"], query // mask["query_group"]), mask["density"], keys, 1, 0))
    if kind == "runs":
        draws = stream(mask["seed"], query // mask["query_group"])
        shift = next(draws) % mask["run_length"]
        return set(pieces(draws, mask["density"], keys, mask["run_length"], shift))
    if kind == "random_blocks":
        draws = stream(mask["seed"], query // mask["block_queries"])
        return set(pieces(draws, mask["density"], keys, mask["block_keys"], 0))
    if kind == "local_window":
        centre = query * keys // mask["queries"]
        return {k for k in range(keys) if abs(k - centre) <= mask["window"]}
    if kind == "stripes":
        return {k for k in range(keys) if k % mask["period"] < mask["width"]}
    if kind == "diagonals":
        return {k for k in range(keys) if (k - query) % mask["period"] < mask["width"]}
    raise ValueError(kind)


def work_list_hash(mask, kind, query_tile, key_tile):
    value = 0xCBF29CE484222325

    def add(word):
        nonlocal value
        value = ((value ^ word) * 0x100000001B3) & WORD

    for word in (kind, mask["queries"], mask["keys"], query_tile, key_tile):
        add(word)
    for first in range(0, mask["queries"], query_tile):
        kept = set()
        for query in range(first, min(first + query_tile, mask["queries"])):
            kept |= row(mask, query)
        items = {0: [], 1: sorted({k // key_tile for k in kept}), 2: sorted(kept)}[kind]
        add(len(items))
        for item in items:
            add(item)
    return mix(value)


def main():
    # Published outputs: SplitMix64 from 1234567; xoshiro256** from the state 1, 2, 3, 4.
    assert [mix((1234567 + n * GOLDEN) & WORD) for n in range(2)] == [6457827717110365317, 3203168211198807973]
    draws = xoshiro([1, 2, 3, 4])
    assert [next(draws) for _ in range(4)] == [11520, 0, 1509978240, 1215971899390074240]

    size = {"queries": 300, "keys": 333, "seed": 42}
    masks = [
        {"kind": "dense", **size},
        {"kind": "uniform", "density": 0.3, "query_group": 64, **size},
        {"kind": "runs", "density": 0.25, "query_group": 16, "run_length": 7, **size},
        {"kind": "local_window", "window": 20, **size},
        {"kind": "stripes", "period": 50, "width": 3, **size},
        {"kind": "diagonals", "period": 90, "width": 5, **size},
        {"kind": "random_blocks", "density": 0.5, "block_queries": 64, "block_keys": 48, **size},
    ]
    for mask in masks:
        hashes = [f"0x{work_list_hash(mask, kind, 64, 32):016X}" for kind in range(3)]
        print(mask["kind"], *hashes)


if __name__ == "__main__":
    main()
