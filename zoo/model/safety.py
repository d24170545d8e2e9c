"""What an ONNX file may hold: standard operators on data of its own, so that a model is never code.

Everything here is looked at before a session is made, in this order: bytes, parts, operators and their attributes,
data outside the file, ONNX's own checks, and how much memory and work the network takes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsafeModel
from zoo.model.graph import check_graph
from zoo.model.limits import NAME_LETTERS, RANK
from zoo.model.operators import check_operators, iter_graphs, iter_tensors
from zoo.model.reading import read_network
from zoo.model.sizes import Need, reckon_need
from zoo.model.telling import in_one_line

if TYPE_CHECKING:
    import onnx

    from zoo.model.card import Card

_FREE_WEIGHTS = 4  # the first version of ONNX whose weights need not be declared as inputs
_LARGE = 1 << 16  # bytes of a tensor that ONNX's checks need not copy


def check_onnx(path: Path, card: Card | None = None) -> onnx.ModelProto:
    """Read an ONNX file without running any of it.

    Args:
        path: The file.
        card: What the network reads and gives; it must agree. Without it, axes that are free have no size.

    Raises:
        ModelError: The file is missing or can't be read.
        UnsafeModel: It is no ONNX file, fails ONNX's own checks, or asks for more than standard operators on data
            of its own: other domains, functions, external data, random numbers, or too much memory or work.
        CardError: The card and the graph disagree.
    """
    return examine_onnx(path, card)[0]


def examine_onnx(path: Path, card: Card | None = None) -> tuple[onnx.ModelProto, Need | None]:
    """Return the network of an ONNX file, as ``check_onnx``, with what one window takes."""
    import onnx

    model = read_network(path)
    check_operators(model, str(path))
    for graph in iter_graphs(model.graph, str(path)):
        _check_tensors(path, graph)
    try:
        onnx.checker.check_model(_without_weights(model), full_check=True)
    except Exception as error:
        raise UnsafeModel(f"{path}: fails ONNX's checks: {in_one_line(error)}") from error
    if card is not None:
        check_graph(model, card)
    return model, reckon_need(model, card, str(path))


def _check_tensors(path: Path, graph: onnx.GraphProto) -> None:
    """Refuse data outside the file, and shapes whose size alone would take long to reckon."""
    import onnx

    if graph.sparse_initializer:
        name = graph.sparse_initializer[0].values.name
        raise UnsafeModel(f"{path}: expected all values of a tensor, found the sparse tensor {name!r}")
    for tensor in iter_tensors(graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise UnsafeModel(f"{path}: expected all data inside the file, found tensor {tensor.name!r} outside it")
        if len(tensor.dims) > RANK or min(tensor.dims, default=0) < 0:
            raise UnsafeModel(
                f"{path}: tensor {tensor.name[:NAME_LETTERS]!r}: expected at most {RANK} axes, none of them negative, "
                f"found {len(tensor.dims):,}: {', '.join(map(str, tensor.dims[:RANK]))}"
            )
        if tensor.data_type == onnx.TensorProto.STRING:
            raise UnsafeModel(f"{path}: expected numbers, found texts in tensor {tensor.name!r}")


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
