import os
from pathlib import Path

import onnx
import pytest

from zoo.errors import ConversionError, ModelError, UnsafeModel
from zoo.model import reading
from zoo.model.reading import read_network, read_plain
from zoo.testing.hostile_networks import list_numbers, repeat_nothing
from zoo.testing.models import make_base_at_anchor_graph, make_model


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def test_a_network_is_given_as_it_was_written(path):
    model = make_model(make_base_at_anchor_graph())
    path.write_bytes(model.SerializeToString())
    assert read_network(path) == model


@pytest.mark.parametrize("content", [b"", b"no network", onnx.ModelProto(ir_version=9).SerializeToString()])
@pytest.mark.parametrize("error_class", [UnsafeModel, ConversionError])
def test_what_is_no_network_is_refused_as_the_caller_has_it(path, content, error_class):
    path.write_bytes(content)
    with pytest.raises(error_class, match=r"model\.onnx: expected an ONNX model, found something else \(.+\)$"):
        read_network(path, error_class)


@pytest.mark.parametrize("make", [repeat_nothing, list_numbers])
def test_very_many_parts_are_refused_before_anything_is_built(path, monkeypatch, make):
    monkeypatch.setattr(reading, "_SMALL_FILE", 1000)
    monkeypatch.setattr(reading, "PARTS", 100)
    monkeypatch.setattr(onnx, "load_model_from_string", lambda content: pytest.fail("was built"))
    path.write_bytes(make(2000))
    with pytest.raises(UnsafeModel, match="expected at most 100 parts and no groups, found more"):
        read_network(path, ConversionError)


def test_a_file_that_is_too_large_is_not_opened(path, monkeypatch):
    path.write_bytes(b"x" * 11)
    assert read_plain(path, 11) == b"x" * 11
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("was opened"))
    with pytest.raises(UnsafeModel, match=r"model\.onnx: expected at most 10 bytes, found 11$"):
        read_plain(path, 10)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_pipes_and_devices_are_refused_at_once(path):
    os.mkfifo(path)
    for other in (path, Path("/dev/zero"), path.parent):
        with pytest.raises(UnsafeModel, match="expected a plain file, found a folder, pipe or device"):
            read_plain(other, 10)


def test_a_missing_file_is_named(path):
    with pytest.raises(ModelError, match=r"model\.onnx: can't be read: No such file"):
        read_network(path)
