"""The arithmetic of shapes: what operators make of small constants, as ONNX Runtime does.

Each rule raises an error for what it does not follow.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from zoo.model.constants import SMALL, Constant, read_small

_LONGEST_RANGE = 1 << 31  # beyond which others reckon with numbers that are rounded, or too large for their bits

Attributes: TypeAlias = Mapping[str, Any]
"""Those of a node, by name."""

_Inputs: TypeAlias = Sequence[Constant | None]


def _read_constant(_: _Inputs, attributes: Attributes) -> Constant:
    if "value" in attributes:
        value = read_small(attributes["value"])
        if value is None:
            raise ValueError("too large")
        return value
    name, value = next(iter(attributes.items()))
    return np.array(value, np.float32 if name.startswith("value_float") else np.int64)


def _cast(inputs: _Inputs, attributes: Attributes) -> Constant:
    import onnx

    values, kind = _given(inputs, 0), onnx.helper.tensor_dtype_to_np_dtype(attributes["to"])
    if values.dtype.kind == "f" and kind.kind in "iu":
        limits = np.iinfo(kind)
        if not ((values >= limits.min) & (values <= limits.max // 2)).all():
            raise ValueError("each processor makes another number of it")
    return values.astype(kind)


def _given(inputs: _Inputs, index: int) -> Constant:
    value = inputs[index]
    if value is None:
        raise ValueError("left out")
    return value


def _optional(inputs: _Inputs, index: int) -> Constant | None:
    return inputs[index] if index < len(inputs) else None


def _axes(inputs: _Inputs, attributes: Attributes) -> tuple[int, ...] | None:
    """Return axes that are an attribute, or since opset 13 an input; None where none are given."""
    if "axes" in attributes:
        return tuple(attributes["axes"])
    value = _optional(inputs, 1)
    return None if value is None else tuple(int(axis) for axis in value.ravel())


def _slice(inputs: _Inputs, attributes: Attributes) -> Constant:
    values = _given(inputs, 0)
    if "starts" in attributes:
        starts, ends, axes, steps = attributes["starts"], attributes["ends"], attributes.get("axes"), None
    else:
        starts, ends = _given(inputs, 1), _given(inputs, 2)
        axes, steps = _optional(inputs, 3), _optional(inputs, 4)
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        step = 1 if steps is None else int(steps[number])
        axis = number if axes is None else int(axes[number])
        size = values.shape[axis]
        # Not as in numpy: going backwards from before the first element begins with the first.
        first, last = (0, size) if step > 0 else (-1, size - 1)
        low = min(max(_count_from_start(start, size), 0), last)
        high = min(max(_count_from_start(end, size), first), last)
        values = np.take(values, np.arange(low, high, step), axis)
    return values


def _count_from_start(place: Any, size: int) -> int:
    return int(place) + (size if place < 0 else 0)


def _unsqueeze(inputs: _Inputs, attributes: Attributes) -> Constant:
    return np.expand_dims(_given(inputs, 0), _axes(inputs, attributes) or ())


def _squeeze(inputs: _Inputs, attributes: Attributes) -> Constant:
    return np.squeeze(_given(inputs, 0), _axes(inputs, attributes))


def _reshape(inputs: _Inputs, attributes: Attributes) -> Constant:
    values, shape = _given(inputs, 0), [int(size) for size in _given(inputs, 1)]
    if not attributes.get("allowzero"):
        shape = [values.shape[axis] if size == 0 else size for axis, size in enumerate(shape)]
    return values.reshape(shape)


def _divide(inputs: _Inputs, _: Attributes) -> Constant:
    first, second = _given(inputs, 0), _given(inputs, 1)
    if first.dtype.kind not in "iu":
        return np.asarray(first / second)
    _refuse_zeros(second)
    # Towards zero, as in C; numpy rounds down.
    quotient = np.abs(first) // np.abs(second)
    return np.asarray(np.where((first < 0) != (second < 0), -quotient, quotient), first.dtype)


def _remainder(inputs: _Inputs, attributes: Attributes) -> Constant:
    choose = np.fmod if attributes.get("fmod") else np.mod
    _refuse_zeros(_given(inputs, 1))
    return np.asarray(choose(_given(inputs, 0), _given(inputs, 1)))


def _refuse_zeros(divisors: Constant) -> None:
    if not divisors.all():
        raise ValueError("divides by 0")


def _range(inputs: _Inputs, _: Attributes) -> Constant:
    start, limit, step = (_given(inputs, index).item() for index in range(3))
    if _given(inputs, 0).dtype.kind == "f":
        raise ValueError("rounded by each step")
    if abs(limit - start) >= _LONGEST_RANGE or not 0 <= (limit - start) / step <= SMALL:
        raise ValueError("too large")
    return np.asarray(np.arange(start, limit, step), _given(inputs, 0).dtype)


def _fill(inputs: _Inputs, attributes: Attributes) -> Constant:
    shape = [int(size) for size in _given(inputs, 0)]
    if math.prod(shape) > SMALL:
        raise ValueError("too large")
    value = read_small(attributes["value"]) if "value" in attributes else np.zeros(1, np.float32)
    return np.full(shape, _given([value], 0).item(), _given([value], 0).dtype)


def _expand(inputs: _Inputs, _: Attributes) -> Constant:
    values, shape = _given(inputs, 0), [int(size) for size in _given(inputs, 1)]
    return np.broadcast_to(values, np.broadcast_shapes(values.shape, tuple(shape)))


def _tile(inputs: _Inputs, _: Attributes) -> Constant:
    values, repeats = _given(inputs, 0), [int(count) for count in _given(inputs, 1)]
    if values.size * math.prod(repeats) > SMALL:
        raise ValueError("too large")
    return np.tile(values, repeats)


def _split(inputs: _Inputs, attributes: Attributes) -> list[Constant]:
    values, axis = _given(inputs, 0), attributes.get("axis", 0)
    sizes = attributes.get("split", _optional(inputs, 1))
    if sizes is None:
        raise ValueError("not given")
    return list(np.split(values, np.cumsum(sizes)[:-1], axis))


def _elementwise(function: Callable[..., Any]) -> Callable[[_Inputs, Attributes], Constant]:
    return lambda inputs, _: np.asarray(function(*(_given(inputs, index) for index in range(len(inputs)))))


def _of_many(function: Callable[[Constant, Constant], Constant]) -> Callable[[_Inputs, Attributes], Constant]:
    return lambda inputs, _: functools.reduce(function, [_given(inputs, index) for index in range(len(inputs))])


def _reduce(function: Callable[..., Any]) -> Callable[[_Inputs, Attributes], Constant]:
    def apply(inputs: _Inputs, attributes: Attributes) -> Constant:
        values = _given(inputs, 0)
        axes = _axes(inputs, attributes)
        if not axes and attributes.get("noop_with_empty_axes"):
            return values
        if values.dtype.kind == "f" and function in {np.sum, np.prod}:
            raise ValueError("rounded in another order by others")
        result = function(values, axis=axes or None, keepdims=bool(attributes.get("keepdims", 1)))
        return np.asarray(result, values.dtype)

    return apply


RULES: dict[str, Callable[[_Inputs, Attributes], Constant | list[Constant]]] = {
    "Abs": _elementwise(np.abs),
    "Add": _elementwise(np.add),
    "And": _elementwise(np.logical_and),
    "Cast": _cast,
    "Ceil": _elementwise(np.ceil),
    "Concat": lambda inputs, attributes: np.concatenate(
        [_given(inputs, index) for index in range(len(inputs))], attributes["axis"]
    ),
    "Constant": _read_constant,
    "ConstantOfShape": _fill,
    "Div": _divide,
    "Equal": _elementwise(np.equal),
    "Expand": _expand,
    "Floor": _elementwise(np.floor),
    "Gather": lambda inputs, attributes: np.take(_given(inputs, 0), _given(inputs, 1), attributes.get("axis", 0)),
    "Greater": _elementwise(np.greater),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "Identity": lambda inputs, _: _given(inputs, 0),
    "Less": _elementwise(np.less),
    "LessOrEqual": _elementwise(np.less_equal),
    "Max": _of_many(np.maximum),
    "Min": _of_many(np.minimum),
    "Mod": _remainder,
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Not": _elementwise(np.logical_not),
    "Or": _elementwise(np.logical_or),
    "Range": _range,
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Sqrt": _elementwise(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Tile": _tile,
    "Transpose": lambda inputs, attributes: np.transpose(_given(inputs, 0), attributes.get("perm")),
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise(np.where),
}
