# SPDX-License-Identifier: Apache-2.0
"""Layers of execution paths, as `tilewright list layers FILE --format csv` prints them."""
import csv
import dataclasses
import pathlib

TEXT = {"path", "name", "group", "kind", "inputs"}
# Rows of the share tables. The two products and the softmax between them are one kernel on a GPU.
ATTENTION = {"matmul", "softmax"}
KINDS = ("conv2d", "depthwise", "linear", "attention", "layernorm", "gelu", "add", "resize", "concat", "relu", "pool")


@dataclasses.dataclass(frozen=True)
class Layer:
    name: str
    kind: str
    inputs: tuple  # positions within the path, -1 for the image
    numbers: dict = dataclasses.field(hash=False)

    def __getattr__(self, key):
        try:
            return self.numbers[key]
        except KeyError:
            raise AttributeError(key) from None

    @property
    def row(self) -> str:
        return row_of(self.kind)


def row_of(kind: str) -> str:
    return "attention" if kind in ATTENTION else kind


def read_paths(file: pathlib.Path) -> dict:
    """The layers of each path, in the order of the file."""
    paths = {}
    with open(file, newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            numbers = {key: int(value) for key, value in row.items() if key not in TEXT}
            inputs = tuple(map(int, row["inputs"].split()))
            paths.setdefault(row["path"], []).append(Layer(row["name"], row["kind"], inputs, numbers))
    return paths
