import pytest
from onnx import TensorProto, helper

from tests.conversion.networks import make_look_up
from zoo.conversion import outputs
from zoo.conversion.comparing import ROUNDING
from zoo.conversion.names import choose_name, show, simplify_name
from zoo.conversion.outputs import find_activation, is_made_of_sigmoids, plan_outputs
from zoo.conversion.source import Port
from zoo.errors import ConversionError


def make_joined(*operators):
    """A network whose output joins what these operators make of one number."""
    model = make_look_up()
    model.graph.node[-1].output[0] = "flat"
    for number, operator in enumerate(operators):
        model.graph.node.append(helper.make_node(operator, ["flat"], [f"part_{number}"]))
    parts = [f"part_{number}" for number in range(len(operators))]
    model.graph.node.append(helper.make_node("Concat", parts, ["joined"], axis=1))
    model.graph.node.append(helper.make_node("Identity", ["joined"], ["answer"]))
    return model


@pytest.mark.parametrize(
    ("operators", "activation"),
    [(["Sigmoid", "Sigmoid"], "sigmoid"), (["Sigmoid", "Relu"], "linear"), (["Sigmoid", "Neg"], "linear")],
)
def test_joined_parts_end_in_what_all_of_them_do(operators, activation):
    assert find_activation(make_joined(*operators), "answer") == activation


def test_parts_that_are_joined_with_themselves_are_looked_at_once(monkeypatch):
    model = make_joined("Sigmoid")
    joins = [helper.make_node("Concat", [f"{depth}"] * 2, [f"{depth + 1}"], axis=1) for depth in range(12)]
    model.graph.node.extend([helper.make_node("Identity", ["answer"], ["0"]), *joins])
    looked_at = []

    class Noting(frozenset):
        def __contains__(self, operator):
            looked_at.append(operator)
            return super().__contains__(operator)

    monkeypatch.setattr(outputs, "_CARRYING", Noting(outputs._CARRYING))
    assert find_activation(model, "12") == "sigmoid"
    assert looked_at == ["Concat"] * 12 + ["Identity", "Identity", "Concat", "Sigmoid"]


@pytest.mark.parametrize(
    ("layout", "axis", "activation"),
    [("NBT", 2, "softmax"), ("NBT", -1, "softmax"), ("NBT", 1, "linear"), ("NTB", 1, "softmax"), ("NTB", -1, "linear")],
)
def test_a_softmax_is_one_where_the_tracks_share_the_probability(layout, axis, activation):
    nodes = [
        helper.make_node("Softmax", ["input"], ["shares"], axis=axis),
        helper.make_node("Identity", ["shares"], ["answer"]),
    ]
    kinds = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 7, 4]) for name in ("input", "answer")]
    model = helper.make_model(helper.make_graph(nodes, "shares", kinds[:1], kinds[1:]))
    ports, shapes = [Port("answer", (None, 7, 4), "float32")], {"answer": (None, 7, 4)}
    (writing,) = plan_outputs(ports, model, shapes, layout, None, set())
    assert writing.activation == activation
    with pytest.raises(ConversionError, match="output 'answer' ends in softmax already"):
        plan_outputs(ports, model, shapes, layout, "sigmoid", set())


def test_two_softmaxes_side_by_side_are_none_of_all_columns():
    (writing,) = plan_outputs(
        [Port("answer", (None, 2), "float32")],
        make_joined("Softmax", "Softmax"),
        {"answer": (None, 2)},
        None,
        None,
        set(),
    )
    assert writing.activation == "linear"


def make_averaged(*nodes):
    """A network whose output ``answer`` is what these nodes make of ``p`` and ``q``, which sigmoids give."""
    model = make_look_up()
    model.graph.node[-1].output[0] = "flat"
    model.graph.node.extend(helper.make_node("Sigmoid", ["flat"], [name]) for name in "pq")
    model.graph.node.extend(nodes)
    model.graph.initializer.append(helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5]))
    return model


@pytest.mark.parametrize(
    ("nodes", "made"),
    [
        pytest.param([helper.make_node("Identity", ["p"], ["answer"])], True, id="one"),
        pytest.param([helper.make_node("Mean", ["p", "q"], ["answer"])], True, id="a mean"),
        pytest.param(
            [helper.make_node("Add", ["p", "q"], ["sum"]), helper.make_node("Mul", ["sum", "half"], ["answer"])],
            True, id="half a sum",
        ),
        pytest.param(
            [
                helper.make_node("Constant", [], ["one"], value_float=1.0),
                helper.make_node("Sub", ["one", "p"], ["answer"]),
            ],
            True, id="the opposite",
        ),
        pytest.param([helper.make_node("ReduceMean", ["p", "starts"], ["answer"])], True, id="along an axis"),
        pytest.param([helper.make_node("Add", ["p", "flat"], ["answer"])], False, id="something else, too"),
        pytest.param([helper.make_node("Log", ["p"], ["answer"])], False, id="a logarithm"),
        pytest.param([helper.make_node("Add", ["half", "half"], ["answer"])], False, id="no sigmoid"),
        pytest.param([helper.make_node("Add", ["p", "input"], ["answer"])], False, id="an input"),
    ],
)  # fmt: skip
def test_what_is_made_of_sigmoids_is_told(nodes, made):
    model = make_averaged(*nodes)
    assert is_made_of_sigmoids(model, "answer") == made
    (writing,) = plan_outputs([Port("answer", (None, 1))], model, {"answer": (None, 1)}, None, None, set())
    assert writing.rounding == (ROUNDING if made else 0)


@pytest.mark.parametrize(("apply", "rounding"), [("sigmoid", ROUNDING), ("softplus", 0)])
def test_a_sigmoid_that_is_put_behind_rounds_too(apply, rounding):
    (writing,) = plan_outputs([Port("answer", (None, 1))], make_look_up(), {"answer": (None, 1)}, None, apply, set())
    assert writing.rounding == rounding


def test_an_input_that_is_an_output_is_linear():
    assert find_activation(make_look_up(), "input") == "linear"


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("Identity:0", "Identity"),
        ("is/bound:0", "is_bound"),
        ("a b\tc", "a_b_c"),
        ("::", "output_1"),
        ("taken", "taken_"),
        ("x" * 100, "x" * 64),
    ],
)
def test_names_stay_as_near_as_a_card_allows(name, chosen):
    assert choose_name(name, "output_1", {"taken"}) == chosen


def test_a_name_that_was_chosen_is_taken():
    taken = set()
    assert [choose_name("a", "b", taken), choose_name("a", "b", taken)] == ["a", "a_"]


def test_a_name_is_shown_without_what_moves_the_cursor():
    assert show("PyTorch 2.9 é") == "PyTorch 2.9 é"
    assert show("a\x1b[2Jb\n") == r"a\x1b[2Jb\n"


def test_names_are_alike_that_have_the_same_letters():
    assert simplify_name("PU.1") == simplify_name("pu-1") == "pu1"
