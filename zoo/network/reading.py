"""Reads an ONNX graph as a trunk of operators along the sequence and a tail of all that comes behind.

What is no operator along the sequence ends the trunk there and stays as it is: nothing is guessed, so that every graph
can be read, if need be with a trunk of nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zoo.network.folding import fold_affine, fold_zeros
from zoo.network.layouts import Flat, View, reshape, squeeze, transpose, unsqueeze
from zoo.network.network import SEQUENCE, Average, Exit, Map, Network, Project, Tail, Whole, one_hot_table
from zoo.network.operators import Apply, Convolve, Frame, Join, Operator, Pick, Pool, Slide
from zoo.network.sizes import WINDOWS, Sizes, read_target, reckon_sizes
from zoo.network.versions import bring_up_to_date

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[Any]

_UNARY = frozenset({
    "Abs", "Celu", "Ceil", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish",
    "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Tanh",
    "ThresholdedRelu",
})  # fmt: skip
_ALL = 2**31 - 1  # what exporters write for an end of any axis; some write more
_JOINT = frozenset(["Add", "Div", "Max", "Min", "Mul", "Pow", "PRelu", "Sub"])


def read_network(model: onnx.ModelProto, sequence: str, unknown: float) -> Network:
    """Return a model's network.

    Args:
        model: A checked model, whose batch axis is free.
        sequence: The input (N, L, 4) that holds one-hot bases.
        unknown: What each channel holds where the base is unknown.

    Raises:
        ModelError: The model is of an old version of ONNX and can't be brought to a newer one.
    """
    return _Reader(bring_up_to_date(model), sequence).read(unknown)


def gains_by_rewriting(model: onnx.ModelProto) -> bool:
    """Return whether a network runs faster as ``write_graph`` writes it.

    ONNX Runtime has fast convolutions for two axes, and takes a normalisation in only where it stands right behind.
    """
    kernels = {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    return any(
        node.op_type == "BatchNormalization" or (node.op_type == "Conv" and kernels.get(node.input[1]) == 3)
        for node in model.graph.node
    )


@dataclass(slots=True)
class _Node:
    """A node with its attributes as Python values."""

    proto: onnx.NodeProto
    attributes: dict[str, Any]

    @property
    def inputs(self) -> list[str]:
        return list(self.proto.input)

    @property
    def output(self) -> str:
        return str(self.proto.output[0])


class _Reader:
    def __init__(self, model: onnx.ModelProto, sequence: str) -> None:
        from onnx import numpy_helper

        self._model = model
        self._graph = model.graph
        self._constants: dict[str, Array] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in self._graph.initializer
        }
        found = next(value for value in self._graph.input if value.name == sequence)
        length = found.type.tensor_type.shape.dim[1].dim_value
        self._sequence = sequence
        self._maps = {SEQUENCE: Map(4, length)}
        self._values: dict[str, View | Flat] = {sequence: View(SEQUENCE, "NLC")}
        self._sizes: dict[str, Sizes] = {}
        self._trunk: list[Operator] = []
        self._exits: dict[str, Exit] = {}
        self._rest: list[onnx.NodeProto] = []

    def read(self, unknown: float) -> Network:
        for proto in self._graph.node:
            node = _Node(proto, _read_attributes(proto))
            if not self._absorb(node):
                self._reckon(node)
                self._rest.append(proto)
        self._drop_unread_nodes()
        self._leave(name for proto in self._rest for name in names_read(proto))
        self._leave(value.name for value in self._graph.output)
        self._drop_unread()
        exits = tuple(self._exits.values())
        trunk = fold_affine(fold_zeros(self._trunk, exits), exits)
        kept = {SEQUENCE, *(operator.output for operator in trunk)}
        maps = {name: shape for name, shape in self._maps.items() if name in kept}
        return Network(one_hot_table(unknown), maps, trunk, exits, self._make_tail())

    def _absorb(self, node: _Node) -> bool:  # noqa: PLR0911 - one for each kind of value that a node may read
        """Take a node into the trunk, if it works along the sequence."""
        if node.proto.domain not in {"", "ai.onnx"} or len([name for name in node.proto.output if name]) != 1:
            return False
        if node.proto.op_type == "Constant":
            value = next(iter(node.attributes.values()), None)
            if isinstance(value, (np.ndarray, int, float, list)):
                kind = None if isinstance(value, np.ndarray) else np.int64 if _is_whole(value) else np.float32
                self._constants[node.output] = np.asarray(value, dtype=kind)
            return False
        first = self._values.get(node.inputs[0]) if node.inputs else None
        if node.proto.op_type in _JOINT:
            return self._read_joint(node)
        if node.proto.op_type == "Concat":
            return self._read_concat(node)
        if first is None:
            return False
        if isinstance(first, Flat):
            return self._read_flat(node, first)
        return self._read_alone(node, first)

    def _read_alone(self, node: _Node, first: View) -> bool:
        """Read an operator on one map."""
        if node.proto.op_type in _UNARY:
            self._apply(node, [first.map], first)
            return True
        reader: Callable[[_Node, View], bool] | None = getattr(self, f"_read_{node.proto.op_type.lower()}", None)
        return reader is not None and reader(node, first)

    def _add(self, node: _Node, operator: Operator, axes: str, shape: Map) -> None:
        self._trunk.append(operator)
        self._maps[operator.output] = shape
        self._values[node.output] = View(operator.output, axes)

    def _apply(self, node: _Node, operands: list[str | Array], view: View, channels: int | None = None) -> None:
        shape = self._maps[view.map]
        attributes = tuple(sorted(node.attributes.items()))
        operator = Apply(node.proto.op_type, tuple(operands), node.output, attributes)
        self._add(node, operator, view.axes, Map(channels or shape.channels, shape.length))

    # Operators that read neighbours.

    def _read_conv(self, node: _Node, view: View) -> bool:
        weights = self._constants.get(node.inputs[1])
        bias = self._constants.get(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
        if weights is None or (bias is None and len(node.inputs) > 2 and node.inputs[2]):
            return False
        kernel = list(weights.shape[2:])
        slide = self._read_slide(node, view, kernel)
        if slide is None:
            return False
        filters = weights.shape[0]
        operator = Convolve(
            view.map,
            node.output,
            slide,
            np.ascontiguousarray(weights.reshape(filters, weights.shape[1], -1), dtype=np.float32),
            np.zeros(filters, np.float32) if bias is None else bias.astype(np.float32),
            node.attributes.get("group", 1),
        )
        self._add(node, operator, view.axes, Map(filters, slide.count(self._maps[view.map].length)))
        return True

    def _read_maxpool(self, node: _Node, view: View) -> bool:
        return self._read_pool(node, view, "max")

    def _read_averagepool(self, node: _Node, view: View) -> bool:
        return self._read_pool(node, view, "average")

    def _read_pool(self, node: _Node, view: View, kind: str) -> bool:
        slide = self._read_slide(node, view, list(node.attributes["kernel_shape"]))
        if slide is None:
            return False
        shape = self._maps[view.map]
        if (
            node.attributes.get("ceil_mode")
            and (shape.length + slide.before + slide.after - slide.extent) % slide.stride
        ):
            return False
        counts = bool(node.attributes.get("count_include_pad", 0))
        operator = Pool(view.map, node.output, slide, kind, counts)  # type: ignore[arg-type]  # one of the two
        self._add(node, operator, view.axes, Map(shape.channels, slide.count(shape.length)))
        return True

    def _read_slide(self, node: _Node, view: View, kernel: list[int]) -> Slide | None:
        """Return the geometry of a kernel that slides along the positions alone; None if it does not."""
        spatial = view.axes[2:]
        if view.axes[:2] != "NC" or len(kernel) != len(spatial) or "L" not in spatial:
            return None
        at, rank = spatial.index("L"), len(spatial)
        strides = node.attributes.get("strides", [1] * rank)
        dilations = node.attributes.get("dilations", [1] * rank)
        padding = node.attributes.get("pads", [0] * 2 * rank)
        if any(kernel[i] != 1 or padding[i] or padding[i + rank] for i in range(rank) if i != at):
            return None
        slide = Slide(kernel[at], strides[at], dilations[at], padding[at], padding[at + rank])
        length = self._maps[view.map].length
        automatic = node.attributes.get("auto_pad", "NOTSET")
        if automatic in {"SAME_UPPER", "SAME_LOWER"}:
            outputs = -(-length // slide.stride)
            added = max(0, (outputs - 1) * slide.stride + slide.extent - length)
            less, more = added // 2, added - added // 2
            before, after = (less, more) if automatic == "SAME_UPPER" else (more, less)
            slide = Slide(slide.width, slide.stride, slide.dilation, before, after)
        return slide if min(slide.before, slide.after) >= 0 and slide.count(length) > 0 else None

    def _read_matmul(self, node: _Node, view: View) -> bool:
        """Read a dense layer on each position, which is a convolution of width 1."""
        weights = self._constants.get(node.inputs[1])
        if weights is None or weights.ndim != 2 or view.axes[-1] != "C" or "L" not in view.axes:
            return False
        kernel = np.ascontiguousarray(weights.T[:, :, np.newaxis], dtype=np.float32)
        operator = Convolve(view.map, node.output, Slide(), kernel, np.zeros(len(kernel), np.float32))
        self._add(node, operator, view.axes, Map(len(kernel), self._maps[view.map].length))
        return True

    # Operators on each position alone.

    def _read_joint(self, node: _Node) -> bool:
        """Read an operator on maps of one layout, and constants that do not differ between positions."""
        views = [self._values.get(name) for name in node.inputs]
        found = [view for view in views if view is not None]
        if not found or any(isinstance(view, Flat) for view in found):
            return False
        first = found[0]
        assert isinstance(first, View)  # noqa: S101 - flat ones went above
        shapes = [self._maps[view.map] for view in found]
        channels = max(shape.channels for shape in shapes)
        if any(
            view.axes != first.axes or shape.length != shapes[0].length or shape.channels not in {1, channels}
            for view, shape in zip(found, shapes, strict=True)
        ):
            return False
        operands: list[str | Array] = []
        for name, view in zip(node.inputs, views, strict=True):
            if view is not None:
                operands.append(view.map)
                continue
            constant = self._constants.get(name)
            aligned = None if constant is None else first.align(constant, channels)
            if aligned is None:
                return False
            operands.append(aligned)
        self._apply(node, operands, first, channels)
        return True

    def _read_clip(self, node: _Node, view: View) -> bool:
        limits = [self._constants.get(name) for name in node.inputs[1:] if name]
        if any(limit is None for limit in limits) or len(limits) != len(node.inputs) - 1:
            return False
        self._apply(node, [view.map, *(limit for limit in limits if limit is not None)], view)
        return True

    def _read_batchnormalization(self, node: _Node, view: View) -> bool:
        """Read it as a product and a sum, which a convolution before it takes in."""
        scale, shift, mean, variance = (self._constants.get(name) for name in node.inputs[1:5])
        if scale is None or shift is None or mean is None or variance is None or view.axes[1] != "C":
            return False
        factor = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + node.attributes.get("epsilon", 1e-5))
        offset = shift - mean * factor
        scaled = f"{node.output}/scaled"
        shape = self._maps[view.map]
        as_channels = (1, -1, 1, 1)
        self._trunk.append(Apply("Mul", (view.map, factor.astype(np.float32).reshape(as_channels)), scaled))
        self._maps[scaled] = shape
        self._add(
            node, Apply("Add", (scaled, offset.astype(np.float32).reshape(as_channels)), node.output), view.axes, shape
        )
        return True

    def _read_identity(self, node: _Node, view: View) -> bool:
        self._values[node.output] = view
        return True

    def _read_cast(self, node: _Node, view: View) -> bool:
        from onnx import TensorProto

        return bool(node.attributes["to"] == TensorProto.FLOAT) and self._read_identity(node, view)

    def _read_dropout(self, node: _Node, view: View) -> bool:
        training = self._constants.get(node.inputs[2]) if len(node.inputs) > 2 else np.zeros(())
        return training is not None and not training.any() and self._read_identity(node, view)

    # Operators on layouts, channels and ends.

    def _read_transpose(self, node: _Node, view: View) -> bool:
        return self._keep(node, transpose(view, node.attributes.get("perm")))

    def _read_squeeze(self, node: _Node, view: View) -> bool:
        return self._keep(node, squeeze(view, self._read_axes(node)))

    def _read_unsqueeze(self, node: _Node, view: View) -> bool:
        axes = self._read_axes(node)
        return axes is not None and self._keep(node, unsqueeze(view, axes))

    def _read_reshape(self, node: _Node, view: View) -> bool:
        sizes = self._read_sizes(node.inputs[1])
        target = None if sizes is None else read_target(sizes)
        if target is None or node.attributes.get("allowzero"):
            return False
        return self._keep(node, reshape(view, self._maps[view.map], target))

    def _read_flatten(self, node: _Node, view: View) -> bool:
        return node.attributes.get("axis", 1) == 1 and self._keep(node, Flat(view.map, view.axes))

    def _keep(self, node: _Node, value: View | Flat | None) -> bool:
        if value is not None:
            self._values[node.output] = value
        return value is not None

    def _read_axes(self, node: _Node) -> list[int] | None:
        if len(node.inputs) > 1 and node.inputs[1]:
            found = self._constants.get(node.inputs[1])
            return None if found is None else found.tolist()
        return node.attributes.get("axes")

    def _read_concat(self, node: _Node) -> bool:
        views = [self._values.get(name) for name in node.inputs]
        first = views[0]
        if not isinstance(first, View):
            return False
        shapes = []
        for view in views:
            if not isinstance(view, View) or view.axes != first.axes:
                return False
            shapes.append(self._maps[view.map])
        if first.axes[node.attributes["axis"]] != "C" or len({shape.length for shape in shapes}) > 1:
            return False
        sources = tuple(view.map for view in views if isinstance(view, View))
        channels = sum(shape.channels for shape in shapes)
        self._add(node, Join(sources, node.output), first.axes, Map(channels, shapes[0].length))
        return True

    def _read_slice(self, node: _Node, view: View) -> bool:
        given = [self._read_known(name) if name else None for name in node.inputs[1:]]
        if len(given) < 2 or any(value is None and name for value, name in zip(given, node.inputs[1:], strict=True)):
            return False
        starts, ends, axes, steps = [*(None if value is None else value.tolist() for value in given), None, None][:4]
        if starts is None or ends is None or any(step != 1 for step in steps or []):
            return False
        shape = self._maps[view.map]
        kept = {"C": (0, shape.channels), "L": (0, shape.length)}
        for start, end, index in zip(starts, ends, range(len(starts)) if axes is None else axes, strict=True):
            axis = view.axes[index]
            if axis in kept:
                kept[axis] = slice(start, end).indices(kept[axis][1])[:2]
            elif start != 0 or end < (1 if axis == "1" else _ALL):
                return False
        if any(end <= start for start, end in kept.values()):
            return False
        return self._cut(node, view, kept["C"], kept["L"])

    def _cut(self, node: _Node, view: View, channels: tuple[int, int], positions: tuple[int, int]) -> bool:
        """Keep some channels and some positions, each from the first to one before the second."""
        shape, (first, last), (start, end) = self._maps[view.map], channels, positions
        cut = (start, end) != (0, shape.length)
        picked = Map(last - first, shape.length)
        if picked.channels < shape.channels:
            output = f"{node.output}/picked" if cut else node.output
            self._add(node, Pick(view.map, output, first, last), view.axes, picked)
            view = View(output, view.axes)
        if cut:
            slide = Slide(before=-start, after=end - shape.length)
            self._add(node, Frame(view.map, node.output, slide), view.axes, Map(picked.channels, end - start))
        return self._keep(node, View(node.output if cut else view.map, view.axes))

    def _read_pad(self, node: _Node, view: View) -> bool:
        padding = self._constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
        value = self._constants.get(node.inputs[2], np.zeros(1)) if len(node.inputs) > 2 else np.zeros(1)
        if (
            padding is None
            or node.attributes.get("mode", "constant") != "constant"
            or len(padding) != 2 * len(view.axes)
        ):
            return False
        if len(node.inputs) > 3 or (len(node.inputs) > 2 and node.inputs[2] and node.inputs[2] not in self._constants):
            return False
        rank, at = len(view.axes), view.axes.index("L")
        if any(padding[i] or padding[i + rank] for i in range(rank) if i != at):
            return False
        slide = Slide(before=int(padding[at]), after=int(padding[at + rank]))
        shape = self._maps[view.map]
        if slide.count(shape.length) < 1:
            return False
        operator = Frame(view.map, node.output, slide, float(value.ravel()[0]))
        self._add(node, operator, view.axes, Map(shape.channels, slide.count(shape.length)))
        return True

    # Sizes that are reckoned from shapes.

    def _reckon(self, node: _Node) -> None:
        """Note what a node says of sizes; it stays in the tail as long as somebody reads it there."""
        if not node.inputs or not node.inputs[0]:
            return
        value = self._values.get(node.inputs[0])
        if node.proto.op_type == "Shape" and value is not None:
            shape = self._maps[value.map]
            known = {"N": WINDOWS, "C": shape.channels, "L": shape.length, "1": 1}
            sizes = [known[axis] for axis in value.axes]
            if isinstance(value, Flat):
                sizes = [WINDOWS, shape.channels * shape.length]
            self._sizes[node.output] = np.array(sizes[slice(node.attributes.get("start"), node.attributes.get("end"))])
            return
        if not any(name in self._sizes for name in node.inputs):
            return
        operands = [self._read_sizes(name) for name in node.inputs]
        found = [operand for operand in operands if operand is not None]
        reckoned = reckon_sizes(node.proto.op_type, found, node.attributes) if len(found) == len(operands) else None
        if reckoned is not None:
            self._sizes[node.output] = reckoned

    def _read_sizes(self, name: str) -> Sizes | None:
        constant = self._constants.get(name)
        return self._sizes.get(name) if constant is None else constant.astype(np.float64)

    def _read_known(self, name: str) -> Array | None:
        """Return a constant, or sizes that do not hang on the number of windows."""
        sizes = self._sizes.get(name)
        if sizes is None or not np.isfinite(sizes).all():
            return self._constants.get(name)
        return sizes.astype(np.int64)

    # Where the trunk ends.

    def _read_reducemean(self, node: _Node, view: View) -> bool:
        return self._read_average(node, view, 1 / self._maps[view.map].length)

    def _read_reducesum(self, node: _Node, view: View) -> bool:
        return self._read_average(node, view, 1.0)

    def _read_globalaveragepool(self, node: _Node, view: View) -> bool:
        if view.axes[:2] != "NC":
            return False
        axes = view.axes.replace("L", "1")
        self._exits[node.output] = Average(view.map, node.output, axes, 1 / self._maps[view.map].length)
        return True

    def _read_average(self, node: _Node, view: View, scale: float) -> bool:
        axes = self._read_axes(node)
        if not axes:
            return False
        chosen = {view.axes[axis] for axis in axes}
        if "L" not in chosen or chosen - {"L", "1"}:
            return False
        gone = {axis % len(view.axes) for axis in axes}
        kept = [
            ("1" if index in gone else axis)
            for index, axis in enumerate(view.axes)
            if node.attributes.get("keepdims", 1) or index not in gone
        ]
        self._exits[node.output] = Average(view.map, node.output, "".join(kept), scale)
        return True

    def _read_flat(self, node: _Node, flat: Flat) -> bool:
        """Read what follows a flatten: operators on each number, which are the same before it, or a dense layer."""
        if node.proto.op_type not in {"Cast", "Dropout", "Identity"} | _UNARY:
            return self._read_dense(node, flat)
        if not self._read_alone(node, View(flat.map, flat.axes)):
            return False
        self._values[node.output] = Flat(self._values[node.output].map, flat.axes)
        return True

    def _read_dense(self, node: _Node, flat: Flat) -> bool:
        """Read a dense layer on all positions."""
        kind, attributes = node.proto.op_type, node.attributes
        if kind not in {"MatMul", "Gemm"} or attributes.get("transA") or node.inputs[0] == node.inputs[1]:
            return False
        weights = self._constants.get(node.inputs[1])
        if (
            weights is None
            or weights.ndim != 2
            or attributes.get("alpha", 1.0) != 1
            or attributes.get("beta", 1.0) != 1
        ):
            return False
        bias = None
        if len(node.inputs) > 2 and node.inputs[2]:
            bias = self._constants.get(node.inputs[2])
            if bias is None:
                return False
            bias = bias.astype(np.float32).ravel()
        weights = (weights.T if attributes.get("transB") else weights).astype(np.float32)
        shape = self._maps[flat.map]
        if flat.order == "LC":
            dense = weights.reshape(shape.length, shape.channels, -1)
        else:
            dense = weights.reshape(shape.channels, shape.length, -1).transpose(1, 0, 2)
        if bias is not None:
            bias = np.broadcast_to(bias, (dense.shape[2],))
        self._exits[node.output] = Project(flat.map, node.output, np.ascontiguousarray(dense), bias)
        return True

    def _leave(self, names: Any) -> None:
        """Let maps that nodes of the tail read become tensors of the tail."""
        for name in names:
            value = self._values.get(name)
            if value is not None and name not in self._exits:
                self._exits[name] = Whole(value.map, name, value.axes, isinstance(value, Flat))

    def _drop_unread_nodes(self) -> None:
        """Leave out nodes of the tail that only fed what became part of the trunk: constants, sizes."""
        read = {value.name for value in self._graph.output}
        kept = []
        for proto in reversed(self._rest):
            if any(name in read for name in proto.output):
                read.update(names_read(proto))
                kept.append(proto)
        self._rest = kept[::-1]
        self._exits = {name: one for name, one in self._exits.items() if name in read}

    def _drop_unread(self) -> None:
        """Leave out what no exit needs."""
        needed = {one.source for one in self._exits.values()}
        kept: list[Operator] = []
        for operator in reversed(self._trunk):
            if operator.output in needed:
                needed.update(operator.sources)
                kept.append(operator)
        self._trunk = kept[::-1]

    def _make_tail(self) -> Tail:
        read = {name for node in self._rest for name in names_read(node)}
        constants = tuple(tensor for tensor in self._graph.initializer if tensor.name in read)
        named = {tensor.name for tensor in self._graph.initializer}
        inputs = tuple(value for value in self._graph.input if value.name != self._sequence and value.name not in named)
        opset = next((item.version for item in self._model.opset_import if item.domain in {"", "ai.onnx"}), 18)
        dense = sum(
            self._constants[name].size
            for node in self._rest
            if node.op_type in {"MatMul", "Gemm"}
            for name in node.input[1:2]
            if name in self._constants
        )
        outputs = tuple(self._graph.output)
        return Tail(tuple(self._rest), constants, inputs, outputs, opset, self._model.ir_version, int(dense))


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the tensors that a node reads, those of its subgraphs included."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from names_read(inner)


def _is_whole(value: float | list[Any]) -> bool:
    return all(isinstance(one, int) for one in (value if isinstance(value, list) else [value]))


def _read_attributes(node: onnx.NodeProto) -> dict[str, Any]:
    from onnx import helper, numpy_helper

    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.type == attribute.TENSOR:
            value = numpy_helper.to_array(value)
        elif attribute.type == attribute.STRING:
            value = value.decode()
        elif attribute.type == attribute.INTS:
            value = [int(one) for one in value]
        found[attribute.name] = value
    return found
