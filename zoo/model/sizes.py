"""How much memory and work a network takes for one window, reckoned before any of it runs.

A few hundred bytes of ONNX can ask for terabytes, some of them as soon as a session is made. So the shape of every
result is inferred node by node, small constants are followed through the arithmetic of shapes, and what is too large,
or of unknown size, is refused. What a file says of its own results is not believed.
"""

from __future__ import annotations

import functools
import math
import typing
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zoo.errors import UnsafeModel
from zoo.model.bounds import Value, bound_elements, count_work
from zoo.model.constants import SMALL, Constant, fold, read_small
from zoo.model.limits import HELD_BYTES, RANK, TURNS, VALUE_BYTES, WORK
from zoo.model.operators import CONTROL_FLOW, STANDARD_DOMAINS, name_node
from zoo.model.shapes import WIDTHS, infer_sizes

if TYPE_CHECKING:
    import onnx

    from zoo.model.card import Card

_MANY = 16  # windows that are reckoned beside one, to see what grows
_UNNOTICED = 1 << 20  # bytes below which it does not matter how a result grows
_LISTED = 1 << 20  # whole numbers in lists, which ONNX follows one by one where all results are inferred at once
_NEW_SCAN = 9  # the opset since which a scan has no axis of batches
_BOOL, _INT64 = 9, 7  # of onnx.TensorProto.DataType
_WHOLE = frozenset({6, 7})  # likewise: integers of 32 and 64 bits


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
    one = _Reckoning(model, inputs, card, 1, where)
    shapes = {name: (_MANY * shape[0], *shape[1:]) for name, shape in one.shapes.items()}
    quick = infer_sizes(model, shapes) if one.listed <= _LISTED else None
    sizes = quick or _Reckoning(model, inputs, card, _MANY, where).sizes
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


def _are_small(kinds: Iterable[onnx.TypeProto]) -> bool:
    """Return whether no result has more elements than are followed; axes of 0 hide what is made on the way."""
    shapes = (kind.tensor_type.shape.dim[: RANK + 1] for kind in kinds)
    return all(math.prod(max(dim.dim_value, 1) for dim in shape) <= SMALL for shape in shapes)


class _Reckoning:
    """Goes through a network once, for so many windows.

    Attributes:
        shapes: Of the inputs.
        sizes: Bytes of each result.
        held: Bytes that are needed at one time: a result is kept until the last node that reads it, and what constants
            make for ever, as ONNX Runtime does.
        work: Multiplications.
        listed: Whole numbers in results of one axis.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        inputs: Sequence[onnx.ValueInfoProto],
        card: Card | None,
        windows: int,
        where: str,
    ) -> None:
        self._where = where
        self._opsets = list(model.opset_import)
        self._version = max((item.version for item in self._opsets if item.domain in STANDARD_DOMAINS), default=1)
        self._ir_version = model.ir_version
        self._windows = windows
        self.sizes: dict[str, int] = {}
        self.held = self.work = self.listed = 0
        shapes = {item.name: item.shape for item in card.inputs} if card is not None else {}
        given = {item.name: self._read_input(item, shapes.get(item.name)) for item in inputs}
        self.shapes = {name: value.shape or () for name, value in given.items()}
        self._now = sum(value.size for value in given.values())
        self._walk(model.graph, ChainMap(given), 1)

    def _read_input(self, item: onnx.ValueInfoProto, shape: Sequence[int] | None) -> Value:
        """Return an input of so many windows."""
        tensor = item.type.tensor_type
        told = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
        windows = self._windows if not told or told[0] is None else told[0]
        inner = [size for size in told[1:] if size is not None] if shape is None else shape
        return self._make(f"input {item.name!r}", tensor.elem_type, (windows, *inner))

    def _make(
        self, what: str, element: int, shape: tuple[int, ...], constant: Constant | None = None, *, fixed: bool = False
    ) -> Value:
        """Return a value whose shape is known."""
        import onnx

        kind = onnx.TypeProto()
        kind.tensor_type.elem_type = element
        kind.tensor_type.shape.SetInParent()
        for size in shape[: RANK + 1]:
            kind.tensor_type.shape.dim.add().dim_value = size
        elements = math.prod(
            shape[: RANK + 1]
        )  # of a shape with more axes, which is refused, nobody waits for the size
        return self._check(what, Value(kind, shape, elements, WIDTHS.get(element, 0), constant, fixed))

    def _check(self, what: str, value: Value) -> Value:
        if not value.width:
            raise UnsafeModel(f"{self._where}: {what}: expected numbers, found another type")
        if value.shape is not None and (len(value.shape) > RANK or min(value.shape, default=0) < 0):
            raise UnsafeModel(
                f"{self._where}: {what}: expected at most {RANK} axes, none of them negative, "
                f"found {len(value.shape)}: {', '.join(map(str, value.shape[:RANK]))}"
            )
        if value.size > VALUE_BYTES * self._windows:
            raise UnsafeModel(
                f"{self._where}: {what}: expected at most {VALUE_BYTES:,} bytes for a window, "
                f"found {value.size // self._windows:,}"
            )
        return value

    def _walk(self, graph: onnx.GraphProto, around: ChainMap[str, Value], turns: int) -> Mapping[str, Value]:
        """Reckon all nodes of a graph that runs ``turns`` times; return the values that it sees, by name."""
        own: dict[str, Value] = {}
        values = around.new_child(own)
        for tensor in graph.initializer:
            what = f"tensor {tensor.name!r}"
            own[tensor.name] = self._make(what, tensor.data_type, tuple(tensor.dims), read_small(tensor), fixed=True)
            self._now += own[tensor.name].size
        self.held = max(self.held, self._now)
        endings = _find_last_uses(graph)
        for number, node in enumerate(graph.node):
            for name, value in self._reckon(node, values, turns).items():
                own[name] = value
                self.sizes[name] = max(self.sizes.get(name, 0), value.size)
                self._now += value.size
                if value.shape is not None and len(value.shape) == 1 and value.kind.tensor_type.elem_type in _WHOLE:
                    self.listed += value.shape[0]
            self._check_all(node)
            self._now -= sum(own[name].size for name in endings.get(number, ()) if name in own and not own[name].fixed)
        return values

    def _check_all(self, node: onnx.NodeProto) -> None:
        self.held = max(self.held, self._now)
        for found, most, what in (
            (self.held, HELD_BYTES, "bytes at one time"),
            (self.work, WORK, "multiplications"),
        ):
            if found > most * self._windows:
                raise UnsafeModel(
                    f"{self._where}: {name_node(node)}: expected a network that takes at most {most:,} {what} for a "
                    f"window, found {found // self._windows:,} so far"
                )

    def _reckon(self, node: onnx.NodeProto, values: ChainMap[str, Value], turns: int) -> dict[str, Value]:
        """Return the results of a node by name."""
        for name in node.input:
            if name and name not in values:
                raise UnsafeModel(f"{self._where}: {name_node(node)}: reads {name!r}, which nothing before it makes")
        inputs = [values[name] if name else None for name in node.input]
        if node.op_type == "LRN":
            self._check_reach(node, inputs)
        reckon = self._reckon_graphs if node.op_type in CONTROL_FLOW else self._infer
        results = {
            name: self._check(f"result {name!r}", value) for name, value in reckon(node, inputs, values, turns).items()
        }
        self.work += turns * count_work(node, [value for value in inputs if value is not None], results)
        return results

    def _check_reach(self, node: onnx.NodeProto, inputs: Sequence[Value | None]) -> None:
        """Refuse a normalization beyond all channels: ONNX Runtime makes room for as many as it is told."""
        shape = inputs[0].shape if inputs and inputs[0] is not None else None
        if shape is None or len(shape) < 2:
            raise self._refuse_unknown(node)
        size = next((item.i for item in node.attribute if item.name == "size"), 1)
        if size >= 2 * shape[1]:
            raise UnsafeModel(
                f"{self._where}: {name_node(node)}: attribute 'size': expected less than twice the {shape[1]:,} "
                f"channels, found {size:,}"
            )

    def _infer(
        self, node: onnx.NodeProto, inputs: Sequence[Value | None], _: ChainMap[str, Value], __: int
    ) -> dict[str, Value]:
        """Return the results of a node with what ONNX says of their shapes."""
        import onnx

        present = {name: value for name, value in zip(node.input, inputs, strict=True) if value is not None}
        constants = {
            name: onnx.numpy_helper.from_array(value.constant)
            for name, value in present.items()
            if value.constant is not None and value.constant.dtype.kind in "iufb"
        }
        try:
            kinds = onnx.shape_inference.infer_node_outputs(
                _find_schema(node.op_type, self._version),
                node,
                {name: value.kind for name, value in present.items()},
                constants,
                opset_imports=self._opsets,
                ir_version=self._ir_version,
            )
        except Exception as error:
            message = " ".join(str(error).split())[:200]
            raise UnsafeModel(f"{self._where}: {name_node(node)}: does not fit its inputs: {message}") from error
        shapes = [None if value is None else value.shape for value in inputs]
        constants_in = [None if value is None else value.constant for value in inputs]
        folded = (fold(node, constants_in, shapes) or []) if _are_small(kinds.values()) else []
        fixed = all(value.fixed for value in present.values())
        results = {}
        for number, name in enumerate(node.output):
            if name:
                kind = kinds.get(name, onnx.TypeProto())
                if number < len(folded):
                    element, constant = kind.tensor_type.elem_type, folded[number]
                    results[name] = self._make(f"result {name!r}", element, constant.shape, constant, fixed=fixed)
                else:
                    results[name] = self._bound(node, name, kind, list(present.values()), fixed=fixed)
        return results

    def _bound(
        self, node: onnx.NodeProto, name: str, kind: onnx.TypeProto, inputs: Sequence[Value], *, fixed: bool
    ) -> Value:
        """Return a result with its size, or the most that it can have."""
        tensor = kind.tensor_type
        width = WIDTHS.get(tensor.elem_type, 0)
        if node.op_type == "Range":  # not as ONNX counts, for whom steps of 0 lead nowhere at once
            return self._make(f"result {name!r}", tensor.elem_type, (self._count_range(node, inputs),), fixed=fixed)
        if tensor.HasField("shape"):
            shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
            if None not in shape:
                known = typing.cast("tuple[int, ...]", shape)
                return Value(kind, known, math.prod(known), width, None, fixed)
        most = bound_elements(node, inputs)
        if most is None:
            raise self._refuse_unknown(node)
        return Value(kind, None, most, width, None, fixed)

    def _count_range(self, node: onnx.NodeProto, inputs: Sequence[Value]) -> int:
        numbers = [value.constant.item() for value in inputs if value.constant is not None and value.constant.size == 1]
        if len(numbers) != 3:
            raise self._refuse_unknown(node)
        start, limit, step = numbers
        if not step or not all(map(math.isfinite, numbers)):
            raise UnsafeModel(f"{self._where}: {name_node(node)}: expected steps that lead to an end, found {numbers}")
        count: int = math.ceil((limit - start) / step)
        return max(count, 0)

    def _refuse_unknown(self, node: onnx.NodeProto) -> UnsafeModel:
        return UnsafeModel(
            f"{self._where}: {name_node(node)}: how large its result gets can't be told before it runs; "
            "export the network with shapes that are constants"
        )

    def _reckon_graphs(
        self, node: onnx.NodeProto, inputs: Sequence[Value | None], values: ChainMap[str, Value], turns: int
    ) -> dict[str, Value]:
        """Return the results of a node that runs graphs of its own."""
        graphs = {item.name: item.g for item in node.attribute if item.HasField("g")}
        if node.op_type == "If":
            results = self._reckon_branches(list(graphs.values()), values, turns)
        elif "body" not in graphs:
            raise UnsafeModel(f"{self._where}: {name_node(node)}: expected a body, found none")
        elif node.op_type == "Loop":
            results = self._reckon_loop(node, graphs["body"], inputs, values, turns)
        else:
            results = self._reckon_scan(node, graphs["body"], inputs, values, turns)
        if len(results) < len(node.output):
            raise UnsafeModel(f"{self._where}: {name_node(node)}: expected {len(node.output)} results of its graph")
        return {name: value for name, value in zip(node.output, results, strict=False) if name}

    def _reckon_branches(
        self, graphs: Sequence[onnx.GraphProto], values: ChainMap[str, Value], turns: int
    ) -> list[Value]:
        """Return the larger of what both branches give; which one runs is known only then."""
        ways = [self._run(graph, [], values, turns) for graph in graphs]
        results = []
        for choices in zip(*ways, strict=False):
            largest = max(choices, key=lambda value: value.size)
            alike = all(value.shape == largest.shape for value in choices)
            results.append(_forget(largest) if alike else _forget_shape(largest))
        return results

    def _reckon_loop(
        self,
        node: onnx.NodeProto,
        body: onnx.GraphProto,
        inputs: Sequence[Value | None],
        values: ChainMap[str, Value],
        turns: int,
    ) -> list[Value]:
        limit = inputs[0].constant if inputs and inputs[0] is not None else None
        if limit is None or limit.size != 1:
            raise UnsafeModel(
                f"{self._where}: {name_node(node)}: expected a loop whose largest number of turns is a constant, "
                "found one that ends when it likes"
            )
        count = self._count_turns(node, int(limit.item()), turns)
        states = [_forget(value) for value in inputs[2:] if value is not None]
        given = [self._make("turn", _INT64, ()), self._make("condition", _BOOL, ()), *states]
        found = self._run(body, given, values, turns * count)[1:]
        self._refuse_growth(node, states, found)
        return [*found[: len(states)], *(self._stack(value, count) for value in found[len(states) :])]

    def _reckon_scan(
        self,
        node: onnx.NodeProto,
        body: onnx.GraphProto,
        inputs: Sequence[Value | None],
        values: ChainMap[str, Value],
        turns: int,
    ) -> list[Value]:
        attributes = {item.name: item for item in node.attribute}
        present = [value for value in inputs if value is not None]
        scanned = attributes["num_scan_inputs"].i if "num_scan_inputs" in attributes else 0
        if self._version < _NEW_SCAN or not 0 < scanned <= len(present):
            raise UnsafeModel(f"{self._where}: {name_node(node)}: expected a scan as of opset {_NEW_SCAN} or later")
        axes = list(attributes["scan_input_axes"].ints) if "scan_input_axes" in attributes else [0] * scanned
        states, slices, counts = [_forget(value) for value in present[:-scanned]], [], set()
        for value, axis in zip(present[-scanned:], axes, strict=False):
            if value.shape is None or not -len(value.shape) <= axis < len(value.shape):
                raise self._refuse_unknown(node)
            place = axis % len(value.shape)
            counts.add(value.shape[place])
            shape = value.shape[:place] + value.shape[place + 1 :]
            slices.append(self._make("slice", value.kind.tensor_type.elem_type, shape))
        if len(counts) != 1:
            raise UnsafeModel(f"{self._where}: {name_node(node)}: expected one length, found {sorted(counts)}")
        count = self._count_turns(node, counts.pop(), turns)
        found = self._run(body, [*states, *slices], values, turns * count)
        self._refuse_growth(node, states, found)
        # Along which axis they are stacked does not change how many elements there are.
        stacked = [_forget_shape(self._stack(value, count)) for value in found[len(states) :]]
        return [*found[: len(states)], *stacked]

    def _run(
        self, graph: onnx.GraphProto, given: Sequence[Value], around: ChainMap[str, Value], turns: int
    ) -> list[Value]:
        """Return the results of an inner graph, which sees the values around it."""
        before = self._now
        names = (item.name for item in graph.input)
        inside = self._walk(graph, around.new_child(dict(zip(names, given, strict=False))), turns)
        self._now = before
        for item in graph.output:
            if item.name not in inside:
                raise UnsafeModel(f"{self._where}: a graph within it gives {item.name!r}, which nothing in it makes")
        return [_forget(inside[item.name]) for item in graph.output]

    def _count_turns(self, node: onnx.NodeProto, count: int, around: int) -> int:
        if count * around > TURNS * self._windows:
            raise UnsafeModel(
                f"{self._where}: {name_node(node)}: expected at most {TURNS:,} turns, those of the loops around it "
                f"among them, found {count * around:,}"
            )
        return max(count, 0)

    def _refuse_growth(self, node: onnx.NodeProto, states: Sequence[Value], found: Sequence[Value]) -> None:
        for before, after in zip(states, found, strict=False):
            if before.shape is None or before.shape != after.shape:
                raise UnsafeModel(
                    f"{self._where}: {name_node(node)}: expected a loop that keeps the shapes it starts with, "
                    f"found {before.shape} that becomes {after.shape}"
                )

    def _stack(self, value: Value, count: int) -> Value:
        if value.shape is None:
            return replace(_forget_shape(value), most=value.most * count)
        return self._make("result of a loop", value.kind.tensor_type.elem_type, (count, *value.shape))


def _find_last_uses(graph: onnx.GraphProto) -> dict[int, list[str]]:
    """Return, by the number of a node, which values nobody needs after it."""
    last: dict[str, int] = {}
    for number, node in enumerate(graph.node):
        for name in (*node.input, *node.output, *_list_inner_names(node)):
            last[name] = number
    for item in graph.output:
        last.pop(item.name, None)
    endings: dict[int, list[str]] = {}
    for name, number in last.items():
        endings.setdefault(number, []).append(name)
    return endings


def _list_inner_names(node: onnx.NodeProto) -> set[str]:
    """Return what the graphs within a node read."""
    names: set[str] = set()
    for attribute in node.attribute:
        if attribute.HasField("g"):
            names.update(item.name for item in attribute.g.output)
            for inner in attribute.g.node:
                names.update(inner.input, _list_inner_names(inner))
    return names


def _forget(value: Value) -> Value:
    """Return a value whose elements may be others at the next turn."""
    return replace(value, constant=None, fixed=False)


def _forget_shape(value: Value) -> Value:
    import onnx

    kind = onnx.TypeProto()
    kind.tensor_type.elem_type = value.kind.tensor_type.elem_type
    return replace(_forget(value), kind=kind, shape=None)


@functools.cache
def _find_schema(operator: str, version: int) -> onnx.defs.OpSchema:
    import onnx

    return onnx.defs.get_schema(operator, version, "")
