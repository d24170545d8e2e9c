"""What small constants become on their way to an operator that makes a shape of them.

Exporters write the shape of a result as ``Shape`` and a few steps of arithmetic. They are followed here with numpy, for
tensors of at most ``SMALL`` elements; whatever else is not followed, and its value counts as unknown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.model.arithmetic import RULES, Attributes
from zoo.model.constants import SMALL, Constant

if TYPE_CHECKING:
    import onnx


def fold(
    node: onnx.NodeProto, inputs: Sequence[Constant | None], shapes: Sequence[tuple[int, ...] | None]
) -> list[Constant] | None:
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
    rule = RULES.get(operator)
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


def _fold_shape(operator: str, shape: tuple[int, ...], attributes: Attributes) -> list[Constant]:
    if operator == "Size":
        return [np.array(math.prod(shape), np.int64)]
    return [np.array(shape[attributes.get("start", 0) : attributes.get("end", len(shape))], np.int64)]
