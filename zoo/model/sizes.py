"""How much memory and work a network takes for one window, reckoned before any of it runs.

A few hundred bytes of ONNX can ask for terabytes, some of them as soon as a session is made. So the shape of every
result is inferred node by node (``walking``), and what is too large, or of unknown size, is refused; so is what grows
faster than the number of windows. What a file says of its own results is not believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo.errors import UnsafeModel
from zoo.model.growth import MANY
from zoo.model.limits import RANK
from zoo.model.shapes import infer_sizes
from zoo.model.telling import in_one_line
from zoo.model.walking import Walk

if TYPE_CHECKING:
    import onnx

    from zoo.model.card import Card

_LISTED = 1 << 20  # whole numbers in lists, which ONNX follows one by one where all results are inferred at once


@dataclass(frozen=True, slots=True)
class Need:
    """What one window takes: bytes that are held at one time, multiplications, and bytes of the largest result."""

    held: int
    work: int
    largest: int = field(default=0, compare=False)


def reckon_need(model: onnx.ModelProto, card: Card | None = None, where: str = "network") -> Need | None:
    """Return what one window takes; None where neither the network nor a card says how large its inputs are.

    Args:
        model: A network that passed ONNX's own checks, of operators that are allowed.
        card: Says the shape of the inputs, where the network leaves axes free; it agrees with the network.
        where: Names the network in messages.

    Raises:
        UnsafeModel: A result is too large, grows faster than the number of windows, or nobody can say how large it
            will be; a loop has too many turns, or as many as it likes; all of it is too much.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in weights]
    if card is None and not all(_tells_shape(item) for item in inputs):
        return None
    try:
        return _reckon(model, inputs, card, where)
    except (ArithmeticError, ValueError) as error:
        raise UnsafeModel(f"{where}: sizes that can't be reckoned: {in_one_line(error)}") from error


def _reckon(model: onnx.ModelProto, inputs: Sequence[onnx.ValueInfoProto], card: Card | None, where: str) -> Need:
    one = Walk(model, inputs, card, 1, where)
    shapes = {item.name: (_count_windows(item), *one.shapes[item.name][1:]) for item in inputs}
    quick = infer_sizes(model, shapes) if one.listed <= _LISTED and not one.asked else None
    if quick is not None:
        for name, sizes, size in one.seen:
            _compare(where, name, (sizes, size), quick[name])
        return Need(one.held, one.work, one.largest)
    many = Walk(model, inputs, card, MANY, where)
    for (name, axes, size), (_, axes_of_many, size_of_many) in zip(one.seen, many.seen, strict=True):
        _compare(where, name, (axes, size), (axes_of_many, size_of_many))
    if one.asked:
        one = Walk(model, inputs, card, 1, where, many.asked)
    return Need(one.held, one.work, one.largest)


def _compare(
    where: str,
    name: str,
    one: tuple[tuple[int | None, ...] | None, int],
    many: tuple[tuple[int | None, ...] | None, int],
) -> None:
    """Refuse a result that is not of so much for each window, or as much for any number of them."""
    axes = [] if one[0] is None or many[0] is None else zip(one[0], many[0], strict=False)
    alike = all(a is None or b is None or b in {a, MANY * a} for a, b in axes)
    if not alike or many[1] > MANY * one[1]:
        raise UnsafeModel(
            f"{where}: result {name!r}: expected a size that grows with the number of windows, found "
            f"{_show(*one)} for one and {_show(*many)} for {MANY:,}"
        )


def _show(shape: tuple[int | None, ...] | None, size: int) -> str:
    sizes = "" if shape is None else f" ({', '.join('?' if axis is None else str(axis) for axis in shape[:RANK])})"
    return f"{size:,} bytes{sizes}"


def _tells_shape(item: onnx.ValueInfoProto) -> bool:
    """Return whether all axes of an input but the first have a size."""
    shape = item.type.tensor_type.shape
    return len(shape.dim) > 0 and all(dim.HasField("dim_value") for dim in shape.dim[1:])


def _count_windows(item: onnx.ValueInfoProto) -> int:
    """Return how many windows an input has where there are many: those of some networks can't be others."""
    axes = item.type.tensor_type.shape.dim
    return axes[0].dim_value if axes and axes[0].HasField("dim_value") else MANY
