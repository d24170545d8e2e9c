"""What a node can make of its inputs: the most elements that its results may have, where their shape is unknown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zoo.model.constants import Constant
from zoo.model.limits import RANK

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, slots=True)
class Value:
    """A result of a node.

    Attributes:
        kind: Its type, with its shape as far as it is known.
        shape: All of it, or None.
        most: Elements, at the most.
        width: Bytes of an element; 0 for what is no number.
        constant: Its elements, where they are few and follow from constants and shapes alone.
        growing: Which of those elements are multiples of the number of windows; None where none of them is.
        lasting: Whether it follows from constants alone: ONNX Runtime makes it once, and keeps it.
    """

    kind: onnx.TypeProto
    shape: tuple[int, ...] | None
    most: int
    width: int
    constant: Constant | None = None
    lasting: bool = False
    growing: Constant | None = None

    @property
    def size(self) -> int:
        """Bytes, at the most."""
        return self.most * self.width

    def forget(self) -> Value:
        """Return a value whose elements may be others at the next turn."""
        return replace(self, constant=None, growing=None, lasting=False)

    def forget_shape(self) -> Value:
        """Return a value of which no more is known than how many elements it has at the most."""
        import onnx

        kind = onnx.TypeProto()
        kind.tensor_type.elem_type = self.kind.tensor_type.elem_type
        return replace(self.forget(), kind=kind, shape=None)


def bound_elements(node: onnx.NodeProto, inputs: Sequence[Value]) -> int | None:
    """Return how many elements a result of unknown shape has at the most, None where nobody can say.

    Args:
        node: The node.
        inputs: Its inputs, without those that are left out.
    """
    rule = _MOST.get(node.op_type)
    return None if rule is None or not inputs else rule(node, inputs)


def read_attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Return what a node says, or the default where it says nothing."""
    import onnx

    return next((onnx.helper.get_attribute_value(item) for item in node.attribute if item.name == name), default)


def _multiply(_: onnx.NodeProto, inputs: Sequence[Value]) -> int:
    """Bound what is broadcast: every axis may be another one."""
    return math.prod(max(value.most, 1) for value in inputs)


def _gather(node: onnx.NodeProto, inputs: Sequence[Value]) -> int:
    values, indices = inputs[0], inputs[-1]
    axis: int = read_attribute(node, "axis", 0)
    if values.shape is None or not -len(values.shape) <= axis < len(values.shape):
        return values.most * indices.most
    return values.most // max(values.shape[axis], 1) * indices.most


def _gather_tuples(node: onnx.NodeProto, inputs: Sequence[Value]) -> int:
    values, indices = inputs[0], inputs[-1]
    sizes = indices.kind.tensor_type.shape.dim
    taken = sizes[-1].dim_value if sizes else 0
    if values.shape is None or not 0 < taken <= len(values.shape) or read_attribute(node, "batch_dims", 0):
        return values.most * indices.most
    return indices.most // taken * math.prod(values.shape[taken:])


# Each of whose results has at most as many elements as their first input.
_KEEPING = """
    Abs Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization BitwiseNot Cast CastLike Ceil Celu Clip
    Compress Cos Cosh CumSum DequantizeLinear Dropout DynamicQuantizeLinear Elu Erf Exp Flatten Floor Gelu
    GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN
    LayerNormalization LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not
    QuantizeLinear RMSNormalization Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
    ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape ReverseSequence Round Scatter ScatterElements
    ScatterND Selu Shrink Sigmoid Sign Sin Sinh Slice Softmax Softplus Softsign Split Sqrt Squeeze Swish Tan Tanh
    ThresholdedRelu TopK Transpose Trilu Unique Unsqueeze
"""

_BROADCASTING = """
    Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min
    Mod Mul Or PRelu Pow Sub Sum Where Xor
"""

_MOST: dict[str, Callable[[onnx.NodeProto, Sequence[Value]], int]] = {
    **dict.fromkeys(_KEEPING.split(), lambda _, inputs: inputs[0].most),
    **dict.fromkeys(_BROADCASTING.split(), _multiply),
    "Concat": lambda _, inputs: sum(value.most for value in inputs),
    "Gather": _gather,
    "GatherElements": lambda _, inputs: inputs[-1].most,
    "GatherND": _gather_tuples,
    "NonZero": lambda _, inputs: inputs[0].most * max(RANK if inputs[0].shape is None else len(inputs[0].shape), 1),
    "Shape": lambda _, __: RANK,
}
