import onnx
import pytest

from tests.conversion.networks import CARD, make_look_up, save
from tests.conversion.test_onnx_file import make_weighted
from zoo.conversion.adapt import Writing, adapt
from zoo.conversion.convert import convert
from zoo.conversion.reading import Reading
from zoo.model.folder import load_folder

PLAIN = Writing("answer", "prediction", "NT", 1, None, "linear")


def list_operators(model):
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    ("reading", "writing", "added"),
    [
        pytest.param(Reading(7), PLAIN, [], id="the zoo's own way"),
        pytest.param(Reading(7, unknown="quarter"), PLAIN, [], id="quarters, which every session knows"),
        pytest.param(Reading(7, "NCL"), PLAIN, ["Transpose"], id="channels first"),
        pytest.param(Reading(7, "NC1L"), PLAIN, ["Transpose", "Unsqueeze"], id="an axis of one"),
        pytest.param(Reading(7, "NL1C"), PLAIN, ["Unsqueeze"], id="an axis of one, channels last"),
        pytest.param(Reading(7, alphabet="TGCA"), PLAIN, ["MatMul"], id="another order"),
        pytest.param(Reading(7, alphabet="ACGTN"), PLAIN, ["MatMul", "Add"], id="a fifth channel"),
        pytest.param(Reading(7, reverse=True), PLAIN, ["Slice"], id="from the end"),
        pytest.param(Reading(7, dtype="float64"), PLAIN, ["Cast"], id="another type"),
    ],
)
def test_only_what_has_to_change_is_put_before_the_network(reading, writing, added):
    network = make_look_up(reading.layout, channels=len(reading.alphabet), dtype=reading.dtype)
    found = adapt(network, "input", reading, [writing])
    assert list_operators(found) == [*added, *list_operators(network)]


def test_only_what_has_to_change_is_put_behind_it():
    network = make_look_up("NLC")
    writing = Writing("answer", "prediction", "N1", 1, None, "sigmoid", "sigmoid", "float64")
    found = adapt(network, "input", Reading(7), [writing])
    assert list_operators(found) == [*list_operators(network), "Cast", "Squeeze", "Unsqueeze", "Sigmoid"]


def test_the_network_is_left_as_it_is():
    network = make_look_up("N1CL")
    before = network.SerializeToString(deterministic=True)
    adapt(network, "input", Reading(7, "N1CL", reverse=True), [PLAIN])
    assert network.SerializeToString(deterministic=True) == before


def test_notes_of_the_exporter_are_left_out():
    network = make_look_up("NLC")
    network.doc_string = network.graph.doc_string = network.graph.node[0].doc_string = "/home/me/train.py, line 3"
    for notes in (network.metadata_props, network.graph.metadata_props, network.graph.node[0].metadata_props):
        notes.add(key="stack_trace", value="/home/me/train.py, line 3")
    found = adapt(network, "input", Reading(7), [PLAIN])
    assert b"/home/me" not in found.SerializeToString()


def test_inputs_and_outputs_are_declared_in_the_zoos_shapes():
    found = adapt(make_look_up("NC1L"), "input", Reading(7, "NC1L"), [PLAIN])
    onnx.checker.check_model(found, full_check=True)
    shapes = [
        [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*found.graph.input, *found.graph.output)
    ]
    assert shapes == [["N", 7, 4], ["N", 1]]


@pytest.mark.parametrize("alphabet", ["ACGT", "TGCA", "CATG"])
def test_a_network_whose_channels_are_ordered_is_still_read_along_the_sequence(tmp_path, alphabet):
    path = save(make_weighted(), tmp_path)
    convert(path, "tiny", output=tmp_path / "tiny", card=CARD, alphabet=alphabet)
    assert load_folder(tmp_path / "tiny", "cpu").session.network.trunk
