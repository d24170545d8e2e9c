"""Random networks whose neighbouring windows share maps: where branches meet they lie alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from tests.network.random_graphs import GraphMaker, Numbers, RandomModel

HEADS = ("dense", "mean", "max", "bins", "members")


@dataclass(frozen=True)
class _Map:
    name: str
    channels: int
    length: int


def sharing_models(max_layers: int = 5) -> st.SearchStrategy[RandomModel]:
    """Networks, those of few layers among them, as failures shrink to fewer layers."""
    return st.builds(
        lambda layers, seed: draw_sharing(np.random.default_rng(seed), layers),
        st.integers(0, max_layers),
        st.integers(0, 2**32 - 1),
    )


def draw_sharing(rng: np.random.Generator, layers: int, length: int | None = None, *heads: str) -> RandomModel:
    """Return a network of a convolution, so many layers more, and heads: those that are named, or some."""
    return _Maker(rng).make(layers, length or int(rng.integers(14, 50)), heads)


class _Maker(GraphMaker):
    """Builds maps (N, C, L)."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self._rng = rng
        self._parts: list[str] = []

    def make(self, layers: int, length: int, heads: tuple[str, ...]) -> RandomModel:
        turned = self.node("Transpose", ["sequence"], perm=[0, 2, 1])
        found = self._convolve(_Map(turned, 4, length))
        assert found is not None
        for _ in range(layers):
            found = self._layer(found)
        if not heads:
            heads = tuple(self._rng.choice(HEADS, self._between(1, 2), replace=False))
        self._parts.extend(heads)
        outputs = [self._head(kind, found) for kind in heads]
        return RandomModel(self.model({"sequence": (length, 4)}, outputs), "sequence", length, {}, tuple(self._parts))

    def _between(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high + 1))

    def _numbers(self, *shape: int, spread: float = 1.0, mean: float = 0.0) -> Numbers:
        return self._rng.normal(mean, spread, shape).astype(np.float32)

    def _layer(self, given: _Map) -> _Map:
        kinds: list[Callable[[_Map], _Map | None]] = [
            self._convolve, self._convolve, self._pool, self._pool, self._activate, self._scale, self._residual,
            self._branches, self._gate, self._crop, self._pad_and_crop,
        ]  # fmt: skip
        for number in self._rng.permutation(len(kinds)):
            found = kinds[number](given)
            if found is not None:
                self._parts.append(kinds[number].__name__.strip("_"))
                return found
        return self._activate(given)

    def _convolve(self, given: _Map, stride: int | None = None, *, padded: bool | None = None) -> _Map | None:
        width, dilation = self._between(1, 6), self._between(1, 2)
        step = stride or int(self._rng.choice([1, 1, 1, 2, 3]))
        groups = 2 if given.channels % 2 == 0 and self._rng.random() < 0.3 else 1
        reach = (width - 1) * dilation
        if padded is None:
            padded = bool(self._rng.random() < 0.3)
        before, after = (reach // 2, reach - reach // 2) if padded else (0, 0)
        count = (given.length + before + after - reach - 1) // step + 1
        if count < 2:
            return None
        filters, inner = groups * self._between(1, 3), given.channels // groups
        weights = self.constant(self._numbers(filters, inner, width, spread=1 / math.sqrt(inner * width)))
        name = self.node(
            "Conv", [given.name, weights, self.constant(self._numbers(filters))],
            kernel_shape=[width], strides=[step], dilations=[dilation], group=groups, pads=[before, after],
        )  # fmt: skip
        return _Map(name, filters, count)

    def _pool(self, given: _Map) -> _Map | None:
        width, step = self._between(1, 4), self._between(1, 4)
        pads = [self._between(0, width // 2) for _ in range(2)] if self._rng.random() < 0.3 else [0, 0]
        count = (given.length + sum(pads) - width) // step + 1
        if count < 2:
            return None
        kind = str(self._rng.choice(["MaxPool", "AveragePool"]))
        name = self.node(kind, [given.name], kernel_shape=[width], strides=[step], pads=pads)
        return replace(given, name=name, length=count)

    def _activate(self, given: _Map) -> _Map:
        return replace(given, name=self.node(str(self._rng.choice(["Relu", "Sigmoid", "Tanh"])), [given.name]))

    def _scale(self, given: _Map) -> _Map:
        by = self.constant(self._numbers(given.channels, 1, mean=1, spread=0.2))
        added = self.constant(self._numbers(given.channels, 1))
        return replace(given, name=self.node("Add", [self.node("Mul", [given.name, by]), added]))

    def _cut(self, given: _Map, start: int, length: int) -> _Map:
        bounds = [self.constant(np.array([number])) for number in (start, start + length, 2)]
        return replace(given, name=self.node("Slice", [given.name, *bounds]), length=length)

    def _crop(self, given: _Map) -> _Map | None:
        start, gone = self._between(0, 3), self._between(1, 3)
        return self._cut(given, start, given.length - start - gone) if given.length - start - gone > 1 else None

    def _residual(self, given: _Map) -> _Map | None:
        inside = self._convolve(given, 1)
        if inside is None:
            return None
        kept = self._cut(given, self._between(0, given.length - inside.length), inside.length)
        weights = self.constant(self._numbers(inside.channels, given.channels, 1))
        kept = replace(kept, name=self.node("Conv", [kept.name, weights], kernel_shape=[1]))
        return replace(inside, name=self.node("Add", [inside.name, kept.name]))

    def _branches(self, given: _Map) -> _Map | None:
        step = self._between(1, 2)
        # Where a stride begins at another phase in one of them, they would lie otherwise.
        made = [self._convolve(given, step, padded=None if step == 1 else False) for _ in range(2)]
        if made[0] is None or made[1] is None:
            return None
        one, other = made[0], made[1]
        length = min(one.length, other.length)
        parts = [self._cut(part, self._between(0, part.length - length), length) for part in (one, other)]
        name = self.node("Concat", [part.name for part in parts], axis=1)
        return _Map(name, one.channels + other.channels, length)

    def _gate(self, given: _Map) -> _Map | None:
        half = given.channels // 2
        if not half:
            return None
        parts = []
        for first in (0, half):
            bounds = [self.constant(np.array([number])) for number in (first, first + half, 1)]
            parts.append(self.node("Slice", [given.name, *bounds]))
        return _Map(self.node("Mul", [parts[0], self.node("Sigmoid", [parts[1]])]), half, given.length)

    def _pad_and_crop(self, given: _Map) -> _Map | None:
        """Add positions of one value at the ends, or cut some off, as a negative padding does."""
        before, after = self._between(-1, 3), self._between(-1, 3)
        if given.length + min(0, before) + min(0, after) < 2:
            return None
        pads = self.constant(np.array([0, 0, before, 0, 0, after]))
        value = self.constant(np.float32(self._rng.choice([-0.0, 0.7])))
        name = self.node("Pad", [given.name, pads, value])
        return replace(given, name=name, length=given.length + before + after)

    def _head(self, kind: str, given: _Map) -> str:
        match kind:
            case "dense":
                return self._dense(self.node("Flatten", [given.name]), given.channels * given.length, 2)
            case "mean" | "max":
                pool = "GlobalAveragePool" if kind == "mean" else "GlobalMaxPool"
                return self._dense(self.node("Flatten", [self.node(pool, [given.name])]), given.channels, 2)
            case "bins":
                weights = self.constant(self._numbers(2, given.channels, 1))
                name = self.node("Conv", [given.name, weights], kernel_shape=[1])
                return self.node("Transpose", [name], perm=[0, 2, 1])
        flat = self.node("Flatten", [given.name])
        heads = [self._dense(flat, given.channels * given.length, 2) for _ in range(3)]
        return self.node("Concat", [self.node("Unsqueeze", [h, self.constant(np.array([1]))]) for h in heads], axis=1)

    def _dense(self, name: str, features: int, units: int) -> str:
        weights = self.constant(self._numbers(features, units, spread=1 / math.sqrt(features)))
        return self.node("Gemm", [name, weights, self.constant(self._numbers(units))])
