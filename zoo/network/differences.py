"""Predicts many substitutions of a window from one pass of it: of each map only the positions that change.

What changes of a map is held as the difference from REF's map. A convolution multiplies the changed positions alone;
what they add is put on REF's numbers, and what follows works on the sums. A dense layer on all positions multiplies
the rows of its weights where something changed, an average sums these positions up, and both add what REF's sums are on
the two sides; only what stands behind runs in full.

REF + (ALT - REF) has no digit of ALT left where REF is huge and ALT small. No sum over positions is made so, and what
an activation gives is kept as it is; only convolutions add differences, because it is several times as fast. Where one
would lose digits that the whole network has, the substitution runs as a window of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.network.gains import cost_of_substitution
from zoo.network.growth import find_exponents, find_ratios, find_uneven_maps
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

# How many times as large as what comes out REF's numbers, or the differences from them, may be: six bits of 24, as much
# as the order of additions makes of a sum.
_MOST = np.float32(64)
_WINDOWS = 32  # run as a whole at once


class Sums:
    """Sums over the positions in front of a place and behind it, so that what lies between can be left out.

    Args:
        terms: What is summed up, shape (U, L, K).
        more: What is added to every sum, shape (K,).
    """

    def __init__(self, terms: Numbers, more: Numbers | None = None) -> None:
        windows, length, channels = terms.shape
        self._before = np.zeros((windows, length + 1, channels))
        self._behind = np.zeros((windows, length + 1, channels))
        np.cumsum(terms, axis=1, dtype=np.float64, out=self._before[:, 1:])
        np.cumsum(terms[:, ::-1], axis=1, dtype=np.float64, out=self._behind[:, -2::-1])
        if more is not None:
            self._before += more

    def around(self, rows: Places, starts: Places, width: int) -> npt.NDArray[np.float64]:
        """Return the sums over all but ``width`` positions from the starts on, shape (n, K)."""
        found: npt.NDArray[np.float64] = self._before[rows, starts]
        found += self._behind[rows, starts + width]
        return found


@dataclass(frozen=True, slots=True)
class Reference:
    """What windows are without changes.

    Attributes:
        codes: Shape (U, L).
        maps: The rows of maps, position by position, window by window, by name, shape (U * length, C).
        sums: What averages and dense layers sum up, by the exit's output.
        outputs: The network's, by name, U rows each.
    """

    codes: Codes
    maps: Mapping[str, Numbers]
    sums: Mapping[str, Sums]
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
        self.uneven = find_uneven_maps(network)
        self.exponents = find_exponents(network)
        self.ratios = find_ratios(network)
        self.added = _find_added(self.parts)
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
        names = [*outputs, *(f"zoo_map_{number}" for number in range(len(self._maps)))]
        with np.errstate(over="ignore", invalid="ignore"):
            found = iter(self._whole.run(names, {CODES_INPUT: codes, **(extra or {})}))
            outputs_found = {name: next(found) for name in outputs}
            maps = {name: next(found).reshape(-1, self.network.maps[name].channels) for name in self._maps}
            sums = {one.output: self._sum(one, maps[one.source]) for one in self.network.exits if not _is_whole(one)}
        return Reference(codes, maps, sums, outputs_found)

    def _sum(self, leaving: Exit, rows: Numbers) -> Sums:
        shape = self.network.maps[leaving.source]
        ref = rows.reshape(-1, shape.length, shape.channels)
        if not isinstance(leaving, Project):
            return Sums(ref)
        products = [self.project(ref[:, place], weights) for place, weights in enumerate(leaving.weights)]
        return Sums(np.stack(products, axis=1), leaving.bias)

    def run_whole(self, codes: Codes, extra: Mapping[str, Numbers] | None = None) -> dict[str, Numbers]:
        """Return the outputs of whole windows by name.

        Args:
            codes: Shape (n, L).
            extra: The network's further inputs, by name, n rows each.
        """
        outputs = [value.name for value in self.network.tail.outputs]
        found = []
        for first in range(0, max(1, len(codes)), _WINDOWS):
            rows = slice(first, first + _WINDOWS)
            feed = {name: values[rows] for name, values in (extra or {}).items()}
            found.append(self._whole.run(outputs, {CODES_INPUT: codes[rows], **feed}))
        return {name: np.concatenate(parts) for name, parts in zip(outputs, zip(*found, strict=True), strict=True)}

    def predict(
        self, reference: Reference, chosen: Substitutions, extra: Mapping[str, Numbers] | None = None
    ) -> dict[str, Numbers]:
        """Return the outputs by name, a row for each substitution.

        Those that differences would lose digits of, or that overflow, are run as windows.

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
        names = [value.name for value in self.network.tail.outputs]
        outputs = dict(zip(names, self._tail.run(names, {**exits, **extra}), strict=True))
        lost = np.flatnonzero(changes.lost)
        if lost.size:
            codes = reference.codes[chosen.rows[lost]]
            codes[np.arange(lost.size), chosen.positions[lost]] = chosen.letters[lost]
            for name, values in self.run_whole(codes, {name: rows[lost] for name, rows in extra.items()}).items():
                outputs[name][lost] = values
        return outputs

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
    """Follows substitutions through the trunk, block by block, and keeps what its exits need.

    Attributes:
        lost: Which of the substitutions have to run as windows, shape (n,).
    """

    def __init__(self, engine: Differences, reference: Reference, chosen: Substitutions) -> None:
        self._engine = engine
        self._network = engine.network
        self._reference = reference
        self._chosen = chosen
        self._sources = dict.fromkeys(one.source for one in engine.network.exits)
        self.lost = np.zeros(len(chosen), dtype=np.bool_)
        # By map: items, the first changed position of each, ALT's numbers there (n, width, C).
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
            self._left[name].append((items, block.starts(name), block.leave(name)))
        self.lost[items] = block.lost

    def leave(self, leaving: Exit) -> Numbers:
        """Return what the tail reads, a row for each substitution."""
        match leaving:
            case Average():
                return self._average(leaving)
            case Project():
                return self._project(leaving)
        return self._assemble(leaving)

    def _average(self, leaving: Average) -> Numbers:
        sums = self._reference.sums[leaving.output]
        channels = self._network.maps[leaving.source].channels
        result = np.empty((len(self._chosen), channels), dtype=np.float32)
        for items, starts, alts in self._left[leaving.source]:
            total = sums.around(self._chosen.rows[items], starts, alts.shape[1])
            total += alts.sum(axis=1, dtype=np.float64)
            total *= leaving.scale
            result[items] = total
        return result.reshape([{"N": -1, "C": channels, "1": 1}[axis] for axis in leaving.axes])

    def _project(self, leaving: Project) -> Numbers:
        sums = self._reference.sums[leaving.output]
        parts = self._left[leaving.source]
        channels, units = leaving.weights.shape[1:]
        result = np.empty((len(self._chosen), units), dtype=np.float32)
        for items, starts, alts in parts:
            result[items] = sums.around(self._chosen.rows[items], starts, alts.shape[1])
        items = np.concatenate([np.repeat(items, alts.shape[1]) for items, _, alts in parts])
        places = np.concatenate(
            [(starts[:, np.newaxis] + np.arange(alts.shape[1])).ravel() for _, starts, alts in parts]
        )
        rows = np.concatenate([alts.reshape(-1, channels) for _, _, alts in parts])
        # Position by position: each row of the weights is read once, however many items change it.
        for place, chosen in _group(places):
            result[items[chosen]] += self._engine.project(rows[chosen], leaving.weights[place])
        return result

    def _assemble(self, leaving: Whole) -> Numbers:
        shape = self._network.maps[leaving.source]
        ref = self._reference.maps[leaving.source].reshape(-1, shape.length, shape.channels)
        result = ref[self._chosen.rows]
        for items, starts, alts in self._left[leaving.source]:
            places = starts[:, np.newaxis] + np.arange(alts.shape[1])
            result[items[:, np.newaxis], places] = alts
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
        lost: Which substitutions differences lose digits of, shape (n,).
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
        # ALT's numbers, where they did not come of a sum.
        self._alts: dict[str, Numbers] = {SEQUENCE: engine.network.table[chosen.letters][:, np.newaxis]}
        self.lost = np.zeros(len(chosen), dtype=np.bool_)

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
                self._pass(part)
            case Frame():
                self.changes[part.output] = self._move(part.source, part.output, part.slide.before)
            case Pick():
                picked = self.changes[part.source][:, :, part.start : part.end]
                self.changes[part.output] = np.ascontiguousarray(picked)
            case Join():
                joined = [self._move(source, part.output) for source in part.sources]
                self.changes[part.output] = np.concatenate(joined, axis=2)
            case Pointwise():
                self._apply(part)
        if part.output in self._alts and part.output in self._engine.added:
            self._check_sums(part.output)

    def leave(self, name: str) -> Numbers:
        """Return ALT's numbers at the changed positions of a map that an exit reads."""
        if name in self._alts:
            return self._alts[name]
        changes = self.changes[name]
        alts = self._add_to_ref(name, name, changes)
        if name in self._engine.uneven:
            # Each channel for itself: the tail may take the logarithm of its sum.
            self._compare(np.abs(changes).max(axis=1), np.abs(alts).max(axis=1))
        else:
            self._compare(_find_largest(changes), _find_largest(alts))
        return alts

    def _check_sums(self, name: str) -> None:
        """Find what convolutions lose of a map when they take its differences for its numbers."""
        changes, alts = self.changes[name], self._alts[name]
        if name in self._engine.uneven:
            # Any of the numbers may be all that a filter reads. Exp of what a network commonly has there is about 1.
            self._compare(np.abs(changes), np.maximum(np.abs(alts), np.float32(1)))
        else:
            self._compare(_find_largest(changes), _find_largest(alts))

    def _compare(self, changes: Numbers, alts: Numbers) -> None:
        """Give those up whose changes are too large beside ALT's numbers, or no numbers."""
        count = len(self._chosen)
        self.lost |= ~(changes <= alts * _MOST).reshape(count, -1).all(axis=1)

    def _pass(self, stage: Stage) -> None:
        if stage.convolution is None:
            added, rows = self.changes[stage.source][:, :, np.newaxis], self._every
        elif stage.source == SEQUENCE:
            added, rows = self._engine.add_letters(stage), self._letters
        else:
            added, rows = self._engine.multiply(stage.convolution, self.changes[stage.source]), self._every
        starts, firsts = self.starts(stage.source), self.starts(stage.output)
        slide = (stage.slide.stride, stage.slide.dilation, stage.slide.before)
        exponent = self._engine.exponents.get(stage.inner)
        if exponent:
            # Behind Exp an error of 1e-6 is a millionth of the result, however small it is.
            self.lost |= ~(_find_largest(added)[rows] * np.float32(exponent) <= _MOST)
        result = self._make(stage.output)
        if stage.linear:
            self._functions.spread(added, rows, starts, slide, firsts, result)
            self.changes[stage.output] = result
            return
        changes = np.empty_like(result)
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
            changes,
        )
        self._alts[stage.output], self.changes[stage.output] = result, changes

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

    def _apply(self, part: Pointwise) -> None:
        if part.linear:
            moved = [self._move(source, part.output) for source in part.sources]
            first, second = moved if len(moved) == 2 else moved * 2
            self.changes[part.output] = first + second if part.operators[0].op_type == "Add" else first - second
            return
        rows = [self._find_alt(source, part.output) for source in part.sources]
        found = self._engine.apply(part, [alts.reshape(-1, alts.shape[2]) for alts in rows])
        self._alts[part.output] = alts = found.reshape(*rows[0].shape[:2], -1)
        self.changes[part.output] = alts - self._read_ref(part.output, part.output)

    def _find_alt(self, source: str, output: str) -> Numbers:
        """Return ALT's map at the changed positions of another."""
        changes = self._move(source, output)
        exact = changes is self.changes[source] and source in self._alts
        alts = self._alts[source] if exact else self._add_to_ref(source, output, changes)
        if source in self._engine.ratios:
            self._compare(np.abs(changes), np.abs(alts))
        elif not exact and source in self._engine.uneven:
            self._compare(np.abs(changes), np.maximum(np.abs(alts), np.float32(1)))
        return alts

    def _add_to_ref(self, source: str, output: str, changes: Numbers) -> Numbers:
        alts = self._read_ref(source, output)
        alts += changes
        return alts

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
    needed = {one.source for one in network.exits}
    for part in parts:
        if isinstance(part, Stage) and not part.linear:
            needed.update([part.inner, part.output])
        elif isinstance(part, Pointwise) and not part.linear:
            needed.update([*part.sources, part.output])
    return needed


def _find_added(parts: tuple[Part, ...]) -> set[str]:
    """Return the maps whose differences are added to REF's numbers further on."""
    return {
        source
        for part in parts
        if not isinstance(part, Pointwise) or part.linear
        for source in (part.sources if isinstance(part, Pointwise | Join) else (part.source,))
    }


def _find_largest(numbers: Numbers) -> Numbers:
    """Return the largest magnitude of each item, shape (n,)."""
    apart = numbers.reshape(len(numbers), -1)
    largest: Numbers = np.maximum(apart.max(axis=1), -apart.min(axis=1))
    return largest


def _is_whole(leaving: Exit) -> bool:
    return isinstance(leaving, Whole)


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
