"""Networks in TensorFlow's SavedModel folders, whose graphs are read and checked before TensorFlow loads them."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from zoo.conversion.frameworks import import_frameworks, telling_of_failures
from zoo.conversion.source import Array, Port
from zoo.errors import ConversionError, UnsafeModel, near_match
from zoo.model.limits import NETWORK_BYTES
from zoo.model.reading import read_plain

if TYPE_CHECKING:
    import onnx

GRAPH_FILE = "saved_model.pb"

_SIGNATURES = ("serving_default", "serve")
_BYTES = 4  # of a weight

_SUSPICIOUS = re.compile(
    r"File|PyFunc|Reader|Dataset|Summary|Print|Remote|Debug|Recv|Send|ImmutableConst|LoadLibrary|Queue|Socket|Py_?Call"
)
_SAVING = frozenset({"ShardedFilename", "MergeV2Checkpoints", "SaveV2", "RestoreV2"})
"""What every SavedModel has to keep its weights, in functions that a network never calls."""

_COMPUTING = frozenset(
    {
        "Cast", "Const", "DisableCopyOnRead", "Identity", "IdentityN", "NoOp", "Pack", "PartitionedCall", "Placeholder",
        "ReadVariableOp", "Select", "StatefulPartitionedCall", "VarHandleOp", "VarIsInitializedOp",
        "Abs", "Add", "AddN", "AddV2", "All", "Any", "ArgMax", "ArgMin", "AvgPool", "BatchMatMul", "BatchMatMulV2",
        "BatchMatMulV3", "BatchToSpaceND", "BiasAdd", "BroadcastArgs", "BroadcastTo", "Ceil", "ClipByValue", "Concat",
        "ConcatV2", "Conv2D", "Conv2DBackpropInput", "Cos", "Cumsum", "DepthwiseConv2dNative", "Div", "DivNoNan",
        "Einsum", "Elu", "Enter", "Equal", "Erf", "Erfc", "Exit", "Exp", "ExpandDims", "Expm1", "Fill", "Floor",
        "FloorDiv", "FloorMod", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "Gather", "GatherNd",
        "GatherV2", "Greater", "GreaterEqual", "If", "InvertPermutation", "L2Loss", "LeakyRelu", "Less", "LessEqual",
        "LinSpace", "Log", "Log1p", "LogSoftmax", "LogicalAnd", "LogicalNot", "LogicalOr", "LoopCond", "MatMul", "Max",
        "MaxPool", "MaxPoolV2", "Maximum", "Mean", "Merge", "Min", "Minimum", "MirrorPad", "Mul", "MulNoNan", "Neg",
        "NextIteration", "NotEqual", "OneHot", "OnesLike", "Pad", "PadV2", "PlaceholderWithDefault", "Pow",
        "PreventGradient", "Prod", "Range", "Rank", "RealDiv", "Reciprocal", "Relu", "Relu6", "Reshape",
        "ResizeNearestNeighbor", "ResourceGather", "Reverse", "ReverseV2", "Round", "Rsqrt", "SelectV2", "Selu",
        "Shape", "Sigmoid", "Sign", "Sin", "Size", "Slice", "Snapshot", "Softmax", "Softplus", "Softsign",
        "SpaceToBatchND", "Split", "SplitV", "Sqrt", "Square", "SquaredDifference", "Squeeze", "StatelessIf",
        "StatelessWhile", "StopGradient", "StridedSlice", "Sub", "Sum", "Switch", "Tanh", "TensorListFromTensor",
        "TensorListGetItem", "TensorListReserve", "TensorListSetItem", "TensorListStack", "Tile", "TopKV2",
        "Transpose", "Unpack", "Where", "While", "ZerosLike",
    }
)  # fmt: skip

"""What a network may be made of; nothing here reads or writes more than tensors."""

_OBJECTS = frozenset({"user_object", "variable", "function", "bare_concrete_function", "constant", "captured_tensor"})
"""Parts of a SavedModel that loading it makes; a resource would run a function of its own then."""


class SavedModelSource:
    """A SavedModel.

    Args:
        path: Its folder.

    Raises:
        ConversionError: It is damaged, of TensorFlow 1, or offers no function to call.
        UnsafeModel: It does more than compute.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tensorflow, _ = import_frameworks()
        self._version, name = _check(path)
        with telling_of_failures(f"{path}: TensorFlow can't load it"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._loaded = self._tensorflow.saved_model.load(str(path))
            self._call = self._loaded.signatures[name]
        read = self._call.structured_input_signature[1]
        self.inputs = tuple(_read_port(path, each, spec) for each, spec in read.items())
        self.outputs = tuple(_read_port(path, each, spec) for each, spec in self._call.structured_outputs.items())
        for port in self.inputs:
            if port.shape[:1] != (None,):
                raise ConversionError(
                    f"{path}: input {port.name!r} has shape {port.shape}: expected a free batch axis; save the network "
                    "with tf.TensorSpec((None, …)) as the signature"
                )

    @property
    def framework(self) -> str:
        """Who wrote it."""
        return f"TensorFlow {self._version}"

    @property
    def runtime(self) -> str:
        """Who runs it here."""
        return "TensorFlow"

    @property
    def summary(self) -> str:
        """What it holds."""
        return f"SavedModel, {len(self.inputs)} inputs, {len(self.outputs)} outputs"

    def predict(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return what TensorFlow predicts; see ``Source.predict``."""
        with telling_of_failures(f"{self._path}: TensorFlow can't run the network"):
            found = self._call(**{name: self._tensorflow.constant(values) for name, values in feed.items()})
        return {port.name: np.asarray(found[port.name]) for port in self.outputs}

    def write_onnx(self, shapes: Mapping[str, tuple[int, ...]]) -> onnx.ModelProto:
        """Return its function in ONNX; see ``Source.write_onnx``."""
        from zoo.training.network.export import export_function

        signature = [
            self._tensorflow.TensorSpec((None, *shapes[port.name]), port.dtype, name=port.name) for port in self.inputs
        ]

        def forward(*tensors: Any) -> Mapping[str, Any]:
            named = {port.name: tensor for port, tensor in zip(self.inputs, tensors, strict=True)}
            found: Mapping[str, Any] = self._call(**named)
            return found

        with telling_of_failures(f"{self._path}: the network can't be written as ONNX"):
            return export_function(forward, signature)


def _read_port(path: Path, name: str, spec: Any) -> Port:
    if spec.shape.rank is None:
        raise ConversionError(f"{path}: {name!r} has no fixed number of axes; save the network with its shapes")
    return Port(name, tuple(spec.shape.as_list()), spec.dtype.name)


def _check(path: Path) -> tuple[str, str]:
    """Read the graph without loading it; return TensorFlow's version, and which function is the network.

    Raises:
        ConversionError: It can't be read, or has no such function.
        UnsafeModel: An operator reads or writes files, runs code, or is not known to do neither.
    """
    file = path / GRAPH_FILE
    for each in sorted(path.rglob("*")):
        if each.is_symlink():
            raise UnsafeModel(f"{each}: is a link; expected all files of the SavedModel inside its folder")
        if not (each.is_file() or each.is_dir()):
            raise UnsafeModel(f"{each}: is a pipe, socket or device; expected plain files in a SavedModel")
    graph = _read_graph(file)
    _refuse_objects(file, graph)
    functions = _read_functions(file, graph.graph_def)
    name, start = _find_network(file, graph.object_graph_def.nodes)
    if start not in functions:
        raise ConversionError(f"{file}: expected the function {start!r} of {name}, found none; save the network again")
    for function in _find_called(functions, start):
        for node in functions[function]:
            if node.op not in _COMPUTING:
                _refuse(file, node)
    return graph.meta_info_def.tensorflow_version or "2", name


def _read_functions(file: Path, graph: Any) -> dict[str, Any]:
    """Return the nodes of functions by name, none of which may be suspicious, called or not."""
    functions = {function.signature.name: function.node_def for function in graph.library.function}
    if len(functions) < len(graph.library.function):
        raise UnsafeModel(f"{file}: expected functions of different names, found two of one name")
    for nodes in (graph.node, *functions.values()):
        for node in nodes:
            if _SUSPICIOUS.search(node.op) and node.op not in _SAVING:
                _refuse(file, node)
    return functions


def _read_graph(file: Path) -> Any:
    from tensorflow.core.protobuf import saved_model_pb2

    content = read_plain(file, NETWORK_BYTES)
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(content)
    except Exception as error:
        raise ConversionError(f"{file}: expected a SavedModel, found something else") from error
    if len(saved.meta_graphs) != 1:
        raise ConversionError(f"{file}: expected one graph, found {len(saved.meta_graphs)}; save it for serving alone")
    return saved.meta_graphs[0]


def _refuse_objects(file: Path, graph: Any) -> None:
    if not graph.HasField("object_graph_def"):
        raise ConversionError(f"{file}: was saved by TensorFlow 1; load it in TensorFlow 2 and save it again")
    total = 0
    for number, each in enumerate(graph.object_graph_def.nodes):
        kind = each.WhichOneof("kind")
        if kind not in _OBJECTS:
            raise UnsafeModel(
                f"{file}: object {number} is of kind {kind}; expected variables and functions alone: a table or file "
                "of its own would be opened as the network is loaded"
            )
        if each.saveable_objects or each.registered_name or each.registered_saver:
            raise UnsafeModel(
                f"{file}: object {number} is restored by a function of its own; expected variables alone, as that "
                "function would run as the network is loaded; save the network without it, or export it as ONNX"
            )
        if kind == "variable":
            total += _BYTES * math.prod(max(0, dim.size) for dim in each.variable.shape.dim)
        if total > NETWORK_BYTES:
            raise UnsafeModel(f"{file}: expected at most {NETWORK_BYTES:,} bytes of weights, found more")


def _find_network(file: Path, nodes: Sequence[Any]) -> tuple[str, str]:
    """Return the name of the signature that is the network, and of the function that loading will give for it."""

    def list_children(node: Any) -> dict[str, Any]:
        return {child.local_name: nodes[child.node_id] for child in node.children if 0 <= child.node_id < len(nodes)}

    signatures = list_children(list_children(nodes[0]).get("signatures", nodes[0])) if nodes else {}
    known = {
        name: node.bare_concrete_function.concrete_function_name
        for name, node in signatures.items()
        if node.WhichOneof("kind") == "bare_concrete_function"
    }
    name = next((each for each in _SIGNATURES if each in known), next(iter(known)) if len(known) == 1 else None)
    if name is None:
        raise ConversionError(
            f"{file}: expected a function serving_default{near_match('serving_default', known)}; save the network with "
            "signatures={'serving_default': …}"
        )
    return name, known[name]


def _find_called(functions: Mapping[str, Any], start: str) -> set[str]:
    """Return a function and all that it calls, directly or not."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in functions or name in found:
            continue
        found.add(name)
        for node in functions[name]:
            for value in node.attr.values():
                waiting.extend([value.func.name, *(each.name for each in value.list.func)])
    return found


def _refuse(file: Path, node: Any) -> NoReturn:
    raise UnsafeModel(
        f"{file}: operator {node.op!r} (node {node.name!r}) is none that a network computes with: it could read or "
        "write files, or run code; export the network as ONNX, or save it without"
    )
