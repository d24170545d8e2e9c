"""Which numbers in the arithmetic of shapes are as many times the number of windows, and which it does not change.

A network is reckoned for one window, and for a number of them that nobody is likely to ask for at once. That tells what
it takes for those between if every axis is constant, or so many for each window: a file that subtracts, compares or
divides the number of windows can ask for nothing at both ends. So only arithmetic that keeps multiples is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from zoo.model.bounds import Value
from zoo.model.constants import Constant
from zoo.model.folding import fold

if TYPE_CHECKING:
    import onnx

MANY = 4099
"""Windows that are reckoned beside one: a prime above the most that a session runs at once."""

_MOST = {4: 1 << 18, 8: 1 << 40}  # by bytes of a whole number: times MANY, it still fits

_Constants: TypeAlias = Sequence[Constant | None]
_Masks: TypeAlias = Sequence[Constant | None]


class Growth:
    """Follows which numbers are multiples of the number of windows, through one walk.

    Attributes:
        asked: The shapes that nodes ask for, in their order; None where unknown.
    """

    def __init__(self, many: Sequence[tuple[int, ...] | None] | None) -> None:
        """Start; ``many`` are the shapes that nodes ask for where there are ``MANY`` windows, None where that is so."""
        self.asked: list[tuple[int, ...] | None] = []
        self._many = many

    def follow(
        self, node: onnx.NodeProto, inputs: Sequence[Value | None], folded: Sequence[Constant]
    ) -> list[Constant | None] | None:
        """Return which elements of what was folded grow with the windows, None where nobody can say."""
        if node.op_type not in {"Shape", "Size"}:
            given = [(None, None) if value is None else (value.constant, value.growing) for value in inputs]
            constants, masks = [constant for constant, _ in given], [mask for _, mask in given]
            return follow_growth(node, constants, masks, folded) if folded else []
        shape = inputs[0].shape if inputs and inputs[0] is not None else None
        self.asked.append(shape)
        if self._many is None or shape is None or not folded:
            return [None] * len(folded)
        marked = compare_shape(shape, self._many[len(self.asked) - 1], whole=node.op_type == "Size")
        if marked is None:
            return None
        return [marked if node.op_type == "Size" else marked[_find_part(node)]]


def _find_part(node: onnx.NodeProto) -> slice:
    """Return which axes a node asks for."""
    given = {item.name: item.i for item in node.attribute}
    return slice(given.get("start", 0), given.get("end"))


def compare_shape(shape: tuple[int, ...], many: tuple[int, ...] | None, *, whole: bool) -> Constant | None:
    """Return which sizes of a shape, or whether their product, grows with the windows; None where nobody can say.

    Args:
        shape: For one window.
        many: For ``MANY``.
        whole: Whether the product is asked for.
    """
    if many is None or len(many) != len(shape):
        return None
    growing = np.array([one != other for one, other in zip(shape, many, strict=True)], bool)
    if not whole:
        return growing
    return np.array(growing.any()) if growing.sum() <= 1 else None


def follow_growth(
    node: onnx.NodeProto, inputs: _Constants, masks: _Masks, results: Sequence[Constant]
) -> list[Constant | None] | None:
    """Return which elements of each result are multiples of the number of windows, None where nobody can say.

    Args:
        node: The node, which was folded.
        inputs: Its inputs.
        masks: Which of their elements are such multiples; None where none of them is.
        results: What they become for one window.
    """
    if not any(mask is not None and mask.any() for mask in masks):
        return [None] * len(results)
    full = [None if value is None else np.zeros(value.shape, bool) if mask is None else mask
            for value, mask in zip(inputs, masks, strict=True)]  # fmt: skip
    rule = _RULES.get(node.op_type)
    found = None if rule is None else rule(node, inputs, full)
    if found is None:
        return None
    growing: list[Constant | None] = []
    for mask, values in zip(found, results, strict=True):
        marked = np.broadcast_to(mask, values.shape) & (values != 0)  # no window changes a product with 0
        chosen = values[marked]
        if chosen.size and not (
            values.dtype.kind == "i" and chosen.min() > 0 and chosen.max() < _MOST.get(values.dtype.itemsize, 0)
        ):
            return None
        growing.append(marked if marked.any() else None)
    return growing


def _move(node: onnx.NodeProto, inputs: _Constants, masks: _Masks) -> list[Constant] | None:
    if any(mask is not None and mask.any() for mask in masks[1:]):
        return None
    return fold(node, [masks[0], *inputs[1:]], [])


def _join(node: onnx.NodeProto, _: _Constants, masks: _Masks) -> list[Constant] | None:
    return fold(node, list(masks), [])


def _keep(_: onnx.NodeProto, __: _Constants, masks: _Masks) -> list[Constant] | None:
    return [_present(masks[0])]


def _choose(_: onnx.NodeProto, inputs: _Constants, masks: _Masks) -> list[Constant] | None:
    choice, first, second = (_present(mask) for mask in masks)
    return None if choice.any() else [np.where(_present(inputs[0]), first, second)]


def _pair(node: onnx.NodeProto, inputs: _Constants, masks: _Masks) -> list[Constant] | None:
    if len(inputs) != 2:
        return None
    first, second, one, other = np.broadcast_arrays(*(_present(array) for array in (*inputs, *masks)))
    marked = _PAIRS[node.op_type](first, second, one, other)
    return None if marked is None else [marked]


def _present(array: Constant | None) -> Constant:
    return np.zeros(0, bool) if array is None else array


def _mark_product(node: onnx.NodeProto, inputs: _Constants, masks: _Masks) -> list[Constant] | None:
    import onnx

    counting = onnx.NodeProto()
    counting.CopyFrom(node)
    counting.op_type = "ReduceSum"
    counts = fold(counting, [_present(masks[0]).astype(np.int64), *inputs[1:]], [])
    return None if counts is None or counts[0].max(initial=0) > 1 else [counts[0] > 0]


def _compare(first: Constant, second: Constant, one: Constant, other: Constant) -> Constant | None:
    """Mark none: multiples are above 0, however many windows there are."""
    same = not (one & other).any() and (second[one] <= 0).all() and (first[other] <= 0).all()
    return np.zeros(first.shape, bool) if same else None


def _add(first: Constant, second: Constant, one: Constant, other: Constant) -> Constant | None:
    return None if second[one & ~other].any() or first[other & ~one].any() else one | other


def _take_larger(first: Constant, second: Constant, one: Constant, other: Constant) -> Constant | None:
    """Mark what is so for one window already: multiples do not shrink."""
    passed = (one & ~other & (second > first)) | (other & ~one & (first > second))
    return None if passed.any() else one | other


def _multiply(_: Constant, __: Constant, one: Constant, other: Constant) -> Constant | None:
    return None if (one & other).any() else one | other


def _divide(first: Constant, second: Constant, one: Constant, other: Constant) -> Constant | None:
    divisors = second[one]
    return None if other.any() or (divisors <= 0).any() or (first[one] % divisors).any() else one


_COMPARING = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")

_PAIRS: dict[str, Callable[[Constant, Constant, Constant, Constant], Constant | None]] = {
    **dict.fromkeys(_COMPARING, _compare),
    "Add": _add,
    "Div": _divide,
    "Max": _take_larger,
    "Mul": _multiply,
}

_MOVING = "Expand Gather Identity Reshape Slice Split Squeeze Tile Transpose Unsqueeze"

_RULES: dict[str, Callable[[onnx.NodeProto, _Constants, _Masks], list[Constant] | None]] = {
    **dict.fromkeys(_MOVING.split(), _move),
    **dict.fromkeys(_PAIRS, _pair),
    "Cast": _keep,
    "Concat": _join,
    "ReduceProd": _mark_product,
    "Where": _choose,
}
