"""What a node takes while it runs: multiplications, and memory beside its inputs and results.

Both are those of ONNX Runtime's operators on a processor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.model.bounds import Value, read_attribute

if TYPE_CHECKING:
    import onnx

CALL = 1_000
"""Multiplications that a processor could do while a node is called, however little it does itself."""

_POWER = 200  # multiplications in the time of one power
_POINTER = 8  # bytes


def count_work(node: onnx.NodeProto, inputs: Sequence[Value], results: Mapping[str, Value]) -> int:
    """Return about how many multiplications, or the like, a node takes.

    Args:
        node: The node.
        inputs: Its inputs, without those that are left out.
        results: What it gives, by name.
    """
    made = sum(value.most for value in results.values())
    rule = _WORK.get(node.op_type)
    if rule is None or len(inputs) < _FEWEST.get(node.op_type, 1):
        return CALL + made + sum(value.most for value in inputs)
    return CALL + rule(node, inputs, made)


def count_scratch(node: onnx.NodeProto, inputs: Sequence[Value], results: Mapping[str, Value]) -> int:
    """Return about how many bytes a node takes beside its inputs and results; arguments as for ``count_work``.

    Some convolutions lay what each place reads beside the others, so that one product of matrices is the rest of their
    work; recurrent layers keep all gates of all steps; an Einsum of many tensors
    goes from pair to pair. Convolutions of 32 bits do a small part at a time.
    """
    rule = _SCRATCH.get(node.op_type)
    if rule is None or len(inputs) < _FEWEST.get(node.op_type, 1) or not results:
        return 0
    return rule(node, inputs, next(iter(results.values())))


def _convolve(_: onnx.NodeProto, inputs: Sequence[Value], made: int) -> int:
    return made * _row(inputs[1])


def _convolve_quantized(_: onnx.NodeProto, inputs: Sequence[Value], made: int) -> int:
    return made * _row(inputs[3])


def _row(weights: Value) -> int:
    """Return how many weights go into one channel."""
    return weights.most // max((weights.shape or (1,))[0], 1)


def _matrix(_: onnx.NodeProto, inputs: Sequence[Value], made: int) -> int:
    shape = inputs[0].shape
    return made * (inputs[0].most if shape is None else (shape or (1,))[-1])


def _general_matrix(node: onnx.NodeProto, inputs: Sequence[Value], made: int) -> int:
    shape = inputs[0].shape or (inputs[0].most,)
    return made * (shape[0] if read_attribute(node, "transA", 0) else shape[-1])


def _einsum(node: onnx.NodeProto, inputs: Sequence[Value], _: int) -> int:
    """Return the product of all axes that are named."""
    equation: bytes = read_attribute(node, "equation", b"")
    terms = equation.decode("ascii", "replace").partition("->")[0].replace(" ", "").split(",")
    sizes: dict[str, int] = {}
    for term, value in zip(terms, inputs, strict=False):
        if value.shape is None or len(term) != len(value.shape):  # as where an ellipsis stands for some
            return math.prod(max(value.most, 1) for value in inputs)
        for letter, size in zip(term, value.shape, strict=True):
            sizes[letter] = max(sizes.get(letter, 1), size)
    return math.prod(sizes.values())


def _recur(_: onnx.NodeProto, inputs: Sequence[Value], __: int) -> int:
    return _count_first(inputs[0]) * (inputs[1].most + inputs[2].most)


def _count_first(value: Value) -> int:
    """Return how many rows the first two axes are of."""
    return math.prod((value.shape or (value.most,))[:2])


def _pool(node: onnx.NodeProto, _: Sequence[Value], made: int) -> int:
    kernel: list[int] = read_attribute(node, "kernel_shape", [1])
    return made * math.prod(kernel)


def _pool_powers(node: onnx.NodeProto, inputs: Sequence[Value], made: int) -> int:
    return _POWER * _pool(node, inputs, made)


_WORK: dict[str, Callable[[onnx.NodeProto, Sequence[Value], int], int]] = {
    **dict.fromkeys(("AveragePool", "MaxPool"), _pool),
    **dict.fromkeys(("Conv", "ConvInteger"), _convolve),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _recur),
    **dict.fromkeys(("MatMul", "MatMulInteger", "QLinearMatMul"), _matrix),
    "ConvTranspose": lambda _, inputs, __: inputs[0].most * _row(inputs[1]),
    "Einsum": _einsum,
    "Gemm": _general_matrix,
    "GlobalLpPool": lambda _, inputs, __: _POWER * inputs[0].most,
    "LpPool": _pool_powers,
    "QLinearConv": _convolve_quantized,
}

_FEWEST = {"Conv": 2, "ConvInteger": 2, "ConvTranspose": 2, "GRU": 3, "LSTM": 3, "QLinearConv": 4, "RNN": 3}
"""Inputs without which there is no such node."""


def _count_places(value: Value) -> int:
    """Return how many places there are in a channel of one window, or how many weights in one of a filter."""
    return value.most if value.shape is None else math.prod(value.shape[2:])


def _lay_out_integers(_: onnx.NodeProto, inputs: Sequence[Value], result: Value) -> int:
    return _count_places(result) * _row(inputs[1])


def _lay_out_quantized(node: onnx.NodeProto, inputs: Sequence[Value], result: Value) -> int:
    """Bound both of its ways: the numbers of all groups, and pointers to those of a filter."""
    weights = inputs[3]
    groups: int = read_attribute(node, "group", 1)
    return _count_places(result) * (groups * _row(weights) + _POINTER * _count_places(weights))


def _lay_out_backwards(_: onnx.NodeProto, inputs: Sequence[Value], __: Value) -> int:
    return _count_places(inputs[0]) * _row(inputs[1]) * inputs[1].width


def _keep_gates(_: onnx.NodeProto, inputs: Sequence[Value], __: Value) -> int:
    """Bound the gates, and results that nobody asks for."""
    return 2 * _count_first(inputs[0]) * _count_first(inputs[1]) * inputs[0].width


def _pair(node: onnx.NodeProto, inputs: Sequence[Value], result: Value) -> int:
    """Bound what is made of the first, and turned for the next."""
    return 2 * _einsum(node, inputs, 0) * result.width if len(inputs) > 2 else 0


_SCRATCH: dict[str, Callable[[onnx.NodeProto, Sequence[Value], Value], int]] = {
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _keep_gates),
    "ConvInteger": _lay_out_integers,
    "ConvTranspose": _lay_out_backwards,
    "Einsum": _pair,
    "QLinearConv": _lay_out_quantized,
}
