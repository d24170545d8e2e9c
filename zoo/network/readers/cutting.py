"""Channels that are joined and picked, positions that are cut off and added."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.network.layouts import View
from zoo.network.network import Map
from zoo.network.operators import Frame, Join, Pick, Slide
from zoo.network.readers.scope import Node, Reader, Scope

_ALL = 2**31 - 1  # what exporters write for an end of any axis; some write more


def read_concat(scope: Scope, node: Node) -> bool:
    views = [scope.values.get(name) for name in node.inputs]
    first = views[0]
    if not isinstance(first, View):
        return False
    shapes = []
    for view in views:
        if not isinstance(view, View) or view.axes != first.axes:
            return False
        shapes.append(scope.maps[view.map])
    if first.axes[node.attributes["axis"]] != "C" or len({shape.length for shape in shapes}) > 1:
        return False
    sources = tuple(view.map for view in views if isinstance(view, View))
    channels = sum(shape.channels for shape in shapes)
    scope.add(node, Join(sources, node.output), first.axes, Map(channels, shapes[0].length))
    return True


def _read_slice(scope: Scope, node: Node, view: View) -> bool:
    given = [scope.read_known(name) if name else None for name in node.inputs[1:]]
    if len(given) < 2 or any(value is None and name for value, name in zip(given, node.inputs[1:], strict=True)):
        return False
    starts, ends, axes, steps = [*(None if value is None else value.tolist() for value in given), None, None][:4]
    if starts is None or ends is None or any(step != 1 for step in steps or []):
        return False
    shape = scope.maps[view.map]
    kept = {"C": (0, shape.channels), "L": (0, shape.length)}
    for start, end, index in zip(starts, ends, range(len(starts)) if axes is None else axes, strict=True):
        axis = view.axes[index]
        if axis in kept:
            kept[axis] = slice(start, end).indices(kept[axis][1])[:2]
        elif start != 0 or end < (1 if axis == "1" else _ALL):
            return False
    if any(end <= start for start, end in kept.values()):
        return False
    return _cut(scope, node, view, kept["C"], kept["L"])


def _cut(scope: Scope, node: Node, view: View, channels: tuple[int, int], positions: tuple[int, int]) -> bool:
    """Keep some channels and some positions, each from the first to one before the second."""
    shape, (first, last), (start, end) = scope.maps[view.map], channels, positions
    cut = (start, end) != (0, shape.length)
    picked = Map(last - first, shape.length)
    if picked.channels < shape.channels:
        output = f"zoo_picked/{node.output}" if cut else node.output
        scope.add(node, Pick(view.map, output, first, last), view.axes, picked)
        view = View(output, view.axes)
    if cut:
        slide = Slide(before=-start, after=end - shape.length)
        scope.add(node, Frame(view.map, node.output, slide), view.axes, Map(picked.channels, end - start))
    return scope.keep(node, View(node.output if cut else view.map, view.axes))


def _read_pad(scope: Scope, node: Node, view: View) -> bool:
    padding = scope.constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
    value = scope.constants.get(node.inputs[2], np.zeros(1)) if len(node.inputs) > 2 else np.zeros(1)
    if padding is None or node.attributes.get("mode", "constant") != "constant" or len(padding) != 2 * len(view.axes):
        return False
    if len(node.inputs) > 3 or (len(node.inputs) > 2 and node.inputs[2] and node.inputs[2] not in scope.constants):
        return False
    rank, at = len(view.axes), view.axes.index("L")
    if any(padding[i] or padding[i + rank] for i in range(rank) if i != at):
        return False
    slide = Slide(before=int(padding[at]), after=int(padding[at + rank]))
    shape = scope.maps[view.map]
    if slide.count(shape.length) < 1 or max(-slide.before, -slide.after) >= shape.length:
        return False  # of what is left, nothing is the map's
    operator = Frame(view.map, node.output, slide, float(value.ravel()[0]))
    scope.add(node, operator, view.axes, Map(shape.channels, slide.count(shape.length)))
    return True


READERS: Mapping[str, Reader] = {"Pad": _read_pad, "Slice": _read_slice}
