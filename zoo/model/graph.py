"""The graph of a network: what it must have to fit its card, and the one-hot encoding put inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import CardError
from zoo.model.card import Card, Output
from zoo.network.network import CODES_INPUT, one_hot_table

if TYPE_CHECKING:
    import onnx


def check_graph(model: onnx.ModelProto, card: Card) -> None:
    """Check that a network has the inputs and outputs of its card, float32, in their shapes.

    Raises:
        CardError: It has not; the message names what differs.
    """
    import onnx

    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = {item.name: item for item in model.graph.input if item.name not in constants}
    outputs = {item.name: item for item in model.graph.output}
    expected_inputs = {item.name: item.shape for item in card.inputs}
    expected_outputs = {output.name: output_shape(output) for output in card.outputs}
    for role, found, expected in (("input", inputs, expected_inputs), ("output", outputs, expected_outputs)):
        if found.keys() != expected.keys():
            raise CardError(
                f"{card.full_name}: the card names the {role}s {', '.join(sorted(expected))}, "
                f"the network has {', '.join(sorted(found)) or 'none'}"
            )
        for name, value in found.items():
            tensor = value.type.tensor_type
            if tensor.elem_type != onnx.TensorProto.FLOAT:
                kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
                raise CardError(f"{card.full_name}: {role} {name!r}: expected float32, the network has {kind}")
            if tensor.HasField("shape"):
                _check_shape(f"{card.full_name}: {role} {name!r}", tensor.shape, expected[name])


def embed_one_hot(model: onnx.ModelProto, card: Card) -> onnx.ModelProto:
    """Return a copy of a model that reads codes (N, L) in place of its one-hot sequence, where it has one.

    A cast and a look-up in a table of 5 rows feed what was the input; the numbers stay the same to the last bit.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    sequence = card.sequence_input
    if sequence is None:
        return changed
    index = next(index for index, item in enumerate(graph.input) if item.name == sequence.name)
    batch = graph.input[index].type.tensor_type.shape.dim[0].dim_param or "N"
    codes = helper.make_tensor_value_info(CODES_INPUT, TensorProto.UINT8, [batch, card.sequence_window.length])
    graph.input[index].CopyFrom(codes)
    table = one_hot_table(sequence.unknown_value)
    nodes = [
        helper.make_node("Constant", [], ["zoo_one_hot_table"], name="zoo_table", value=numpy_helper.from_array(table)),
        helper.make_node("Cast", [CODES_INPUT], ["zoo_code_indices"], name="zoo_cast", to=TensorProto.INT32),
        helper.make_node("Gather", ["zoo_one_hot_table", "zoo_code_indices"], [sequence.name], name="zoo_one_hot"),
    ]
    # A node may only read what stands before it.
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    return changed


def output_shape(output: Output) -> tuple[int, ...]:
    """Return what the network itself gives for one window: members, bins and tracks, as far as there are any."""
    members = (output.members,) if output.members > 1 else ()
    bins = () if output.bins is None else (output.bins,)
    return (*members, *bins, len(output.tracks))


def _check_shape(what: str, shape: onnx.TensorShapeProto, expected: tuple[int, ...]) -> None:
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in shape.dim]
    shown = "(" + ", ".join("N" if size is None else str(size) for size in sizes) + ")"
    if len(sizes) != len(expected) + 1 or any(
        size not in {None, wanted} for size, wanted in zip(sizes[1:], expected, strict=True)
    ):
        wanted_shape = ", ".join(["N", *map(str, expected)])
        raise CardError(f"{what}: the card says shape ({wanted_shape}), the network has {shown}")
    if sizes[0] is not None:
        raise CardError(f"{what}: expected a free batch axis, the network has {shown}; export it again")
