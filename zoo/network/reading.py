"""Reads an ONNX graph as a trunk of operators along the sequence and a tail of all that comes behind.

What is no operator along the sequence ends the trunk there and stays as it is: nothing is guessed, so that every graph
can be read, if need be with a trunk of nothing. What each operator of ONNX is read as, :mod:`zoo.network.readers` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.network.folding import fold_affine, fold_zeros
from zoo.network.layouts import Flat
from zoo.network.names import free_names
from zoo.network.network import SEQUENCE, Network, Tail, Whole, one_hot_table
from zoo.network.operators import Operator
from zoo.network.readers import cutting, leaving, pointwise, shapes, sliding
from zoo.network.readers.scope import JointReader, Node, Reader, Scope
from zoo.network.versions import bring_up_to_date

if TYPE_CHECKING:
    import onnx

_JOINT_READERS: Mapping[str, JointReader] = {
    **dict.fromkeys(pointwise.JOINT, pointwise.read_joint),
    "Concat": cutting.read_concat,
}
_READERS: Mapping[str, Reader] = {
    **sliding.READERS,
    **pointwise.READERS,
    **cutting.READERS,
    **shapes.READERS,
    **leaving.READERS,
}


def read_network(model: onnx.ModelProto, sequence: str, unknown: float) -> Network:
    """Return a model's network.

    Args:
        model: A checked model, whose batch axis is free.
        sequence: The input (N, L, 4) that holds one-hot bases.
        unknown: What each channel holds where the base is unknown.

    Raises:
        ModelError: The model is of an old version of ONNX and can't be brought to a newer one.
    """
    return _Reader(free_names(bring_up_to_date(model)), sequence).read(unknown)


def gains_by_rewriting(model: onnx.ModelProto) -> bool:
    """Return whether a network runs faster as ``write_graph`` writes it.

    ONNX Runtime has fast convolutions for two axes, and takes a normalisation in only where it stands right behind.
    """
    kernels = {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    return any(
        node.op_type == "BatchNormalization" or (node.op_type == "Conv" and kernels.get(node.input[1]) == 3)
        for node in model.graph.node
    )


class _Reader:
    def __init__(self, model: onnx.ModelProto, sequence: str) -> None:
        from onnx import numpy_helper

        self._model = model
        self._graph = model.graph
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in self._graph.initializer}
        found = next(value for value in self._graph.input if value.name == sequence)
        self._sequence = sequence
        self._scope = Scope(constants, sequence, found.type.tensor_type.shape.dim[1].dim_value)
        self._rest: list[onnx.NodeProto] = []

    def read(self, unknown: float) -> Network:
        scope = self._scope
        for proto in self._graph.node:
            node = Node(proto, _read_attributes(proto))
            if not _absorb(scope, node):
                shapes.reckon(scope, node)
                self._rest.append(proto)
        self._drop_unread_nodes()
        self._leave(name for proto in self._rest for name in names_read(proto))
        self._leave(value.name for value in self._graph.output)
        self._drop_unread_operators()
        exits = tuple(scope.exits.values())
        trunk = fold_affine(fold_zeros(scope.trunk, exits), exits)
        kept = {SEQUENCE, *(operator.output for operator in trunk)}
        maps = {name: shape for name, shape in scope.maps.items() if name in kept}
        return Network(one_hot_table(unknown), maps, trunk, exits, self._make_tail())

    def _leave(self, names: Iterable[str]) -> None:
        """Let maps that nodes of the tail read become tensors of the tail."""
        for name in names:
            value = self._scope.values.get(name)
            if value is not None and name not in self._scope.exits:
                self._scope.exits[name] = Whole(value.map, name, value.axes, isinstance(value, Flat))

    def _drop_unread_nodes(self) -> None:
        """Leave out nodes of the tail that only fed what became part of the trunk: constants, sizes."""
        read = {value.name for value in self._graph.output}
        kept = []
        for proto in reversed(self._rest):
            if any(name in read for name in proto.output):
                read.update(names_read(proto))
                kept.append(proto)
        self._rest = kept[::-1]
        self._scope.exits = {name: one for name, one in self._scope.exits.items() if name in read}

    def _drop_unread_operators(self) -> None:
        """Leave out what no exit needs."""
        needed = {one.source for one in self._scope.exits.values()}
        kept: list[Operator] = []
        for operator in reversed(self._scope.trunk):
            if operator.output in needed:
                needed.update(operator.sources)
                kept.append(operator)
        self._scope.trunk = kept[::-1]

    def _make_tail(self) -> Tail:
        read = {name for node in self._rest for name in names_read(node)}
        constants = tuple(tensor for tensor in self._graph.initializer if tensor.name in read)
        named = {tensor.name for tensor in self._graph.initializer}
        inputs = tuple(value for value in self._graph.input if value.name != self._sequence and value.name not in named)
        opset = next((item.version for item in self._model.opset_import if item.domain in {"", "ai.onnx"}), 18)
        dense = sum(
            self._scope.constants[name].size
            for node in self._rest
            if node.op_type in {"MatMul", "Gemm"}
            for name in node.input[1:2]
            if name in self._scope.constants
        )
        outputs = tuple(self._graph.output)
        return Tail(tuple(self._rest), constants, inputs, outputs, opset, self._model.ir_version, int(dense))


def _absorb(scope: Scope, node: Node) -> bool:
    """Take a node into the trunk, if it works along the sequence."""
    kind = node.proto.op_type
    if node.proto.domain not in {"", "ai.onnx"} or len([name for name in node.proto.output if name]) != 1:
        return False
    if kind == "Constant":
        _note_constant(scope, node)
        return False
    if kind in _JOINT_READERS:
        return _JOINT_READERS[kind](scope, node)
    first = scope.values.get(node.inputs[0]) if node.inputs else None
    if isinstance(first, Flat):
        return leaving.read_flat(scope, node, first)
    return first is not None and kind in _READERS and _READERS[kind](scope, node, first)


def _note_constant(scope: Scope, node: Node) -> None:
    value = next(iter(node.attributes.values()), None)
    if isinstance(value, np.ndarray):
        scope.constants[node.output] = value
        return
    numbers = value if isinstance(value, list) else [value]
    if all(isinstance(one, (int, float)) for one in numbers):  # no text
        whole = all(isinstance(one, int) for one in numbers)
        scope.constants[node.output] = np.asarray(value, dtype=np.int64 if whole else np.float32)


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the tensors that a node reads, those of its subgraphs included."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from names_read(inner)


def _read_attributes(node: onnx.NodeProto) -> dict[str, Any]:
    from onnx import helper, numpy_helper

    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.type == attribute.TENSOR:
            value = numpy_helper.to_array(value)
        elif attribute.type == attribute.STRING:
            value = value.decode()
        elif attribute.type == attribute.INTS:
            value = [int(one) for one in value]
        found[attribute.name] = value
    return found
