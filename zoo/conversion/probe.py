"""Looks at a network and proposes how it reads a window and what its outputs are; asks where the file can't tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo.conversion.adapt import SEQUENCE, Apply, Context, Writing
from zoo.conversion.questions import Question
from zoo.conversion.reading import BASES, LETTERS, Reading, Unknown, check_alphabet, check_layout
from zoo.conversion.source import Port, Shape, Source
from zoo.errors import ConversionError, near_match
from zoo.model.card import Activation

if TYPE_CHECKING:
    import onnx

_FLOATS = ("float16", "float32", "float64")
_CHANNELS = (len(BASES), len(LETTERS))

_ACTIVATIONS: dict[str, Activation] = {
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Softplus": "softplus",
    "Exp": "exponential",
    "Relu": "relu",
}
_CARRYING = frozenset({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Cast"})
"""Operators behind an activation that leave each number what it is."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of a network; None, or the first of all, where nothing was said.

    Attributes:
        length: Bases of a window.
        anchor: Where in it the first REF base of a variant stands, 0-based.
        layout: Axes of the sequence input.
        alphabet: Order of its channels.
        unknown: What stands for a base outside ACGT.
        reverse: It reads a window from its last base on.
        sequence: The name of that input.
        output_layout: Axes of outputs.
        apply: What makes predictions of logits.
    """

    length: int | None = None
    anchor: int | None = None
    layout: str | None = None
    alphabet: str | None = None
    unknown: Unknown | None = None
    reverse: bool = False
    sequence: str | None = None
    output_layout: str | None = None
    apply: Apply | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a network is going to be adapted.

    Attributes:
        sequence: The name of its sequence input.
        reading: How it reads a window.
        anchor: Where in it the first REF base of a variant stands, 0-based.
        contexts: Its other inputs.
        writings: Its outputs.
        assumed: What nobody said and no file tells.
    """

    sequence: str
    reading: Reading
    anchor: int
    contexts: tuple[Context, ...]
    writings: tuple[Writing, ...]
    assumed: tuple[str, ...] = field(default=())

    @property
    def tracks(self) -> int:
        """Columns of all outputs together."""
        return sum(writing.tracks for writing in self.writings)


def ask_about_shapes(source: Source, wishes: Wishes) -> list[Question]:
    """Return what has to be known before a network can be proposed anything for.

    Raises:
        ConversionError: No input could be a sequence, or the one that was named is none.
    """
    questions: list[Question] = []
    port = _find_sequence(source, wishes)
    if port is None:
        names = " or ".join(repr(each.name) for each in _list_sequences(source))
        questions.append(Question("sequence", f"which input is the sequence, {names}"))
        return questions
    layouts = _list_layouts(port.shape)
    if wishes.layout is None and len(layouts) > 1:
        questions.append(Question("layout", f"the axes of {port.shown}: {' or '.join(layouts)}"))
    layout = wishes.layout or layouts[0]
    if wishes.length is None and "L" in layout and port.shape[layout.upper().index("L")] is None:
        questions.append(Question("length", "bases of a window; the network reads any number"))
    ranks = {len(each.shape): each for each in source.outputs}
    if wishes.output_layout is None and max(ranks) > 2:
        port = ranks[max(ranks)]
        questions.append(Question("output-layout", f"the axes of {port.name!r} {port.shown}: N, T tracks, B bins, 1"))
    return questions


def propose(source: Source, network: onnx.ModelProto, wishes: Wishes, shapes: dict[str, Shape]) -> Proposal:
    """Return how a network is going to be adapted.

    Args:
        source: Of which nothing has to be asked any more.
        network: The same in ONNX.
        wishes: What the user says.
        shapes: Of the outputs for one window, by name.

    Raises:
        ConversionError: What the user says does not fit the network.
    """
    port, reading = read_window(source, wishes)
    anchor = reading.length // 2 if wishes.anchor is None else wishes.anchor
    if not 0 <= anchor < reading.length:
        raise ConversionError(f"anchor {anchor} lies outside a window of {reading.length} bases, counted from 0")
    contexts = tuple(
        Context(each.name, _clean(each.name, f"context_{number}"), _fixed_shape(each), each.dtype)
        for number, each in enumerate((each for each in source.inputs if each is not port), start=1)
    )
    writings = _plan_outputs(source, network, wishes, shapes)
    assumed = []
    if wishes.alphabet is None:
        assumed.append(f"alphabet {reading.alphabet}")
    if wishes.unknown is None and len(reading.alphabet) == len(BASES):
        assumed.append(f"unknown bases {reading.unknown}")
    if wishes.anchor is None:
        assumed.append(f"anchor {anchor}")
    return Proposal(port.name, reading, anchor, contexts, writings, tuple(assumed))


def read_window(source: Source, wishes: Wishes) -> tuple[Port, Reading]:
    """Return the sequence input, and how it reads a window.

    Raises:
        ConversionError: What the user says does not fit it.
    """
    port = _find_sequence(source, wishes)
    assert port is not None  # noqa: S101 - or it would have been asked for
    layouts = _list_layouts(port.shape)
    layout = layouts[0] if wishes.layout is None else check_layout(wishes.layout, "NCL", needed="NCL")
    if len(layout) != len(port.shape):
        raise ConversionError(f"layout {layout}: input {port.name!r} has {len(port.shape)} axes, {port.shown}")
    channels, bases = (port.shape[layout.index(axis)] for axis in "CL")
    ones = [size for size, axis in zip(port.shape, layout, strict=True) if axis == "1"]
    if channels not in {*_CHANNELS, None} or not set(ones) <= {1, None}:
        raise ConversionError(f"layout {layout}: input {port.name!r} is {port.shown}; it has {' or '.join(layouts)}")
    if wishes.length is not None and bases not in {wishes.length, None}:
        raise ConversionError(f"length {wishes.length}: input {port.name!r} reads {bases} bases; leave out --length")
    length = wishes.length or bases
    assert length is not None  # noqa: S101 - or it would have been asked for
    alphabet = check_alphabet(wishes.alphabet) if wishes.alphabet else LETTERS[:channels]
    if channels is not None and len(alphabet) != channels:
        raise ConversionError(f"alphabet {alphabet}: input {port.name!r} has {channels} channels, {port.shown}")
    if wishes.unknown == "quarter" and len(alphabet) == len(LETTERS):
        raise ConversionError(
            f"unknown bases as quarters: the alphabet {alphabet} has a channel for them, N; choose one"
        )
    return port, Reading(length, layout, alphabet, wishes.unknown or "zeros", wishes.reverse, port.dtype)


def _find_sequence(source: Source, wishes: Wishes) -> Port | None:
    """Return the input that is the sequence, None where several could be.

    Raises:
        ConversionError: None could be, or the one that was named is none.
    """
    found = _list_sequences(source)
    if wishes.sequence is not None:
        names = [port.name for port in source.inputs]
        if wishes.sequence not in names:
            raise ConversionError(f"no input {wishes.sequence!r}{near_match(wishes.sequence, names)}")
        found = [port for port in found if port.name == wishes.sequence]
    if not found:
        shown = ", ".join(f"{port.name!r} {port.shown} {port.dtype}" for port in source.inputs) or "none"
        raise ConversionError(
            "expected an input of one-hot bases: numbers of 16, 32 or 64 bits in an axis of 4 or 5 channels and one of "
            f"bases, found {shown}; put the encoding into the network before it is exported"
        )
    return found[0] if len(found) == 1 else None


def _list_sequences(source: Source) -> list[Port]:
    return [port for port in source.inputs if port.dtype in _FLOATS and _list_layouts(port.shape)]


def _list_layouts(shape: Shape) -> list[str]:
    """Return the layouts that a shape may have: one axis of channels, one of bases, the others of one."""
    found = []
    places = range(1, len(shape))
    for channel in places:
        for base in places:
            others = [shape[place] for place in places if place not in {channel, base}]
            if channel == base or shape[channel] not in _CHANNELS or any(size != 1 for size in others):
                continue
            axes = ["N", *["1"] * len(places)]
            axes[channel], axes[base] = "C", "L"
            found.append("".join(axes))
    # A window of one base is no window, where the same axis can be one that is there for its form alone.
    longer = [layout for layout in found if shape[layout.index("L")] != 1]
    return longer or found


def _fixed_shape(port: Port) -> tuple[int, ...]:
    if port.dtype not in _FLOATS or None in port.shape[1:]:
        raise ConversionError(
            f"input {port.name!r} {port.shown} {port.dtype}: expected numbers of 16, 32 or 64 bits and sizes that are "
            "fixed but for the batch"
        )
    return tuple(size for size in port.shape[1:] if size is not None)


def _plan_outputs(
    source: Source, network: onnx.ModelProto, wishes: Wishes, shapes: dict[str, Shape]
) -> tuple[Writing, ...]:
    writings = []
    taken: set[str] = {SEQUENCE}
    for number, port in enumerate(source.outputs, start=1):
        shape = shapes[port.name]
        layout = _choose_output_layout(port, shape, wishes)
        sizes = dict(zip(layout, shape, strict=True))
        single = [size for size, axis in zip(shape, layout, strict=True) if axis == "1"]
        tracks, bins = sizes.get("T", 1), sizes.get("B")
        if tracks is None or any(size != 1 for size in single):
            raise ConversionError(f"output layout {layout}: output {port.name!r} has shape {Port('', shape).shown}")
        activation = find_activation(network, port.name)
        if wishes.apply is not None:
            if activation != "linear":
                raise ConversionError(f"--apply {wishes.apply}: output {port.name!r} ends in {activation} already")
            activation = wishes.apply
        name = "prediction" if len(source.outputs) == 1 else _clean(port.name, f"output_{number}")
        while name in taken:
            name += "_"
        taken.add(name)
        writings.append(Writing(port.name, name, layout, tracks, bins, activation, wishes.apply, port.dtype))
    return tuple(writings)


def _choose_output_layout(port: Port, shape: Shape, wishes: Wishes) -> str:
    """Return the axes of an output: as the user says where they are as many, else N and T."""
    if port.dtype not in _FLOATS:
        raise ConversionError(f"output {port.name!r}: expected numbers of 16, 32 or 64 bits, found {port.dtype}")
    if wishes.output_layout is not None:
        layout = check_layout(wishes.output_layout, "NTB", needed="N")
        if len(layout) == len(shape):
            return layout
        if len(shape) > 2:
            raise ConversionError(f"output layout {layout}: output {port.name!r} has {len(shape)} axes")
    return "NT"[: len(shape)]


def find_activation(network: onnx.ModelProto, output: str) -> Activation:
    """Return what an output ends in, ``linear`` where that is nothing known."""
    makers = {name: node for node in network.graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in _CARRYING:
        node = makers.get(node.input[0])
    return "linear" if node is None else _ACTIVATIONS.get(node.op_type, "linear")


def _clean(name: str, otherwise: str) -> str:
    """Return a name that is fit for a card: letters, digits, dashes and underscores of the network's own."""
    found = re.sub(r"[^A-Za-z0-9_-]+", "_", re.sub(r":\d+$", "", name)).strip("_")
    return found[:64] or otherwise


def list_shapes(source: Source, reading: Reading, sequence: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all inputs without the batch axis, by name."""
    shapes = {port.name: _fixed_shape(port) for port in source.inputs if port.name != sequence}
    return {sequence: reading.shape, **shapes}


def measure_outputs(outputs: Sequence[Port], found: dict[str, tuple[int, ...]]) -> dict[str, Shape]:
    """Return the shapes of outputs that one window gave, the batch axis free."""
    return {port.name: (None, *found[port.name][1:]) for port in outputs}
