"""Files that are refused, or told, before Keras is imported at all."""

import json
import sys
import zipfile

import numpy as np
import pytest

pytest.importorskip("h5py", reason="reading Keras files needs the extra `train`")

import h5py

from zoo.conversion import keras_files, keras_source
from zoo.conversion.detect import open_source
from zoo.errors import ConversionError, MissingExtra, UnsafeModel

CONFIG = {
    "class_name": "Sequential",
    "config": {"name": "network", "layers": [{"class_name": "Dense", "config": {"name": "dense", "units": 1}}]},
}


@pytest.fixture(autouse=True)
def keras_must_not_be_asked(monkeypatch):
    def import_frameworks():
        raise AssertionError("Keras was asked")

    monkeypatch.setattr(keras_source, "import_frameworks", import_frameworks)


@pytest.fixture
def hdf5(tmp_path):
    """A function that makes an HDF5 file of Keras and hands it, open, to another one."""

    def make(change=lambda file: None, config=CONFIG):
        path = tmp_path / "network.h5"
        with h5py.File(path, "w") as file:
            file.attrs["keras_version"] = "2.3.0-tf"
            if config is not None:
                file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
            file.create_group("model_weights/dense")["kernel:0"] = np.zeros((4, 1), np.float32)
            change(file)
        return path

    return make


def test_weights_alone_are_told(hdf5):
    with pytest.raises(ConversionError, match=r"found weights alone; save it with model.save"):
        open_source(hdf5(config=None))


def test_a_lambda_is_refused_before_keras_sees_it(hdf5):
    layers = [{"class_name": "Lambda", "config": {"name": "trick", "function": ["4wEAAA==", None, None]}}]
    with pytest.raises(UnsafeModel, match="layer 'trick' is a Lambda, which holds code"):
        open_source(hdf5(config={"class_name": "Sequential", "config": {"layers": layers}}))


def link_outside(file):
    file["model_weights/dense/bias:0"] = h5py.ExternalLink("/etc/passwd", "/")


def link_softly(file):
    file["model_weights/dense/bias:0"] = h5py.SoftLink("/model_weights")


def keep_outside(file):
    file.create_dataset("model_weights/bias:0", (3,), np.float32, external=[("/etc/passwd", 0, 12)])


def keep_virtually(file):
    layout = h5py.VirtualLayout((4, 1), np.float32)
    layout[:] = h5py.VirtualSource("/etc/passwd", "data", (4, 1))
    file.create_virtual_dataset("model_weights/bias:0", layout)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (link_outside, "'bias:0' is a link; expected all arrays inside the file itself"),
        (link_softly, "'bias:0' is a link; expected all arrays inside the file itself"),
        (keep_outside, "'bias:0' lies in another file; expected all arrays inside the file itself"),
        (keep_virtually, "'bias:0' lies in another file; expected all arrays inside the file itself"),
    ],
)
def test_arrays_that_lie_elsewhere_are_refused(hdf5, change, message):
    with pytest.raises(UnsafeModel, match=message):
        open_source(hdf5(change))


def test_groups_that_lead_in_a_circle_are_refused(hdf5):
    def lead_in_a_circle(file):
        file["model_weights/dense/inner"] = file["model_weights"]

    with pytest.raises(UnsafeModel, match="found groups that lead in a circle"):
        open_source(hdf5(lead_in_a_circle))


def test_arrays_that_are_far_larger_than_their_file_are_refused(hdf5):
    def pack_a_terabyte(file):
        file.create_dataset("model_weights/bias:0", (2**38,), np.float32, chunks=(2**20,), compression="gzip")

    path = hdf5(pack_a_terabyte)
    assert path.stat().st_size < 100_000
    with pytest.raises(UnsafeModel, match="expected at most 2,147,483,647 bytes of weights, found more"):
        open_source(path)


def test_arrays_of_anything_but_numbers_are_refused(hdf5):
    def keep_texts(file):
        file.create_dataset("model_weights/bias:0", (3,), h5py.string_dtype())

    with pytest.raises(UnsafeModel, match="expected arrays of numbers"):
        open_source(hdf5(keep_texts))


@pytest.mark.parametrize("where", ["/", "model_weights"])
def test_kernels_that_another_backend_has_turned_are_refused(hdf5, where):
    def save_on_theano(file):
        file.attrs["backend"] = file["model_weights"].attrs["backend"] = "tensorflow"
        file[where].attrs["backend"] = b"theano"

    with pytest.raises(
        ConversionError, match=r"network.h5: expected .* Keras 2.3.0-tf saved on TensorFlow, found 'theano'"
    ):
        open_source(hdf5(save_on_theano))


def test_on_which_backend_keras_3_saved_does_not_matter(hdf5):
    def save_on_jax(file):
        file.attrs["keras_version"], file.attrs["backend"] = "3.3.0", "jax"

    with pytest.raises(AssertionError, match="Keras was asked"):
        open_source(hdf5(save_on_jax))


def make_hard():
    layers = [{"class_name": "Dense", "config": {"name": "dense", "units": 1, "activation": "hard_sigmoid"}}]
    return {"class_name": "Sequential", "config": {"name": "network", "layers": layers}}


def test_a_hard_sigmoid_of_keras_2_is_refused_in_either_format(hdf5, tmp_path):
    keras_file = make_zip(
        tmp_path / "network.keras",
        WHOLE | {
            "config.json": json.dumps(make_hard()), "metadata.json": '{"keras_version": "2.15.0"}',
            "model.weights.h5": hdf5().read_bytes(),
        },
    )  # fmt: skip
    for path in (hdf5(config=make_hard()), keras_file):
        with pytest.raises(ConversionError, match=r"network.*: layer 'dense': expected .*, found hard_sigmoid; export"):
            open_source(path)


def test_a_damaged_file_is_told(hdf5):
    path = hdf5()
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ConversionError, match=r"network.h5: can't be read as HDF5"):
        open_source(path)


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


WHOLE = {"config.json": json.dumps(CONFIG), "metadata.json": "{}", "model.weights.h5": b"none"}


@pytest.mark.parametrize(
    ("member", "content", "message"),
    [
        ("assets/vocabulary.txt", "words", "found 'assets/vocabulary.txt'; a network that needs more files"),
        ("../evil.py", "evil", r"found '\.\./evil.py'"),
        ("config.json", b" " * (65 << 20), "config.json: expected at most 67,108,864 bytes, found more"),
    ],
)
def test_members_of_a_keras_file_that_none_has_are_refused(tmp_path, member, content, message):
    path = make_zip(tmp_path / "network.keras", WHOLE | {member: content})
    with pytest.raises(UnsafeModel, match=message):
        open_source(path)
    assert [each.name for each in tmp_path.iterdir()] == ["network.keras"]


def test_a_keras_file_without_weights_is_told(tmp_path):
    members = {name: content for name, content in WHOLE.items() if "weights" not in name}
    with pytest.raises(ConversionError, match=r"model.weights.h5 is missing"):
        open_source(make_zip(tmp_path / "network.keras", members))


def test_weights_that_unpack_to_more_than_any_network_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(keras_files, "NETWORK_BYTES", 1000)
    path = make_zip(tmp_path / "network.keras", WHOLE | {"model.weights.h5": b"\0" * 2000})
    with pytest.raises(UnsafeModel, match="expected at most 1,000 bytes of weights, found more"):
        open_source(path)


def test_a_keras_file_of_unlisted_layers_is_refused(tmp_path):
    layers = [{"module": "keras.layers", "class_name": "Lambda", "config": {"name": "trick"}, "registered_name": None}]
    config = json.dumps({"class_name": "Sequential", "config": {"layers": layers}})
    with pytest.raises(UnsafeModel, match="layer 'trick' is a Lambda"):
        open_source(make_zip(tmp_path / "network.keras", WHOLE | {"config.json": config}))


def test_without_h5py_the_extra_is_named(hdf5, monkeypatch):
    path = hdf5()
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"needs h5py: pip install 'assayzoo\[train\]'"):
        open_source(path)
