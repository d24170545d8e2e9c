"""Takes out of an exported graph what keeps ONNX Runtime from fusing a convolution with what follows it.

tf2onnx writes a 1-D convolution as Unsqueeze, Conv, Squeeze, Add: the bias and the activation are then passes of their
own over memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

_ELEMENTWISE = frozenset({"Relu", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus", "Exp", "Identity"})
"""Operators of one tensor, for which a Squeeze before is a Squeeze after."""


def simplify(model: onnx.ModelProto) -> None:
    """Make biases part of their convolutions, and move each Squeeze behind the activation, in place.

    A Squeeze that meets the Unsqueeze of the next layer goes, and the Unsqueeze with it.
    """
    graph = _Graph(model.graph)
    for squeeze in [node for node in graph.nodes if node.op_type == "Squeeze"]:
        convolution = graph.maker(squeeze.input[0])
        if convolution is not None and convolution.op_type == "Conv" and graph.only_reader(squeeze.input[0]):
            _fold_bias(graph, convolution, squeeze)
            _move_behind(graph, squeeze)
    graph.write_back()


class _Graph:
    """Nodes in their order, and who makes and reads each tensor."""

    def __init__(self, proto: onnx.GraphProto) -> None:
        from onnx import numpy_helper

        self._proto = proto
        self.constants: dict[str, npt.NDArray[np.generic]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in proto.initializer
        }
        self._outputs = {value.name for value in proto.output}
        self.nodes = list(proto.node)

    def maker(self, tensor: str) -> onnx.NodeProto | None:
        return next((node for node in self.nodes if tensor in node.output), None)

    def readers(self, tensor: str) -> list[onnx.NodeProto]:
        return [node for node in self.nodes if tensor in node.input]

    def only_reader(self, tensor: str) -> onnx.NodeProto | None:
        """Return the one node that reads a tensor; None if it has several, or is an output of the graph."""
        readers = self.readers(tensor)
        return readers[0] if len(readers) == 1 and tensor not in self._outputs else None

    def is_output(self, node: onnx.NodeProto) -> bool:
        return node.output[0] in self._outputs

    def read_instead(self, old: str, new: str) -> None:
        """Let every reader of one tensor read another."""
        for node in self.readers(old):
            for index, name in enumerate(node.input):
                if name == old:
                    node.input[index] = new

    def remove(self, node: onnx.NodeProto) -> None:
        self.nodes = [other for other in self.nodes if other is not node]

    def put_behind(self, node: onnx.NodeProto, earlier: onnx.NodeProto) -> None:
        self.remove(node)
        place = next(index for index, other in enumerate(self.nodes) if other is earlier)
        self.nodes.insert(place + 1, node)

    def add_constant(self, name: str, values: npt.NDArray[np.generic]) -> None:
        from onnx import numpy_helper

        self._proto.initializer.append(numpy_helper.from_array(values, name))

    def write_back(self) -> None:
        nodes = [type(node).FromString(node.SerializeToString()) for node in self.nodes]
        del self._proto.node[:]
        self._proto.node.extend(nodes)
        used = {name for node in nodes for name in node.input}
        kept = [tensor for tensor in self._proto.initializer if tensor.name in used]
        kept = [type(tensor).FromString(tensor.SerializeToString()) for tensor in kept]
        del self._proto.initializer[:]
        self._proto.initializer.extend(kept)
        # Shapes that the exporter noted are those of the graph before.
        del self._proto.value_info[:]


def _fold_bias(graph: _Graph, convolution: onnx.NodeProto, squeeze: onnx.NodeProto) -> None:
    addition = graph.only_reader(squeeze.output[0])
    if addition is None or addition.op_type != "Add" or graph.is_output(addition) or len(convolution.input) > 2:
        return
    bias = graph.constants.get(next((name for name in addition.input if name != squeeze.output[0]), ""))
    kernel = graph.constants.get(convolution.input[1])
    # Channels stand before positions here: (1, C, 1), or (C, 1).
    if bias is None or kernel is None or bias.shape[-2:] != (kernel.shape[0], 1) or bias.size != kernel.shape[0]:
        return
    name = f"{convolution.output[0]}/bias"
    graph.add_constant(name, bias.reshape(-1))
    convolution.input.append(name)
    graph.remove(addition)
    graph.read_instead(addition.output[0], squeeze.output[0])


def _move_behind(graph: _Graph, squeeze: onnx.NodeProto) -> None:
    axes = graph.constants.get(squeeze.input[1])
    while (reader := graph.only_reader(squeeze.output[0])) is not None and not graph.is_output(reader):
        if reader.op_type == "Unsqueeze" and axes is not None:
            added = graph.constants.get(reader.input[1])
            if added is not None and np.array_equal(added, axes):
                graph.remove(reader)
                graph.remove(squeeze)
                graph.read_instead(reader.output[0], squeeze.input[0])
            return
        if reader.op_type not in _ELEMENTWISE:
            return
        # Conv, Squeeze, Relu becomes Conv, Relu, Squeeze: the last tensor's readers now read the Squeeze's.
        graph.read_instead(reader.output[0], squeeze.output[0])
        reader.input[0], squeeze.input[0] = squeeze.input[0], reader.output[0]
        graph.put_behind(squeeze, reader)
