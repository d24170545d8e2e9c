"""Brings a graph to a version of ONNX's operators that the graphs made of it can be written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import ModelError

if TYPE_CHECKING:
    import onnx

OPSET = 15
"""The oldest with all that is written: slices of shapes."""

_ALIKE = 13
"""From here on to ``OPSET`` no operator of a network changes what it says."""


def bring_up_to_date(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model itself, or one of the same operators in version 15 where it is older.

    Raises:
        ModelError: An operator can't be brought there.
    """
    import onnx
    from onnx import version_converter

    found = next((item.version for item in model.opset_import if item.domain in {"", "ai.onnx"}), 1)
    if found >= OPSET:
        return model
    if found < _ALIKE:
        try:
            return version_converter.convert_version(model, OPSET)
        except (RuntimeError, version_converter.ConvertError) as reason:
            raise ModelError(
                f"expected a network of opset {_ALIKE} or newer, found {found}, which can't be converted ({reason}); "
                "export it again"
            ) from reason
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for item in changed.opset_import:
        if item.domain in {"", "ai.onnx"}:
            item.version = OPSET
    return changed
