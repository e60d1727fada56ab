# SPDX-License-Identifier: Apache-2.0
"""An execution path as PyTorch operations in fp16: convolutions through cuDNN, linear layers through cuBLASLt, attention as one
fused kernel. Feature maps are [1, height, width, channels] in memory, which convolutions see as channels-last.

A path is a list of units. A unit is a layer, or for attention its two products and the softmax between them.
"""
import math

import torch
import torch.nn.functional as F


class Unit:
    """One step: `run` reads the outputs of the steps in `inputs` and returns its own."""

    def __init__(self, name, row, inputs, run, shape):
        self.name, self.row, self.inputs, self.run, self.shape = name, row, inputs, run, shape


class Network:
    """Random weights scaled to keep values near one; biases as in the published network. Batch normalisation is folded."""

    def __init__(self, layers, batch, device, dtype=torch.float16, seed=1):
        self.layers, self.batch, self.device, self.dtype = layers, batch, device, dtype
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.image = self.random(batch, layers[0].input_height, layers[0].input_width, layers[0].input_channels)
        self.units = []
        self.unit_of = {-1: -1}  # layer -> unit
        self.read_channels = self.narrowed_concatenations()
        for index, layer in enumerate(layers):
            if layer.kind in ("matmul", "softmax"):
                self.add_attention(index, layer)
            else:
                self.add(index, layer, self.operator(index, layer))

    def random(self, *shape, scale=1.0):
        """The same values for every type: rounded to fp16 first."""
        return (torch.randn(*shape, generator=self.generator, device=self.device) * scale).half().to(self.dtype)

    def add(self, index, layer, run, row=None, inputs=None):
        chosen = layer.inputs if inputs is None else inputs
        self.unit_of[index] = len(self.units)
        channels = self.read_channels.get(index, layer.tensor_groups * layer.tensor_channels)
        shape = (layer.tensor_height, layer.tensor_width, channels)
        self.units.append(Unit(layer.name, row or layer.row, [self.unit_of[i] for i in chosen], run, shape))

    def operator(self, index, layer):
        simple = {"gelu": F.gelu, "relu": F.relu, "add": torch.add}
        return simple[layer.kind] if layer.kind in simple else getattr(self, layer.kind)(index, layer)

    def narrowed_concatenations(self):
        """Channels that are read of each concatenation: what its reader drops is not copied."""
        read = {}
        for layer in self.layers:
            for source in layer.inputs:
                if source >= 0 and self.layers[source].kind == "concat" and layer.kind == "conv2d":
                    read[source] = layer.input_channels
        return read

    def add_attention(self, index, layer):
        """The product behind the softmax carries the whole unit; what stands before it belongs to it."""
        if layer.kind == "softmax" or self.layers[layer.inputs[0]].kind != "softmax":
            return
        softmax = layer.inputs[0]
        scores = self.layers[softmax].inputs[0]
        heads, channels = layer.groups, layer.output_channels

        def run(q, kv):
            batch, height, width, _ = q.shape
            queries = q.reshape(batch, height * width, heads, channels).transpose(1, 2)
            both = kv.reshape(batch, -1, 2, heads, channels)
            keys, values = both[:, :, 0].transpose(1, 2), both[:, :, 1].transpose(1, 2)
            mixed = F.scaled_dot_product_attention(queries, keys, values)
            return mixed.transpose(1, 2).reshape(batch, height, width, heads * channels)

        self.add(index, layer, run, row="attention", inputs=self.layers[scores].inputs)

    def conv2d(self, index, layer):
        weight = self.random(layer.groups * layer.output_channels, layer.input_channels, layer.kernel_height,
                             layer.kernel_width,
                             scale=1 / math.sqrt(layer.input_channels * layer.kernel_height * layer.kernel_width))
        weight = weight.contiguous(memory_format=torch.channels_last)
        bias = self.random(layer.groups * layer.output_channels, scale=0.1)

        def run(x):
            out = F.conv2d(x.permute(0, 3, 1, 2), weight, bias, stride=layer.stride, padding=layer.padding,
                           groups=layer.groups)
            if layer.relu:
                out = F.relu_(out)
            return out.permute(0, 2, 3, 1)

        return run

    depthwise = conv2d

    def linear(self, index, layer):
        weight = self.random(layer.output_channels, layer.input_channels, scale=1 / math.sqrt(layer.input_channels))
        bias = self.random(layer.output_channels, scale=0.1)
        return lambda x: F.linear(x, weight, bias)

    def layernorm(self, index, layer):
        weight, bias = 1 + self.random(layer.tensor_channels, scale=0.1), self.random(layer.tensor_channels, scale=0.1)
        return lambda x: F.layer_norm(x, x.shape[-1:], weight, bias, 1e-6)

    def resize(self, index, layer):
        size = (layer.tensor_height, layer.tensor_width)
        return lambda x: F.interpolate(x.permute(0, 3, 1, 2), size=size, mode="bilinear",
                                       align_corners=False).permute(0, 2, 3, 1)

    def concat(self, index, layer):
        left = self.read_channels.get(index, layer.tensor_channels)
        kept = []
        for source in layer.inputs:
            kept.append(min(left, self.layers[source].tensor_channels))
            left -= kept[-1]

        def run(*parts):
            return torch.cat([part[..., :n] for part, n in zip(parts, kept) if n > 0], dim=-1)

        return run

    def outputs(self):
        """Runs the path and returns every unit's output."""
        results = []
        for unit in self.units:
            results.append(unit.run(*self.arguments(unit, results)))
            if tuple(results[-1].shape) != (self.batch, *unit.shape):
                raise ValueError(f"{unit.name}: the output is {tuple(results[-1].shape)}, the list says {unit.shape}")
        return results

    def arguments(self, unit, results):
        return [self.image if source < 0 else results[source] for source in unit.inputs]

    def forward(self):
        """Runs the path, letting go of what nobody reads any more; returns the logits."""
        last = {source: i for i, unit in enumerate(self.units) for source in unit.inputs}
        results = {-1: self.image}
        for i, unit in enumerate(self.units):
            results[i] = unit.run(*[results[source] for source in unit.inputs])
            for source in set(unit.inputs):
                if last[source] == i:
                    del results[source]
        return results[len(self.units) - 1]
