import pytest
from onnx import TensorProto, helper

from tests.conversion.networks import make_look_up
from zoo.conversion import outputs
from zoo.conversion.names import choose_name
from zoo.conversion.outputs import find_activation, plan_outputs
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
