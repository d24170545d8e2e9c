"""Predicts many substitutions of a window from one pass of it: of each map only the positions that change.

What changes of a map is held as the difference from REF's map. A convolution multiplies the changed positions alone;
what they add is put on REF's numbers, and what follows works on the sums. A dense layer on all positions multiplies
the rows of its weights where something changed, an average sums up the changes; only what stands behind runs in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.network.gains import cost_of_substitution
from zoo.network.network import CODES_INPUT, SEQUENCE, Average, Exit, Network, Project, Whole
from zoo.network.operators import Convolve, Frame, Join, Pick, Places
from zoo.network.products import RESULT, row_input, write_dense_graph, write_pointwise_graph, write_product_graph
from zoo.network.reaches import Reaches, find_reaches
from zoo.network.spreading import AVERAGE, AVERAGE_WITH_ADDED, MAX
from zoo.network.stages import Part, Pointwise, Stage, find_stages
from zoo.network.writing import write_maps_graph, write_tail_graph

if TYPE_CHECKING:
    import onnx

Numbers: TypeAlias = npt.NDArray[np.float32]
Codes: TypeAlias = npt.NDArray[np.uint8]

Opener: TypeAlias = "Callable[[onnx.ModelProto], Any]"
"""Returns ONNX Runtime's session of a graph, which works in one thread and may be called from several."""

# Substitutions go through the trunk together while what a layer adds may stay in a processor's cache.
_BLOCK_BYTES = 4 << 20
_MIN_BLOCK, _MAX_BLOCK = 64, 1024
_WORK_OF_A_GROUP = 64_000_000  # multiply-adds that make up for taking a block of its own
_MIN_BASES = 8  # in a group
_LETTERS = 5


@dataclass(frozen=True, slots=True)
class Reference:
    """What windows are without changes.

    Attributes:
        codes: Shape (U, L).
        maps: The rows of maps, position by position, window by window, by name, shape (U * length, C).
        exits: What the tail reads, by the exit's output; maps as a whole are left out. U rows each.
        outputs: The network's, by name, U rows each.
    """

    codes: Codes
    maps: Mapping[str, Numbers]
    exits: Mapping[str, Numbers]
    outputs: Mapping[str, Numbers]


@dataclass(frozen=True, slots=True)
class Substitutions:
    """One changed base each.

    Attributes:
        rows: Which window of the reference, shape (n,).
        positions: Where in it, counted from 0, shape (n,).
        letters: The codes that stand there instead, shape (n,).
    """

    rows: Places
    positions: Places
    letters: Codes

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: npt.NDArray[Any]) -> Substitutions:
        """Return some of them."""
        return Substitutions(self.rows[chosen], self.positions[chosen], self.letters[chosen])


class Differences:
    """A network that is ready to predict substitutions by difference. May be called from several threads.

    Args:
        open_graph: Opens the graphs that it is made of.
        compiled: Whether numba's functions are used; by default where it is installed.
    """

    def __init__(self, network: Network, open_graph: Opener, *, compiled: bool | None = None) -> None:
        self.network = network
        self.functions = _choose_functions(compiled=compiled)
        self.reaches = _group_bases(network)
        self.parts = find_stages(network)
        self._block = _choose_block(network, self.reaches)
        self._maps = sorted(_find_maps(self.parts, network))
        self._whole = open_graph(write_maps_graph(network, self._maps))
        self._tail = open_graph(write_tail_graph(network))
        self._dense = open_graph(write_dense_graph(network))
        self._products: dict[str, Any] = {}
        self._tables: dict[str, Numbers] = {}
        for part in self.parts:
            if isinstance(part, Stage) and part.convolution is not None:
                self._products[part.inner] = open_graph(write_product_graph(network, part.convolution))
                if part.source == SEQUENCE:
                    self._tables[part.inner] = self.multiply(part.convolution, self.letter_changes[:, np.newaxis])
            elif isinstance(part, Pointwise) and not part.linear:
                self._products[part.output] = open_graph(write_pointwise_graph(network, part))

    @property
    def letter_changes(self) -> Numbers:
        """What a substitution changes, for each REF and each ALT letter, shape (25, 4)."""
        table = self.network.table
        return (table[np.newaxis] - table[:, np.newaxis]).reshape(_LETTERS * _LETTERS, -1)

    def read(self, codes: Codes, extra: Mapping[str, Numbers] | None = None) -> Reference:
        """Run the network on whole windows.

        Args:
            codes: Shape (U, L).
            extra: The network's further inputs, by name, U rows each.
        """
        outputs = [value.name for value in self.network.tail.outputs]
        exits = [number for number, one in enumerate(self.network.exits) if not isinstance(one, Whole)]
        names = [*outputs, *(f"zoo_map_{n}" for n in range(len(self._maps))), *(f"zoo_exit_{n}" for n in exits)]
        found = iter(self._whole.run(names, {CODES_INPUT: codes, **(extra or {})}))
        outputs_found = {name: next(found) for name in outputs}
        maps = {name: next(found).reshape(-1, self.network.maps[name].channels) for name in self._maps}
        return Reference(codes, maps, {self.network.exits[n].output: next(found) for n in exits}, outputs_found)

    def predict(
        self, reference: Reference, chosen: Substitutions, extra: Mapping[str, Numbers] | None = None
    ) -> dict[str, Numbers]:
        """Return the outputs by name, a row for each substitution.

        Numbers that overflow come out as none: the difference of two that are infinite.

        Args:
            extra: The network's further inputs, by name, a row for each substitution.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return self._predict(reference, chosen, extra or {})

    def _predict(self, reference: Reference, chosen: Substitutions, extra: Mapping[str, Numbers]) -> dict[str, Numbers]:
        if not len(chosen):
            return {name: values[:0] for name, values in reference.outputs.items()}
        group = self.reaches.group[chosen.positions]
        order = np.lexsort((chosen.positions, chosen.rows, group))
        changes = _Changes(self, reference, chosen)
        for number in np.unique(group).tolist():
            members = order[group[order] == number]
            for first in range(0, len(members), self._block):
                changes.follow(members[first : first + self._block], self.reaches.widths[number])
        exits = {f"zoo_exit_{number}": changes.leave(one) for number, one in enumerate(self.network.exits)}
        outputs = [value.name for value in self.network.tail.outputs]
        return dict(zip(outputs, self._tail.run(outputs, {**exits, **extra}), strict=True))

    def multiply(self, convolution: Convolve, changes: Numbers) -> Numbers:
        """Return what changes (n, width, C) add to the outputs that read them, shape (n, width, taps, F)."""
        count, width, channels = changes.shape
        filters, _, taps = convolution.weights.shape
        rows = np.ascontiguousarray(changes.reshape(count * width, channels))
        product: Numbers = self._products[convolution.output].run([RESULT], {row_input(0): rows})[0]
        return product.reshape(count, width, taps, filters)

    def add_letters(self, stage: Stage) -> Numbers:
        """Return the same for a convolution of the sequence, for each REF and each ALT letter."""
        return self._tables[stage.inner]

    def apply(self, part: Pointwise, rows: list[Numbers]) -> Numbers:
        """Return what operators on each number make of rows (n, C) of maps."""
        feed = {row_input(number): part[:, :, np.newaxis, np.newaxis] for number, part in enumerate(rows)}
        found: Numbers = self._products[part.output].run([RESULT], feed)[0]
        apart: Numbers = found.reshape(len(found), -1)
        return apart

    def project(self, rows: Numbers, weights: Numbers) -> Numbers:
        """Return the product of rows (n, C) and weights (C, U)."""
        found: Numbers = self._dense.run([RESULT], {row_input(0): rows, row_input(1): weights})[0]
        return found


class _Changes:
    """Follows substitutions through the trunk, block by block, and keeps what its exits need."""

    def __init__(self, engine: Differences, reference: Reference, chosen: Substitutions) -> None:
        self._engine = engine
        self._network = engine.network
        self._reference = reference
        self._chosen = chosen
        self._sources = {one.source for one in engine.network.exits}
        # By map: items, the first changed position of each, the changes (n, width, C).
        self._left: dict[str, list[tuple[Places, Places, Numbers]]] = {name: [] for name in self._sources}

    def follow(self, items: Places, widths: Mapping[str, int]) -> None:
        """Take some of the substitutions through the trunk.

        Args:
            widths: How many positions of each map may change.
        """
        block = _Block(self._engine, self._reference, self._chosen.take(items), widths)
        for part in self._engine.parts:
            block.take(part)
        for name in self._sources:
            self._left[name].append((items, block.starts(name), block.changes[name]))

    def leave(self, leaving: Exit) -> Numbers:
        """Return what the tail reads, a row for each substitution."""
        match leaving:
            case Average():
                return self._average(leaving)
            case Project():
                return self._project(leaving)
        return self._assemble(leaving)

    def _average(self, leaving: Average) -> Numbers:
        result = self._reference.exits[leaving.output][self._chosen.rows]
        for items, _, changes in self._left[leaving.source]:
            added = changes.sum(axis=1) * np.float32(leaving.scale)
            result[items] += added.reshape(len(items), *result.shape[1:])
        return result

    def _project(self, leaving: Project) -> Numbers:
        result = self._reference.exits[leaving.output][self._chosen.rows]
        parts = self._left[leaving.source]
        channels = leaving.weights.shape[1]
        items = np.concatenate([np.repeat(items, changes.shape[1]) for items, _, changes in parts])
        places = np.concatenate(
            [(starts[:, np.newaxis] + np.arange(changes.shape[1])).ravel() for _, starts, changes in parts]
        )
        rows = np.concatenate([changes.reshape(-1, channels) for _, _, changes in parts])
        # Position by position: each row of the weights is read once, however many items change it.
        for place, chosen in _group(places):
            result[items[chosen]] += self._engine.project(rows[chosen], leaving.weights[place])
        return result

    def _assemble(self, leaving: Whole) -> Numbers:
        shape = self._network.maps[leaving.source]
        ref = self._reference.maps[leaving.source].reshape(-1, shape.length, shape.channels)
        result = ref[self._chosen.rows]
        for items, starts, changes in self._left[leaving.source]:
            places = starts[:, np.newaxis] + np.arange(changes.shape[1])
            result[items[:, np.newaxis], places] += changes
        order = [axis for axis in leaving.axes if axis in "CL"]
        if order == ["C", "L"]:
            result = np.ascontiguousarray(result.transpose(0, 2, 1))
        if leaving.flat:
            return result.reshape(len(result), -1)
        sizes = {"N": len(result), "C": shape.channels, "L": shape.length, "1": 1}
        return result.reshape([sizes[axis] for axis in leaving.axes])


class _Block:
    """Substitutions that reach equally far.

    Attributes:
        changes: By map, how much its changed positions differ from REF's, shape (n, width, C).
    """

    def __init__(
        self, engine: Differences, reference: Reference, chosen: Substitutions, widths: Mapping[str, int]
    ) -> None:
        self._engine = engine
        self._functions = engine.functions
        self._network = engine.network
        self._reference = reference
        self._chosen = chosen
        self._widths = widths
        self._letters = reference.codes[chosen.rows, chosen.positions].astype(np.int64) * _LETTERS + chosen.letters
        self._every = np.arange(len(chosen))
        self._known_starts: dict[str, Places] = {}
        self.changes: dict[str, Numbers] = {SEQUENCE: engine.letter_changes[self._letters][:, np.newaxis]}

    def starts(self, name: str) -> Places:
        """Return the first changed position of a map, for each item."""
        if name not in self._known_starts:
            last = self._network.maps[name].length - self._widths[name]
            starts = self._engine.reaches.starts[name][self._chosen.positions]
            self._known_starts[name] = np.minimum(starts, last).astype(np.int64, copy=False)
        return self._known_starts[name]

    def bases(self, name: str) -> Places:
        """Return where REF's rows of a map begin, for each item."""
        return self._chosen.rows * self._network.maps[name].length

    def take(self, part: Part) -> None:
        """Find the changes of one more map."""
        match part:
            case Stage():
                self.changes[part.output] = self._pass(part)
            case Frame():
                self.changes[part.output] = self._move(part.source, part.output, part.slide.before)
            case Pick():
                picked = self.changes[part.source][:, :, part.start : part.end]
                self.changes[part.output] = np.ascontiguousarray(picked)
            case Join():
                joined = [self._move(source, part.output) for source in part.sources]
                self.changes[part.output] = np.concatenate(joined, axis=2)
            case Pointwise():
                self.changes[part.output] = self._apply(part)

    def _pass(self, stage: Stage) -> Numbers:
        if stage.convolution is None:
            added, rows = self.changes[stage.source][:, :, np.newaxis], self._every
        elif stage.source == SEQUENCE:
            added, rows = self._engine.add_letters(stage), self._letters
        else:
            added, rows = self._engine.multiply(stage.convolution, self.changes[stage.source]), self._every
        starts, firsts = self.starts(stage.source), self.starts(stage.output)
        slide = (stage.slide.stride, stage.slide.dilation, stage.slide.before)
        result = self._make(stage.output)
        if stage.linear:
            self._functions.spread(added, rows, starts, slide, firsts, result)
            return result
        steps = (*stage.early, *stage.late)
        channels = result.shape[2]
        values = np.stack([step.values for step in steps]) if steps else np.empty((0, channels), np.float32)
        self._functions.spread_and_pool(
            added,
            rows,
            starts,
            slide,
            self._reference.maps[stage.inner],
            self.bases(stage.inner),
            self._network.maps[stage.inner].length,
            _read_pool(stage),
            np.array([step.kind for step in steps], dtype=np.int64),
            values,
            len(stage.early),
            self._reference.maps[stage.output],
            self.bases(stage.output),
            firsts,
            result,
        )
        return result

    def _make(self, name: str, channels: int | None = None) -> Numbers:
        shape = self._network.maps[name]
        return np.empty((len(self._chosen), self._widths[name], channels or shape.channels), dtype=np.float32)

    def _move(self, source: str, output: str, before: int = 0) -> Numbers:
        """Return the changes of a map at the positions of another, which may have positions more in front."""
        changes = self.changes[source]
        starts, firsts = self.starts(source), self.starts(output)
        if changes.shape[1] == self._widths[output] and (starts + before == firsts).all():
            return changes
        result = self._make(output, changes.shape[2])
        added = np.ascontiguousarray(changes)[:, :, np.newaxis]
        self._functions.spread(added, self._every, starts, (1, 1, before), firsts, result)
        return result

    def _apply(self, part: Pointwise) -> Numbers:
        moved = [self._move(source, part.output) for source in part.sources]
        if part.linear:
            first, second = moved if len(moved) == 2 else moved * 2
            combined: Numbers = first + second if part.operators[0].op_type == "Add" else first - second
            return combined
        rows = []
        for source, changes in zip(part.sources, moved, strict=True):
            alt = self._read_ref(source, part.output)
            alt += changes
            rows.append(alt.reshape(-1, alt.shape[2]))
        found: Numbers = self._engine.apply(part, rows).reshape(*moved[0].shape[:2], -1)
        found -= self._read_ref(part.output, part.output)
        return found

    def _read_ref(self, name: str, output: str) -> Numbers:
        """Return REF's map at the changed positions of another, shape (n, width, C)."""
        places = (self.bases(name) + self.starts(output))[:, np.newaxis] + np.arange(self._widths[output])
        return self._reference.maps[name].take(places, axis=0)


def _group_bases(network: Network) -> Reaches:
    """Return what bases reach; those that reach less are apart where the work that is saved is worth it."""
    together = find_reaches(network, network.length + 1)
    work = max(1, cost_of_substitution(network, together).multiply_adds)
    return find_reaches(network, max(_MIN_BASES, _WORK_OF_A_GROUP // work))


def _choose_block(network: Network, reaches: Reaches) -> int:
    largest = 1
    for operator in network.trunk:
        for widths in reaches.widths:
            shape = network.maps[operator.output]
            taps = operator.slide.width if isinstance(operator, Convolve) else 1
            changed = max(widths[source] for source in operator.sources)
            largest = max(largest, 4 * shape.channels * max(widths[operator.output], taps * changed))
    return min(max(_BLOCK_BYTES // largest, _MIN_BLOCK), _MAX_BLOCK)


def _choose_functions(*, compiled: bool | None) -> ModuleType:
    from zoo.network import spreading

    if compiled is False:
        return spreading
    try:
        from zoo.network import kernels
    except ModuleNotFoundError as error:
        if compiled or error.name != "numba":
            raise
        return spreading
    return kernels


def _find_maps(parts: tuple[Part, ...], network: Network) -> set[str]:
    """Return the maps that are needed of REF."""
    needed = {one.source for one in network.exits if isinstance(one, Whole)}
    for part in parts:
        if isinstance(part, Stage) and not part.linear:
            needed.update([part.inner, part.output])
        elif isinstance(part, Pointwise) and not part.linear:
            needed.update([*part.sources, part.output])
    return needed


def _read_pool(stage: Stage) -> tuple[int, int, int, int, int]:
    if stage.pool is None:
        return (1, 1, 1, 0, MAX)
    slide = stage.pool.slide
    rule = MAX
    if stage.pool.kind == "average":
        rule = AVERAGE_WITH_ADDED if stage.pool.counts_added else AVERAGE
    return (slide.width, slide.stride, slide.dilation, slide.before, rule)


def _group(values: Places) -> Iterator[tuple[int, Places]]:
    """Yield each value and where it stands."""
    order = np.argsort(values, kind="stable")
    found, firsts = np.unique(values[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, firsts[1:]), strict=True)
