"""Loops that take all their turns whatever they read, so that what they stack has just as many rows.

Exporters write ``while turn < 50 and time < 50`` as a loop of at most 50 turns whose body counts the time for itself,
and says after each turn whether to go on. So its condition is followed back to what is counted. Of another condition
nobody knows when it ends the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.model.bounds import Value
from zoo.model.constants import Constant, read_small
from zoo.model.folding import fold

if TYPE_CHECKING:
    import onnx

_STEPS = 32  # from a condition to what is counted; exporters write about five
_LARGEST = 1 << 24  # up to which numbers of 32 bits are exact, floats among them: exporters compare those
_EXACT = frozenset({1, 6, 7, 11})  # of onnx.TensorProto.DataType: floats and integers of 32 and 64 bits
_KINDS = frozenset({"f4", "f8", "i4", "i8"})  # the same


def takes_all_turns(
    body: onnx.GraphProto, count: int, inputs: Sequence[Value | None], around: Mapping[str, Value]
) -> bool:
    """Return whether a loop begins, and goes on after every turn but the last.

    Args:
        body: What it does every turn.
        count: How many turns it takes at the most.
        inputs: Of the loop: that number, the condition at first, and what its states start with.
        around: What the body sees around it.
    """
    own = [*(item.name for item in body.input), *(tensor.name for tensor in body.initializer)]
    own += [name for node in body.node for name in node.output if name]
    if len(set(own)) < len(own) or len(body.input) < 2 or not body.output:
        return False
    first = inputs[1] if len(inputs) > 1 else None
    if first is not None and not _is_true(first.constant):
        return False
    counting = _Counting(body, count, inputs, around)
    waiting = [body.output[0].name]
    for _ in range(_STEPS):
        if not waiting:
            return True
        name = waiting.pop()
        if name == body.input[1].name or _is_true(counting.find_constant(name)):
            continue
        node = counting.makers.get(name)
        if node is not None and node.op_type in {"And", "Cast", "Identity"}:
            waiting += node.input
        elif node is None or node.op_type != "Less" or not counting.stays_below(*node.input):
            return False
    return False


class _Counting:
    """What a body counts.

    Attributes:
        makers: The node that makes each result within it.
    """

    def __init__(
        self, body: onnx.GraphProto, count: int, inputs: Sequence[Value | None], around: Mapping[str, Value]
    ) -> None:
        self.makers = {name: node for node in body.node for name in node.output if name}
        self._count = count
        self._grows = not inputs or inputs[0] is None or inputs[0].growing is not None
        self._starts = [_read_constant(value) for value in inputs[2:] if value is not None]
        self._inputs = [item.name for item in body.input]
        self._outputs = [item.name for item in body.output]
        self._tensors = {tensor.name: tensor for tensor in body.initializer}
        self._around = around

    def find_constant(self, name: str) -> Constant | None:
        """Return the elements of what is the same at every turn, and for any number of windows; None of others."""
        node = self.makers.get(name)
        if node is not None:
            folded = fold(node, [], []) if node.op_type == "Constant" else None
            return folded[0] if folded else None
        if name in self._tensors:
            return read_small(self._tensors[name])
        return None if name in self._inputs else _read_constant(self._around.get(name))

    def stays_below(self, name: str, limit: str) -> bool:
        """Return whether what is counted is less than a constant after every turn but the last."""
        counted, constant = self._follow(name), self._follow(limit)
        if counted is None or constant is None or constant[0] or self._grows:
            return False
        steps = self._find_steps(counted[0])
        if steps is None:
            return False
        start, step = steps
        highest = start + step * self._count + counted[1]  # two turns after the last that is followed by another
        return self._count < 2 or (highest - 2 * step < constant[1] and highest <= _LARGEST)

    def _follow(self, name: str) -> tuple[str, int] | None:
        """Return which input a whole number is, none for a constant, and what is added to it; None of others."""
        added = 0
        for _ in range(_STEPS):
            number = self._find_count(name)
            if number is not None:
                return "", added + number
            node = self.makers.get(name)
            if node is None:
                return (name, added) if name in self._inputs else None
            if node.op_type == "Add":
                constant, name = sorted(node.input, key=lambda given: self._find_count(given) is None)
                number = self._find_count(constant)
                if number is None:
                    return None
                added += number
            elif node.op_type == "Identity" or (node.op_type == "Cast" and _keeps_whole(node)):
                name = node.input[0]
            else:
                return None
        return None

    def _find_count(self, name: str) -> int | None:
        return _read_count(self.find_constant(name))

    def _find_steps(self, name: str) -> tuple[int, int] | None:
        """Return with what an input starts, and what it gains every turn; None where nobody knows."""
        if not name:
            return 0, 0
        place = self._inputs.index(name)
        if place == 0:
            return 0, 1
        if place == 1 or place > len(self._outputs) or place > len(self._starts) + 1:
            return None
        start, after = _read_count(self._starts[place - 2]), self._follow(self._outputs[place - 1])
        return None if start is None or after is None or after[0] != name else (start, after[1])


def _keeps_whole(node: onnx.NodeProto) -> bool:
    return any(item.name == "to" and item.i in _EXACT for item in node.attribute)


def _read_constant(value: Value | None) -> Constant | None:
    return None if value is None or value.growing is not None else value.constant


def _read_count(constant: Constant | None) -> int | None:
    """Return a whole number that others can be added to; None of fractions, and of few bits."""
    if constant is None or constant.size != 1 or constant.dtype.str[1:] not in _KINDS:
        return None
    number = constant.item()
    return int(number) if 0 <= number <= _LARGEST and number == int(number) else None


def _is_true(constant: Constant | None) -> bool:
    return constant is not None and constant.dtype == bool and constant.size == 1 and bool(constant.all())
