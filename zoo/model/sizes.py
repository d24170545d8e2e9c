"""How much memory and work a network takes for one window, reckoned before any of it runs.

A few hundred bytes of ONNX can ask for terabytes, some of them as soon as a session is made. So the shape of every
result is inferred node by node (``walking``), and what is too large, or of unknown size, is refused; so is what grows
faster than the number of windows. What a file says of its own results is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.errors import UnsafeModel
from zoo.model.shapes import infer_sizes
from zoo.model.walking import Walk

if TYPE_CHECKING:
    import onnx

    from zoo.model.card import Card

_MANY = 16  # windows that are reckoned beside one, to see what grows
_UNNOTICED = 1 << 20  # bytes below which it does not matter how a result grows
_LISTED = 1 << 20  # whole numbers in lists, which ONNX follows one by one where all results are inferred at once


@dataclass(frozen=True, slots=True)
class Need:
    """What one window takes: bytes that are held at one time, and multiplications."""

    held: int
    work: int


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
    one = Walk(model, inputs, card, 1, where)
    shapes = {name: (_MANY * shape[0], *shape[1:]) for name, shape in one.shapes.items()}
    quick = infer_sizes(model, shapes) if one.listed <= _LISTED else None
    sizes = quick or Walk(model, inputs, card, _MANY, where).sizes
    for name, size in sizes.items():
        if size > max(_MANY * one.sizes.get(name, 0), _UNNOTICED):
            raise UnsafeModel(
                f"{where}: result {name!r}: expected a size that grows with the number of windows, found "
                f"{one.sizes.get(name, 0):,} bytes for one and {size:,} for {_MANY}"
            )
    return Need(one.held, one.work)


def _tells_shape(item: onnx.ValueInfoProto) -> bool:
    """Return whether all axes of an input but the first have a size."""
    shape = item.type.tensor_type.shape
    return len(shape.dim) > 0 and all(dim.HasField("dim_value") for dim in shape.dim[1:])
