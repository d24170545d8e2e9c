import tracemalloc

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.model.steps import FLOATS, make
from zoo.errors import UnsafeModel
from zoo.model import walking
from zoo.model.operators import check_operators
from zoo.model.sizes import reckon_need
from zoo.model.work import CALL
from zoo.testing.models import make_base_at_anchor_graph, make_model


def test_a_result_is_held_until_it_was_read_for_the_last_time():
    # The input stays; of the results in a row there are two at a time.
    model = make(("Relu", ["sequence"], "a"), ("Relu", ["a"], "b"), ("Relu", ["b"], "c"), ("Relu", ["c"], "result"))
    assert reckon_need(model).held == FLOATS + 2 * FLOATS


def test_a_result_that_is_read_late_is_held_as_long():
    model = make(("Relu", ["sequence"], "a"), ("Relu", ["a"], "b"), ("Relu", ["b"], "c"), ("Add", ["a", "c"], "result"))
    assert reckon_need(model).held == FLOATS + 3 * FLOATS


def test_what_constants_make_is_held_for_ever_and_so_are_weights():
    model = make(
        ("ConstantOfShape", ["size"], "a"), ("Neg", ["a"], "b"), ("ReduceSum", ["b"], "c"),
        ("Add", ["sequence", "c"], "result"), size=[100, 1, 1],
    )  # fmt: skip
    assert reckon_need(model).held == FLOATS + 3 * 8 + 4 * (100 + 100 + 1) + FLOATS


def test_a_shape_that_is_reckoned_as_exporters_write_it_is_followed():
    # torch's expand: sizes of -1 are those of what is expanded.
    model = make(
        ("Shape", ["sequence"], "shape"), ("Gather", ["shape", "zero"], "n"),
        ("Concat", ["n", "same", "five"], "wanted", {"axis": 0}), ("Equal", ["wanted", "same"], "is_same"),
        ("ConstantOfShape", ["three"], "ones", {"value": numpy_helper.from_array(np.array([1]))}),
        ("Where", ["is_same", "ones", "wanted"], "size"), ("Expand", ["row", "size"], "result"),
        zero=[0], same=[-1], five=[5], three=[3], row=np.ones((1, 4, 1), np.float32),
    )  # fmt: skip
    assert reckon_need(model).held > 4 * 4 * 5


def test_what_is_found_in_a_window_is_at_most_the_window():
    model = make(
        ("NonZero", ["sequence"], "axes_first"), ("Transpose", ["axes_first"], "where"),
        ("GatherND", ["sequence", "where"], "values"), ("Relu", ["values"], "result"),
    )  # fmt: skip
    index = 8 * 3 * 36  # three whole numbers for each element
    assert reckon_need(model).held == FLOATS + 2 * index


def test_a_result_of_unknown_shape_that_is_read_twice_counts_twice():
    model = make(
        ("NonZero", ["sequence"], "where"), ("Concat", ["where"] * 3, "joined", {"axis": 1}),
        ("Cast", ["joined"], "result", {"to": TensorProto.FLOAT}),
    )  # fmt: skip
    assert reckon_need(model).largest == 3 * 8 * 3 * 36


@pytest.mark.parametrize(("limit", "passes"), [(FLOATS, True), (FLOATS - 1, False)])
def test_a_result_may_have_as_many_bytes_as_the_limit_and_not_one_more(monkeypatch, limit, passes):
    monkeypatch.setattr("zoo.model.walking.VALUE_BYTES", limit)
    model = make(("Relu", ["sequence"], "result"))
    if passes:
        reckon_need(model)
    else:
        with pytest.raises(UnsafeModel, match=r"input 'sequence': expected at most 143 bytes for a window, found 144"):
            reckon_need(model)


@pytest.mark.parametrize(
    ("name", "limit", "what"), [("HELD_BYTES", 287, "bytes at one time"), ("WORK", 71 + CALL, "multiplications")]
)
def test_all_results_may_take_as_much_as_the_limit_and_not_one_more(monkeypatch, name, limit, what):
    model = make(("Relu", ["sequence"], "result"))
    monkeypatch.setattr(f"zoo.model.walking.{name}", limit + 1)
    reckon_need(model)
    monkeypatch.setattr(f"zoo.model.walking.{name}", limit)
    message = rf"Relu 'result': expected a network that takes at most {limit:,} {what}.*found {limit + 1:,} so far"
    with pytest.raises(UnsafeModel, match=message):
        reckon_need(model)


def test_what_a_file_says_of_its_own_results_is_not_believed():
    model = make(
        ("Mul", ["size", "size"], "square"), ("ConstantOfShape", ["square"], "large"),
        ("ReduceSum", ["large"], "result"), size=[2**22],
    )  # fmt: skip
    model.graph.value_info.append(helper.make_tensor_value_info("large", TensorProto.FLOAT, [1]))
    model.graph.value_info.append(helper.make_tensor_value_info("square", TensorProto.INT64, [1]))
    with pytest.raises(UnsafeModel, match="result 'large': expected at most"):
        reckon_need(model)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([("ReduceSum", ["sequence"], "s", {"keepdims": 0}), ("Cast", ["s"], "n", {"to": 7}),
                      ("Unsqueeze", ["n", "zero"], "size"), ("ConstantOfShape", ["size"], "result")], id="Constant"),
        pytest.param([("Cast", ["sequence"], "c", {"to": 7}), ("Reshape", ["c", "flat"], "size"),
                      ("Expand", ["row", "size"], "result")], id="Expand"),
        pytest.param([("NonZero", ["sequence"], "f"), ("Cast", ["f"], "g", {"to": 1}),
                      ("MatMul", ["three", "g"], "result")], id="MatMul"),
    ],
)  # fmt: skip
def test_what_nobody_can_say_the_size_of_is_refused(steps):
    tensors = {"zero": [0], "flat": [36], "row": np.ones(1, np.float32), "three": np.ones((3, 3), np.float32)}
    with pytest.raises(UnsafeModel, match="how large its result gets can't be told before it runs; export the network"):
        reckon_need(make(*steps, **tensors))


def test_texts_and_complex_numbers_are_no_numbers():
    model = make(("Cast", ["sequence"], "result", {"to": TensorProto.STRING}))
    with pytest.raises(UnsafeModel, match="result 'result': expected numbers, found another type"):
        reckon_need(model)


def test_a_node_that_does_not_fit_its_inputs_is_named():
    model = make(("MatMul", ["sequence", "w"], "result"), w=np.zeros((5, 5), np.float32))
    with pytest.raises(UnsafeModel, match=r"MatMul 'result': does not fit its inputs: .*Incompatible dimensions"):
        reckon_need(model)


@pytest.mark.parametrize(
    ("steps", "tensors"),
    [
        pytest.param(
            [("MatMul", ["sequence", "w"], "q"), ("Transpose", ["q"], "k", {"perm": [0, 2, 1]}),
             ("MatMul", ["q", "k"], "scores"), ("Softmax", ["scores"], "shares", {"axis": -1}),
             ("MatMul", ["shares", "q"], "result")],
            {"w": np.zeros((4, 8), np.float32)}, id="attention"),
        pytest.param(
            [("Shape", ["sequence"], "s"), ("Gather", ["s", "zero"], "n"), ("Gather", ["s", "one"], "l"),
             ("Unsqueeze", ["n", "axis"], "n1"), ("Unsqueeze", ["l", "axis"], "l1"),
             ("Concat", ["n1", "l1", "heads", "rest"], "size", {"axis": 0}),
             ("Reshape", ["sequence", "size"], "result")],
            {"zero": 0, "one": 1, "axis": [0], "heads": [2], "rest": [-1]}, id="heads"),
        pytest.param(
            [("Shape", ["sequence"], "s"), ("Gather", ["s", "one"], "l"), ("Range", ["zero", "l", "one"], "places"),
             ("Gather", ["table", "places"], "result")],
            {"zero": 0, "one": 1, "table": np.zeros((50, 8), np.float32)}, id="places"),
        pytest.param(
            [("Transpose", ["sequence"], "t", {"perm": [0, 2, 1]}),
             ("Resize", ["t", "", "by"], "result", {"mode": "nearest"})],
            {"by": np.array([1, 1, 2], np.float32)}, id="upsampling"),
        pytest.param(
            [("Transpose", ["sequence"], "t", {"perm": [0, 2, 1]}),
             ("ConvTranspose", ["t", "w"], "result", {"strides": [2]})],
            {"w": np.zeros((4, 8, 2), np.float32)}, id="a convolution backwards"),
        pytest.param(
            [("Shape", ["sequence"], "s"), ("Slice", ["s", "first", "second"], "n"), ("Div", ["l", "two"], "half"),
             ("Concat", ["n", "half", "two", "four"], "size", {"axis": 0}), ("Pad", ["sequence", "pads"], "padded"),
             ("Reshape", ["padded", "size"], "result")],
            {"first": [0], "second": [1], "l": [10], "two": [2], "four": [4], "pads": [0, 0, 0, 0, 1, 0]}, id="parts"),
        pytest.param(
            [("LayerNormalization", ["sequence", "w"], "a"), ("Erf", ["a"], "b"), ("Pow", ["b", "two"], "c"),
             ("ReduceMean", ["c"], "d", {"keepdims": 1}), ("Sqrt", ["d"], "e"), ("Div", ["c", "e"], "f"),
             ("Trilu", ["f"], "g"), ("TopK", ["g", "k"], ["result", "i"])],
            {"w": np.ones(4, np.float32), "two": np.float32(2), "k": [2]}, id="norms"),
    ],
)  # fmt: skip
def test_what_exporters_write_for_known_layers_is_accepted(steps, tensors):
    check_operators(make(*steps, **tensors), "network")
    assert reckon_need(make(*steps, **tensors)).held > 2 * FLOATS


def make_constants(operator, shapes, **attributes):
    """Return a network that makes something of whole numbers of such shapes beside its prediction."""
    model = make_model(make_base_at_anchor_graph())
    names = [f"w{number}" for number in range(len(shapes))]
    for name, shape in zip(names, shapes, strict=True):
        model.graph.initializer.append(numpy_helper.from_array(np.ones(shape, np.int64), name))
    model.graph.node.append(helper.make_node(operator, names, ["made"], **attributes))
    return model


@pytest.mark.parametrize(
    ("operator", "shapes", "attributes"),
    [
        ("Max", [(1024, 1), (1, 1024)], {}),
        ("Mul", [(1024, 1), (1, 1024)], {}),
        ("Max", [(1024, 1), (1, 1024), (0, 1, 1)], {}),  # of which nothing is left at the end
        ("Concat", [(1024,)] * 1000, {"axis": 0}),
    ],
)
def test_what_constants_become_is_not_made_where_it_is_large(operator, shapes, attributes):
    # 1,024 x 1,024 integers of 8 bytes take 8 MiB.
    model = make_constants(operator, shapes, **attributes)
    reckon_need(model)
    peaks = []
    fold = walking.fold

    def watch(*arguments):
        tracemalloc.start()
        try:
            return fold(*arguments)
        finally:
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walking, "fold", watch)
        reckon_need(model)
    assert peaks
    assert max(peaks) < 1 << 20


@pytest.mark.parametrize(("size", "passes"), [(17, True), (18, False), (2**40, False)])
def test_a_normalization_reaches_no_farther_than_all_channels(size, passes):
    # Nine channels: from the first of them the last is 8 away, so 17 take in all from each.
    model = make(("LRN", ["sequence"], "result", {"size": size}))
    if passes:
        assert reckon_need(model).held == 2 * FLOATS
    else:
        with pytest.raises(UnsafeModel, match=f"LRN 'result': .* less than twice the 9 channels, found {size:,}$"):
            reckon_need(model)
