"""The graph of a network: what it must have to fit its card, and the one-hot encoding put inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.errors import CardError
from zoo.model.card import Card, Output
from zoo.network.names import free_names
from zoo.network.network import CODES_INPUT

if TYPE_CHECKING:
    import numpy.typing as npt
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

    Comparisons of the codes feed what was the input; the numbers stay the same to the last bit.
    """
    import onnx
    from onnx import TensorProto, helper

    changed = onnx.ModelProto()
    changed.CopyFrom(free_names(model))
    graph = changed.graph
    sequence = card.sequence_input
    if sequence is None:
        return changed
    index = next(index for index, item in enumerate(graph.input) if item.name == sequence.name)
    batch = graph.input[index].type.tensor_type.shape.dim[0].dim_param or "N"
    codes = helper.make_tensor_value_info(CODES_INPUT, TensorProto.UINT8, [batch, card.sequence_window.length])
    graph.input[index].CopyFrom(codes)
    nodes = _write_one_hot(sequence.name, sequence.unknown_value)
    # A node may only read what stands before it.
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    return changed


def _write_one_hot(name: str, unknown: float) -> list[onnx.NodeProto]:
    """Return nodes that make the one-hot sequence (N, L, 4) of codes (N, L), ``unknown`` throughout an unknown base.

    Channels first, since ONNX Runtime compares along the last axis: 5 times as fast as looking rows of four numbers up.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    def constant(output: str, values: npt.NDArray[Any]) -> onnx.NodeProto:
        return helper.make_node("Constant", [], [output], name=output, value=numpy_helper.from_array(values))

    known = "zoo_known" if unknown else name
    nodes = [
        constant("zoo_channels", np.arange(4, dtype=np.int32).reshape(1, 4, 1)),
        constant("zoo_channel_axis", np.array([1], dtype=np.int64)),
        helper.make_node("Cast", [CODES_INPUT], ["zoo_code_indices"], name="zoo_one_hot_cast", to=TensorProto.INT32),
        helper.make_node(
            "Unsqueeze", ["zoo_code_indices", "zoo_channel_axis"], ["zoo_code_rows"], name="zoo_one_hot_rows"
        ),
        helper.make_node("Equal", ["zoo_code_rows", "zoo_channels"], ["zoo_equal"], name="zoo_one_hot_compare"),
        helper.make_node("Cast", ["zoo_equal"], ["zoo_channels_first"], name="zoo_one_hot_float", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["zoo_channels_first"], [known], name="zoo_one_hot", perm=[0, 2, 1]),
    ]
    if unknown:
        nodes += [
            constant("zoo_unknown_table", np.array([0, 0, 0, 0, unknown], dtype=np.float32)),
            constant("zoo_last_axis", np.array([2], dtype=np.int64)),
            helper.make_node(
                "Gather", ["zoo_unknown_table", "zoo_code_indices"], ["zoo_unknown"], name="zoo_one_hot_look_up"
            ),
            helper.make_node(
                "Unsqueeze", ["zoo_unknown", "zoo_last_axis"], ["zoo_unknown_rows"], name="zoo_one_hot_turn"
            ),
            helper.make_node("Add", [known, "zoo_unknown_rows"], [name], name="zoo_one_hot_fill"),
        ]
    return nodes


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
