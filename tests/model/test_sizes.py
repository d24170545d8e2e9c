import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from onnx import TensorProto, helper, numpy_helper

from tests.network.random_graphs import random_models
from zoo.errors import UnsafeModel
from zoo.model import sizes, walking
from zoo.model.bounds import CALL
from zoo.model.card import Card
from zoo.model.operators import check_operators
from zoo.model.shapes import infer_sizes
from zoo.model.sizes import Need, reckon_need
from zoo.testing.models import CARD, make_base_at_anchor_graph, make_model

FLOATS = 4 * 9 * 4  # bytes of the input of one window


def make(*steps, length=9, opset=18, result="result", **tensors):
    """Return a network of these nodes: operator, inputs, output and attributes; it reads (N, 9, 4)."""
    nodes = [
        helper.make_node(operator, inputs, [output] if isinstance(output, str) else output, **dict(*attributes))
        for operator, inputs, output, *attributes in steps
    ]
    constants = [numpy_helper.from_array(np.asarray(values), name) for name, values in tensors.items()]
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", length, 4])
    told = helper.make_tensor_value_info(result, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "test", [sequence], [told], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def make_graph(steps, inputs, outputs, **tensors):
    nodes = [helper.make_node(operator, names, [output], **dict(*more)) for operator, names, output, *more in steps]
    values = [[helper.make_tensor_value_info(name, kind, None) for name, kind in side] for side in (inputs, outputs)]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()]
    return helper.make_graph(nodes, "inner", *values, constants)


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


@pytest.mark.parametrize(
    ("steps", "tensors", "work"),
    [
        ([("MatMul", ["sequence", "w"], "result")], {"w": np.zeros((4, 5), np.float32)}, 9 * 4 * 5),
        ([("Flatten", ["sequence"], "flat"), ("Gemm", ["flat", "w"], "result")],
         {"w": np.zeros((36, 5), np.float32)}, 36 + 36 + 36 * 5),
        ([("Transpose", ["sequence"], "t", {"perm": [0, 2, 1]}), ("Conv", ["t", "w"], "result")],
         {"w": np.zeros((5, 4, 3), np.float32)}, 36 + 36 + 7 * 5 * 4 * 3),
        ([("MaxPool", ["sequence"], "result", {"kernel_shape": [2]})], {}, 9 * 3 * 2),
        ([("Einsum", ["sequence", "sequence"], "result", {"equation": "nid,njd->nij"})], {}, 9 * 9 * 4),
        ([("Relu", ["sequence"], "result")], {}, 36 + 36),
    ],
    ids=["MatMul", "Gemm", "Conv", "MaxPool", "Einsum", "Relu"],
)  # fmt: skip
def test_work_is_what_a_hand_would_multiply(steps, tensors, work):
    assert reckon_need(make(*steps, **tensors)).work == work + CALL * len(steps)


def test_a_loop_does_its_work_every_turn():
    body = make_graph(
        [("Identity", ["go"], "go_on"), ("MatMul", ["state", "w"], "next")],
        [("turn", TensorProto.INT64), ("go", TensorProto.BOOL), ("state", TensorProto.FLOAT)],
        [("go_on", TensorProto.BOOL), ("next", TensorProto.FLOAT)],
        w=np.zeros((4, 4), np.float32),
    )
    model = make(("Loop", ["turns", "", "sequence"], "result", {"body": body}), turns=np.int64(10))
    around = 36 + 36 + 1  # the loop itself: what it gives, what it is given
    assert reckon_need(model).work == 10 * (9 * 4 * 4 + 2 + 2 * CALL) + around + CALL


def test_a_scan_takes_a_turn_for_each_base():
    body = make_graph(
        [("Add", ["state", "base"], "next"), ("Identity", ["next"], "seen")],
        [("state", TensorProto.FLOAT), ("base", TensorProto.FLOAT)],
        [("next", TensorProto.FLOAT), ("seen", TensorProto.FLOAT)],
    )
    model = make(
        ("Squeeze", ["sequence", "first"], "bases"),
        ("Scan", ["start", "bases"], ["end", "result"], {"body": body, "num_scan_inputs": 1}),
        first=[0], start=np.zeros(4, np.float32),
    )  # fmt: skip
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    inside = 9 * ((4 + 4 + 4) + (4 + 4) + 2 * CALL)
    assert reckon_need(model).work == (36 + 36 + 1) + inside + (4 + 36 + 4 + 36) + 2 * CALL


def test_the_larger_branch_counts():
    small = make_graph([("Relu", ["sequence"], "a")], [], [("a", TensorProto.FLOAT)])
    large = make_graph([("Concat", ["sequence"] * 5, "b", {"axis": 1})], [], [("b", TensorProto.FLOAT)])
    model = make(("If", ["yes"], "result", {"then_branch": small, "else_branch": large}), yes=True)
    assert reckon_need(model).held == FLOATS + 1 + 5 * FLOATS


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


def test_a_card_says_how_long_free_axes_are():
    model = make(("Relu", ["sequence"], "result"), length="L")
    assert reckon_need(model) is None
    assert reckon_need(model, Card.model_validate(CARD)) == Need(2 * FLOATS, 72 + CALL)


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


def test_a_result_that_pairs_windows_is_refused_where_it_is_large():
    def pair(repeats):
        return make(
            ("Reshape", ["sequence", "rows"], "flat"), ("Transpose", ["flat"], "turned"),
            ("MatMul", ["flat", "turned"], "pairs"), ("Tile", ["pairs", "times"], "result"),
            rows=[-1, 36], times=[1, repeats],
        )  # fmt: skip

    reckon_need(pair(1))
    with pytest.raises(UnsafeModel, match="result 'result': expected a size that grows with the number of windows"):
        reckon_need(pair(10_000))


def test_shapes_that_onnx_infers_at_once_are_those_that_are_reckoned_one_by_one():
    model = make(("Transpose", ["sequence"], "t", {"perm": [0, 2, 1]}), ("Relu", ["t"], "result"))
    assert infer_sizes(model, {"sequence": (16, 9, 4)}) == {"t": 16 * FLOATS, "result": 16 * FLOATS}


def test_what_onnx_can_not_infer_at_once_is_left_to_be_reckoned():
    unknown = make(("NonZero", ["sequence"], "where"), ("Cast", ["where"], "result", {"to": 1}))
    assert infer_sizes(unknown, {"sequence": (16, 9, 4)}) is None
    branch = make_graph([("Relu", ["sequence"], "a")], [], [("a", TensorProto.FLOAT)])
    choice = make(("If", ["yes"], "result", {"then_branch": branch, "else_branch": branch}), yes=True)
    assert infer_sizes(choice, {"sequence": (16, 9, 4)}) is None


@given(random_models())
def test_both_ways_agree_on_networks_that_exporters_write(made):
    shapes = {item.name: (1, *(dim.dim_value for dim in item.type.tensor_type.shape.dim[1:]))
              for item in made.model.graph.input}  # fmt: skip
    at_once = infer_sizes(made.model, shapes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.model.sizes.infer_sizes", lambda *_: None)
        need = reckon_need(made.model)
    assert at_once is None or max(at_once.values()) <= need.held
    assert reckon_need(made.model) == need


def run_recurrent(operator, gates, *, both=False):
    """Return a network of one recurrent layer of 5 units over the bases."""
    ways = 2 if both else 1
    return make(
        ("Transpose", ["sequence"], "bases_first", {"perm": [1, 0, 2]}),
        (operator, ["bases_first", "w", "r"], ["result", "last"],
         {"hidden_size": 5, "direction": "bidirectional" if both else "forward"}),
        w=np.zeros((ways, gates * 5, 4), np.float32), r=np.zeros((ways, gates * 5, 5), np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("operator", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent_layers_are_reckoned(operator, gates, both):
    ways = 2 if both else 1
    weights = ways * gates * 5 * (4 + 5)
    assert reckon_need(run_recurrent(operator, gates, both=both)).work == 36 + 36 + 9 * weights + 2 * CALL


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


@pytest.mark.parametrize(("numbers", "quick"), [(1_000, True), (1_100, False)])
def test_long_lists_of_whole_numbers_are_not_followed_one_by_one(monkeypatch, numbers, quick):
    # 1,024 times 1,000 are below 2^20, and times 1,100 above.
    model = make_model(make_base_at_anchor_graph())
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1024, np.int64), "w"))
    model.graph.node.append(helper.make_node("Concat", ["w"] * numbers, ["made"], axis=0))
    asked = []
    infer = sizes.infer_sizes
    monkeypatch.setattr(sizes, "infer_sizes", lambda *given: asked.append(1) or infer(*given))
    reckon_need(model)
    assert bool(asked) == quick
