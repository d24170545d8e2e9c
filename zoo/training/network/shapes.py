"""Computes before a network runs what it would ask of its own shapes, all but the number of sequences being known.

tf2onnx lets a transposed convolution find its sizes each time, so that how large its result gets could not be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

Values: TypeAlias = npt.NDArray[np.object_]
"""Whole numbers that a graph computes of shapes; None where one is not known."""

_Function: TypeAlias = Callable[..., list[Values]]

_MOST = 64  # elements of a constant that may tell of shapes


def compute_shapes(model: onnx.ModelProto) -> None:
    """Put constants for what a network with transposed convolutions computes of known shapes, in place."""
    if any(node.op_type == "ConvTranspose" for node in model.graph.node):
        del model.graph.value_info[:]  # what the exporter noted is less than what follows
        while _compute_once(model):  # what is constant now tells more shapes
            pass


def _compute_once(model: onnx.ModelProto) -> bool:
    """Make constants of what is known; return whether there was anything."""
    from onnx import helper, numpy_helper

    graph = model.graph
    shapes, kinds = _infer(model)
    known = {
        tensor.name: numpy_helper.to_array(tensor).astype(object)
        for tensor in graph.initializer
        if tensor.data_type in _list_whole_kinds() and np.prod(tensor.dims) <= _MOST
    }
    outputs = {value.name for value in graph.output}
    kept = []
    for node in graph.node:
        found = dict(zip(node.output, _compute(node, known, shapes), strict=False))
        known |= found
        whole = [name for name, values in found.items() if None not in values.ravel().tolist() and name in kinds]
        if len(whole) < len(node.output) or outputs & set(whole):
            kept.append(node)
            continue
        for name in whole:
            values = known[name].astype(helper.tensor_dtype_to_np_dtype(kinds[name]))
            graph.initializer.append(numpy_helper.from_array(values, name))
    computed = len(kept) < len(graph.node)
    _keep(graph, kept)
    return computed


def _keep(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Leave of a graph's nodes these, and of these what the outputs follow from."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(_list_read(node))
            kept.append(type(node).FromString(node.SerializeToString()))
    weights = [type(tensor).FromString(tensor.SerializeToString()) for tensor in graph.initializer]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(tensor for tensor in weights if tensor.name in needed)


def _list_read(node: onnx.NodeProto) -> list[str]:
    """Return the tensors that a node reads, those of graphs within it among them."""
    found = list(node.input)
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            found.extend(value.name for value in graph.output)
            for inner in graph.node:
                found.extend(_list_read(inner))
    return found


def _infer(model: onnx.ModelProto) -> tuple[dict[str, Values], dict[str, int]]:
    """Return shapes, and kinds of numbers, by the names of tensors."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model).graph
    shapes, kinds = {}, {}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        tensor = value.type.tensor_type
        kinds[value.name] = tensor.elem_type
        if tensor.HasField("shape"):
            sizes = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
            shapes[value.name] = np.array([size if size >= 0 else None for size in sizes], dtype=object)
    return shapes, kinds


def _compute(node: onnx.NodeProto, known: Mapping[str, Values], shapes: Mapping[str, Values]) -> list[Values]:
    """Return what a node gives, as far as that is known; nothing where it is not."""
    from onnx import helper

    options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "Shape":
        shape = shapes.get(node.input[0])
        return [] if shape is None else [shape[options.get("start", 0) : options.get("end")]]
    if node.op_type not in _FUNCTIONS or not all(name in known for name in node.input):
        return []
    return _FUNCTIONS[node.op_type](options, *(known[name] for name in node.input))


def _pass(_: Mapping[str, Any], values: Values) -> list[Values]:
    return [values]


def _cast(options: Mapping[str, Any], values: Values) -> list[Values]:
    return [values] if options["to"] in _list_whole_kinds() else []


def _slice(
    _: Mapping[str, Any], values: Values, starts: Values, ends: Values, axes: Values | None = None, *steps: Values
) -> list[Values]:
    parts = [starts, ends, *([] if axes is None else [axes]), *steps]
    numbers = [number for part in parts for number in part.tolist()]
    if values.ndim != 1 or len(numbers) != len(parts) or None in numbers:
        return []
    step = steps[0].item() if steps else 1
    return [values[starts.item() : ends.item() : step]]


def _gather(options: Mapping[str, Any], values: Values, places: Values) -> list[Values]:
    if values.ndim != 1 or options.get("axis", 0) != 0 or None in places.ravel().tolist():
        return []
    return [values.take(places.astype(np.int64).ravel()).reshape(places.shape)]


def _concat(options: Mapping[str, Any], *parts: Values) -> list[Values]:
    return [np.concatenate(parts)] if options["axis"] == 0 and all(part.ndim == 1 for part in parts) else []


def _split(options: Mapping[str, Any], values: Values, sizes: Values | None = None) -> list[Values]:
    if values.ndim != 1 or options.get("axis", 0) != 0:
        return []
    if sizes is None:
        parts = options.get("num_outputs", 0)
        return np.split(values, parts) if parts and values.size % parts == 0 else []
    if None in sizes.tolist():
        return []
    return np.split(values, np.cumsum(sizes.astype(np.int64))[:-1])


def _unsqueeze(_: Mapping[str, Any], values: Values, axes: Values) -> list[Values]:
    return [values.reshape(1)] if values.ndim == 0 and axes.size == 1 else []


def _squeeze(_: Mapping[str, Any], values: Values, *axes: Values) -> list[Values]:
    return [values.reshape(())] if values.shape == (1,) and len(axes) <= 1 else []


def _each(function: Callable[..., int | None]) -> _Function:
    """Return a function of arrays that gives, element by element, what a function of numbers does."""

    def compute(_: Mapping[str, Any], *read: Values) -> list[Values]:
        arrays = np.broadcast_arrays(*read)
        found = np.empty(arrays[0].shape, dtype=object)
        for place in np.ndindex(found.shape):
            numbers = [array[place] for array in arrays]
            found[place] = None if None in numbers else function(*numbers)
        return [found]

    return compute


def _divide(number: int, by: int) -> int | None:
    """Return a quotient cut towards 0, as ONNX has it; None of a division by 0."""
    if not by:
        return None
    quotient = abs(number) // abs(by)
    return quotient if (number < 0) == (by < 0) else -quotient


def _list_whole_kinds() -> tuple[int, int]:
    from onnx import TensorProto

    return TensorProto.INT32, TensorProto.INT64


_FUNCTIONS: Mapping[str, _Function] = {
    "Identity": _pass,
    "Cast": _cast,
    "Slice": _slice,
    "Gather": _gather,
    "Concat": _concat,
    "Split": _split,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Add": _each(lambda first, second: first + second),
    "Sub": _each(lambda first, second: first - second),
    "Mul": _each(lambda first, second: first * second),
    "Div": _each(_divide),
    "Neg": _each(lambda number: -number),
    "Max": _each(lambda *numbers: max(numbers)),
    "Min": _each(lambda *numbers: min(numbers)),
}
