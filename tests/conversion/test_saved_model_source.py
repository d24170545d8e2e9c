"""Networks in SavedModel folders: read where they only compute, refused before they are loaded where they do more."""

import os

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.conversion.networks import CARD
from zoo.conversion.convert import convert
from zoo.conversion.detect import open_source
from zoo.errors import ConversionError, UnsafeModel
from zoo.model.folder import load_folder
from zoo.training.network.backend import import_backend

pytestmark = pytest.mark.training

import_backend(threads=1)

SHAPE = (None, 7, 4)


class Network(tf.Module):
    """Says whether the middle of 7 bases is a C, times a weight of 2; ``more`` is done beside it."""

    def __init__(self, more=lambda windows: None, shape=SHAPE):
        super().__init__()
        self.weight = tf.Variable(2.0)
        self.more = more
        signature = [tf.TensorSpec(shape, tf.float32, name="dna")]
        self.predict = tf.function(self._predict, input_signature=signature)

    def _predict(self, dna):
        self.more(dna)
        return {"is_c": dna[:, 3, 1:2] * self.weight}


def save(network, tmp_path, **signatures):
    folder = tmp_path / "saved"
    tf.saved_model.save(network, str(folder), signatures=signatures or {"serving_default": network.predict})
    return folder


@pytest.fixture
def refusing_to_load(monkeypatch):
    def load(folder):
        raise AssertionError("it was loaded")

    monkeypatch.setattr(tf.saved_model, "load", load)


def test_a_saved_model_predicts_what_it_did(tmp_path):
    done = convert(save(Network(), tmp_path), "tiny", output=tmp_path / "tiny", card=CARD)
    model = load_folder(tmp_path / "tiny")
    assert model.predict(["AAACAAA", "AAAAAAA"])["c"].tolist() == [2, 0]
    assert (done.difference, done.sequences) == (0, 1000)
    assert model.card.architecture.config["framework"] == f"TensorFlow {tf.__version__}"
    assert "sha256" not in model.card.architecture.config


def test_a_function_of_another_name_is_taken_where_it_is_the_only_one(tmp_path):
    network = Network()
    source = open_source(save(network, tmp_path, score=network.predict))
    assert [port.shown for port in (*source.inputs, *source.outputs)] == ["(N, 7, 4)", "(N, 1)"]


def test_which_of_several_functions_is_the_network_has_to_be_clear(tmp_path):
    network = Network()
    folder = save(network, tmp_path, score=network.predict, serving_defualt=network.predict)
    with pytest.raises(ConversionError, match=r"expected a function serving_default; did you mean 'serving_defualt'?"):
        open_source(folder)


@pytest.mark.parametrize(
    ("more", "operator"),
    [
        (lambda windows: tf.io.write_file("/tmp/never", "x"), "WriteFile"),  # noqa: S108 - never written
        (lambda windows: tf.io.read_file("/etc/passwd"), "ReadFile"),
        (lambda windows: tf.py_function(print, [windows], []), "EagerPyFunc"),
        (lambda windows: tf.numpy_function(np.sum, [windows], tf.float32), "PyFunc"),
        (lambda windows: tf.print(windows, output_stream="file:///tmp/never"), "PrintV2"),
        (lambda windows: tf.io.matching_files("/*"), "MatchingFiles"),
        (lambda windows: tf.random.normal((3,), seed=1), "RandomStandardNormal"),
        (
            lambda windows: tf.map_fn(lambda _: tf.io.read_file("/etc/passwd"), windows, fn_output_signature=tf.string),
            "ReadFile",
        ),
    ],
)
def test_what_does_more_than_compute_is_refused_before_it_is_loaded(tmp_path, refusing_to_load, more, operator):
    folder = save(Network(more), tmp_path)
    with pytest.raises(UnsafeModel, match=f"operator '{operator}' .* is none that a network computes with"):
        open_source(folder)


def test_tables_that_loading_would_open_are_refused(tmp_path, refusing_to_load):
    (tmp_path / "words.txt").write_text("a\nb\n")
    network = Network()
    network.words = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    with pytest.raises(UnsafeModel, match="is of kind asset; expected variables and functions alone"):
        open_source(save(network, tmp_path))


def change_objects(folder, change):
    """Hand the first object of a SavedModel, and the number of one that is a function, to ``change``."""
    file = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    nodes = saved.meta_graphs[0].object_graph_def.nodes
    function = next(number for number, node in enumerate(nodes) if node.WhichOneof("kind") == "function")
    change(nodes[0], function)
    file.write_bytes(saved.SerializeToString())
    return folder


def restore_by_function(node, function):
    node.saveable_objects["weight"].save_function = function
    node.saveable_objects["weight"].restore_function = function


def restore_as_registered(node, function):
    node.registered_saver = "Custom.Saver"


def make_as_registered(node, function):
    node.registered_name = "Custom.Network"


@pytest.mark.parametrize("change", [restore_by_function, restore_as_registered, make_as_registered])
def test_functions_that_run_as_it_is_loaded_are_refused(tmp_path, refusing_to_load, change):
    folder = change_objects(save(Network(), tmp_path), change)
    with pytest.raises(UnsafeModel, match=r"saved_model.pb: object 0 is restored by a function of its own; expected"):
        open_source(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_pipes_in_the_folder_are_refused(tmp_path, refusing_to_load):
    folder = save(Network(), tmp_path)
    os.mkfifo(folder / "variables" / "more")
    with pytest.raises(UnsafeModel, match="more: is a pipe, socket or device; expected plain files in a SavedModel"):
        open_source(folder)


def test_links_in_the_folder_are_refused(tmp_path, refusing_to_load):
    folder = save(Network(), tmp_path)
    (folder / "variables" / "more").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeModel, match="more: is a link; expected all files of the SavedModel inside its folder"):
        open_source(folder)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100])
def test_a_damaged_graph_is_told(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ConversionError, match=r"saved_model.pb: expected (a SavedModel|one graph), found"):
        open_source(tmp_path)


def test_weights_larger_than_any_networks_are_refused(tmp_path, refusing_to_load, monkeypatch):
    monkeypatch.setattr("zoo.conversion.saved_model_source.NETWORK_BYTES", 100_000)
    network = Network()
    network.large = tf.Variable(tf.zeros((1000, 1000)))
    with pytest.raises(UnsafeModel, match="expected at most 100,000 bytes of weights, found more"):
        open_source(save(network, tmp_path))


def test_a_fixed_batch_axis_is_told(tmp_path):
    with pytest.raises(ConversionError, match=r"input 'dna' has shape \(1, 7, 4\): expected a free batch axis"):
        open_source(save(Network(shape=(1, 7, 4)), tmp_path))
