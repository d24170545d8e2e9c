"""Writes a network's weights as the model folder that the zoo reads, and as a plain 1-D network, channels first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.networks import Shape, Weights, flatten_channels_first
from zoo.testing.models import make_model, write_model_folder

if TYPE_CHECKING:
    import onnx


def write_folder(path: Path, shape: Shape, weights: Weights) -> None:
    """Write a model folder: one strand, the variant at L // 2, scored by difference."""
    tracks = [{"name": f"track-{number}", "assay": "none"} for number in range(1, shape.tracks + 1)]
    card = {
        "name": shape.name,
        "summary": "Random weights, for benchmarks alone.",
        "inputs": [{"name": "sequence", "shape": [shape.length, 4]}],
        "window": {"length": shape.length, "anchor": shape.length // 2},
        "outputs": [{"name": "prediction", "tracks": tracks, "activation": "sigmoid"}],
        "limitations": "Made for benchmarks; it knows nothing.",
    }
    write_model_folder(path, make_exported_graph(shape, weights), card)


def make_exported_graph(shape: Shape, weights: Weights) -> onnx.GraphProto:
    """Lay the network out as the exporter does: (N, L, 4) turned to 2-D convolutions, back to (N, L, C) to flatten."""
    graph = _Graph()
    graph.constant("height_axis", np.array([1]))
    graph.constant("width_axis", np.array([2]))
    value = graph.add("Unsqueeze", ["sequence", "height_axis"])
    value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
    for number, (_, width, pool) in enumerate(shape.convolutions, start=1):
        layer = f"convolution_{number}"
        kernels = graph.constant(f"{layer}.kernels", weights[f"{layer}.kernels"][:, :, np.newaxis, :])
        bias = graph.constant(f"{layer}.bias", weights[f"{layer}.bias"])
        value = graph.add(
            "Conv", [value, kernels, bias], dilations=[1, 1], strides=[1, 1], kernel_shape=[1, width], group=1
        )
        value = graph.add("Relu", [value])
        if pool > 1:
            value = graph.add("MaxPool", [value], strides=[1, pool], kernel_shape=[1, pool])
    value = graph.add("Squeeze", [value, "width_axis"])
    value = graph.add("Transpose", [value], perm=[0, 2, 1])
    positions, channels = shape.features
    graph.constant("flat", np.array([-1, positions * channels]))
    value = graph.add("Reshape", [value, "flat"])
    for number in range(1, len(shape.dense) + 1):
        layer = f"dense_{number}"
        kernels = graph.constant(f"{layer}.kernels", weights[f"{layer}.kernels"].T)
        bias = graph.constant(f"{layer}.bias", weights[f"{layer}.bias"])
        value = graph.add("MatMul", [value, kernels])
        value = graph.add("Add", [value, bias])
        if number < len(shape.dense):
            value = graph.add("Relu", [value])
    return graph.finish(value, ["N", shape.length, 4], shape.tracks)


def make_plain_graph(shape: Shape, weights: Weights) -> onnx.GraphProto:
    """Lay the network out as plainly as can be: (N, 4, L), 1-D convolutions, Flatten, Gemm."""
    graph = _Graph()
    value = "sequence"
    for number, (_, width, pool) in enumerate(shape.convolutions, start=1):
        layer = f"convolution_{number}"
        kernels = graph.constant(f"{layer}.kernels", weights[f"{layer}.kernels"])
        bias = graph.constant(f"{layer}.bias", weights[f"{layer}.bias"])
        value = graph.add("Conv", [value, kernels, bias], kernel_shape=[width])
        value = graph.add("Relu", [value])
        if pool > 1:
            value = graph.add("MaxPool", [value], strides=[pool], kernel_shape=[pool])
    value = graph.add("Flatten", [value], axis=1)
    for number in range(1, len(shape.dense) + 1):
        layer = f"dense_{number}"
        drawn = weights[f"{layer}.kernels"]
        kernels = graph.constant(f"{layer}.kernels", (flatten_channels_first(shape, drawn) if number == 1 else drawn).T)
        bias = graph.constant(f"{layer}.bias", weights[f"{layer}.bias"])
        value = graph.add("Gemm", [value, kernels, bias])
        if number < len(shape.dense):
            value = graph.add("Relu", [value])
    return graph.finish(value, ["N", 4, shape.length], shape.tracks)


def write_plain(path: Path, shape: Shape, weights: Weights) -> None:
    """Write the plain network as one ONNX file."""
    path.write_bytes(make_model(make_plain_graph(shape, weights)).SerializeToString(deterministic=True))


class _Graph:
    """Nodes and constants as they are added; each node's result is named for it."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, inputs: list[str], **attributes: object) -> str:
        from onnx import helper

        name = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def finish(self, logits: str, shape: list[str | int], tracks: int) -> onnx.GraphProto:
        from onnx import TensorProto, helper

        self._nodes.append(helper.make_node("Sigmoid", [logits], ["prediction"], name="prediction"))
        return helper.make_graph(
            self._nodes,
            "network",
            [helper.make_tensor_value_info("sequence", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", tracks])],
            self._constants,
        )
