"""The arithmetic of shapes: what small constants become on their way to an operator that makes a shape of them.

Exporters write the shape of a result as ``Shape`` and a few steps of arithmetic. They are followed here with numpy, for
tensors of at most ``SMALL`` elements; whatever else is not followed, and its value counts as unknown.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

Constant: TypeAlias = npt.NDArray[Any]
"""The elements of a small tensor, of any shape and type."""

SMALL = 1024
"""Elements of a tensor that is followed; shapes have a few."""

_FEW = 16  # numbers that are no integers, such as the factors of Resize

_LONGEST_RANGE = 1 << 31  # beyond which others reckon with numbers that are rounded, or too large for their bits

_INTEGERS = frozenset({2, 3, 4, 5, 6, 7, 9, 12, 13})  # and booleans, of onnx.TensorProto.DataType

_Inputs: TypeAlias = Sequence[Constant | None]
_Attributes: TypeAlias = Mapping[str, Any]


def read_small(tensor: onnx.TensorProto) -> Constant | None:
    """Return the elements of a tensor, None where it has too many, or some that are no plain numbers."""
    import onnx

    count = math.prod(tensor.dims)
    if count > (SMALL if tensor.data_type in _INTEGERS else _FEW) or count < 0:
        return None
    try:
        return onnx.numpy_helper.to_array(tensor)
    except Exception:  # noqa: BLE001 - what is wrong with it is for ONNX's own checks to say
        return None


def fold(node: onnx.NodeProto, inputs: _Inputs, shapes: Sequence[tuple[int, ...] | None]) -> list[Constant] | None:
    """Return what a node makes of constants, None where that is unknown.

    Args:
        node: The node.
        inputs: Its inputs as far as they are known, None for those that are left out, too.
        shapes: Of its inputs, as far as they are known.
    """
    import onnx

    operator = node.op_type
    if operator in {"Shape", "Size"}:
        if not shapes or shapes[0] is None:
            return None
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        return _fold_shape(operator, shapes[0], attributes)
    rule = _RULES.get(operator)
    needed = [value for value, name in zip(inputs, node.input, strict=True) if name]
    if rule is None or any(value is None or not _is_exact(value) for value in needed):
        return None
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    try:
        with np.errstate(all="ignore"):
            found = rule(list(inputs), attributes)
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError):
        return None
    results = found if isinstance(found, list) else [found]
    return results if all(result.size <= SMALL and _is_exact(result) for result in results) else None


def _is_exact(values: Constant) -> bool:
    """Return whether all who reckon with these numbers find the same: not of 16 bits, for which some take 32."""
    if values.dtype.kind in "iub":
        return True
    return values.dtype in {np.dtype(np.float32), np.dtype(np.float64)} and bool(np.isfinite(values).all())


def _fold_shape(operator: str, shape: tuple[int, ...], attributes: _Attributes) -> list[Constant]:
    if operator == "Size":
        return [np.array(math.prod(shape), np.int64)]
    return [np.array(shape[attributes.get("start", 0) : attributes.get("end", len(shape))], np.int64)]


def _read_constant(_: _Inputs, attributes: _Attributes) -> Constant:
    if "value" in attributes:
        value = read_small(attributes["value"])
        if value is None:
            raise ValueError("too large")
        return value
    name, value = next(iter(attributes.items()))
    return np.array(value, np.float32 if name.startswith("value_float") else np.int64)


def _cast(inputs: _Inputs, attributes: _Attributes) -> Constant:
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


def _axes(inputs: _Inputs, attributes: _Attributes) -> tuple[int, ...] | None:
    """Return axes that are an attribute, or since opset 13 an input; None where none are given."""
    if "axes" in attributes:
        return tuple(attributes["axes"])
    value = _optional(inputs, 1)
    return None if value is None else tuple(int(axis) for axis in value.ravel())


def _slice(inputs: _Inputs, attributes: _Attributes) -> Constant:
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


def _unsqueeze(inputs: _Inputs, attributes: _Attributes) -> Constant:
    return np.expand_dims(_given(inputs, 0), _axes(inputs, attributes) or ())


def _squeeze(inputs: _Inputs, attributes: _Attributes) -> Constant:
    return np.squeeze(_given(inputs, 0), _axes(inputs, attributes))


def _reshape(inputs: _Inputs, attributes: _Attributes) -> Constant:
    values, shape = _given(inputs, 0), [int(size) for size in _given(inputs, 1)]
    if not attributes.get("allowzero"):
        shape = [values.shape[axis] if size == 0 else size for axis, size in enumerate(shape)]
    return values.reshape(shape)


def _divide(inputs: _Inputs, _: _Attributes) -> Constant:
    first, second = _given(inputs, 0), _given(inputs, 1)
    if first.dtype.kind not in "iu":
        return np.asarray(first / second)
    _refuse_zeros(second)
    # Towards zero, as in C; numpy rounds down.
    quotient = np.abs(first) // np.abs(second)
    return np.asarray(np.where((first < 0) != (second < 0), -quotient, quotient), first.dtype)


def _remainder(inputs: _Inputs, attributes: _Attributes) -> Constant:
    choose = np.fmod if attributes.get("fmod") else np.mod
    _refuse_zeros(_given(inputs, 1))
    return np.asarray(choose(_given(inputs, 0), _given(inputs, 1)))


def _refuse_zeros(divisors: Constant) -> None:
    if not divisors.all():
        raise ValueError("divides by 0")


def _range(inputs: _Inputs, _: _Attributes) -> Constant:
    start, limit, step = (_given(inputs, index).item() for index in range(3))
    if _given(inputs, 0).dtype.kind == "f":
        raise ValueError("rounded by each step")
    if abs(limit - start) >= _LONGEST_RANGE or not 0 <= (limit - start) / step <= SMALL:
        raise ValueError("too large")
    return np.asarray(np.arange(start, limit, step), _given(inputs, 0).dtype)


def _fill(inputs: _Inputs, attributes: _Attributes) -> Constant:
    shape = [int(size) for size in _given(inputs, 0)]
    if math.prod(shape) > SMALL:
        raise ValueError("too large")
    value = read_small(attributes["value"]) if "value" in attributes else np.zeros(1, np.float32)
    return np.full(shape, _given([value], 0).item(), _given([value], 0).dtype)


def _expand(inputs: _Inputs, _: _Attributes) -> Constant:
    values, shape = _given(inputs, 0), [int(size) for size in _given(inputs, 1)]
    return np.broadcast_to(values, np.broadcast_shapes(values.shape, tuple(shape)))


def _tile(inputs: _Inputs, _: _Attributes) -> Constant:
    values, repeats = _given(inputs, 0), [int(count) for count in _given(inputs, 1)]
    if values.size * math.prod(repeats) > SMALL:
        raise ValueError("too large")
    return np.tile(values, repeats)


def _split(inputs: _Inputs, attributes: _Attributes) -> list[Constant]:
    values, axis = _given(inputs, 0), attributes.get("axis", 0)
    sizes = attributes.get("split", _optional(inputs, 1))
    if sizes is None:
        raise ValueError("not given")
    return list(np.split(values, np.cumsum(sizes)[:-1], axis))


def _elementwise(function: Callable[..., Any]) -> Callable[[_Inputs, _Attributes], Constant]:
    return lambda inputs, _: np.asarray(function(*(_given(inputs, index) for index in range(len(inputs)))))


def _of_many(function: Callable[[Constant, Constant], Constant]) -> Callable[[_Inputs, _Attributes], Constant]:
    return lambda inputs, _: functools.reduce(function, [_given(inputs, index) for index in range(len(inputs))])


def _reduce(function: Callable[..., Any]) -> Callable[[_Inputs, _Attributes], Constant]:
    def apply(inputs: _Inputs, attributes: _Attributes) -> Constant:
        values = _given(inputs, 0)
        axes = _axes(inputs, attributes)
        if not axes and attributes.get("noop_with_empty_axes"):
            return values
        if values.dtype.kind == "f" and function in {np.sum, np.prod}:
            raise ValueError("rounded in another order by others")
        result = function(values, axis=axes or None, keepdims=bool(attributes.get("keepdims", 1)))
        return np.asarray(result, values.dtype)

    return apply


_RULES: dict[str, Callable[[_Inputs, _Attributes], Constant | list[Constant]]] = {
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
