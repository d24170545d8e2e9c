"""After which node of a graph nobody reads a value any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.model.operators import iter_inner_graphs

if TYPE_CHECKING:
    import onnx


def find_last_uses(graph: onnx.GraphProto) -> dict[int, list[str]]:
    """Return, by the number of a node, which values nobody needs after it; what a graph gives is needed for ever."""
    last: dict[str, int] = {}
    for number, node in enumerate(graph.node):
        for name in (*node.input, *node.output, *_list_inner_names(node)):
            last[name] = number
    for item in graph.output:
        last.pop(item.name, None)
    endings: dict[int, list[str]] = {}
    for name, number in last.items():
        endings.setdefault(number, []).append(name)
    return endings


def _list_inner_names(node: onnx.NodeProto) -> set[str]:
    """Return what the graphs within a node read."""
    names: set[str] = set()
    for inner in iter_inner_graphs(node):
        names.update(item.name for item in inner.output)
        for reader in inner.node:
            names.update(reader.input, _list_inner_names(reader))
    return names
