import numpy as np
import pytest

from zoo.errors import CardError, ChecksumMismatch, DataError, UnknownModel, UnsafeModel
from zoo.genome.codes import encode
from zoo.model.checksums import verify_checksums, write_checksums
from zoo.model.folder import load_folder
from zoo.testing.models import CARD, make_base_at_anchor_graph, write_model_folder


def test_a_table_has_a_row_a_sequence_and_a_column_a_track(g_at_anchor_folder):
    table = load_folder(g_at_anchor_folder, "cpu").predict(["AAAAGAAAA", "aaaagaaaa", "AAAACAAAA"])
    assert table.to_dict("list") == {"g": [1.0, 1.0, 0.0]}


def test_one_sequence_may_be_given_as_it_is(g_at_anchor_folder):
    assert load_folder(g_at_anchor_folder, "cpu").predict("AAAAGAAAA")["g"].tolist() == [1.0]


def test_no_sequences_give_an_empty_table(g_at_anchor_folder):
    table = load_folder(g_at_anchor_folder, "cpu").predict([])
    assert (list(table.columns), len(table)) == (["g"], 0)


def test_batches_neither_lose_nor_reorder_sequences(g_at_anchor_folder):
    model = load_folder(g_at_anchor_folder, "cpu")
    sequences = ["AAAAGAAAA" if number % 3 == 0 else "AAAATAAAA" for number in range(200)]
    expected = [float(number % 3 == 0) for number in range(200)]
    assert model.predict(iter(sequences))["g"].tolist() == expected
    codes = np.stack([encode(sequence) for sequence in sequences])
    assert model.predict_codes(codes)["prediction"][:, 0].tolist() == expected


@pytest.mark.parametrize("number", [2, 130])
def test_a_sequence_of_the_wrong_length_is_named_by_its_number(g_at_anchor_folder, number):
    sequences = ["AAAAGAAAA"] * (number - 1) + ["ACGT"]
    with pytest.raises(DataError, match=rf"^sequence {number}: g-at-anchor@1\.0\.0 reads 9 bases, found 4$"):
        load_folder(g_at_anchor_folder, "cpu").predict(sequences)


def test_a_binned_track_gives_a_column_a_bin(tmp_path):
    graph = make_base_at_anchor_graph()
    graph.node[1].op_type = "Identity"
    del graph.node[1].input[1]
    graph.output[0].type.tensor_type.shape.dim.add().dim_value = 1
    output = {**CARD["outputs"][0], "kind": "binned", "bins": 1}
    model = load_folder(write_model_folder(tmp_path / "binned", graph, {"outputs": [output]}), "cpu")
    assert model.predict("AAAAGAAAA").to_dict("list") == {"g:0": [1.0]}


def test_a_model_knows_its_digest_and_makes_its_session_once(g_at_anchor_folder):
    model = load_folder(g_at_anchor_folder, "cpu", threads=1)
    assert model.digest == verify_checksums(g_at_anchor_folder)
    assert model.card.full_name == "g-at-anchor@1.0.0"
    assert model.session is model.session


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnknownModel, match="nowhere: no model folder there"):
        load_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model.onnx", "model.yaml", "example.json"])
def test_a_changed_byte_anywhere_stops_the_loading(g_at_anchor_folder, name):
    path = g_at_anchor_folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChecksumMismatch, match=rf"{name}: expected sha256"):
        load_folder(g_at_anchor_folder)


def test_a_wrong_field_of_the_card_is_named(g_at_anchor_folder):
    card = g_at_anchor_folder / "model.yaml"
    card.write_text(card.read_text().replace("summary:", "sumary:"))
    write_checksums(g_at_anchor_folder)
    with pytest.raises(CardError, match=r"model\.yaml: unknown field 'sumary'; did you mean 'summary'"):
        load_folder(g_at_anchor_folder)


def test_an_unsafe_network_is_refused_before_anything_runs(g_at_anchor_folder):
    (g_at_anchor_folder / "model.onnx").write_bytes(b"no model")
    write_checksums(g_at_anchor_folder)
    with pytest.raises(UnsafeModel, match=r"model\.onnx"):
        load_folder(g_at_anchor_folder)
