"""What the outputs of a network are: their axes, their columns and bins, and what they end in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.conversion.adapt import Apply, Writing
from zoo.conversion.comparing import ROUNDING
from zoo.conversion.names import choose_name
from zoo.conversion.questions import Question
from zoo.conversion.reading import check_layout
from zoo.conversion.source import FLOATS, Port, Shape
from zoo.errors import ConversionError
from zoo.model.card import Activation

if TYPE_CHECKING:
    import onnx

_ACTIVATIONS: Mapping[str, Activation] = {
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Softplus": "softplus",
    "Exp": "exponential",
    "Relu": "relu",
}
_CARRYING = frozenset({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Cast"})
"""Operators behind an activation that leave each number what it is."""

_REDUCING = frozenset({"ReduceMean", "ReduceMax", "ReduceMin", "Slice", "Gather"})
"""Operators of whose inputs the first alone is a tensor of predictions."""

_JOINING = frozenset({"Concat", "Add", "Sub", "Mul", "Div", "Sum", "Mean", "Max", "Min"})

_PLAIN = 2  # axes of an output that needs no explanation: sequences and tracks


def ask_about_outputs(outputs: Sequence[Port], layout: str | None) -> list[Question]:
    """Return whether the axes of an output have to be told."""
    unclear = [port for port in outputs if len(port.shape) > _PLAIN]
    if layout is not None or not unclear:
        return []
    shown = f"{unclear[0].name!r} {unclear[0].shown}"
    return [Question("output-layout", f"the axes of {shown}: N, T tracks, B bins, 1")]


def plan_outputs(
    outputs: Sequence[Port],
    network: onnx.ModelProto,
    shapes: Mapping[str, Shape],
    layout: str | None,
    apply: Apply | None,
    taken: set[str],
) -> tuple[Writing, ...]:
    """Return how each output becomes one of the model.

    Args:
        outputs: The network's.
        network: In ONNX.
        shapes: Of the outputs for one window, by name.
        layout: The axes of those that have as many; sequences and tracks where nothing is said.
        apply: What is put behind them.
        taken: Names that they may not have.

    Raises:
        ConversionError: What is said does not fit.
    """
    writings = []
    for number, port in enumerate(outputs, start=1):
        shape = shapes[port.name]
        axes = _choose_layout(port, shape, layout)
        sizes = dict(zip(axes, shape, strict=True))
        if any(size != 1 for size, axis in zip(shape, axes, strict=True) if axis == "1"):
            raise ConversionError(f"output layout {axes}: output {port.name!r} has shape {Port('', shape).shown}")
        activation = find_activation(network, port.name)
        if apply is not None:
            if activation != "linear":
                raise ConversionError(f"--apply {apply}: output {port.name!r} ends in {activation} already")
            activation = apply
        elif activation == "softmax" and not _runs_over_tracks(network, port.name, axes):
            activation = "linear"
        own = "prediction" if len(outputs) == 1 else port.name
        name = choose_name(own, f"output_{number}", taken)
        tracks = sizes.get("T") or 1
        sigmoid = apply == "sigmoid" or (apply is None and is_made_of_sigmoids(network, port.name))
        rounding = ROUNDING if sigmoid else 0.0
        writings.append(Writing(port.name, name, axes, tracks, sizes.get("B"), activation, apply, port.dtype, rounding))
    return tuple(writings)


def find_activation(network: onnx.ModelProto, output: str) -> Activation:
    """Return what an output ends in, ``linear`` where that is nothing known; joined parts have to end alike."""
    makers = {name: node for node in network.graph.node for name in node.output}
    found: set[Activation] = set()
    waiting = [output]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:  # parts that are joined with themselves, again and again, would be met without end
            continue
        seen.add(name)
        node = makers.get(name)
        if node is not None and node.op_type in _CARRYING:
            waiting.append(node.input[0])
        elif node is not None and node.op_type == "Concat":
            waiting.extend(node.input)
        else:
            found.add("linear" if node is None else _ACTIVATIONS.get(node.op_type, "linear"))
    return found.pop() if len(found) == 1 else "linear"


def is_made_of_sigmoids(network: onnx.ModelProto, output: str) -> bool:
    """Return whether an output is nothing but what sigmoids give: put side by side, averaged, taken from 1."""
    makers = {name: node for node in network.graph.node for name in node.output}
    weights = {tensor.name for tensor in network.graph.initializer}
    waiting, seen, found = [output], {""} | weights, False
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = makers.get(name)
        if node is not None and node.op_type == "Sigmoid":
            found = True
        elif node is not None and node.op_type in _CARRYING | _REDUCING:
            waiting.append(node.input[0])
        elif node is not None and node.op_type in _JOINING:
            waiting.extend(node.input)
        elif node is None or node.op_type != "Constant":
            return False
    return found


def _runs_over_tracks(network: onnx.ModelProto, output: str, axes: str) -> bool:
    """Return whether a softmax makes the tracks of an output share the probability, and no other axis.

    Where the axes may be others before the output than behind the softmax, nothing is said.
    """
    import onnx

    makers = {name: node for node in network.graph.node for name in node.output}
    node = makers[output]
    while node.op_type in {"Identity", "Cast"}:
        node = makers[node.input[0]]
    if node.op_type != "Softmax":
        return False
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    axis: int = attributes.get("axis", -1)
    return "T" in axes and axis % len(axes) == axes.index("T")


def _choose_layout(port: Port, shape: Shape, layout: str | None) -> str:
    """Return the axes of an output: as the user says where they are as many, else N and T."""
    if port.dtype not in FLOATS:
        raise ConversionError(f"output {port.name!r}: expected numbers of 16, 32 or 64 bits, found {port.dtype}")
    if layout is not None:
        axes = check_layout(layout, "NTB", needed="N", example="NBT")
        if len(axes) == len(shape):
            return axes
    if len(shape) > _PLAIN:
        said = "" if layout is None else f", which {layout} does not fit"
        raise ConversionError(
            f"output {port.name!r} has shape {Port('', shape).shown}{said}; give its axes by --output-layout, NBT say"
        )
    return "NT"[: len(shape)]
