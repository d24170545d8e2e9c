"""Networks in 8 bits: convolutions and matrix products of a float32 graph, quantised with ranges that were measured.

Weights become int8, a scale for each output channel; activations get one scale each, from the smallest and the largest
value that sequences brought about. The graph is written with pairs of QuantizeLinear and DequantizeLinear, in which
runtimes recognise their 8-bit kernels; all other operators stay float32.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zoo.errors import ModelError
from zoo.model.lowered import MOVING, Ranges, as_float32, infer_types, iter_inputs, read_constants, replace_nodes
from zoo.model.precision import check_opset

if TYPE_CHECKING:
    import onnx

_MIN_OPSET = 13  # the first whose DequantizeLinear has an axis
_KEEPING = (MOVING | {"MaxPool"}) - {"Concat", "Expand", "Gather", "Where"}
"""Operators whose result has the range of their first input, so that it is never quantised anew."""


def find_measured(model: onnx.ModelProto, *, symmetric: bool = False) -> list[str]:
    """Return the tensors whose ranges ``quantize`` asks for."""
    return _Plan(model, symmetric=symmetric).measured


def quantize(model: onnx.ModelProto, ranges: Ranges, *, symmetric: bool = False) -> onnx.ModelProto:
    """Return a copy of a network whose convolutions and matrix products are of 8 bits.

    Args:
        ranges: Smallest and largest value of each tensor of ``find_measured``.
        symmetric: Let activations be int8 around 0, as TensorRT wants them; else uint8 with a zero of their own, half
            as coarse after a rectifier.

    Raises:
        ModelError: The graph is too old, or there is nothing in it to be quantised.
    """
    import onnx

    check_opset(model, _MIN_OPSET, "int8")
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    plan = _Plan(changed, symmetric=symmetric)
    if not plan.quantized:
        raise ModelError("precision int8: the network has no convolution or matrix product with weights of its own")
    writer = _Writer(plan, ranges, symmetric=symmetric)
    for number, node in enumerate(changed.graph.node):
        writer.write(number, node)
    replace_nodes(changed, list(writer.nodes), writer.weights)
    return changed


class _Plan:
    """Which nodes are quantised, and which tensor's range each activation has.

    Attributes:
        quantized: The nodes, by their place in the graph.
        rectified: Outputs of convolutions that only a rectifier reads: a quantised range that starts at 0 does its
            work, as one around 0 can't.
        dropped: Those rectifiers, by their place.
        measured: Tensors whose ranges are asked for, in the order of the graph.
    """

    def __init__(self, model: onnx.ModelProto, *, symmetric: bool) -> None:
        graph = model.graph
        self.graph = graph
        self.types = infer_types(model)
        self.constants = read_constants(graph)
        self.maker = {name: number for number, node in enumerate(graph.node) for name in node.output}
        self.readers = Counter(name for node in graph.node for name in set(iter_inputs(node)))
        self.readers.update(output.name for output in graph.output)
        self.reader = {name: number for number, node in enumerate(graph.node) for name in iter_inputs(node)}
        self.quantized = {number for number, node in enumerate(graph.node) if self._can_be_quantized(node)}
        self.rectified: set[str] = set()
        self.dropped: set[int] = set()
        for number in self.quantized:
            if graph.node[number].op_type == "Conv" and not symmetric:
                self._find_rectifier(graph.node[number].output[0])
        wanted: dict[str, None] = {}
        for number in sorted(self.quantized):
            node = graph.node[number]
            wanted[self.origin(node.input[0])] = None
            if node.op_type == "Conv":
                wanted[node.output[0]] = None
        self.measured = list(wanted)

    def origin(self, name: str) -> str:
        """Return the tensor that another has its numbers from."""
        while (number := self.maker.get(name)) is not None:
            node = self.graph.node[number]
            if node.op_type not in _KEEPING and number not in self.dropped:
                break
            if node.output[0] != name:
                break
            name = node.input[0]
        return name

    def _can_be_quantized(self, node: onnx.NodeProto) -> bool:
        from onnx import TensorProto

        if node.op_type not in {"Conv", "Gemm", "MatMul"}:
            return False
        activation, weight, *bias = node.input
        attributes = {attribute.name: attribute for attribute in node.attribute}
        plain = node.op_type != "Gemm" or (
            all(attributes[name].f == 1 for name in ("alpha", "beta") if name in attributes)
            and not ("transA" in attributes and attributes["transA"].i)
        )
        return (
            plain
            and weight in self.constants
            and self.constants[weight].dtype == np.float32
            and (node.op_type == "Conv" or self.constants[weight].ndim == 2)
            and all(name in self.constants and self.constants[name].ndim == 1 for name in bias if name)
            and activation not in self.constants
            and self.types.get(activation) == TensorProto.FLOAT
        )

    def _find_rectifier(self, output: str) -> None:
        name = output
        while self.readers[name] == 1 and name in self.reader:
            number = self.reader[name]
            node = self.graph.node[number]
            if node.op_type == "Relu":
                self.rectified.add(output)
                self.dropped.add(number)
                return
            if node.op_type not in _KEEPING - {"Split"}:
                return
            name = node.output[0]


class _Writer:
    """Writes the nodes of a plan, with the pairs that quantise."""

    def __init__(self, plan: _Plan, ranges: Ranges, *, symmetric: bool) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._plan = plan
        self._ranges = ranges
        self._symmetric = symmetric
        self._done: dict[str, str] = {}
        self._scaled: set[str] = set()

    def write(self, number: int, node: onnx.NodeProto) -> None:
        import onnx

        if number in self._plan.dropped:
            self._drop(node)
            return
        if number not in self._plan.quantized:
            self.nodes.append(node)
            return
        written = onnx.NodeProto()
        written.CopyFrom(node)
        written.input[0] = self._quantize(node.input[0])
        scale = self._scale_of(self._plan.origin(node.input[0]))[0]
        written.input[1], scales = self._quantize_weight(written, node.input[1])
        if len(node.input) > 2 and node.input[2]:
            written.input[2] = self._quantize_bias(node.input[2], scale * scales)
        if node.op_type != "Conv":
            self.nodes.append(written)
            return
        output = node.output[0]
        written.output[0] = f"{output}__exact"
        self.nodes.append(written)
        self._pair(f"{output}__exact", output, output)
        self._done[output] = output

    def _drop(self, node: onnx.NodeProto) -> None:
        from onnx import helper

        # Nothing below 0 came through; runtimes take the Identity out.
        self.nodes.append(helper.make_node("Identity", [node.input[0]], [node.output[0]], name=node.name))

    def _quantize(self, name: str) -> str:
        """Return the name of an activation that went through 8 bits."""
        if name not in self._done:
            self._done[name] = f"{name}__int8"
            self._pair(name, self._done[name], self._plan.origin(name))
        return self._done[name]

    def _pair(self, name: str, result: str, origin: str) -> None:
        from onnx import helper, numpy_helper

        scale, zero = f"{origin}__scale", f"{origin}__zero"
        if origin not in self._scaled:
            self._scaled.add(origin)
            step, middle = self._scale_of(origin)
            kind = np.int8 if self._symmetric else np.uint8
            self.weights.append(numpy_helper.from_array(as_float32(step), scale))
            self.weights.append(numpy_helper.from_array(np.array(middle, dtype=kind), zero))
        bits = f"{result}__bits"
        self.nodes.append(helper.make_node("QuantizeLinear", [name, scale, zero], [bits], name=f"{result}__down"))
        self.nodes.append(helper.make_node("DequantizeLinear", [bits, scale, zero], [result], name=f"{result}__up"))

    def _scale_of(self, origin: str) -> tuple[float, int]:
        """Return the step between two values of 8 bits, and which of them is 0."""
        low, high = self._ranges[origin]
        if origin in self._plan.rectified:
            low = 0.0
        low, high = min(low, 0.0), max(high, 0.0)
        if self._symmetric:
            return max(-low, high) / 127 or 1.0, 0
        step = (high - low) / 255 or 1.0
        return step, round(-low / step)

    def _quantize_weight(self, node: onnx.NodeProto, name: str) -> tuple[str, npt.NDArray[np.float64]]:
        """Return the name of a weight in 8 bits, and the scales of its output channels."""
        values = self._plan.constants[name]
        turned = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        axis = 0 if node.op_type == "Conv" or turned else values.ndim - 1
        others = tuple(other for other in range(values.ndim) if other != axis)
        scales = np.abs(values).max(axis=others).astype(np.float64) / 127
        scales[scales == 0] = 1.0
        key = f"{name}__{axis}"
        if key not in self._done:
            shape = [1] * values.ndim
            shape[axis] = -1
            steps = np.clip(np.round(values / scales.reshape(shape)), -127, 127).astype(np.int8)
            self._done[key] = self._add_constant(f"{key}__int8", steps, scales, axis)
        return self._done[key], scales

    def _quantize_bias(self, name: str, scales: npt.NDArray[np.float64]) -> str:
        values = self._plan.constants[name].astype(np.float64)
        limit = float(np.iinfo(np.int32).max)
        steps = np.clip(np.round(values / scales), -limit, limit).astype(np.int32)
        # Its scales are the activation's too, so that two nodes can't share one.
        return self._add_constant(f"{name}__int32_{len(self.nodes)}", steps, scales, 0)

    def _add_constant(self, name: str, steps: npt.NDArray[Any], scales: npt.NDArray[np.float64], axis: int) -> str:
        from onnx import helper, numpy_helper

        self.weights.extend(
            [
                numpy_helper.from_array(steps, f"{name}__bits"),
                numpy_helper.from_array(as_float32(scales), f"{name}__scale"),
                numpy_helper.from_array(np.zeros(len(scales), dtype=steps.dtype), f"{name}__zero"),
            ]
        )
        inputs = [f"{name}__bits", f"{name}__scale", f"{name}__zero"]
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [name], name=f"{name}__up", axis=axis))
        return name
