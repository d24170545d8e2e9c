"""Random networks as ONNX models, in the forms in which exporters write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from zoo.network.writing import WrittenGraph

Numbers = npt.NDArray[np.float32]

HOMES = {
    "torch": ("NCL", "NCL", "CL"),
    "tf2onnx": ("NLC", "NC1L", "LC"),
    "tf2onnx-turned": ("NLC", "NCL1", "LC"),
    "flat-image": ("NC1L", "NC1L", "CL"),
    "tall-image": ("NCL1", "NCL1", "LC"),
}
"""For each form: how maps lie between layers, how convolutions read them, in which order they are flattened."""


@dataclass(frozen=True)
class RandomModel:
    """A network that reads one-hot bases (N, L, 4).

    Attributes:
        sequence: The input of the bases.
        extra_inputs: Shapes of the further inputs without the batch axis, by name.
        parts: What it is made of, to be read where it fails.
    """

    model: onnx.ModelProto
    sequence: str
    length: int
    extra_inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    parts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"RandomModel({self.length}, {', '.join(self.parts)})"

    def draw_extra(self, rng: np.random.Generator, rows: int) -> dict[str, Numbers]:
        """Return values for the further inputs."""
        return {name: rng.normal(size=(rows, *shape)).astype(np.float32) for name, shape in self.extra_inputs.items()}


def random_models(max_layers: int = 6) -> st.SearchStrategy[RandomModel]:
    """Networks, those of few layers among them, as failures shrink to fewer layers."""
    return st.builds(
        lambda layers, seed: draw_model(np.random.default_rng(seed), layers),
        st.integers(0, max_layers),
        st.integers(0, 2**32 - 1),
    )


def draw_model(rng: np.random.Generator, layers: int = 4) -> RandomModel:
    """Return a network with so many layers, branches and residuals counted as one, before its heads."""
    return _Maker(rng).make(layers)


def run_unfused(
    made: RandomModel, codes: npt.NDArray[np.uint8], extra: Mapping[str, Numbers], unknown: float = 0.0
) -> list[Numbers]:
    """Return what ONNX Runtime says of the model as it stands, none of its nodes fused."""
    table = np.vstack([np.eye(4), np.full((1, 4), unknown)]).astype(np.float32)
    return run(made.model, {made.sequence: table[codes], **extra}, optimized=False)


def run(
    model: onnx.ModelProto | WrittenGraph, feed: Mapping[str, npt.NDArray[Any]], *, optimized: bool = True
) -> list[Numbers]:
    """Return the outputs of a graph, in its order."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    whole = model.embed() if isinstance(model, WrittenGraph) else model
    session = ort.InferenceSession(whole.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: list[Numbers] = session.run(None, dict(feed))
    return found


@dataclass(frozen=True)
class _Tensor:
    name: str
    axes: str
    channels: int
    length: int


class GraphMaker:
    """Collects nodes and constants; each method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any) -> str:
        array = np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op_type: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> str:
        """Return the first of the results; the others are called ``NAME_1`` and so on."""
        name = f"{op_type.lower()}_{len(self.nodes)}"
        names = [name, *(f"{name}_{number}" for number in range(1, outputs))]
        self.nodes.append(helper.make_node(op_type, list(inputs), names, name=name, **attributes))
        return name

    def model(
        self,
        inputs: Mapping[str, Sequence[int]],
        outputs: Sequence[str],
        opset: int = 18,
    ) -> onnx.ModelProto:
        """Return the checked model; inputs are given by their shapes without the batch axis, outputs by names."""
        given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", *shape]) for n, shape in inputs.items()]
        told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "random", given, told, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        onnx.checker.check_model(model)
        return model


class _Maker(GraphMaker):
    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self._rng = rng
        self._extra: dict[str, tuple[int, ...]] = {}
        self._parts: list[str] = []
        form = str(rng.choice(list(HOMES)))
        self._home, self._window, self._order = HOMES[form]
        self._parts.append(form)

    def make(self, layers: int) -> RandomModel:
        length = int(self._rng.integers(12, 61))
        tensor = self._turn(_Tensor("sequence", "NLC", 4, length), self._home)
        if self._chance(0.04):
            tensor = self._add_track(tensor)
        for _ in range(layers):
            tensor = self._layer(tensor)
        outputs = [self._head(tensor) for _ in range(2 if self._chance(0.15) else 1)]
        if self._chance(0.06):
            outputs.append(self.node("Identity", [tensor.name]))
        model = self.model({"sequence": (length, 4), **self._extra}, outputs)
        return RandomModel(model, "sequence", length, self._extra, tuple(self._parts))

    # Drawing.

    def _chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def _between(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high + 1))

    def _numbers(self, *shape: int, spread: float = 1.0, mean: float = 0.0) -> Numbers:
        return self._rng.normal(mean, spread, shape).astype(np.float32)

    # Layouts.

    def _turn(self, tensor: _Tensor, axes: str) -> _Tensor:
        """Return the same with its axes in another order, by Transpose, Unsqueeze and Squeeze or by Reshape."""
        if tensor.axes == axes:
            return tensor
        name, now = tensor.name, tensor.axes
        if "1" in now and "1" not in axes:
            if self._chance(0.8):
                name = self.node("Squeeze", [name, self.constant(np.array([now.index("1")]))])
            else:
                sizes = {"N": -1, "C": tensor.channels, "L": tensor.length}
                kept = [sizes[axis] for axis in now if axis != "1"]
                name = self.node("Reshape", [name, self.constant(np.array(kept))])
            now = now.replace("1", "")
        if "1" in axes and "1" not in now:
            at = self._between(1, 3)
            name = self.node("Unsqueeze", [name, self.constant(np.array([at - 4 if self._chance(0.3) else at]))])
            now = now[:at] + "1" + now[at:]
        if now != axes:
            name = self.node("Transpose", [name], perm=[now.index(axis) for axis in axes])
        return replace(tensor, name=name, axes=axes)

    def _slide(self, op_type: str, tensor: _Tensor, width: int, inputs: Sequence[str], **more: Any) -> _Tensor:
        """Add a node with a kernel of that width along the positions."""
        given = self._turn(tensor, self._window)
        spatial = given.axes[2:]
        stride = more.pop("stride", 1)
        dilation = more.pop("dilation", 1)
        padding = more.pop("padding", (0, 0))
        channels = more.pop("channels", tensor.channels)
        extent = (width - 1) * dilation + 1
        if isinstance(padding, str) and padding != "VALID" and (dilation > 1 or stride > width):
            # ONNX Runtime reckons no padding of its own for these.
            added = max(0, (-(-tensor.length // stride) - 1) * stride + extent - tensor.length)
            less, more_of_it = added // 2, added - added // 2
            padding = (less, more_of_it) if padding == "SAME_UPPER" else (more_of_it, less)
        attributes = {
            "kernel_shape": [width if axis == "L" else 1 for axis in spatial],
            "strides": [stride if axis == "L" else 1 for axis in spatial],
            **more,
        }
        if dilation > 1 or (op_type != "AveragePool" and self._chance(0.5)):
            attributes["dilations"] = [dilation if axis == "L" else 1 for axis in spatial]
        if isinstance(padding, str):
            attributes["auto_pad"] = padding
            length = -(-tensor.length // stride) if padding != "VALID" else (tensor.length - extent) // stride + 1
        else:
            before, after = padding
            attributes["pads"] = [one if axis == "L" else 0 for one in padding for axis in spatial]
            rest = tensor.length + before + after - extent
            length = (-(-rest // stride) if more.get("ceil_mode") else rest // stride) + 1
        name = self.node(op_type, [given.name, *inputs], **attributes)
        return self._turn(_Tensor(name, given.axes, channels, length), self._home)

    def _convolve(self, tensor: _Tensor, filters: int, width: int, **more: Any) -> _Tensor:
        groups = more.pop("groups", 1)
        inner = tensor.channels // groups
        along = [width if axis == "L" else 1 for axis in self._window[2:]]
        weights = self._numbers(filters, inner, *along, spread=1 / math.sqrt(inner * width))
        inputs = [self.constant(weights)]
        if self._chance(0.7):
            inputs.append(self.constant(self._numbers(filters, spread=0.3)))
        return self._slide("Conv", tensor, width, inputs, channels=filters, group=groups, **more)

    def _per_channel(self, tensor: _Tensor, value: Numbers) -> str:
        """Return a constant (C,) that is broadcast to the channels of a tensor."""
        axes = tensor.axes
        if axes[-1] == "C" and self._chance(0.5):
            return self.constant(value)
        shape = [len(value) if axis == "C" else 1 for axis in axes]
        if self._chance(0.4):
            shape = shape[axes.index("C") :]
        return self.constant(value.reshape(shape))

    # Layers.

    def _layer(self, tensor: _Tensor) -> _Tensor:
        choices: dict[Callable[[_Tensor], _Tensor | None], float] = {
            self._random_convolution: 5,
            self._pool: 3,
            self._activate: 4,
            self._normalize: 2,
            self._scale: 2,
            self._residual: 2,
            self._cropped_residual: 1,
            self._branches: 1.5,
            self._gate: 1,
            self._pad: 0.7,
            self._crop: 0.7,
            self._dense_per_position: 1,
            self._excite: 0.5,
            self._alien: 0.4,
        }
        share = np.array(list(choices.values()))
        for index in self._rng.choice(len(choices), len(choices), replace=False, p=share / share.sum()):
            chosen = list(choices)[index]
            found = chosen(tensor)
            if found is not None:
                self._parts.append(chosen.__name__.strip("_"))
                return found
        return tensor

    def _random_convolution(self, tensor: _Tensor) -> _Tensor | None:
        width, stride, dilation = self._between(1, 9), 1, 1
        if self._chance(0.25):
            stride = self._between(2, 3)
        if self._chance(0.25):
            dilation = self._between(2, 4)
        groups = 1
        if self._chance(0.25):
            groups = int(self._rng.choice([d for d in range(1, tensor.channels + 1) if tensor.channels % d == 0]))
        extent = (width - 1) * dilation + 1
        padding: Any = (0, 0)
        if self._chance(0.25):
            padding = str(self._rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        elif self._chance(0.3):
            padding = (extent // 2, extent // 2)
        elif self._chance(0.4):
            padding = (self._between(0, extent), self._between(0, extent))
        added = sum(padding) if isinstance(padding, tuple) else 0
        fits = isinstance(padding, str) and padding != "VALID"
        if not fits and (tensor.length + added - extent) // stride + 1 < 3:
            return None
        filters = groups * self._between(1, max(1, 8 // groups))
        return self._convolve(tensor, filters, width, stride=stride, dilation=dilation, padding=padding, groups=groups)

    def _pool(self, tensor: _Tensor) -> _Tensor | None:
        op_type = str(self._rng.choice(["MaxPool", "AveragePool"]))
        width, stride = self._between(1, 5), self._between(1, 4)
        more: dict[str, Any] = {}
        if op_type == "AveragePool":
            more["count_include_pad"] = self._between(0, 1)
        elif self._chance(0.2):
            more["dilation"] = self._between(2, 3)
        extent = (width - 1) * more.get("dilation", 1) + 1
        padding: Any = (0, 0)
        if self._chance(0.2):
            padding = str(self._rng.choice(["SAME_UPPER", "SAME_LOWER"]))
        elif self._chance(0.4):
            padding = (self._between(0, width - 1), self._between(0, width - 1))
        elif self._chance(0.15):
            more["ceil_mode"] = 1
        if isinstance(padding, str) and (extent > width or stride > width):
            padding = (0, 0)
        if stride > width:
            more.pop("ceil_mode", None)
        if tensor.length < extent + 2 * stride:
            return None
        return self._slide(op_type, tensor, width, [], stride=stride, padding=padding, **more)

    def _activate(self, tensor: _Tensor) -> _Tensor:
        kind = str(
            self._rng.choice(
                ["Relu", "Relu", "Exp", "Sigmoid", "Tanh", "Elu", "Gelu", "Softplus", "LeakyRelu", "PRelu", "Clip",
                 "Power", "Reciprocal"]
            )
        )  # fmt: skip
        name = tensor.name
        match kind:
            case "Exp":  # of something small: numbers stay near 1
                name = self.node("Exp", [self.node("Mul", [name, self.constant(np.float32(0.3))])])
            case "Gelu":
                half = self.node("Div", [name, self.constant(np.float32(math.sqrt(2)))])
                error = self.node("Add", [self.node("Erf", [half]), self.constant(np.float32(1))])
                name = self.node("Mul", [self.node("Mul", [name, error]), self.constant(np.float32(0.5))])
            case "LeakyRelu" | "Elu":
                name = self.node(kind, [name], alpha=0.2)
            case "PRelu":
                name = self.node(kind, [name, self._per_channel(tensor, self._numbers(tensor.channels, spread=0.2))])
            case "Clip":
                name = self.node(kind, [name, self.constant(np.float32(-0.5)), self.constant(np.float32(1.5))])
            case "Power":
                name = self.node("Pow", [self.node("Tanh", [name]), self.constant(np.float32(2))])
            case "Reciprocal":
                above = self.node("Add", [self.node("Sigmoid", [name]), self.constant(np.float32(1))])
                name = self.node("Div", [self._per_channel(tensor, self._numbers(tensor.channels)), above])
            case _:
                name = self.node(kind, [name])
        return replace(tensor, name=name)

    def _normalize(self, tensor: _Tensor) -> _Tensor:
        count = tensor.channels
        given = self._turn(tensor, self._window)
        constants = [
            self._numbers(count, spread=0.2, mean=1),
            self._numbers(count, spread=0.3),
            self._numbers(count, spread=0.3),
            (self._rng.random(count) + 0.5).astype(np.float32),
        ]
        name = self.node("BatchNormalization", [given.name, *map(self.constant, constants)], epsilon=1e-3)
        return self._turn(replace(given, name=name), self._home)

    def _scale(self, tensor: _Tensor) -> _Tensor:
        name = tensor.name
        for _ in range(self._between(1, 3)):
            kind = str(self._rng.choice(["Add", "Sub", "Mul", "Div", "Max", "Min"]))
            value = self._numbers(tensor.channels if self._chance(0.8) else 1, spread=0.2, mean=1)
            operands = [name, self._per_channel(tensor, value)]
            if kind != "Div" and self._chance(0.5):
                operands.reverse()
            name = self.node(kind, operands)
        return replace(tensor, name=name)

    def _residual(self, tensor: _Tensor) -> _Tensor:
        inside = tensor
        for _ in range(self._between(1, 2)):
            same = str(self._rng.choice(["SAME_UPPER", "SAME_LOWER"]))
            inside = self._activate(inside)
            inside = self._convolve(
                inside, tensor.channels, self._between(1, 7), dilation=self._between(1, 3), padding=same
            )
        operands = [tensor.name, inside.name]
        if self._chance(0.5):
            operands.reverse()
        return replace(tensor, name=self.node("Add", operands))

    def _cropped_residual(self, tensor: _Tensor) -> _Tensor | None:
        width = self._between(2, 6)
        if tensor.length < width + 4:
            return None
        inside = self._convolve(tensor, tensor.channels, width)
        start = self._between(0, width - 1)
        kept = self._cut(tensor, start, start + inside.length)
        return replace(inside, name=self.node("Add", [inside.name, kept.name]))

    def _branches(self, tensor: _Tensor) -> _Tensor:
        stride = self._between(1, 2) if tensor.length > 8 else 1
        made = [
            self._activate(
                self._convolve(tensor, self._between(1, 4), self._between(1, 7), stride=stride, padding="SAME_UPPER")
            )
            for _ in range(self._between(2, 3))
        ]
        if stride == 1 and self._chance(0.5):
            made.append(tensor)
        return self._concatenate(made)

    def _concatenate(self, made: Sequence[_Tensor]) -> _Tensor:
        axis = made[0].axes.index("C")
        if self._chance(0.4):
            axis -= len(made[0].axes)
        name = self.node("Concat", [one.name for one in made], axis=axis)
        return replace(made[0], name=name, channels=sum(one.channels for one in made))

    def _gate(self, tensor: _Tensor) -> _Tensor:
        count = self._between(1, 4)
        both = self._convolve(tensor, 2 * count, self._between(1, 5), padding="SAME_UPPER")
        axis = both.axes.index("C")
        if self._chance(0.2):  # two results of one node
            first = self.node("Split", [both.name], outputs=2, axis=axis, num_outputs=2)
            value, gate = first, f"{first}_1"
        else:
            value, gate = (
                self.node(
                    "Slice",
                    [both.name, *(self.constant(np.array([n])) for n in (start, end, axis))],
                )
                for start, end in ((0, count), (count, 2**31 - 1))
            )
        name = self.node("Mul", [self.node("Tanh", [value]), self.node("Sigmoid", [gate])])
        return replace(both, name=name, channels=count)

    def _pad(self, tensor: _Tensor) -> _Tensor:
        before, after = self._between(0, 4), self._between(0, 4)
        if self._chance(0.3) and tensor.length > 8:
            before = -self._between(0, 3)
        padding = [n if axis == "L" else 0 for n in (before, after) for axis in tensor.axes]
        inputs = [tensor.name, self.constant(np.array(padding))]
        # ONNX Runtime takes zeros into pools, which is wrong, wherever it finds the two; those below 0 it leaves alone.
        inputs.append(self.constant(np.float32(self._rng.normal() if self._chance(0.5) else -0.0)))
        return replace(tensor, name=self.node("Pad", inputs), length=tensor.length + before + after)

    def _crop(self, tensor: _Tensor) -> _Tensor | None:
        if tensor.length < 10:
            return None
        start = self._between(0, 3)
        return self._cut(tensor, start, tensor.length - self._between(0, 3))

    def _cut(self, tensor: _Tensor, start: int, end: int) -> _Tensor:
        """Return some positions, their end counted from either side."""
        length = end - start
        axis = tensor.axes.index("L")
        if end == tensor.length:
            end = 2**63 - 1
        elif self._chance(0.5):
            end -= tensor.length
        if self._chance(0.3):  # all axes at once, as Keras does
            axes = list(range(axis + 1))
            numbers = [[0] * axis + [start], [2**31 - 1] * axis + [end], axes]
        else:
            numbers = [[start], [end], [axis - (len(tensor.axes) if self._chance(0.5) else 0)], [1]]
        bounds = [self.constant(np.array(one)) for one in numbers]
        return replace(tensor, name=self.node("Slice", [tensor.name, *bounds]), length=length)

    def _dense_per_position(self, tensor: _Tensor) -> _Tensor:
        units = self._between(1, 6)
        given = self._turn(tensor, "NLC")
        weights = self._numbers(tensor.channels, units, spread=1 / math.sqrt(tensor.channels))
        name = self.node("MatMul", [given.name, self.constant(weights)])
        name = self.node("Add", [name, self.constant(self._numbers(units))])
        return self._turn(replace(given, name=name, channels=units), self._home)

    def _excite(self, tensor: _Tensor) -> _Tensor:
        """Weigh the channels by what stands at all positions."""
        given = self._turn(tensor, self._window)
        name = self.node("GlobalAveragePool", [given.name])
        kernel = self._numbers(tensor.channels, tensor.channels, *[1] * (len(given.axes) - 2))
        gate = self.node("Sigmoid", [self.node("Conv", [name, self.constant(kernel)])])
        name = self.node("Mul", [given.name, gate])
        return self._turn(replace(given, name=name), self._home)

    def _alien(self, tensor: _Tensor) -> _Tensor:
        """Add what is no operator along the sequence."""
        axis = tensor.axes.index("L")
        kind = str(self._rng.choice(["sums", "weights", "softmax", "turned", "by position", "normalized", "shuffled"]))
        name = tensor.name
        match kind:
            case "sums":
                name = self.node("CumSum", [name, self.constant(np.array(axis))])
                name = self.node("Mul", [name, self.constant(np.float32(1 / tensor.length))])
            case "weights":
                along = [tensor.length if one == "L" else 1 for one in tensor.axes]
                name = self.node("Mul", [name, self.constant(self._numbers(*along))])
            case "softmax":
                axis = tensor.axes.index(str(self._rng.choice(["C", "L"])))
                name = self.node("Mul", [name, self.node("Softmax", [name], axis=axis)])
            case "turned":
                bounds = [self.constant(np.array([number])) for number in (-1, -(2**31), axis, -1)]
                name = self.node("Add", [name, self.node("Slice", [name, *bounds])])
            case "by position":
                along = [tensor.length if one == "L" else 1 for one in tensor.axes[1:]]
                name = self.node("Add", [self.constant(self._numbers(*along)), name])
            case "normalized":
                mean = self.node("ReduceMean", [name, self.constant(np.array([axis]))], keepdims=1)
                name = self.node("Sub", [name, mean])
            case "shuffled":
                order = self._rng.permutation(tensor.length)
                name = self.node("Gather", [name, self.constant(order)], axis=axis)
        return replace(tensor, name=name)

    def _add_track(self, tensor: _Tensor) -> _Tensor:
        self._parts.append("track")
        self._extra["atac"] = (tensor.length, 2)
        track = self._turn(_Tensor("atac", "NLC", 2, tensor.length), self._home)
        return self._concatenate([tensor, track])

    # Heads.

    def _head(self, tensor: _Tensor) -> str:  # noqa: PLR0911 - one for each kind
        kind = str(
            self._rng.choice(["dense", "summary", "summaries", "recurrent", "attention", "bins", "members", "context"],
                             p=[0.3, 0.15, 0.15, 0.05, 0.1, 0.1, 0.05, 0.1])
        )  # fmt: skip
        self._parts.append(kind)
        match kind:
            case "dense":
                name, features = self._flatten(tensor)
                if self._chance(0.1):
                    name = self.node("Relu", [name])
                return self._dense_layers(name, features)
            case "summary":
                return self._dense_layers(self._summarize(tensor), tensor.channels)
            case "summaries":
                first, features = self._flatten(tensor)
                parts = [(first, features)]
                if self._chance(0.5):
                    parts = [self._dense(first, features, 5)]
                parts.extend((self._summarize(tensor), tensor.channels) for _ in range(self._between(1, 2)))
                name = self.node("Concat", [part for part, _ in parts], axis=1)
                return self._dense_layers(name, sum(count for _, count in parts))
            case "recurrent":
                return self._recurrent(tensor)
            case "attention":
                return self._attend(tensor)
            case "bins":
                return self._bins(tensor)
            case "members":
                heads = []
                for _ in range(2):
                    name, features = self._flatten(tensor)
                    name, _ = self._dense(name, features, 3)
                    heads.append(self.node("Unsqueeze", [name, self.constant(np.array([1]))]))
                return self.node("Concat", heads, axis=1)
        self._extra["cell"] = (3,)
        name, features = self._flatten(tensor) if self._chance(0.5) else (self._summarize(tensor), tensor.channels)
        if self._chance(0.5):
            name, features = self._dense(name, features, 4)
        return self._dense_layers(self.node("Concat", [name, "cell"], axis=-1), features + 3)

    def _flatten(self, tensor: _Tensor) -> tuple[str, int]:
        features = tensor.channels * tensor.length
        given = tensor
        if self._order not in tensor.axes.replace("1", ""):
            given = self._turn(tensor, f"N{self._order}")
        kind = str(self._rng.choice(["Flatten", "known", "copied", "dynamic"]))
        if kind == "Flatten":
            return self.node("Flatten", [given.name]), features
        if kind == "dynamic":
            rows = self.node("Gather", [self.node("Shape", [given.name]), self.constant(np.array(0))], axis=0)
            parts = [self.node("Unsqueeze", [rows, self.constant(np.array([0]))]), self.constant(np.array([-1]))]
            return self.node("Reshape", [given.name, self.node("Concat", parts, axis=0)]), features
        target = [-1, features] if kind == "known" else [0, -1]
        return self.node("Reshape", [given.name, self.constant(np.array(target))]), features

    def _dense(self, name: str, features: int, units: int) -> tuple[str, int]:
        weights = self._numbers(features, units, spread=1 / math.sqrt(features))
        bias = self._numbers(units)
        if self._home == "NCL":
            return self.node("Gemm", [name, self.constant(weights.T), self.constant(bias)], transB=1), units
        return self.node("Add", [self.node("MatMul", [name, self.constant(weights)]), self.constant(bias)]), units

    def _dense_layers(self, name: str, features: int) -> str:
        if self._chance(0.6):
            name, features = self._dense(name, features, self._between(2, 8))
            name = self.node("Relu", [name])
        name, _ = self._dense(name, features, self._between(1, 4))
        return self.node("Sigmoid", [name]) if self._chance(0.3) else name

    def _summarize(self, tensor: _Tensor) -> str:
        """Return features (N, C) of all positions."""
        kind = str(self._rng.choice(["ReduceMean", "ReduceSum", "ReduceMax", "GlobalAveragePool", "GlobalMaxPool"]))
        if kind.startswith("Global"):
            name = self.node(kind, [self._turn(tensor, self._window).name])
            if self._chance(0.5):
                return self.node("Flatten", [name])
            axes = list(range(2, len(self._window)))
            return self.node("Squeeze", [name, self.constant(np.array(axes))])
        axes = [index for index, axis in enumerate(tensor.axes) if axis in "L1"]
        name = self.node(kind, [tensor.name, self.constant(np.array(axes))], keepdims=0)
        if kind == "ReduceSum":
            name = self.node("Mul", [name, self.constant(np.float32(1 / tensor.length))])
        return name

    def _recurrent(self, tensor: _Tensor) -> str:
        units, given = self._between(1, 4), self._turn(tensor, "NLC")
        by_time = self.node("Transpose", [given.name], perm=[1, 0, 2])
        weights = [
            self._numbers(1, 4 * units, tensor.channels, spread=0.5),
            self._numbers(1, 4 * units, units, spread=0.5),
            self._numbers(1, 8 * units, spread=0.3),
        ]
        inputs = [by_time, *map(self.constant, weights)]
        name = self.node("LSTM", inputs, outputs=2, hidden_size=units)
        last = self.node("Squeeze", [f"{name}_1", self.constant(np.array([0]))])
        return self._dense_layers(last, units)

    def _attend(self, tensor: _Tensor) -> str:
        given = self._turn(tensor, "NLC")
        weights = self.constant(self._numbers(tensor.channels, 1, spread=1 / math.sqrt(tensor.channels)))
        share = self.node("Softmax", [self.node("MatMul", [given.name, weights])], axis=1)
        weighted = self.node("Mul", [given.name, share])
        name = self.node("ReduceSum", [weighted, self.constant(np.array([1]))], keepdims=0)
        return self._dense_layers(name, tensor.channels)

    def _bins(self, tensor: _Tensor) -> str:
        made = self._convolve(tensor, self._between(1, 3), 1)
        return self.node("Softplus", [self._turn(made, "NLC").name])
