"""Frees the names that the graphs made of a network use for themselves: all that begin with ``zoo_``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_OWN = "zoo_"


def free_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model itself, or one whose inner tensors are called otherwise, so that none begins with ``zoo_``.

    Inputs and outputs keep their names, by which the card knows them.
    """
    import onnx

    if not any(name.startswith(_OWN) for name in _names(model.graph)):
        return model
    taken = set(_names(model.graph))
    # Constants may be declared as inputs, too.
    constants = {tensor.name for tensor in model.graph.initializer}
    kept = {value.name for value in model.graph.output} | {value.name for value in model.graph.input} - constants
    renamed = {}
    for name in sorted(taken - kept):
        if name.startswith(_OWN):
            free = f"network_{name}"
            while free in taken:
                free += "_"
            renamed[name] = free
            taken.add(free)
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    _rename(changed.graph, renamed)
    return changed


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    """Yield what tensors are called, those of subgraphs included."""
    for value in (*graph.input, *graph.output, *graph.initializer):
        yield value.name
    for node in graph.node:
        yield from (*node.input, *node.output)
        for inner in _subgraphs(node):
            yield from _names(inner)


def _rename(graph: onnx.GraphProto, renamed: dict[str, str]) -> None:
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.name = renamed.get(value.name, value.name)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
        for inner in _subgraphs(node):
            _rename(inner, renamed)


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
