"""Goes through a network node by node, with the shape of every result, and what it takes of memory and work.

Small constants are followed through the arithmetic of shapes.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.errors import UnsafeModel
from zoo.model.bounds import Value, bound_elements
from zoo.model.constants import SMALL, Constant, read_small
from zoo.model.folding import fold
from zoo.model.growth import Growth
from zoo.model.limits import HELD_BYTES, RANK, VALUE_BYTES, WORK
from zoo.model.loops import reckon_graphs
from zoo.model.operators import CONTROL_FLOW, STANDARD_DOMAINS, name_node
from zoo.model.ranges import count_range
from zoo.model.shapes import WIDTHS
from zoo.model.uses import find_last_uses
from zoo.model.work import count_scratch, count_work

if TYPE_CHECKING:
    import onnx

    from zoo.model.card import Card

_LONGEST = 2**63 - 1  # of an axis
_WHOLE = frozenset({6, 7})  # of onnx.TensorProto.DataType: integers of 32 and 64 bits


class Walk:
    """Goes through a network once, for so many windows.

    Attributes:
        shapes: Of the inputs.
        seen: Name, sizes of axes (None where unknown) and bytes of each result, in the order of the nodes.
        asked: The shapes that nodes ask for, in their order; None where unknown.
        largest: Bytes of the largest result.
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
        asked: Sequence[tuple[int, ...] | None] | None = None,
    ) -> None:
        """Walk; ``asked`` are those of another walk, for ``MANY`` windows: what they change is followed as such."""
        self.where = where
        self._growth = Growth(asked)
        self.asked = self._growth.asked
        self._opsets = list(model.opset_import)
        self.version = max((item.version for item in self._opsets if item.domain in STANDARD_DOMAINS), default=1)
        self._ir_version = model.ir_version
        self.windows = windows
        self.seen: list[tuple[str, tuple[int | None, ...] | None, int]] = []
        self.held = self.work = self.listed = self.largest = self._scratch = 0
        shapes = {item.name: item.shape for item in card.inputs} if card is not None else {}
        given = {item.name: self._read_input(item, shapes.get(item.name)) for item in inputs}
        self.shapes = {name: value.shape or () for name, value in given.items()}
        self._now = sum(value.size for value in given.values())
        self._walk(model.graph, ChainMap(given), 1)

    def _read_input(self, item: onnx.ValueInfoProto, shape: Sequence[int] | None) -> Value:
        """Return an input of so many windows."""
        tensor = item.type.tensor_type
        told = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
        windows = self.windows if not told or told[0] is None else told[0]
        inner = [size for size in told[1:] if size is not None] if shape is None else shape
        return self.make(f"input {item.name!r}", tensor.elem_type, (windows, *inner))

    def make(
        self,
        what: str,
        element: int,
        shape: tuple[int, ...],
        constant: Constant | None = None,
        *,
        lasting: bool = False,
        growing: Constant | None = None,
    ) -> Value:
        """Return a value whose shape is known."""
        import onnx

        if max(shape, default=0) > _LONGEST:
            raise UnsafeModel(f"{self.where}: {what}: expected sizes of at most 63 bits, found more")
        kind = onnx.TypeProto()
        kind.tensor_type.elem_type = element
        kind.tensor_type.shape.SetInParent()
        for size in shape[: RANK + 1]:
            kind.tensor_type.shape.dim.add().dim_value = size
        elements = math.prod(
            shape[: RANK + 1]
        )  # of a shape with more axes, which is refused, nobody waits for the size
        return self._check(what, Value(kind, shape, elements, WIDTHS.get(element, 0), constant, lasting, growing))

    def _check(self, what: str, value: Value) -> Value:
        if not value.width:
            raise UnsafeModel(f"{self.where}: {what}: expected numbers, found another type")
        if value.shape is not None and (len(value.shape) > RANK or min(value.shape, default=0) < 0):
            raise UnsafeModel(
                f"{self.where}: {what}: expected at most {RANK} axes, none of them negative, "
                f"found {len(value.shape)}: {', '.join(map(str, value.shape[:RANK]))}"
            )
        # Of many windows, who asked compares what they take with what one does.
        if self.windows == 1 and value.size > VALUE_BYTES:
            raise UnsafeModel(
                f"{self.where}: {what}: expected at most {VALUE_BYTES:,} bytes for a window, found {value.size:,}"
            )
        return value

    def _walk(self, graph: onnx.GraphProto, around: ChainMap[str, Value], turns: int) -> Mapping[str, Value]:
        """Reckon all nodes of a graph that runs ``turns`` times; return the values that it sees, by name."""
        own: dict[str, Value] = {}
        values = around.new_child(own)
        for tensor in graph.initializer:
            what = f"tensor {tensor.name!r}"
            own[tensor.name] = self.make(what, tensor.data_type, tuple(tensor.dims), read_small(tensor), lasting=True)
            self._now += own[tensor.name].size
        self.held = max(self.held, self._now)
        endings = find_last_uses(graph)
        for number, node in enumerate(graph.node):
            for name, value in self._reckon(node, values, turns).items():
                own[name] = value
                self.seen.append((name, _list_sizes(value), value.size))
                self.largest = max(self.largest, value.size)
                self._now += value.size
                if value.shape is not None and len(value.shape) == 1 and value.kind.tensor_type.elem_type in _WHOLE:
                    self.listed += value.shape[0]
            self._check_all(node)
            self._now -= sum(
                own[name].size for name in endings.get(number, ()) if name in own and not own[name].lasting
            )
        return values

    def _check_all(self, node: onnx.NodeProto) -> None:
        self.held = max(self.held, self._now + self._scratch)
        for found, most, what in (
            (self.held if self.windows == 1 else 0, HELD_BYTES, "bytes at one time"),
            (self.work, WORK, "multiplications"),
        ):
            if found > most * self.windows:
                raise UnsafeModel(
                    f"{self.where}: {name_node(node)}: expected a network that takes at most {most:,} {what} for a "
                    f"window, found {found // self.windows:,} so far"
                )

    def _reckon(self, node: onnx.NodeProto, values: ChainMap[str, Value], turns: int) -> dict[str, Value]:
        """Return the results of a node by name."""
        for name in node.input:
            if name and name not in values:
                raise UnsafeModel(f"{self.where}: {name_node(node)}: reads {name!r}, which nothing before it makes")
        inputs = [values[name] if name else None for name in node.input]
        if node.op_type == "LRN":
            self._check_reach(node, inputs)
        reckon = functools.partial(reckon_graphs, self) if node.op_type in CONTROL_FLOW else self._infer
        results = {
            name: self._check(f"result {name!r}", value) for name, value in reckon(node, inputs, values, turns).items()
        }
        present = [value for value in inputs if value is not None]
        self.work += turns * count_work(node, present, results)
        self._scratch = count_scratch(node, present, results)
        return results

    def _check_reach(self, node: onnx.NodeProto, inputs: Sequence[Value | None]) -> None:
        """Refuse a normalization beyond all channels: ONNX Runtime makes room for as many as it is told."""
        shape = inputs[0].shape if inputs and inputs[0] is not None else None
        if shape is None or len(shape) < 2:
            raise self.refuse_unknown(node)
        size = next((item.i for item in node.attribute if item.name == "size"), 1)
        if size >= 2 * shape[1]:
            raise UnsafeModel(
                f"{self.where}: {name_node(node)}: attribute 'size': expected less than twice the {shape[1]:,} "
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
                _find_schema(node.op_type, self.version),
                node,
                {name: value.kind for name, value in present.items()},
                constants,
                opset_imports=self._opsets,
                ir_version=self._ir_version,
            )
        except Exception as error:
            message = " ".join(str(error).split())[:200]
            raise UnsafeModel(f"{self.where}: {name_node(node)}: does not fit its inputs: {message}") from error
        shapes = [None if value is None else value.shape for value in inputs]
        constants_in = [None if value is None else value.constant for value in inputs]
        folded = (fold(node, constants_in, shapes) or []) if _are_small(kinds.values()) else []
        growing = self._growth.follow(node, inputs, folded)
        if growing is None:
            folded, growing = [], []
        lasting = all(value.lasting for value in present.values())
        results = {}
        for number, name in enumerate(node.output):
            if name:
                kind = kinds.get(name, onnx.TypeProto())
                if number < len(folded):
                    element, constant = kind.tensor_type.elem_type, folded[number]
                    results[name] = self.make(
                        f"result {name!r}", element, constant.shape, constant,
                        lasting=lasting, growing=growing[number],
                    )  # fmt: skip
                else:
                    results[name] = self._bound(node, name, kind, inputs, lasting=lasting)
        return results

    def _bound(
        self, node: onnx.NodeProto, name: str, kind: onnx.TypeProto, given: Sequence[Value | None], *, lasting: bool
    ) -> Value:
        """Return a result with its size, or the most that it can have."""
        tensor, inputs = kind.tensor_type, [value for value in given if value is not None]
        width = WIDTHS.get(tensor.elem_type, 0)
        if node.op_type == "Range":
            constants = [value.constant for value in inputs]
            numbers = [constant.item() for constant in constants if constant is not None and constant.size == 1]
            if len(numbers) != 3:
                raise self.refuse_unknown(node)
            count, exact = count_range(f"{self.where}: {name_node(node)}", numbers, inputs[0].width)
            value = self.make(f"result {name!r}", tensor.elem_type, (count,), lasting=lasting)
            return value if exact else dataclasses.replace(value.forget_shape(), lasting=lasting)
        if tensor.HasField("shape"):
            shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
            if None not in shape:
                known = typing.cast("tuple[int, ...]", shape)
                return Value(kind, known, math.prod(known), width, None, lasting)
        most = bound_elements(node, inputs)
        if most is None:
            raise self.refuse_unknown(node)
        return Value(kind, None, most, width, None, lasting)

    def refuse_unknown(self, node: onnx.NodeProto) -> UnsafeModel:
        return UnsafeModel(
            f"{self.where}: {name_node(node)}: how large its result gets can't be told before it runs; "
            "export the network with shapes that are constants"
        )

    def run(
        self, graph: onnx.GraphProto, given: Sequence[Value], around: ChainMap[str, Value], turns: int
    ) -> list[Value]:
        """Return the results of an inner graph, which sees the values around it."""
        before = self._now
        names = (item.name for item in graph.input)
        inside = self._walk(graph, around.new_child(dict(zip(names, given, strict=False))), turns)
        self._now = before
        for item in graph.output:
            if item.name not in inside:
                raise UnsafeModel(f"{self.where}: a graph within it gives {item.name!r}, which nothing in it makes")
        return [inside[item.name].forget() for item in graph.output]


def _list_sizes(value: Value) -> tuple[int | None, ...] | None:
    """Return the sizes of all axes, as far as they are known."""
    if value.shape is not None or not value.kind.tensor_type.HasField("shape"):
        return value.shape
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in value.kind.tensor_type.shape.dim)


def _are_small(kinds: Iterable[onnx.TypeProto]) -> bool:
    """Return whether no result has more elements than are followed; axes of 0 hide what is made on the way."""
    shapes = (kind.tensor_type.shape.dim[: RANK + 1] for kind in kinds)
    return all(math.prod(max(dim.dim_value, 1) for dim in shape) <= SMALL for shape in shapes)


@functools.cache
def _find_schema(operator: str, version: int) -> onnx.defs.OpSchema:
    import onnx

    return onnx.defs.get_schema(operator, version, "")
