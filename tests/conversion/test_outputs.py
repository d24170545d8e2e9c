import pytest
from onnx import helper

from tests.conversion.networks import make_look_up
from zoo.conversion import outputs
from zoo.conversion.names import choose_name
from zoo.conversion.outputs import find_activation


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
