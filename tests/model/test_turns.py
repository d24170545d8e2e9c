import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper

from tests.model.steps import make, make_graph
from zoo.errors import UnsafeModel
from zoo.model.sizes import reckon_need

INT32, INT64, BOOL, FLOAT = TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT

# As tf2onnx writes a `while turn < T and time < T`.
COUNTING = [
    ("Add", ["time", "step"], "next"), ("Cast", ["turn"], "turn_32", {"to": INT32}),
    ("Less", ["turn_32", "most"], "a"), ("Less", ["next", "limit"], "b"), ("And", ["a", "b"], "go_on"),
]  # fmt: skip


def loop(steps=COUNTING, *, turns=10, start=0, step=1, limit=10, most=10, kind=np.int32, **tensors):
    """Return a network of zeros, as many as a loop gives results that counts the time for itself."""
    body = make_graph(
        [*steps, ("Identity", ["time"], "item")],
        [("turn", INT64), ("go", BOOL), ("time", INT64 if kind == np.int64 else INT32)],
        [("go_on", BOOL), ("next", INT32), ("item", INT32)],
        step=kind(step), limit=kind(limit), most=np.int32(most), yes=True,
    )  # fmt: skip
    for output in body.output[1:]:
        output.type.tensor_type.elem_type = INT64 if kind == np.int64 else INT32
    return make(
        ("Shape", ["sequence"], "shape"), ("Gather", ["shape", "zero"], "windows"),
        ("ReduceMax", ["sequence"], "found", {"keepdims": 0}), ("Cast", ["found"], "read", {"to": INT32}),
        ("Loop", ["turns", "", "start"], ["last", "items"], {"body": body}), ("Shape", ["items"], "count"),
        ("ConstantOfShape", ["count"], "result"),
        turns=np.int64(turns), zero=0, **{"start": kind(start), **tensors},
    )  # fmt: skip


def is_known(model):
    """Return whether the rows that a loop stacks are known to be as many as its turns."""
    try:
        reckon_need(model)
    except UnsafeModel as error:
        assert "ConstantOfShape 'result': how large its result gets can't be told" in str(error)  # noqa: PT017
        return False
    return True


def count_turns(turns, start, step, limit, most):
    """Return how many turns a loop takes that counts like that."""
    time = start
    for turn in range(turns):
        time += step
        if not (turn < most and time < limit):
            return turn + 1
    return turns


def test_a_loop_that_counts_as_far_as_it_may_gives_as_many_rows():
    assert reckon_need(loop()).largest == 10 * 4


@given(st.integers(0, 7), st.integers(0, 3), st.integers(0, 3), st.integers(0, 15), st.integers(0, 9))
def test_a_loop_that_counts_is_known_to_take_all_its_turns_just_if_it_does(turns, start, step, limit, most):
    numbers = {"turns": turns, "start": start, "step": step, "limit": limit, "most": most}
    assert is_known(loop(**numbers)) == (count_turns(**numbers) == turns)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("way", ["straight", "cast", "floats", "kept", "added to", "constants apart"])
def test_what_is_counted_is_followed_however_exporters_write_it(way, kind):
    steps = {
        "straight": [("Add", ["time", "step"], "next"), ("Less", ["next", "limit"], "go_on")],
        "cast": [("Add", ["step", "time"], "next"), ("Cast", ["next"], "n", {"to": INT64}),
                 ("Cast", ["limit"], "l", {"to": INT64}), ("Less", ["n", "l"], "c"),
                 ("Cast", ["c"], "go_on", {"to": BOOL})],
        "floats": [("Add", ["time", "step"], "next"), ("Cast", ["next"], "n", {"to": FLOAT}),
                   ("Cast", ["limit"], "l", {"to": FLOAT}), ("Less", ["n", "l"], "go_on")],
        "kept": [("Identity", ["time"], "t"), ("Add", ["t", "step"], "next"), ("Less", ["next", "limit"], "a"),
                 ("And", ["go", "yes"], "b"), ("And", ["a", "b"], "c"), ("Identity", ["c"], "go_on")],
        "added to": [("Add", ["time", "step"], "next"), ("Add", ["time", "step"], "n"),
                     ("Less", ["n", "limit"], "go_on")],
        "constants apart": [("Constant", [], "one", {"value": numpy_helper.from_array(kind(1))}),
                            ("Add", ["time", "one"], "next"), ("Less", ["next", "limit"], "go_on")],
    }[way]  # fmt: skip
    assert is_known(loop(steps, kind=kind))
    assert not is_known(loop(steps, kind=kind, limit=9))


@pytest.mark.parametrize(
    ("steps", "tensors"),
    [
        pytest.param(
            [("Add", ["time", "step"], "next"), ("Less", ["next", "limit"], "a"), ("Or", ["a", "go"], "go_on")], {},
            id="one or the other"),
        pytest.param([("Add", ["time", "read"], "next"), ("Less", ["next", "limit"], "go_on")], {},
                     id="steps that are read"),
        pytest.param([("Add", ["time", "step"], "next"), ("Less", ["next", "read"], "go_on")], {},
                     id="a limit that is read"),
        pytest.param([("Mul", ["time", "step"], "next"), ("Less", ["next", "limit"], "go_on")], {"start": np.int32(1)},
                     id="other arithmetic"),
        pytest.param([("Add", ["time", "step"], "next"), ("Less", ["limit", "next"], "go_on")], {}, id="above"),
        pytest.param([("Cast", ["turn"], "next", {"to": INT32}), ("Add", ["time", "step"], "n"),
                      ("Less", ["n", "limit"], "go_on")], {"limit": 5}, id="a state that becomes another"),
        pytest.param(
            [("Add", ["time", "step"], "next"), ("Cast", ["next"], "n", {"to": TensorProto.INT8}),
             ("Cast", ["limit"], "l", {"to": TensorProto.INT8}), ("Less", ["n", "l"], "go_on")], {},
            id="numbers of few bits"),
        pytest.param(
            [("Add", ["time", "step"], "next"), ("Cast", ["windows"], "w", {"to": INT32}),
             ("Less", ["w", "limit"], "go_on")], {}, id="as many as windows"),
        pytest.param([("Add", ["time", "step"], "next"), ("Cast", ["read"], "go_on", {"to": BOOL})], {},
                     id="what is read"),
        pytest.param([("Add", ["time", "step"], "next"), ("Less", ["next", "limit"], "a"),
                      ("And", ["a", "no"], "go_on")], {"no": False}, id="never"),
        pytest.param(
            [("Add", ["time", "step"], "next"), ("Less", ["next", "limit"], "a0"),
             *(("Identity", [f"a{number}"], f"a{number + 1}") for number in range(100)),
             ("Identity", ["a100"], "go_on")], {}, id="a long way back"),
    ],
)  # fmt: skip
def test_another_condition_may_end_a_loop_early(steps, tensors):
    assert not is_known(loop(steps, **tensors))


def test_numbers_that_overflow_are_not_followed():
    largest = 2**24  # of whole numbers that floats of 32 bits hold
    assert is_known(loop(start=largest - 11, limit=largest))
    assert not is_known(loop(start=largest - 10, limit=largest, kind=np.int64))
    assert not is_known(loop(start=-1))


def test_a_state_that_starts_with_what_is_read_may_end_a_loop_early():
    model = loop()
    next(node for node in model.graph.node if node.op_type == "Loop").input[2] = "read"
    assert not is_known(model)


def test_a_name_of_two_things_is_followed_nowhere():
    model = loop()
    body = next(node for node in model.graph.node if node.op_type == "Loop").attribute[0].g
    body.initializer.append(type(body.initializer[0])(name="turn", data_type=INT64, raw_data=bytes(8)))
    assert not is_known(model)


def test_turns_that_grow_with_the_windows_outlast_a_constant():
    steps = [("Add", ["time", "step"], "next"), ("Less", ["next", "limit"], "go_on")]
    model = loop(steps, limit=5_000)
    next(node for node in model.graph.node if node.op_type == "Loop").input[0] = "windows"
    with pytest.raises(UnsafeModel, match="how large its result gets can't be told"):
        reckon_need(model)
