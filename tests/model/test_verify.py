import json
import re

import numpy as np
import pytest
from onnx import TensorProto, helper

from zoo.errors import ChecksumMismatch, ModelError
from zoo.model.card import read_card
from zoo.model.checksums import write_checksums
from zoo.model.verify import _compare, verify_folder, write_example
from zoo.testing.models import CARD, make_base_at_anchor_graph, write_model_folder


def rewrite_example(folder, change):
    path = folder / "example.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    write_checksums(folder)


def test_an_untouched_model_passes(g_at_anchor_folder):
    result = verify_folder(g_at_anchor_folder)
    assert (result.model, result.device, result.sequences) == ("g-at-anchor@1.0.0", "cpu", 8)
    assert (result.largest_difference, result.tolerance) == (0, 1e-5)


def test_the_example_holds_what_the_sequences_show(g_at_anchor_folder):
    example = json.loads((g_at_anchor_folder / "example.json").read_text())
    expected = [[float(sequence[4] == "G")] for sequence in example["sequences"]]
    assert example["predictions"] == {"prediction": expected}
    assert any("N" in sequence for sequence in example["sequences"])


def test_the_same_seed_gives_the_same_example_and_another_another(g_at_anchor_folder):
    path = g_at_anchor_folder / "example.json"
    card = read_card(g_at_anchor_folder / "model.yaml")
    before = path.read_bytes()
    write_example(g_at_anchor_folder, card)
    assert path.read_bytes() == before
    write_example(g_at_anchor_folder, card, seed=1)
    assert path.read_bytes() != before


def test_context_inputs_are_part_of_the_example(tmp_path):
    graph = make_base_at_anchor_graph()
    graph.node[1].output[0] = "g"
    graph.node.append(helper.make_node("Mul", ["g", "scale"], ["prediction"]))
    graph.input.append(helper.make_tensor_value_info("scale", TensorProto.FLOAT, ["N", 1]))
    inputs = [*CARD["inputs"], {"name": "scale", "role": "context", "shape": [1]}]
    folder = write_model_folder(tmp_path / "scaled", graph, {"inputs": inputs})
    assert verify_folder(folder).largest_difference == 0
    rewrite_example(folder, lambda document: document["extra"]["scale"].pop())
    with pytest.raises(ModelError, match=r"extra 'scale': expected shape \(8, 1\), found \(7, 1\)"):
        verify_folder(folder)


def test_the_example_of_a_model_without_a_sequence_holds_its_inputs(tmp_path):
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 1])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    graph = helper.make_graph([helper.make_node("Neg", ["features"], ["prediction"])], "test", [features], [prediction])
    inputs = [{"name": "features", "role": "context", "shape": [1]}]
    folder = write_model_folder(tmp_path / "numbers", graph, {"inputs": inputs, "window": None})

    example = json.loads((folder / "example.json").read_text(encoding="utf-8"))
    assert example["sequences"] == []
    assert example["predictions"]["prediction"] == [[-value] for (value,) in example["extra"]["features"]]
    assert verify_folder(folder).sequences == 8
    rewrite_example(folder, lambda document: document.update(sequences=["ACGT"]))
    with pytest.raises(ModelError, match=r"example\.json: expected other inputs alone, .* found 1 sequences"):
        verify_folder(folder)


def test_a_prediction_within_the_tolerance_passes_and_the_difference_is_told(g_at_anchor_folder):
    def change(document):
        document["sequences"][0] = "AAAAGAAAA"
        document["predictions"]["prediction"][0] = [1.000005]

    rewrite_example(g_at_anchor_folder, change)
    assert verify_folder(g_at_anchor_folder).largest_difference == pytest.approx(5e-6, rel=0.1)


@pytest.mark.parametrize("wrong", [1.0001, float("nan")])
def test_a_prediction_beyond_the_tolerance_is_named_with_expected_and_found(g_at_anchor_folder, wrong):
    def change(document):
        document["sequences"][2] = "AAAAGAAAA"
        document["predictions"]["prediction"][2] = [wrong]

    rewrite_example(g_at_anchor_folder, change)
    message = (
        rf"example\.json: output 'prediction', sequence 3: expected {re.escape(f'{wrong:.6g}'[:4])}.*, found 1 on cpu, "
        r".* of the largest prediction; the card allows 1e-05$"
    )
    with pytest.raises(ModelError, match=message):
        verify_folder(g_at_anchor_folder)


@pytest.mark.parametrize("endless", [float("inf"), -float("inf"), float("nan")])
def test_what_is_not_finite_hides_no_other_difference_nor_agrees_with_a_number(g_at_anchor_folder, endless):
    def change(document):
        document["predictions"]["prediction"][0] = [endless]

    rewrite_example(g_at_anchor_folder, change)
    with pytest.raises(ModelError, match=r"sequence 1: expected -?(inf|nan), found [01] on cpu"):
        verify_folder(g_at_anchor_folder)


@pytest.mark.parametrize(("expected", "found"), [([np.inf, 5], [np.inf, 6]), ([np.inf, 5], [-np.inf, 5])])
def test_an_infinity_agrees_with_itself_and_leaves_the_others_to_their_own_scale(expected, found):
    values = np.array(expected, np.float32)
    assert _compare("output", values, values, 0, "cpu") == 0
    with pytest.raises(ModelError, match="expected"):
        _compare("output", values, np.array(found, np.float32), 1e-5, "cpu")


def test_an_example_without_a_finite_prediction_is_not_written(tmp_path):
    graph = make_base_at_anchor_graph()
    graph.node[-1].output[0] = "plain"
    graph.node.append(helper.make_node("Add", ["plain", "endless"], ["prediction"]))
    graph.initializer.append(helper.make_tensor("endless", TensorProto.FLOAT, [1], [np.inf]))
    with pytest.raises(ModelError, match="output 'prediction': expected finite predictions, found none"):
        write_model_folder(tmp_path / "endless", graph)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document.update(seeed=1), "unknown field 'seeed'; did you mean 'seed'"),
        (lambda document: document.update(sequences=[]), r"example\.json: expected at least one sequence"),
        (lambda document: document["sequences"].__setitem__(1, "ACGT"), "sequence 2: expected 9 bases, found 4"),
        (lambda document: document["predictions"]["prediction"].append([1, 2]), "expected nested lists of numbers"),
        (lambda document: document["predictions"].clear(), "output 'prediction': expected its predictions, found none"),
        (
            lambda document: document["predictions"]["prediction"].pop(),
            r"output 'prediction': expected predictions of shape \(7, 1\), found \(8, 1\)",
        ),
    ],
)
def test_a_malformed_example_is_named(g_at_anchor_folder, change, message):
    rewrite_example(g_at_anchor_folder, change)
    with pytest.raises(ModelError, match=message):
        verify_folder(g_at_anchor_folder)


def test_a_changed_file_is_found_before_anything_runs(g_at_anchor_folder):
    (g_at_anchor_folder / "example.json").write_text("{}")
    with pytest.raises(ChecksumMismatch, match=r"example\.json"):
        verify_folder(g_at_anchor_folder)
