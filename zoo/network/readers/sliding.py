"""Operators that read neighbours, and dense layers on each position, which are convolutions of width 1."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.network.layouts import View
from zoo.network.network import Map
from zoo.network.operators import Convolve, Pool, Slide
from zoo.network.readers.scope import Node, Reader, Scope


def _read_conv(scope: Scope, node: Node, view: View) -> bool:
    weights = scope.constants.get(node.inputs[1])
    bias = scope.constants.get(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    if weights is None or (bias is None and len(node.inputs) > 2 and node.inputs[2]):
        return False
    kernel = list(weights.shape[2:])
    slide = _read_slide(scope, node, view, kernel)
    if slide is None:
        return False
    filters = weights.shape[0]
    operator = Convolve(
        view.map,
        node.output,
        slide,
        np.ascontiguousarray(weights.reshape(filters, weights.shape[1], -1), dtype=np.float32),
        np.zeros(filters, np.float32) if bias is None else bias.astype(np.float32),
        node.attributes.get("group", 1),
    )
    scope.add(node, operator, view.axes, Map(filters, slide.count(scope.maps[view.map].length)))
    return True


def _read_matmul(scope: Scope, node: Node, view: View) -> bool:
    """Read a dense layer on each position, which is a convolution of width 1."""
    weights = scope.constants.get(node.inputs[1])
    if weights is None or weights.ndim != 2 or view.axes[-1] != "C" or "L" not in view.axes:
        return False
    kernel = np.ascontiguousarray(weights.T[:, :, np.newaxis], dtype=np.float32)
    operator = Convolve(view.map, node.output, Slide(), kernel, np.zeros(len(kernel), np.float32))
    scope.add(node, operator, view.axes, Map(len(kernel), scope.maps[view.map].length))
    return True


def _read_maxpool(scope: Scope, node: Node, view: View) -> bool:
    return _read_pool(scope, node, view, "max")


def _read_averagepool(scope: Scope, node: Node, view: View) -> bool:
    return _read_pool(scope, node, view, "average")


def _read_pool(scope: Scope, node: Node, view: View, kind: str) -> bool:
    slide = _read_slide(scope, node, view, list(node.attributes["kernel_shape"]))
    if slide is None:
        return False
    shape = scope.maps[view.map]
    if node.attributes.get("ceil_mode") and (shape.length + slide.before + slide.after - slide.extent) % slide.stride:
        return False
    counts = bool(node.attributes.get("count_include_pad", 0))
    operator = Pool(view.map, node.output, slide, kind, counts)  # type: ignore[arg-type]  # one of the two
    scope.add(node, operator, view.axes, Map(shape.channels, slide.count(shape.length)))
    return True


def _read_slide(scope: Scope, node: Node, view: View, kernel: list[int]) -> Slide | None:
    """Return the geometry of a kernel that slides along the positions alone; None if it does not."""
    spatial = view.axes[2:]
    if view.axes[:2] != "NC" or len(kernel) != len(spatial) or "L" not in spatial:
        return None
    at, rank = spatial.index("L"), len(spatial)
    strides = node.attributes.get("strides", [1] * rank)
    dilations = node.attributes.get("dilations", [1] * rank)
    padding = node.attributes.get("pads", [0] * 2 * rank)
    if any(kernel[i] != 1 or padding[i] or padding[i + rank] for i in range(rank) if i != at):
        return None
    slide = Slide(kernel[at], strides[at], dilations[at], padding[at], padding[at + rank])
    length = scope.maps[view.map].length
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic in {"SAME_UPPER", "SAME_LOWER"}:
        outputs = -(-length // slide.stride)
        added = (outputs - 1) * slide.stride + slide.extent - length
        if added < 0:  # a stride longer than the kernel: versions of ONNX Runtime cut, or do not, what is left over
            return None
        less, more = added // 2, added - added // 2
        before, after = (less, more) if automatic == "SAME_UPPER" else (more, less)
        slide = Slide(slide.width, slide.stride, slide.dilation, before, after)
    return slide if min(slide.before, slide.after) >= 0 and slide.count(length) > 0 else None


READERS: Mapping[str, Reader] = {
    "AveragePool": _read_averagepool,
    "Conv": _read_conv,
    "MatMul": _read_matmul,
    "MaxPool": _read_maxpool,
}
