"""Operators that a network may use: those that make numbers of numbers, and always the same ones.

A list of what is allowed does not age: what a later ONNX adds is refused until somebody has looked at it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.errors import UnsafeModel
from zoo.model.limits import GRAPH_LEVELS, GRAPHS, LONGEST_NAME, NAME_LETTERS, NODES, RANK

if TYPE_CHECKING:
    import onnx

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})

RANDOM_OPERATORS = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)

CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})

_ELEMENTWISE = """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil
    Celu Clip Cos Cosh Div Dropout Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity
    IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu
    Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor
"""
_ALONG_AXES = """
    ArgMax ArgMin BatchNormalization CumSum GroupNormalization Hardmax InstanceNormalization LRN LayerNormalization
    LogSoftmax LpNormalization MeanVarianceNormalization RMSNormalization ReduceL1 ReduceL2 ReduceLogSum
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Softmax TopK
"""
_LAYERS = """
    AveragePool Conv ConvInteger ConvTranspose DequantizeLinear DynamicQuantizeLinear Einsum GRU Gemm
    GlobalAveragePool GlobalLpPool GlobalMaxPool LSTM LpPool MatMul MatMulInteger MaxPool QLinearConv QLinearMatMul
    QuantizeLinear RNN
"""
_SHAPES = """
    Compress Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather GatherElements GatherND NonZero
    OneHot Pad Range Reshape Resize ReverseSequence Scatter ScatterElements ScatterND Shape Size Slice SpaceToDepth
    Split Squeeze Tile Transpose Trilu Unique Unsqueeze Upsample
"""

ALLOWED = frozenset(f"{_ELEMENTWISE} {_ALONG_AXES} {_LAYERS} {_SHAPES}".split()) | CONTROL_FLOW
"""By name; sequences, optional values, texts, images and training are not among them, nor what no model has needed."""

_OLDEST = 7  # the first opset whose operators broadcast as those of now do

_POSITIVE = frozenset(
    {"blocksize", "dilations", "group", "hidden_size", "kernel_shape", "num_groups", "num_outputs", "size", "strides"}
)
"""Attributes by which something is divided, or of which there is at least one."""

_EQUATION = re.compile(r"[A-Za-z,. ]{1,128}(->[A-Za-z. ]{0,64})?")


def check_operators(model: onnx.ModelProto, where: str) -> None:
    """Refuse a network that is more than standard operators, with attributes as they are meant.

    Args:
        model: The network as it was read.
        where: Names it in messages.

    Raises:
        UnsafeModel: The message names what is not allowed.
    """
    import onnx

    opsets = [item.version for item in model.opset_import if item.domain in STANDARD_DOMAINS]
    newest = onnx.defs.onnx_opset_version()
    if len(opsets) != 1 or not _OLDEST <= opsets[0] <= newest:
        shown = ", ".join(map(str, opsets[:RANK])) or "none"
        raise UnsafeModel(f"{where}: expected one opset from {_OLDEST} to {newest}, found {shown}")
    if model.functions:
        raise UnsafeModel(f"{where}: expected no functions, found {model.functions[0].name[:NAME_LETTERS]!r}")
    if model.training_info:
        raise UnsafeModel(f"{where}: expected a graph for prediction alone, found training information")
    nodes = 0
    for number, graph in enumerate(iter_graphs(model.graph, where)):
        nodes += len(graph.node)
        if nodes > NODES or number > GRAPHS:
            raise UnsafeModel(f"{where}: expected at most {NODES:,} nodes in {GRAPHS:,} graphs within it, found more")
        _check_names(graph, where)
        _check_training(graph, where)
        for node in graph.node:
            _check_operator(node, where)
            for attribute in node.attribute:
                _check_attribute(node, attribute, where)


def iter_graphs(graph: onnx.GraphProto, where: str, level: int = 0) -> Iterator[onnx.GraphProto]:
    """Give a graph and those within it.

    Raises:
        UnsafeModel: They lie too deep within one another.
    """
    if level > GRAPH_LEVELS:
        raise UnsafeModel(f"{where}: expected at most {GRAPH_LEVELS} graphs within one another, found more")
    yield graph
    for node in graph.node:
        for inner in iter_inner_graphs(node):
            yield from iter_graphs(inner, where, level + 1)


def iter_inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Give the graphs that a node runs, without those within them."""
    for attribute in node.attribute:
        yield from (inner for inner in (attribute.g, *attribute.graphs) if inner.ListFields())


def iter_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Give the weights of a graph and of its nodes, but not of graphs within it, nor those of sparse tensors."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def name_node(node: onnx.NodeProto) -> str:
    """Return what messages call a node."""
    return f"{node.op_type[:NAME_LETTERS]} {(node.name or ', '.join(node.output))[:NAME_LETTERS]!r}"


def _check_names(graph: onnx.GraphProto, where: str) -> None:
    """Refuse names that are none for people, and constants of one name, of which everybody may take another one."""
    constants = [tensor.name for tensor in graph.initializer]
    if len(set(constants)) < len(constants):
        twice = next(name for name, count in Counter(constants).items() if count > 1)
        raise UnsafeModel(f"{where}: expected tensors of different names, found {twice[:NAME_LETTERS]!r} twice")
    values = [item.name for item in (*graph.input, *graph.output)]
    for node in graph.node:
        values += (*node.input, *node.output, node.name)
    for name in (*constants, *values):
        if not _is_readable(name):
            raise UnsafeModel(
                f"{where}: expected names of at most {LONGEST_NAME:,} letters that can be printed, "
                f"found {name[:NAME_LETTERS]!r}"
            )


def _is_readable(name: object) -> bool:
    """Return whether a name is a text for people; what is no UTF-8 is read as bytes."""
    return isinstance(name, str) and len(name) <= LONGEST_NAME and name.isprintable()


def _check_operator(node: onnx.NodeProto, where: str) -> None:
    operator, name = node.op_type[:NAME_LETTERS], node.name[:NAME_LETTERS]
    if node.domain not in STANDARD_DOMAINS:
        raise UnsafeModel(
            f"{where}: expected standard operators only, found {operator!r} of domain {node.domain[:NAME_LETTERS]!r} "
            f"(node {name!r})"
        )
    if operator in RANDOM_OPERATORS:
        raise UnsafeModel(
            f"{where}: predictions must be the same at every run, found the random operator {operator!r} "
            f"(node {name!r}); export the model for prediction"
        )
    if operator not in ALLOWED:
        raise UnsafeModel(
            f"{where}: expected operators that models need, found {operator!r} (node {name!r}); "
            "if a model needs it, open an issue with the project"
        )


def _check_training(graph: onnx.GraphProto, where: str) -> None:
    """Refuse what draws numbers, or looks at the other windows, where it is told that it is being trained."""
    told = [node for node in graph.node if node.op_type == "Dropout" and any(node.input[2:])]
    constants = _find_false(graph) if told else set()
    trained = [node for node in told if node.input[2] not in constants]
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            trained += [node for attribute in node.attribute if attribute.name == "training_mode" and attribute.i]
    if trained:
        raise UnsafeModel(
            f"{where}: {name_node(trained[0])}: expected training_mode to be a constant false, found something else; "
            "export the model for prediction"
        )


def _find_false(graph: onnx.GraphProto) -> set[str]:
    """Return the names of those constants of a graph that are false, which no input of their name can change."""
    found = {tensor.name for tensor in graph.initializer if _is_false(tensor)}
    for node in graph.node:
        if node.op_type == "Constant" and any(_is_false(attribute.t) for attribute in node.attribute):
            found.update(node.output)
    return found - {item.name for item in graph.input}


def _is_false(tensor: onnx.TensorProto) -> bool:
    written = tensor.raw_data[:2] or bytes(map(bool, tensor.int32_data[:2]))
    return tensor.data_type == tensor.BOOL and written == b"\0"


def _check_attribute(node: onnx.NodeProto, attribute: onnx.AttributeProto, where: str) -> None:
    what = f"{where}: {name_node(node)}: attribute {attribute.name[:NAME_LETTERS]!r}"
    if attribute.ref_attr_name:
        raise UnsafeModel(f"{what}: expected a value, found a reference to a function's")
    if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
        raise UnsafeModel(f"{what}: expected all values of a tensor, found a sparse one")
    if attribute.name in _POSITIVE:
        numbers = [attribute.i] if attribute.HasField("i") else list(attribute.ints)
        if not numbers or min(numbers) < 1 or len(numbers) > RANK:
            raise UnsafeModel(f"{what}: expected 1 to {RANK} numbers above 0, found {numbers[: RANK + 1]}")
    if attribute.name == "equation":
        equation = attribute.s.decode("ascii", "replace")
        if not _EQUATION.fullmatch(equation):
            raise UnsafeModel(f"{what}: expected letters of axes, found {equation[:NAME_LETTERS]!r}")
