"""What an ONNX file may hold: standard operators on data of its own, so that a model is never code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ModelError, UnsafeModel

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2**31 - 1
"""Protocol buffers end here; a larger model would need external data."""

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
        onnx.checker.check_model(model, full_check=True)
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
