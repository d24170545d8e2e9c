"""How a tensor of the graph lays out a map: letters for its axes, ``1`` for an axis of one element."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from zoo.network.network import Map


@dataclass(frozen=True, slots=True)
class View:
    """A map as a tensor with the axes ``N``, ``C``, ``L`` and any number of ``1``."""

    map: str
    axes: str

    def align(self, constant: npt.NDArray[Any], channels: int) -> npt.NDArray[Any] | None:
        """Return a constant that is broadcast to this tensor in the layout of maps; None if positions differ in it."""
        if constant.ndim > len(self.axes):
            return None
        sizes = (1,) * (len(self.axes) - constant.ndim) + constant.shape
        for axis, size in zip(self.axes, sizes, strict=True):
            if size != 1 and (axis != "C" or size != channels):
                return None
        return constant.reshape(1, -1, 1, 1)


@dataclass(frozen=True, slots=True)
class Flat:
    """A map whose positions and channels are one axis, in the order of ``axes`` before."""

    map: str
    axes: str

    @property
    def order(self) -> str:
        """``CL`` or ``LC``: which of the two runs faster stands last."""
        return "".join(axis for axis in self.axes if axis in "CL")


def transpose(view: View, perm: list[int] | None) -> View | None:
    """Return the axes in another order; None if the batch axis moves."""
    order = perm or list(range(len(view.axes)))[::-1]
    return View(view.map, "".join(view.axes[axis] for axis in order)) if order[0] == 0 else None


def squeeze(view: View, axes: list[int] | None) -> View | None:
    """Drop axes of one element."""
    if axes is None:
        return None
    gone = {axis % len(view.axes) for axis in axes}
    if any(view.axes[axis] != "1" for axis in gone):
        return None
    return View(view.map, "".join(axis for index, axis in enumerate(view.axes) if index not in gone))


def unsqueeze(view: View, axes: list[int]) -> View | None:
    """Add axes of one element."""
    rank = len(view.axes) + len(axes)
    added = {axis % rank for axis in axes}
    if 0 in added:
        return None
    kept = iter(view.axes)
    return View(view.map, "".join("1" if index in added else next(kept) for index in range(rank)))


def reshape(view: View, shape: Map, target: list[int]) -> View | Flat | None:  # noqa: PLR0911 - one rule a line
    """Return what a reshape makes: axes of one element come or go, or positions and channels become one axis."""
    sizes = {"C": shape.channels, "L": shape.length, "1": 1}
    rest = [sizes[axis] for axis in view.axes[1:]]
    total = math.prod(rest)
    if not target or target[0] not in {0, -1}:
        return None
    wanted = []
    for index, size in enumerate(target[1:], start=1):
        if size == 0 and index >= len(view.axes):
            return None
        wanted.append(size or sizes[view.axes[index]])
    if -1 in wanted:
        known = -math.prod(wanted)
        # Where the number of windows is to be reckoned, no other size can be.
        if target[0] == -1 or wanted.count(-1) > 1 or total % known:
            return None
        wanted[wanted.index(-1)] = total // known
    if math.prod(wanted) != total:
        return None
    if wanted == rest:
        return view
    if wanted == [total]:
        return Flat(view.map, view.axes)
    letters = [axis for axis in view.axes[1:] if axis != "1"]
    # Of a letter of one element nobody knows which axis of one it became: it has no size here, and that is unequal.
    if [size for size in wanted if size != 1] != [sizes[axis] for axis in letters]:
        return None
    remaining = iter(letters)
    return View(view.map, "N" + "".join("1" if size == 1 else next(remaining) for size in wanted))
