"""Networks in 16 bits: a float32 graph rewritten to float16 or bfloat16; its inputs and outputs stay float32.

Operators that lose little in 16 bits read and write them (``zoo.model.lowered`` lists them), all others stay float32
between casts. No runtime is needed here, and nothing runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.errors import ModelError
from zoo.model.lowered import (
    CHOOSING,
    COMPUTING,
    MOVING,
    Ranges,
    infer_types,
    iter_inputs,
    read_constants,
    replace_nodes,
)

if TYPE_CHECKING:
    import onnx

Precision: TypeAlias = Literal["float32", "tf32", "float16", "bfloat16", "int8"]
"""Of the numbers inside a network; ``tf32`` is float32 whose products a GPU computes in fewer bits."""

HalfPrecision: TypeAlias = Literal["float16", "bfloat16"]

_LOWERED = MOVING | CHOOSING | COMPUTING
_LARGEST_FLOAT16 = float(np.finfo(np.float16).max) / 16
"""What float16 holds, with room for sequences that reach further than those that were measured."""

_MIN_OPSET = 13  # the first whose Cast knows bfloat16


def find_lowered(model: onnx.ModelProto) -> list[str]:
    """Return the activations that ``lower_to_half`` would turn, whose ranges it asks for where that is float16."""
    return _ToFloat16(model, {}).find_activations()


def lower_to_half(model: onnx.ModelProto, precision: HalfPrecision, ranges: Ranges | None = None) -> onnx.ModelProto:
    """Return a copy of a network whose weights and activations are of 16 bits.

    ``float16`` computes in float16; what reaches too far for it stays float32, as after an exponential. ``bfloat16``
    rounds weights and activations to bfloat16 and computes in float32, which gives the numbers of a device that
    multiplies bfloat16 and adds up in float32; few runtimes have kernels for anything else.

    Args:
        ranges: For float16, of the tensors of ``find_lowered``; one that is missing counts as small.

    Raises:
        ModelError: The graph is too old.
    """
    import onnx

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    check_opset(model, _MIN_OPSET, precision)
    rewriting = _ToFloat16(changed, ranges or {}) if precision == "float16" else _ToBfloat16(changed)
    rewriting.rewrite()
    return changed


def check_opset(model: onnx.ModelProto, needed: int, what: str) -> None:
    """Raise ModelError where a graph is older than a rewriting needs."""
    found = next((opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"}), 0)
    if found < needed:
        raise ModelError(f"precision {what} needs a network of opset {needed}, found {found}; export it again")


class _Rewriting(ABC):
    """Walks a graph from its inputs on, and notes under which name each tensor is there in 16 bits.

    Attributes:
        low: The name in 16 bits of each tensor that has one.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        from onnx import TensorProto

        self._float = TensorProto.FLOAT
        self._model = model
        self._types = infer_types(model)
        self._constants = read_constants(model.graph)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self.low: dict[str, str] = {}

    def rewrite(self) -> None:
        import onnx

        for node in self._model.graph.node:
            if not self._takes_part(node):
                for name in iter_inputs(node):
                    self._raise(name)
                self._nodes.append(node)
                continue
            lowered = onnx.NodeProto()
            lowered.CopyFrom(node)
            for place, name in enumerate(node.input):
                if self._types.get(name) == self._float:
                    lowered.input[place] = self._lower(name)
            after = self._write(lowered)
            self._nodes.extend([lowered, *after])
        for output in self._model.graph.output:
            self._raise(output.name)
        replace_nodes(self._model, list(self._nodes), self._weights)

    def _takes_part(self, node: onnx.NodeProto) -> bool:
        """Tell whether a node is one of 16 bits: it has floats, and there is no tensor whose type is unknown."""
        names = [name for name in (*node.input, *node.output) if name]
        types = [self._types.get(name, 0) for name in names]
        return node.op_type in _LOWERED and 0 not in types and self._float in types

    def find_activations(self) -> list[str]:
        """Return the float tensors but for weights that nodes of 16 bits read or write."""
        nodes = [node for node in self._model.graph.node if self._takes_part(node)]
        names = dict.fromkeys(name for node in nodes for name in (*node.input, *node.output))
        return [name for name in names if self._types.get(name) == self._float and name not in self._constants]

    def _lower(self, name: str) -> str:
        if name not in self.low:
            if name in self._constants:
                self.low[name] = self._lower_weight(name)
            else:
                self._lower_activation(name)
        return self.low[name]

    @abstractmethod
    def _lower_weight(self, name: str) -> str:
        """Add a weight in 16 bits, and return its name."""

    @abstractmethod
    def _lower_activation(self, name: str) -> None:
        """Add nodes that bring a tensor to 16 bits, and note its name in ``low``."""

    @abstractmethod
    def _write(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Let a node write 16 bits; return the nodes that have to follow."""

    @abstractmethod
    def _raise(self, name: str) -> None:
        """See to it that a tensor is there in float32 under its own name."""


class _ToFloat16(_Rewriting):
    def __init__(self, model: onnx.ModelProto, ranges: Ranges) -> None:
        super().__init__(model)
        self._raised: set[str] = set()
        self._written: set[str] = set()
        weights = {name: (values.min(), values.max()) for name, values in self._constants.items() if values.size}
        reached = {name: max(-low, high) for name, (low, high) in (weights | dict(ranges)).items()}
        self._wide = {name for name, largest in reached.items() if not largest <= _LARGEST_FLOAT16}

    def _takes_part(self, node: onnx.NodeProto) -> bool:
        return super()._takes_part(node) and self._wide.isdisjoint((*node.input, *node.output))

    def _lower_weight(self, name: str) -> str:
        from onnx import numpy_helper

        low = f"{name}__float16"
        self._weights.append(numpy_helper.from_array(self._constants[name].astype(np.float16), low))
        return low

    def _lower_activation(self, name: str) -> None:
        from onnx import TensorProto, helper

        low = self.low[name] = f"{name}__float16"
        self._nodes.append(helper.make_node("Cast", [name], [low], name=f"{low}_cast", to=TensorProto.FLOAT16))

    def _write(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        for place, name in enumerate(node.output):
            if self._types.get(name) == self._float:
                node.output[place] = self.low[name] = f"{name}__float16"
                self._written.add(name)
        return []

    def _raise(self, name: str) -> None:
        from onnx import TensorProto, helper

        if name in self._written and name not in self._raised:
            self._raised.add(name)
            self._nodes.append(
                helper.make_node("Cast", [self.low[name]], [name], name=f"{name}__cast", to=TensorProto.FLOAT)
            )


class _ToBfloat16(_Rewriting):
    """Every tensor stays float32; ``low`` says which name holds it rounded."""

    def _lower_weight(self, name: str) -> str:
        from onnx import numpy_helper

        low = f"{name}__bfloat16"
        self._weights.append(numpy_helper.from_array(round_to_bfloat16(self._constants[name]), low))
        return low

    def _lower_activation(self, name: str) -> None:
        low = self.low[name] = f"{name}__bfloat16"
        self._nodes.extend(self._round(name, low))

    def _write(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        after: list[onnx.NodeProto] = []
        for place, name in enumerate(node.output):
            if self._types.get(name) != self._float:
                continue
            if node.op_type in COMPUTING:
                exact = f"{name}__exact"
                node.output[place] = exact
                after.extend(self._round(exact, name))
            self.low[name] = name
        return after

    def _round(self, name: str, rounded: str) -> list[onnx.NodeProto]:
        from onnx import TensorProto, helper

        return [
            helper.make_node("Cast", [name], [f"{rounded}__bits"], name=f"{rounded}__down", to=TensorProto.BFLOAT16),
            helper.make_node("Cast", [f"{rounded}__bits"], [rounded], name=f"{rounded}__up", to=TensorProto.FLOAT),
        ]

    def _raise(self, name: str) -> None:
        """Do nothing: all are there."""


def round_to_bfloat16(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return float32 values rounded to the eight bits of bfloat16's mantissa, ties to even."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1))) & np.uint32(0xFFFF0000)
    return np.where(np.isfinite(values), rounded.astype(np.uint32).view(np.float32), values)
