"""What an ONNX file may hold: standard operators on data of its own, so that a model is never code."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ModelError, UnsafeModel

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2**31 - 1
"""Protocol buffers end here; a larger model would need external data."""

_FREE_WEIGHTS = 4  # the first version of ONNX whose weights need not be declared as inputs
_LARGE = 1 << 16  # bytes of a tensor that ONNX's checks need not copy

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})

RANDOM_OPERATORS = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)


def check_onnx(path: Path) -> onnx.ModelProto:
    """Read an ONNX file without running any of it.

    Raises:
        ModelError: The file is missing or can't be read.
        UnsafeModel: It is no ONNX file, fails ONNX's own checks, or asks for more than standard operators on data
            of its own: other domains, functions, external data, random numbers.
    """
    import onnx

    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UnsafeModel(f"{path}: expected at most {MAX_BYTES} bytes, found {size}")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}") from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:
        raise UnsafeModel(f"{path}: expected an ONNX model, found something else ({_first_line(error)})") from error
    _check_contents(path, model)
    try:
        onnx.checker.check_model(_without_weights(model), full_check=True)
    except Exception as error:
        raise UnsafeModel(f"{path}: fails ONNX's checks: {_first_line(error)}") from error
    return model


def _check_contents(path: Path, model: onnx.ModelProto) -> None:
    import onnx

    if model.functions:
        raise UnsafeModel(f"{path}: expected no functions, found {model.functions[0].name!r}")
    if model.training_info:
        raise UnsafeModel(f"{path}: expected a graph for prediction alone, found training information")
    for graph in _iter_graphs(model.graph):
        for node in graph.node:
            if node.domain not in STANDARD_DOMAINS:
                raise UnsafeModel(
                    f"{path}: expected standard operators only, found {node.op_type!r} of domain {node.domain!r} "
                    f"(node {node.name!r})"
                )
            if node.op_type in RANDOM_OPERATORS:
                raise UnsafeModel(
                    f"{path}: predictions must be the same at every run, found the random operator {node.op_type!r} "
                    f"(node {node.name!r}); export the model for prediction"
                )
        for tensor in _iter_tensors(graph):
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                raise UnsafeModel(f"{path}: expected all data inside the file, found tensor {tensor.name!r} outside it")


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model for ONNX's checks, which would copy 200 MB of weights twice: large ones are inputs of their shape.

    Those that are not numbers of 32 bits, as many as their shape says, stay what they are, for the checks to judge.
    """
    import onnx

    light = onnx.ModelProto()
    _copy_fields(model, light, "graph")
    _copy_fields(model.graph, light.graph, "initializer")
    declared = {value.name for value in model.graph.input}
    apart = model.ir_version >= _FREE_WEIGHTS
    for tensor in model.graph.initializer:
        if apart and tensor.name not in declared and _holds_floats(tensor):
            value = onnx.helper.make_tensor_value_info(tensor.name, onnx.TensorProto.FLOAT, tensor.dims)
            light.graph.input.append(value)
        else:
            light.graph.initializer.append(tensor)
    return light


def _copy_fields(source: Any, target: Any, left_out: str) -> None:
    """Copy all fields of a message but one."""
    target.SetInParent()
    for field, value in source.ListFields():
        if field.name == left_out:
            continue
        if hasattr(value, "MergeFrom"):  # a message, or several
            getattr(target, field.name).MergeFrom(value)
        else:
            setattr(target, field.name, value)


def _holds_floats(tensor: onnx.TensorProto) -> bool:
    """Return whether a large tensor holds numbers of 32 bits, one beside the other, as many as its shape says."""
    import onnx

    size = 4 * math.prod(tensor.dims)
    if size < _LARGE or tensor.data_type != onnx.TensorProto.FLOAT or not tensor.HasField("raw_data"):
        return False
    fields = {field.name: value for field, value in tensor.ListFields()}
    return len(fields["raw_data"]) == size and fields.keys() <= {"name", "dims", "data_type", "raw_data", "doc_string"}


def _iter_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _iter_graphs(inner)


def _iter_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    sparse = list(graph.sparse_initializer)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            sparse.extend((attribute.sparse_tensor, *attribute.sparse_tensors))
    for tensor in sparse:
        yield from (tensor.values, tensor.indices)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
