from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.network.agreement import TOLERANCE, differ, draw_codes
from tests.network.bundled import FOLDERS, read_bundled
from tests.network.random_graphs import GraphMaker, RandomModel, run, run_unfused
from zoo.network.network import SEQUENCE, Average, Map, Project, Whole
from zoo.network.operators import Apply, Convolve, Frame, Join, Pick, Pool, Slide
from zoo.network.reading import names_read, read_network
from zoo.network.writing import write_graph

LENGTH = 20


class Maker(GraphMaker):
    """Collects nodes; ``numbers`` are constants that nobody looks at."""

    def __init__(self):
        super().__init__()
        self._rng = np.random.default_rng(0)

    def numbers(self, *shape):
        return self.constant(self._rng.normal(size=shape) * 0.5)

    def ints(self, *values):
        return self.constant(np.array(values, dtype=np.int64))

    def channels_first(self):
        return self.node("Transpose", ["sequence"], perm=[0, 2, 1])

    def convolution(self, channels=3):
        """Return a map (N, channels, 20) of the sequence."""
        weights = self.numbers(channels, 4, 3)
        return self.node("Conv", [self.channels_first(), weights], kernel_shape=[3], pads=[1, 1])


def read(maker, *outputs, **extra):
    """Read the network and check that it says the same when it is written again."""
    made = RandomModel(maker.model({"sequence": (LENGTH, 4), **extra}, outputs), "sequence", LENGTH, extra)
    rng = np.random.default_rng(0)
    codes = draw_codes(rng, 3, LENGTH)
    values = made.draw_extra(rng, 3)
    network = read_network(made.model, "sequence", 0.0)
    graph = write_graph(network)
    feed = {name: value for name, value in {"zoo_codes": codes, **values}.items() if name in graph_inputs(graph)}
    assert differ(run_unfused(made, codes, values), run(graph, feed)) < TOLERANCE
    return network


def graph_inputs(graph):
    return {value.name for value in graph.model.graph.input}


def kinds(network):
    return [getattr(operator, "op_type", type(operator).__name__) for operator in network.trunk]


def exits(network):
    return [type(leaving).__name__ for leaving in network.exits]


def nodes(network):
    return [node.op_type for node in network.tail.nodes]


# The forms in which exporters write networks.


def test_a_network_as_pytorch_writes_it_is_trunk_as_far_as_its_flatten():
    maker = Maker()
    name = maker.node("Relu", [maker.convolution(6)])
    name = maker.node("MaxPool", [name], kernel_shape=[2], strides=[2])
    name = maker.node("Conv", [name, maker.numbers(8, 6, 3), maker.numbers(8)], kernel_shape=[3])
    name = maker.node("Relu", [name])
    rows = maker.node("Gather", [maker.node("Shape", [name]), maker.constant(np.array(0))], axis=0)
    shape = maker.node("Concat", [maker.node("Unsqueeze", [rows, maker.ints(0)]), maker.ints(-1)], axis=0)
    name = maker.node("Reshape", [name, shape])
    name = maker.node("Relu", [maker.node("Gemm", [name, maker.numbers(5, 64), maker.numbers(5)], transB=1)])
    output = maker.node("Gemm", [name, maker.numbers(2, 5), maker.numbers(2)], transB=1)

    network = read(maker, output)

    assert kinds(network) == ["Convolve", "Relu", "Pool", "Convolve", "Relu"]
    assert [network.maps[operator.output] for operator in network.trunk] == [
        Map(6, 20), Map(6, 20), Map(6, 10), Map(8, 8), Map(8, 8),
    ]  # fmt: skip
    (dense,) = network.exits
    assert isinstance(dense, Project)
    assert dense.weights.shape == (8, 8, 5)
    assert nodes(network) == ["Relu", "Gemm"]


def test_a_network_as_tf2onnx_writes_it_is_trunk_as_far_as_its_flatten():
    maker = Maker()

    def image(name, op_type, inputs, **attributes):
        """As one layer of Keras: one more axis, channels first, the operator, and back."""
        name = maker.node("Transpose", [maker.node("Unsqueeze", [name, maker.ints(1)])], perm=[0, 3, 1, 2])
        name = maker.node(op_type, [name, *inputs], **attributes)
        return maker.node("Squeeze", [maker.node("Transpose", [name], perm=[0, 2, 3, 1]), maker.ints(1)])

    name = image("sequence", "Conv", [maker.numbers(6, 4, 1, 5)], kernel_shape=[1, 5], auto_pad="SAME_UPPER")
    name = maker.node("Relu", [maker.node("Add", [name, maker.numbers(6)])])
    name = image(name, "MaxPool", [], kernel_shape=[1, 2], strides=[1, 2])
    name = image(name, "Conv", [maker.numbers(8, 6, 1, 3)], kernel_shape=[1, 3], auto_pad="VALID")
    name = maker.node("Relu", [maker.node("Add", [name, maker.numbers(8)])])
    name = maker.node("Reshape", [name, maker.ints(-1, 64)])
    name = maker.node(
        "Relu", [maker.node("Add", [maker.node("MatMul", [name, maker.numbers(64, 5)]), maker.numbers(5)])]
    )
    output = maker.node("Add", [maker.node("MatMul", [name, maker.numbers(5, 2)]), maker.numbers(2)])

    network = read(maker, output)

    # The biases are in the convolutions.
    assert kinds(network) == ["Convolve", "Relu", "Pool", "Convolve", "Relu"]
    assert [operator.slide for operator in network.trunk if not isinstance(operator, Apply)] == [
        Slide(5, before=2, after=2), Slide(2, stride=2), Slide(3),
    ]  # fmt: skip
    (dense,) = network.exits
    assert isinstance(dense, Project)
    assert dense.weights.shape == (8, 8, 5)
    assert nodes(network) == ["Add", "Relu", "MatMul", "Add"]


def test_dense_weights_are_by_position_and_channel_in_either_order():
    weights = np.arange(LENGTH * 4, dtype=np.float32).reshape(-1, 1)
    maker = Maker()
    by_position = maker.node("MatMul", [maker.node("Flatten", ["sequence"]), maker.constant(weights)])
    flat = maker.node("Flatten", [maker.channels_first()])
    by_channel = maker.node("Gemm", [flat, maker.constant(weights.T)], transB=1)

    first, second = read(maker, by_position, by_channel).exits

    np.testing.assert_array_equal(first.weights[:, :, 0], np.arange(80).reshape(20, 4))
    np.testing.assert_array_equal(second.weights[:, :, 0], np.arange(80).reshape(4, 20).T)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_bundled_model_has_its_convolutions_in_the_trunk(folder):
    made, unknown = read_bundled(folder)

    network = read_network(made.model, made.sequence, unknown)

    assert "Convolve" in kinds(network)
    assert not {"Conv", "MaxPool", "AveragePool"} & set(nodes(network))
    assert network.length == made.length


# One operator after the other.


@pytest.mark.parametrize(
    ("attributes", "slide"),
    [
        ({}, Slide(4)),
        ({"pads": [1, 2]}, Slide(4, before=1, after=2)),
        ({"strides": [3]}, Slide(4, stride=3)),
        ({"dilations": [2], "pads": [3, 0]}, Slide(4, dilation=2, before=3)),
        ({"auto_pad": "SAME_UPPER"}, Slide(4, before=1, after=2)),
        ({"auto_pad": "SAME_LOWER"}, Slide(4, before=2, after=1)),
        ({"auto_pad": "SAME_UPPER", "strides": [3]}, Slide(4, stride=3, before=1, after=1)),
        ({"auto_pad": "VALID"}, Slide(4)),
    ],
    ids=str,
)
@pytest.mark.parametrize("op_type", ["Conv", "MaxPool", "AveragePool"])
def test_the_geometry_of_a_kernel_is_read(op_type, attributes, slide):
    if op_type == "AveragePool":  # which has no dilation in this version
        attributes = {name: value for name, value in attributes.items() if name != "dilations"}
        slide = replace(slide, dilation=1)
    maker = Maker()
    weights = [maker.numbers(3, 4, 4)] if op_type == "Conv" else []
    name = maker.node(op_type, [maker.channels_first(), *weights], kernel_shape=[4], **attributes)

    network = read(maker, maker.node("GlobalMaxPool", [name]))

    (operator,) = network.trunk
    assert operator.slide == slide
    assert network.maps[operator.output].length == slide.count(LENGTH)


@pytest.mark.parametrize("padding", ["SAME_UPPER", "SAME_LOWER"])
def test_a_stride_that_would_have_to_cut_positions_is_left(padding):
    maker = Maker()
    attributes = {"kernel_shape": [1], "strides": [6], "auto_pad": padding}  # 4 outputs of 20 positions read 19 of them
    name = maker.node("Conv", [maker.channels_first(), maker.numbers(3, 4, 1)], **attributes)

    network = read(maker, maker.node("GlobalMaxPool", [name]))

    assert (kinds(network), nodes(network)[0]) == ([], "Conv")


def test_the_groups_of_a_convolution_are_read():
    maker = Maker()
    name = maker.node("Conv", [maker.channels_first(), maker.numbers(6, 2, 3)], group=2)

    (operator,) = read(maker, maker.node("Flatten", [name])).trunk

    assert isinstance(operator, Convolve)
    assert (operator.groups, operator.weights.shape) == (2, (6, 2, 3))
    np.testing.assert_array_equal(operator.bias, np.zeros(6))


@pytest.mark.parametrize("kernel", [(5, 4), (5, 1)], ids=str)
def test_a_convolution_whose_channels_are_not_the_letters_is_left(kernel):
    maker = Maker()
    image = maker.node("Unsqueeze", ["sequence", maker.ints(1)])  # (N, 1, L, 4), as images of letters are
    name = maker.node("Conv", [image, maker.numbers(3, 1, *kernel)])

    network = read(maker, maker.node("GlobalMaxPool", [name]))

    assert network.trunk == ()
    assert nodes(network) == ["Conv", "GlobalMaxPool"]


def test_a_pool_that_reads_past_the_end_is_left_and_one_that_fits_is_read():
    for width, found in ((3, []), (4, ["Pool"])):
        maker = Maker()
        name = maker.node("MaxPool", [maker.channels_first()], kernel_shape=[width], strides=[width], ceil_mode=1)
        assert kinds(read(maker, maker.node("GlobalMaxPool", [name]))) == found


@pytest.mark.parametrize("counted", [0, 1])
def test_an_average_says_whether_padding_counts(counted):
    maker = Maker()
    name = maker.node("AveragePool", [maker.channels_first()], kernel_shape=[3], pads=[1, 1], count_include_pad=counted)

    (pool,) = read(maker, maker.node("Flatten", [name])).trunk

    assert isinstance(pool, Pool)
    assert (pool.kind, pool.counts_added) == ("average", bool(counted))


@pytest.mark.parametrize(
    ("op_type", "attributes"),
    [("Relu", {}), ("Exp", {}), ("Sigmoid", {}), ("Elu", {"alpha": 0.3}), ("LeakyRelu", {"alpha": 0.3}),
     ("Softplus", {}), ("Tanh", {}), ("Erf", {}), ("HardSigmoid", {"alpha": 0.3}), ("ThresholdedRelu", {"alpha": 0.3})],
    ids=str,
)  # fmt: skip
def test_what_is_done_to_each_number_keeps_its_attributes(op_type, attributes):
    maker = Maker()

    network = read(maker, maker.node("GlobalMaxPool", [maker.node(op_type, [maker.convolution()], **attributes)]))

    assert kinds(network) == ["Convolve", op_type]
    assert {name: pytest.approx(value) for name, value in network.trunk[-1].attributes} == attributes


@pytest.mark.parametrize(
    ("op_type", "shape", "turned"),
    [
        ("Add", (3, 1), False), ("Mul", (1, 3, 1), True), ("Sub", (3, 1), True), ("Div", (3, 1), True),
        ("Max", (1,), False), ("Min", (), True), ("PRelu", (3, 1), False), ("Pow", (), False),
    ],
    ids=str,
)  # fmt: skip
def test_a_constant_of_each_channel_stands_on_either_side(op_type, shape, turned):
    maker = Maker()
    above = maker.node("Exp", [maker.convolution()])
    operands = [above, maker.numbers(*shape)]

    network = read(maker, maker.node("GlobalMaxPool", [maker.node(op_type, operands[:: -1 if turned else 1])]))

    assert kinds(network) == ["Convolve", "Exp", op_type]
    constant = network.trunk[-1].operands[0 if turned else 1]
    assert constant.shape in {(1, 3, 1, 1), (1, 1, 1, 1)}


def test_limits_are_constants_and_both_there():
    for limits, found in (([-0.5, 0.5], ["Clip"]), ([-0.5], ["Clip"]), (["", 0.5], [])):
        maker = Maker()
        given = [limit if limit == "" else maker.constant(np.float32(limit)) for limit in limits]
        name = maker.node("Clip", [maker.channels_first(), *given])
        assert kinds(read(maker, maker.node("Flatten", [name]))) == found


def test_a_normalization_is_a_product_and_a_sum():
    maker = Maker()
    variance = maker.constant(np.array([0.5, 1, 1.5, 2]))
    constants = [*(maker.numbers(4) for _ in range(3)), variance]
    name = maker.node("BatchNormalization", [maker.channels_first(), *constants], epsilon=0.5)

    assert kinds(read(maker, maker.node("Flatten", [name]))) == ["Mul", "Add"]


def test_branches_are_added_and_joined():
    maker = Maker()
    first, second = maker.convolution(), maker.convolution()
    name = maker.node("Concat", [maker.node("Add", [first, second]), first], axis=1)

    network = read(maker, maker.node("Flatten", [name]))

    assert kinds(network) == ["Convolve", "Convolve", "Add", "Join"]
    assert isinstance(network.trunk[-1], Join)
    assert network.maps[network.trunk[-1].output] == Map(6, LENGTH)


def test_maps_that_lie_differently_are_not_added():
    maker = Maker()
    square = maker.node("Slice", ["sequence", maker.ints(0), maker.ints(4), maker.ints(1)])  # (N, 4, 4)
    name = maker.node("Add", [square, maker.node("Transpose", [square], perm=[0, 2, 1])])

    network = read(maker, maker.node("Flatten", [name]))

    assert kinds(network) == ["Frame"]
    assert "Add" in nodes(network)


def test_slices_of_channels_are_picked_and_those_of_positions_cut():
    maker = Maker()
    bounds = (maker.ints(1), maker.ints(2**63 - 1), maker.ints(-1))
    gate = maker.node("Slice", ["sequence", *bounds])
    name = maker.node("Slice", [gate, maker.ints(2), maker.ints(-3), maker.ints(1), maker.ints(1)])

    network = read(maker, maker.node("Flatten", [name]))

    pick, frame = network.trunk
    assert isinstance(pick, Pick)
    assert (pick.start, pick.end) == (1, 4)
    assert isinstance(frame, Frame)
    assert frame.slide == Slide(before=-2, after=-3)
    assert network.maps[frame.output] == Map(3, LENGTH - 5)


def test_slices_of_several_axes_are_read_together():
    # As Keras writes x[:, 5:-5, 1:3].
    maker = Maker()
    ends = maker.ints(2**31 - 1, -5, 3)
    name = maker.node("Slice", ["sequence", maker.ints(0, 5, 1), ends, maker.ints(0, 1, 2)])

    network = read(maker, maker.node("Flatten", [name]))

    assert kinds(network) == ["Pick", "Frame"]
    assert network.maps[network.trunk[-1].output] == Map(2, LENGTH - 10)


def test_slices_of_all_are_nothing():
    maker = Maker()
    name = maker.node("Slice", ["sequence", maker.ints(0, 0, 0), maker.ints(2**31 - 1, 20, 4)])

    assert read(maker, maker.node("Flatten", [name])).trunk == ()


@pytest.mark.parametrize(("start", "end"), [(0, 2), (1, 2**31 - 1)])
def test_slices_of_windows_are_left(start, end):
    maker = Maker()
    name = maker.node("Slice", ["sequence", maker.ints(start, 5), maker.ints(end, 20), maker.ints(0, 1)])

    assert exits(read(maker, maker.node("Flatten", [name]))) == ["Whole"]


@pytest.mark.parametrize("bounds", [(0, 20, 1, 2), (-1, -21, 1, -1), (0, 3, 2, 2)], ids=str)
def test_slices_with_steps_are_left(bounds):
    maker = Maker()

    network = read(maker, maker.node("Flatten", [maker.node("Slice", ["sequence", *map(maker.ints, bounds)])]))

    assert network.trunk == ()


def test_padding_of_positions_is_a_frame_and_of_channels_is_left():
    for padding, found in (([0, 2, 0, 0, 1, 0], ["Frame"]), ([0, 0, 1, 0, 0, 0], [])):
        maker = Maker()
        name = maker.node("Pad", ["sequence", maker.ints(*padding), maker.constant(np.float32(0.5))])
        network = read(maker, maker.node("Flatten", [name]))
        assert kinds(network) == found
    maker = Maker()
    name = maker.node("Pad", ["sequence", maker.ints(0, 2, 0, 0, 1, 0)], mode="reflect")
    assert kinds(read(maker, maker.node("Flatten", [name]))) == []


@pytest.mark.parametrize("ends", [(-LENGTH, 3), (3, -LENGTH - 1)], ids=str)
def test_padding_that_leaves_nothing_of_the_map_is_left(ends):
    maker = Maker()
    before, after = ends
    name = maker.node("Pad", [maker.channels_first(), maker.ints(0, 0, before, 0, 0, after), maker.constant(1.5)])

    network = read(maker, maker.node("GlobalMaxPool", [name]))

    assert (kinds(network), nodes(network)[0]) == ([], "Pad")


def test_a_dense_layer_on_each_position_is_a_convolution_of_one():
    maker = Maker()
    name = maker.node("Add", [maker.node("MatMul", ["sequence", maker.numbers(4, 5)]), maker.numbers(5)])

    network = read(maker, maker.node("GlobalMaxPool", [maker.node("Transpose", [name], perm=[0, 2, 1])]))

    (operator,) = network.trunk
    assert isinstance(operator, Convolve)
    assert (operator.slide, operator.weights.shape) == (Slide(), (5, 4, 1))


def test_dropout_and_identity_and_a_cast_to_what_it_is_are_nothing():
    maker = Maker()
    name = maker.node("Dropout", [maker.node("Identity", [maker.convolution()]), maker.constant(np.float32(0.5))])
    name = maker.node("Cast", [name], to=TensorProto.FLOAT)

    network = read(maker, maker.node("Flatten", [name]))

    assert kinds(network) == ["Convolve"]
    assert nodes(network) == []


def test_a_cast_to_whole_numbers_is_left():
    maker = Maker()
    name = maker.node("Cast", [maker.convolution()], to=TensorProto.INT32)

    assert kinds(read(maker, maker.node("Cast", [name], to=TensorProto.FLOAT))) == ["Convolve"]


def test_dropout_that_still_trains_is_left():
    maker = Maker()
    name = maker.node("Dropout", ["sequence", maker.constant(np.float32(0)), maker.constant(np.array(True))])

    assert nodes(read(maker, maker.node("Flatten", [name]))) == ["Dropout", "Flatten"]


def test_what_is_done_to_each_number_behind_a_flatten_is_done_before_it():
    maker = Maker()
    flat = maker.node("Dropout", [maker.node("Relu", [maker.node("Flatten", [maker.convolution()])])])

    network = read(maker, maker.node("MatMul", [flat, maker.numbers(60, 2)]))

    assert kinds(network) == ["Convolve", "Relu"]
    assert exits(network) == ["Project"]


def test_constants_may_be_nodes_of_any_kind():
    maker = Maker()
    factor = maker.node("Constant", [], value_float=2.0)
    start, ends, axes = (
        maker.node("Constant", [], **value) for value in ({"value_ints": [1]}, {"value_ints": [5]}, {"value_ints": [1]})
    )
    name = maker.node("Slice", [maker.node("Mul", ["sequence", factor]), start, ends, axes])

    network = read(maker, maker.node("Flatten", [name]))

    assert kinds(network) == ["Mul", "Frame"]
    assert nodes(network) == []


def test_ends_that_are_reckoned_from_shapes_are_known():
    maker = Maker()
    length = maker.node("Gather", [maker.node("Shape", ["sequence"]), maker.constant(np.array(1))], axis=0)
    end = maker.node("Unsqueeze", [maker.node("Sub", [length, maker.constant(np.array(3))]), maker.ints(0)])
    name = maker.node("Slice", ["sequence", maker.ints(1), end, maker.ints(1)])

    (frame,) = read(maker, maker.node("Flatten", [name])).trunk

    assert frame.slide == Slide(before=-1, after=-3)


# Where the trunk ends.


@pytest.mark.parametrize(
    ("op_type", "scale"), [("ReduceMean", 1 / LENGTH), ("ReduceSum", 1.0), ("GlobalAveragePool", 1 / LENGTH)]
)
def test_an_average_over_all_positions_is_an_exit_of_its_own(op_type, scale):
    maker = Maker()
    axes = [] if op_type == "GlobalAveragePool" else [maker.ints(2)]
    name = maker.node(op_type, [maker.convolution(), *axes])

    network = read(maker, maker.node("Flatten", [name]))

    (leaving,) = network.exits
    assert isinstance(leaving, Average)
    assert (leaving.axes, leaving.scale) == ("NC1", scale)


@pytest.mark.parametrize(("keepdims", "axes"), [(0, "NC"), (1, "N1C")])
def test_an_average_keeps_its_axis_or_does_not(keepdims, axes):
    maker = Maker()
    name = maker.node("ReduceMean", ["sequence", maker.ints(-2)], keepdims=keepdims)

    (leaving,) = read(maker, name).exits

    assert leaving.axes == axes


def test_an_average_over_the_channels_of_each_position_is_left():
    maker = Maker()

    # Channels stand last here, where the operator takes them for positions.
    assert exits(read(maker, maker.node("GlobalAveragePool", ["sequence"]))) == ["Whole"]


@pytest.mark.parametrize("axes", [[1], [1, 2], []], ids=str)
def test_an_average_over_more_or_less_than_the_positions_is_left(axes):
    maker = Maker()
    name = maker.node("ReduceMean", [maker.convolution(), *([maker.ints(*axes)] if axes else [])], keepdims=1)

    assert exits(read(maker, maker.node("Sub", [maker.channels_first(), name]) if 2 in axes else name)) != ["Average"]


MIXERS = {
    "largest of all": lambda maker, name: maker.node("GlobalMaxPool", [name]),
    "softmax": lambda maker, name: maker.node("Softmax", [name], axis=2),
    "sums so far": lambda maker, name: maker.node("CumSum", [name, maker.constant(np.array(2))]),
    "weights of each position": lambda maker, name: maker.node("Mul", [name, maker.numbers(1, 1, LENGTH)]),
    "two results": lambda maker, name: maker.node("Split", [name], outputs=2, axis=2, num_outputs=2),
    "batch axis moved": lambda maker, name: maker.node("Transpose", [name], perm=[2, 0, 1]),
    "normalized by itself": lambda maker, name: maker.node(
        "InstanceNormalization", [name, maker.numbers(3), maker.numbers(3)]
    ),
    "joined end to end": lambda maker, name: maker.node("Concat", [name, name], axis=2),
    "dense along positions": lambda maker, name: maker.node("MatMul", [name, maker.numbers(LENGTH, 2)]),
    "transposed convolution": lambda maker, name: maker.node("ConvTranspose", [name, maker.numbers(3, 2, 2)]),
    "picked by number": lambda maker, name: maker.node("Gather", [name, maker.ints(3, 1)], axis=2),
    "weights of a further input": lambda maker, name: maker.node("Mul", [name, "track"]),
    "weights that are reckoned": lambda maker, name: maker.node(
        "Conv", [name, maker.node("Add", [maker.numbers(2, 3, 1), maker.numbers(2, 3, 1)])]
    ),
}


@pytest.mark.parametrize("mixer", MIXERS.values(), ids=MIXERS)
def test_what_is_no_operator_along_the_sequence_ends_the_trunk(mixer):
    maker = Maker()
    mixed = mixer(maker, maker.node("Relu", [maker.convolution()]))
    # What stands behind would be an operator along the sequence again.
    output = maker.node("Relu", [mixed])
    extra = {"track": (1, LENGTH)} if any("track" in node.input for node in maker.nodes) else {}

    network = read(maker, output, **extra)

    assert kinds(network) == ["Convolve", "Relu"]
    assert exits(network) == ["Whole"]
    assert nodes(network)[-1] == "Relu"


def test_a_pool_that_tells_where_its_largest_stood_is_left():
    maker = Maker()
    name = maker.node("MaxPool", [maker.channels_first()], outputs=2, kernel_shape=[2], strides=[2])
    place = maker.node("Cast", [f"{name}_1"], to=TensorProto.FLOAT)

    assert nodes(read(maker, maker.node("Flatten", [name]), place)) == ["MaxPool", "Cast", "Flatten"]


def test_a_map_that_is_read_by_trunk_and_tail_is_both():
    maker = Maker()
    name = maker.convolution()
    gate = maker.node("Sigmoid", [maker.node("GlobalAveragePool", [name])])

    network = read(maker, maker.node("Mul", [name, gate]))

    assert kinds(network) == ["Convolve"]
    assert sorted(exits(network)) == ["Average", "Whole"]


def test_a_map_may_be_an_output():
    maker = Maker()
    name = maker.node("Transpose", [maker.convolution()], perm=[0, 2, 1])

    network = read(maker, name)

    assert network.exits == (Whole(network.trunk[-1].output, name, "NLC"),)
    assert nodes(network) == []


def test_a_flat_map_that_is_not_multiplied_goes_to_the_tail_as_it_is():
    maker = Maker()
    name = maker.node("Softmax", [maker.node("Flatten", [maker.convolution()])], axis=1)

    (leaving,) = read(maker, name).exits

    assert leaving.flat
    assert leaving.axes == "NCL"


@pytest.mark.parametrize("attributes", [{"alpha": 0.5}, {"beta": 0.5}], ids=str)
def test_a_dense_layer_that_is_scaled_is_left(attributes):
    maker = Maker()
    flat = maker.node("Flatten", ["sequence"])
    name = maker.node("Gemm", [flat, maker.numbers(80, 2), maker.numbers(2)], **attributes)

    assert exits(read(maker, name)) == ["Whole"]


def test_what_no_output_needs_is_left_out():
    maker = Maker()
    name = maker.convolution()
    maker.node("Relu", [maker.convolution()])
    maker.node("GlobalAveragePool", [maker.convolution()])

    network = read(maker, maker.node("Flatten", [name]))

    assert kinds(network) == ["Convolve"]
    assert list(network.maps) == [SEQUENCE, network.trunk[0].output]
    assert exits(network) == ["Whole"]


def test_a_network_that_does_not_begin_with_an_operator_is_all_tail():
    maker = Maker()
    track = maker.node("Concat", ["sequence", "atac"], axis=2)

    network = read(maker, maker.node("Flatten", [track]), atac=(LENGTH, 2))

    assert network.trunk == ()
    assert network.exits == (Whole(SEQUENCE, "sequence", "NLC"),)
    assert [value.name for value in network.tail.inputs] == ["atac"]


def test_a_network_keeps_what_an_unknown_base_is():
    maker = Maker()
    model = maker.model({"sequence": (LENGTH, 4)}, [maker.node("Flatten", ["sequence"])])

    table = read_network(model, "sequence", 0.25).table

    np.testing.assert_array_equal(table, [*np.eye(4), [0.25] * 4])


def test_the_multiplications_of_the_tail_are_those_of_its_dense_layers():
    maker = Maker()
    name = maker.node("Flatten", [maker.node("GlobalMaxPool", [maker.convolution(3)])])
    name = maker.node("Gemm", [name, maker.numbers(3, 7)])

    network = read(maker, maker.node("MatMul", [name, maker.numbers(7, 2)]))

    assert network.tail.multiply_adds == 3 * 7 + 7 * 2


def test_names_inside_subgraphs_are_read_too():
    inner = helper.make_graph(
        [helper.make_node("Add", ["outer", "outer"], ["inner"])],
        "branch",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)],
    )
    node = helper.make_node("If", ["condition"], ["result"], then_branch=inner, else_branch=inner)

    assert set(names_read(node)) == {"condition", "outer"}
