"""Puts around a network what turns the zoo's input into its own, and its outputs into the zoo's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from zoo.conversion.reading import BASES, Reading
from zoo.model.card import Activation

if TYPE_CHECKING:
    import onnx

Apply = Literal["sigmoid", "softmax", "softplus", "exponential"]
"""What can be put behind an output that gives logits or logarithms."""

SEQUENCE = "sequence"
"""What the sequence input is called in every converted model."""

_OPERATORS = {"sigmoid": "Sigmoid", "softmax": "Softmax", "softplus": "Softplus", "exponential": "Exp"}
_INSIDE = "network/"
_AROUND = "adapted/"  # no name on a card has a slash, so that neither of the two meets one
_WIDE = "float64"
_FROM_THE_END = -(2**31)  # before any first base


@dataclass(frozen=True, slots=True)
class Writing:
    """How an output of the network becomes one of the model.

    Attributes:
        source: Its name in the network.
        name: Its name on the card.
        layout: Its axes, of N, T, B and 1.
        tracks: Columns.
        bins: Along the window, where it has any.
        activation: By its name on the card.
        apply: What is put behind it.
        dtype: numpy's name of its numbers in the network.
        rounding: What its numbers are off however small they are, as those that a sigmoid makes.
    """

    source: str
    name: str
    layout: str
    tracks: int
    bins: int | None
    activation: Activation
    apply: Apply | None = None
    dtype: str = "float32"
    rounding: float = 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """An input beside the sequence: its name in the network and on the card, its shape without N."""

    source: str
    name: str
    shape: tuple[int, ...]
    dtype: str


def adapt(
    network: onnx.ModelProto,
    sequence: str,
    reading: Reading,
    writings: Sequence[Writing],
    contexts: Sequence[Context] = (),
) -> onnx.ModelProto:
    """Return a model that reads ``sequence`` (N, L, 4), channels A C G T, and gives (N, T) or (N, B, T) by output.

    Args:
        network: In ONNX, as its framework has it, but for numbers of 16 bits, which were widened; left as it is.
        sequence: Its input that is the window.
        reading: How it reads a window.
        writings: Its outputs.
        contexts: Its other inputs.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.ModelProto()
    model.CopyFrom(network)
    builder = _Builder()
    given = builder.encode(reading)
    arranged = [builder.arrange(writing, reverse=reading.reverse) for writing in writings]
    passed = [builder.pass_on(context) for context in contexts]
    names = {sequence: given} | {context.source: name for context, name in zip(contexts, passed, strict=True)}
    names |= {writing.source: name for writing, name in zip(writings, arranged, strict=True)}
    graph = model.graph
    _rename(graph, names)
    inner = [type(node).FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:], graph.input[:], graph.output[:], graph.quantization_annotation[:]
    graph.node.extend([*builder.before, *inner, *builder.behind])
    graph.initializer.extend(builder.constants)
    shapes = [(SEQUENCE, (reading.length, len(BASES))), *((context.name, context.shape) for context in contexts)]
    graph.input.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape]) for name, shape in shapes)
    for writing in writings:
        shape = ("N", *(() if writing.bins is None else (writing.bins,)), writing.tracks)
        graph.output.append(helper.make_tensor_value_info(writing.name, TensorProto.FLOAT, shape))
    graph.name = "network"
    model.doc_string = graph.doc_string = ""
    del model.metadata_props[:], graph.metadata_props[:]
    return model


class _Builder:
    """Makes the nodes before and behind the network; tensors that need none keep the name that they would get."""

    def __init__(self) -> None:
        self.before: list[onnx.NodeProto] = []
        self.behind: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0

    def encode(self, reading: Reading) -> str:
        """Return the name of the tensor that the network reads in place of its input."""
        name = SEQUENCE
        if reading.reverse:
            ends = (np.array([value]) for value in (-1, _FROM_THE_END, 1, -1))
            name = self._add(self.before, "Slice", name, *ends)
        if reading.alphabet != BASES:
            name = self._reorder(name, reading.alphabet)
        axes = [axis for axis in reading.layout if axis != "1"]
        turn = ["NLC".index(axis) for axis in axes]
        if turn != [0, 1, 2]:
            name = self._add(self.before, "Transpose", name, perm=turn)
        single = [place for place, axis in enumerate(reading.layout) if axis == "1"]
        if single:
            name = self._add(self.before, "Unsqueeze", name, np.array(single))
        return self._cast(self.before, name, reading.dtype)

    def _reorder(self, name: str, alphabet: str) -> str:
        """Order the channels by a product with a matrix of 0 and 1, exact, which reads as a layer along the sequence.

        A fifth channel is 1 less the other four.
        """
        matrix = np.zeros((len(BASES), len(alphabet)), dtype=np.float32)
        for channel, letter in enumerate(alphabet):
            if letter in BASES:
                matrix[BASES.index(letter), channel] = 1
            else:
                matrix[:, channel] = -1
        name = self._add(self.before, "MatMul", name, matrix)
        if len(alphabet) == len(BASES):
            return name
        marks = np.array([letter not in BASES for letter in alphabet], dtype=np.float32)
        return self._add(self.before, "Add", name, marks)

    def pass_on(self, context: Context) -> str:
        """Return the name of the tensor that the network reads in place of another input."""
        return self._cast(self.before, context.name, context.dtype)

    def _cast(self, nodes: list[onnx.NodeProto], name: str, dtype: str) -> str:
        from onnx import TensorProto

        return self._add(nodes, "Cast", name, to=TensorProto.DOUBLE) if dtype == _WIDE else name

    def arrange(self, writing: Writing, *, reverse: bool) -> str:
        """Return what the network's own output is to be called, so that the output of the card follows from it."""
        from onnx import TensorProto

        start = f"{_AROUND}output/{writing.name}"
        layout = writing.layout
        steps: list[tuple[str, list[npt.NDArray[Any]], dict[str, Any]]] = []
        if writing.dtype == _WIDE:
            steps.append(("Cast", [], {"to": TensorProto.FLOAT}))
        single = [place for place, axis in enumerate(layout) if axis == "1"]
        if single:
            steps.append(("Squeeze", [np.array(single)], {}))
        axes = [axis for axis in layout if axis != "1"]
        for missing in "NT":
            if missing not in axes:
                steps.append(("Unsqueeze", [np.array([len(axes)])], {}))
                axes.append(missing)
        turn = [axes.index(axis) for axis in ("NBT" if "B" in axes else "NT")]
        if turn != sorted(turn):
            steps.append(("Transpose", [], {"perm": turn}))
        if reverse and "B" in axes:
            steps.append(("Slice", [np.array([value]) for value in (-1, _FROM_THE_END, 1, -1)], {}))
        if writing.apply is not None:
            steps.append((_OPERATORS[writing.apply], [], {"axis": -1} if writing.apply == "softmax" else {}))
        if not steps:
            return writing.name
        name = start
        for number, (operator, constants, attributes) in enumerate(steps):
            last = number == len(steps) - 1
            name = self._add(
                self.behind, operator, name, *constants, output=writing.name if last else None, **attributes
            )
        return start

    def _add(
        self,
        nodes: list[onnx.NodeProto],
        operator: str,
        *inputs: str | npt.NDArray[Any],
        output: str | None = None,
        **attributes: Any,
    ) -> str:
        from onnx import helper, numpy_helper

        self._count += 1
        name = f"{_AROUND}{operator.lower()}_{self._count}"
        read = []
        for place, value in enumerate(inputs):
            if isinstance(value, str):
                read.append(value)
                continue
            constant = f"{name}_{place}"
            self.constants.append(numpy_helper.from_array(value, constant))
            read.append(constant)
        nodes.append(helper.make_node(operator, read, [output or name], name=name, **attributes))
        return output or name


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Call every tensor of a graph and of those inside otherwise: as ``names`` says, else by a prefix of their own."""

    def rename(name: str) -> str:
        return names.get(name, f"{_INSIDE}{name}" if name else "")

    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = rename(value.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = rename(sparse.values.name)
    del graph.value_info[:]
    for node in graph.node:
        node.name = rename(node.name)
        node.doc_string = ""
        del node.metadata_props[:]
        for tensors in (node.input, node.output):
            tensors[:] = [rename(name) for name in tensors]
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _rename(inner, names)
