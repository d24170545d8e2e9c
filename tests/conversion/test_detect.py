import os
import zipfile

import pytest

from tests.conversion.networks import make_look_up, save
from zoo.conversion.detect import open_source
from zoo.conversion.onnx_source import OnnxSource
from zoo.errors import ConversionError


def test_the_name_of_a_file_does_not_count(tmp_path):
    assert isinstance(open_source(save(make_look_up(), tmp_path, "network.h5")), OnnxSource)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            b"\x80\x02}q\x00.", "is a pickle, which runs code when it is read, and is never read", id="pickle"
        ),
        pytest.param(b"\x1c\x00\x00\x00TFL3\x00", "is a TensorFlow Lite file; convert the SavedModel", id="tflite"),
        pytest.param(b"\x1f\x8b\x08\x00", "is compressed; unpack it first", id="gzip"),
        pytest.param(b"", r"expected an ONNX model, found something else \(no graph\)", id="empty"),
        pytest.param(b"PK\x03\x04", "can't be read as a zip file", id="cut zip"),
        pytest.param(b"layer_1: 3", "expected an ONNX model, found something else", id="text"),
    ],
)
def test_files_that_are_no_network_are_named_for_what_they_are(tmp_path, content, message):
    path = tmp_path / "network"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=message):
        open_source(path)


@pytest.mark.parametrize(
    ("member", "message"),
    [("archive/data.pkl", "is a PyTorch file, which runs code .*torch.onnx.export"), ("a.txt", "without config.json")],
)
def test_zip_files_of_something_else_are_told(tmp_path, member, message):
    with zipfile.ZipFile(tmp_path / "network.pt", "w") as archive:
        archive.writestr(member, "nothing")
    with pytest.raises(ConversionError, match=message):
        open_source(tmp_path / "network.pt")


def test_a_folder_has_to_be_a_saved_model(tmp_path):
    with pytest.raises(ConversionError, match=r"found a folder without saved_model.pb"):
        open_source(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ConversionError, match="belongs to a SavedModel; name its folder"):
        open_source(tmp_path / "saved_model.pb")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_nobody_waits_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "network.onnx")
    with pytest.raises(ConversionError, match=r"network.onnx: expected a network's file, found a pipe or device"):
        open_source(tmp_path / "network.onnx")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConversionError, match=r"absent.onnx: can't be read: No such file"):
        open_source(tmp_path / "absent.onnx")
