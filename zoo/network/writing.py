"""Writes networks as ONNX graphs that read codes: maps in the layout (N, C, 1, L), which runs fastest."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zoo.network.network import CODES_INPUT, SEQUENCE, Average, Exit, Network, Project, Whole
from zoo.network.operators import Apply, Convolve, Frame, Join, Operator, Pick, Pool, Span

if TYPE_CHECKING:
    import onnx

_POSITIONS = 3  # the axis of them in a map
_FEW = 256  # numbers of a constant that is compared with others
_LARGE = 1 << 16  # bytes of a constant that is not copied into the graph


@dataclass(frozen=True, slots=True)
class WrittenGraph:
    """A graph whose larger constants stand beside it, so that a network of 200 MB is not copied again and again.

    Attributes:
        model: The graph; it calls those constants data outside of it.
        weights: They themselves, by name.
    """

    model: onnx.ModelProto
    weights: Mapping[str, npt.NDArray[Any]]

    def embed(self) -> onnx.ModelProto:
        """Return a copy of the graph that holds all of its constants."""
        import onnx

        whole = onnx.ModelProto()
        whole.CopyFrom(self.model)
        for tensor in whole.graph.initializer:
            if tensor.name in self.weights:
                tensor.CopyFrom(onnx.numpy_helper.from_array(self.weights[tensor.name], tensor.name))
        return whole


class GraphWriter:
    """Collects the nodes and constants of a graph; each method adds nodes and returns the name of their result."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._weights: dict[str, npt.NDArray[Any]] = {}
        self._known: dict[object, str] = {}
        self._inputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, kind: str, shape: Sequence[str | int]) -> str:
        """Add an input of the graph; ``kind`` is a name of ONNX's, such as UINT8."""
        from onnx import TensorProto, helper

        self._inputs.append(helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape))
        return name

    def constant(self, value: npt.NDArray[Any] | Sequence[int], source: Hashable = None) -> str:
        """Return the name of a constant.

        Args:
            value: Numbers; a list is of int64. Equal ones stand in the graph once, if they are few.
            source: Which of the network's own weights a larger constant is made of, by what is the same each time, so
                that they stand in the graph once.
        """
        array = value if isinstance(value, np.ndarray) else np.asarray(value, dtype=np.int64)
        key: object = len(self._constants)
        if source is not None:
            key = ("weights", source)
        elif array.size <= _FEW:
            key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            name = f"zoo_constant_{len(self._constants)}"
            self._known[key] = name
            self._constants[name] = self._keep(name, np.ascontiguousarray(array))
        return self._known[key]

    def _keep(self, name: str, array: npt.NDArray[Any]) -> onnx.TensorProto:
        from onnx import TensorProto, helper, numpy_helper

        if array.nbytes < _LARGE:
            return numpy_helper.from_array(array, name)
        self._weights[name] = array
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = TensorProto(name=name, dims=array.shape, data_type=kind, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="memory")
        return tensor

    def node(self, op_type: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add a node of one output, by a name of its own where none is given."""
        from onnx import helper

        name = output or f"zoo_tensor_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op_type, list(inputs), [name], **attributes))
        return name

    def one_hot(self, codes: str) -> str:
        """Return codes (n, l) as the map (n, 4, 1, l)."""
        # ONNX Runtime compares fast along the last axis, and is slow at looking rows of four numbers up.
        integers, floats = 6, 1  # INT32: there is no comparison of bytes, nor a look-up by them; FLOAT
        rows = self.node("Unsqueeze", [self.node("Cast", [codes], to=integers), self.constant([1, 2])])
        letters = self.constant(np.arange(4, dtype=np.int32).reshape(1, 4, 1, 1))
        known = self.node("Cast", [self.node("Equal", [rows, letters])], to=floats)
        unknown = self.network.table[-1, 0]
        if not unknown:
            return known
        look_up = self.constant(np.array([0, 0, 0, 0, unknown], dtype=np.float32))
        return self.node("Add", [known, self.node("Gather", [look_up, rows], axis=0)])

    def positions(self, tensor: str, start: int, end: int) -> str:
        """Return some positions of a map."""
        ends = self.constant([end])
        return self.node("Slice", [tensor, self.constant([start]), ends, self.constant([_POSITIONS])])

    def join(self, tensors: Sequence[str], axis: int) -> str:
        """Return tensors one after the other along an axis."""
        return tensors[0] if len(tensors) == 1 else self.node("Concat", tensors, axis=axis)

    def sum_positions(self, tensor: str) -> str:
        """Return the sum over the positions of a map, shape (n, C, 1, 1)."""
        return self.node("ReduceSum", [tensor, self.constant([_POSITIONS])], keepdims=1)

    def rows(self, tensor: str, chosen: str) -> str:
        """Return some rows of a batch."""
        return self.node("Gather", [tensor, chosen], axis=0)

    def apply(self, operator: Operator, sources: Sequence[str], before: int, after: int) -> str:  # noqa: PLR0911 - a case each
        """Add an operator, with so many positions added at the ends of what it reads.

        Args:
            sources: What the operator's own sources are here, maps of any length.
        """
        slide = operator.slide
        match operator:
            case Convolve():
                weights = self.constant(operator.weights[:, :, np.newaxis, :], id(operator.weights))
                return self.node(
                    "Conv", [sources[0], weights, self.constant(operator.bias)], group=operator.groups,
                    kernel_shape=[1, slide.width], strides=[1, slide.stride], dilations=[1, slide.dilation],
                    pads=[0, before, 0, after],
                )  # fmt: skip
            case Pool():
                geometry: dict[str, Any] = {
                    "kernel_shape": [1, slide.width],
                    "strides": [1, slide.stride],
                    "pads": [0, before, 0, after],
                }
                if slide.dilation > 1:  # averages know none before opset 19
                    geometry["dilations"] = [1, slide.dilation]
                if operator.kind == "max":
                    return self.node("MaxPool", sources, **geometry)
                return self.node("AveragePool", sources, count_include_pad=int(operator.counts_added), **geometry)
            case Frame():
                return self._frame(operator, sources[0], before, after)
            case Pick():
                chosen = [self.constant([value]) for value in (operator.start, operator.end, 1)]
                return self.node("Slice", [sources[0], *chosen])
            case Join():
                return self.join(sources, 1)
            case Apply():
                remaining = iter(sources)
                inputs = [
                    next(remaining) if isinstance(operand, str) else self.constant(operand)
                    for operand in operator.operands
                ]
                return self.node(operator.op_type, inputs, **dict(operator.attributes))

    def _frame(self, operator: Frame, tensor: str, before: int, after: int) -> str:
        if not before and not after:
            return tensor
        padding = self.constant([0, 0, 0, before, 0, 0, 0, after])
        # ONNX Runtime makes zeros before a pool padding of the pool's own, which is no number; -0.0 it leaves alone.
        value = operator.value or -0.0
        return self.node("Pad", [tensor, padding, self.constant(np.array(value, dtype=np.float32))])

    def average(self, leaving: Average, sums: str) -> str:
        """Bring sums (N, C, 1, 1) over positions into the form that the tail reads."""
        value = sums
        if leaving.scale != 1:
            value = self.node("Mul", [sums, self.constant(np.array(leaving.scale, dtype=np.float32))])
        channels = self.network.maps[leaving.source].channels
        return self.node("Reshape", [value, self.constant([{"N": -1, "C": channels, "1": 1}[a] for a in leaving.axes])])

    def project(self, leaving: Project, tensor: str, span: Span | None = None) -> str:
        """Return what some positions of a map, by default all, add to a dense layer; the bias left out."""
        length, channels, units = leaving.weights.shape
        part = span or Span(0, length)
        flat = self.node("Reshape", [tensor, self.constant([-1, channels * len(part)])])
        # Maps lie channel by channel.
        weights = leaving.weights[part.start : part.end].transpose(1, 0, 2).reshape(channels * len(part), units)
        return self.node("MatMul", [flat, self.constant(weights, (id(leaving.weights), part))])

    def leave(self, leaving: Exit, tensor: str) -> str:
        """Bring a map into the form that the tail reads."""
        match leaving:
            case Average():
                return self.average(leaving, self.sum_positions(tensor))
            case Project():
                product = self.project(leaving, tensor)
                return product if leaving.bias is None else self.node("Add", [product, self.constant(leaving.bias)])
        shape = self.network.maps[leaving.source]
        order = [axis for axis in leaving.axes if axis in "CL"]
        if order == ["L", "C"]:
            tensor = self.node("Transpose", [tensor], perm=[0, 3, 2, 1])
        sizes = {"N": -1, "C": shape.channels, "L": shape.length, "1": 1}
        target = [-1, shape.channels * shape.length] if leaving.flat else [sizes[axis] for axis in leaving.axes]
        return self.node("Reshape", [tensor, self.constant(target)])

    def finish(self, exits: Mapping[str, str], name: str) -> WrittenGraph:
        """Return the graph with the tail behind it.

        Args:
            exits: What the tensors that the tail reads are called here.
        """
        from onnx import helper

        tail = self.network.tail
        # The tail calls its tensors by their names, which may be outputs of the graph.
        named = [helper.make_node("Identity", [found], [wanted]) for wanted, found in exits.items()]
        constants = [*self._constants.values(), *tail.constants]
        graph = helper.make_graph(
            [*self._nodes, *named, *tail.nodes], name, [*self._inputs, *tail.inputs], list(tail.outputs), constants
        )
        return self._make(graph)

    def finish_alone(self, output: str, shape: Sequence[str | int], name: str) -> WrittenGraph:
        """Return the graph without the tail.

        Args:
            output: A tensor, the only output.
            shape: Its own without the batch axis.
        """
        return self.finish_parts({output: ["N", *shape]}, name)

    def finish_parts(self, outputs: Mapping[str, Sequence[str | int]], name: str) -> WrittenGraph:
        """Return the graph without the tail, some tensors of given shapes its outputs."""
        from onnx import TensorProto, helper

        told = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape) for output, shape in outputs.items()]
        return self._make(helper.make_graph(self._nodes, name, self._inputs, told, list(self._constants.values())))

    def _make(self, graph: onnx.GraphProto) -> WrittenGraph:
        from onnx import helper

        # Older ONNX Runtimes call what they make of nodes by the nodes' names, which have to be there and to differ.
        for number, node in enumerate(graph.node):
            node.name = f"zoo_node_{number}"
        tail = self.network.tail
        opsets = [helper.make_opsetid("", tail.opset)]
        return WrittenGraph(helper.make_model(graph, opset_imports=opsets, ir_version=tail.ir_version), self._weights)


def write_graph(network: Network) -> WrittenGraph:
    """Return the whole network: ``zoo_codes`` (N, L) and further inputs in, outputs out."""
    writer = GraphWriter(network)
    tensors = write_trunk(writer, writer.input(CODES_INPUT, "UINT8", ["N", network.length]))
    return writer.finish({one.output: writer.leave(one, tensors[one.source]) for one in network.exits}, "zoo")


def write_trunk(writer: GraphWriter, codes: str) -> dict[str, str]:
    """Add the trunk on whole windows and return what each map is called."""
    tensors = {SEQUENCE: writer.one_hot(codes)}
    for operator in writer.network.trunk:
        slide = operator.slide
        sources = [tensors[source] for source in operator.sources]
        if isinstance(operator, Frame):
            length = writer.network.maps[operator.source].length
            start, end = max(0, -slide.before), length + min(0, slide.after)
            if (start, end) != (0, length):
                sources = [writer.positions(sources[0], start, end)]
        tensors[operator.output] = writer.apply(operator, sources, max(0, slide.before), max(0, slide.after))
    return tensors


def write_maps_graph(network: Network, names: Sequence[str]) -> WrittenGraph:
    """Return the whole network with maps as further outputs.

    Args:
        names: Maps; they leave as ``zoo_map_0`` and so on, channels last, shape (N, 1, L, C).
    """
    from onnx import TensorProto, helper

    writer = GraphWriter(network)
    tensors = write_trunk(writer, writer.input(CODES_INPUT, "UINT8", ["N", network.length]))
    added = []
    for number, name in enumerate(names):
        output = writer.node("Transpose", [tensors[name]], f"zoo_map_{number}", perm=[0, 2, 3, 1])
        shape = network.maps[name]
        added.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", 1, shape.length, shape.channels]))
    graph = writer.finish({one.output: writer.leave(one, tensors[one.source]) for one in network.exits}, "zoo_maps")
    graph.model.graph.output.extend(added)
    return graph


def write_tail_graph(network: Network) -> WrittenGraph:
    """Return the tail alone: ``zoo_exit_0`` and so on, what the exits give, and further inputs in, outputs out."""
    writer = GraphWriter(network)
    exits = {
        one.output: writer.input(f"zoo_exit_{number}", "FLOAT", exit_shape(network, one))
        for number, one in enumerate(network.exits)
    }
    return writer.finish(exits, "zoo_tail")


def exit_shape(network: Network, leaving: Exit) -> list[str | int]:
    """Return the shape of what the tail reads, ``N`` for its rows."""
    if isinstance(leaving, Project):
        return ["N", leaving.weights.shape[2]]
    shape = network.maps[leaving.source]
    if isinstance(leaving, Whole) and leaving.flat:
        return ["N", shape.channels * shape.length]
    sizes: dict[str, str | int] = {"N": "N", "C": shape.channels, "L": shape.length, "1": 1}
    return [sizes[axis] for axis in leaving.axes]
