"""Looks at a network and proposes how it reads a window and what its outputs are; asks where the file can't tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.conversion.adapt import SEQUENCE, Apply, Context, Writing
from zoo.conversion.names import choose_name
from zoo.conversion.outputs import ask_about_outputs, plan_outputs
from zoo.conversion.questions import Question
from zoo.conversion.reading import BASES, LETTERS, Reading, Unknown, check_alphabet, check_layout
from zoo.conversion.source import FLOATS, Port, Shape, Source
from zoo.errors import ConversionError, near_match

if TYPE_CHECKING:
    import onnx

_CHANNELS = (len(BASES), len(LETTERS))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of a network; None where nothing was said.

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
    assumed: tuple[str, ...] = ()

    @property
    def tracks(self) -> int:
        """Columns of all outputs together."""
        return sum(writing.tracks for writing in self.writings)


def ask_about_shapes(source: Source, wishes: Wishes) -> list[Question]:
    """Return what has to be known before anything can be proposed for a network.

    Raises:
        ConversionError: No input could be a sequence, or what the user says of it does not fit.
    """
    if wishes.length is not None and wishes.length < 1:
        raise ConversionError(f"length {wishes.length}: expected a window of 1 base or more")
    port = _find_sequence(source, wishes)
    if port is None:
        names = " or ".join(repr(each.name) for each in _list_sequences(source))
        return [Question("sequence", f"which input is the sequence, {names}")]
    questions: list[Question] = []
    layouts = _list_layouts(port.shape)
    if wishes.layout is None and len(layouts) > 1:
        questions.append(Question("layout", f"the axes of {port.shown}: {' or '.join(layouts)}"))
    bases = port.shape[_choose_layout(port, wishes).index("L")]
    if wishes.length is None and bases is None:
        questions.append(Question("length", "bases of a window; the network reads any number"))
    return [*questions, *ask_about_outputs(source.outputs, wishes.output_layout)]


def propose(source: Source, network: onnx.ModelProto, wishes: Wishes, shapes: Mapping[str, Shape]) -> Proposal:
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
    taken = {SEQUENCE}
    contexts = tuple(
        Context(each.name, choose_name(each.name, f"context_{number}", taken), _fixed_shape(each), each.dtype)
        for number, each in enumerate((each for each in source.inputs if each.name != port.name), start=1)
    )
    writings = plan_outputs(source.outputs, network, shapes, wishes.output_layout, wishes.apply, taken)
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
    if port is None:
        raise ValueError("expected a network that nothing about shapes is asked of any more")
    layout = _choose_layout(port, wishes)
    channels, bases = (port.shape[layout.index(axis)] for axis in "CL")
    if wishes.length is not None and bases not in {wishes.length, None}:
        raise ConversionError(f"length {wishes.length}: input {port.name!r} reads {bases} bases; leave out --length")
    length = wishes.length or bases
    if length is None:
        raise ValueError("expected a network that nothing about shapes is asked of any more")
    alphabet = LETTERS[:channels] if wishes.alphabet is None else check_alphabet(wishes.alphabet)
    if len(alphabet) != channels:
        raise ConversionError(f"alphabet {alphabet}: input {port.name!r} has {channels} channels, {port.shown}")
    if wishes.unknown == "quarter" and len(alphabet) == len(LETTERS):
        raise ConversionError(
            f"unknown bases as quarters: the alphabet {alphabet} has a channel for them, N; choose one"
        )
    return port, Reading(length, layout, alphabet, wishes.unknown or "zeros", wishes.reverse, port.dtype)


def list_shapes(source: Source, reading: Reading, sequence: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all inputs without the batch axis, by name.

    Raises:
        ConversionError: One beside the sequence is free, or holds no such numbers as a model reads.
    """
    shapes = {port.name: _fixed_shape(port) for port in source.inputs if port.name != sequence}
    return {sequence: reading.shape, **shapes}


def _choose_layout(port: Port, wishes: Wishes) -> str:
    """Return the axes of the sequence input; of several that fit the first, until the user has chosen."""
    layouts = _list_layouts(port.shape)
    if wishes.layout is None:
        return layouts[0]
    layout = check_layout(wishes.layout, "NCL", needed="NCL", example="NCL")
    if layout not in layouts:
        raise ConversionError(f"layout {layout}: input {port.name!r} is {port.shown}; it fits {' or '.join(layouts)}")
    return layout


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
    return [port for port in source.inputs if port.dtype in FLOATS and _list_layouts(port.shape)]


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
    if port.dtype not in FLOATS or None in port.shape[1:]:
        raise ConversionError(
            f"input {port.name!r} {port.shown} {port.dtype}: expected numbers of 16, 32 or 64 bits and sizes that are "
            "fixed but for the batch"
        )
    return tuple(size for size in port.shape[1:] if size is not None)
