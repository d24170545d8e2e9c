import csv
import importlib.util

import pytest

from zoo.errors import MissingExtra, OutputError
from zoo.training.network.history import Epoch
from zoo.training.network.logs import LOG_FILE, Logs

FIRST = Epoch(1, 0.5, 0.6, 0.7, 1e-3, 2.5)
SECOND = Epoch(2, 0.25, 0.3, 0.8, 5e-4, 2.25)


def read_rows(folder):
    with (folder / LOG_FILE).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_stands_in_the_table_as_soon_as_its_epoch_is_done(tmp_path):
    with Logs(tmp_path / "run", None, "loss") as logs:
        assert read_rows(tmp_path / "run") == []
        logs.write(FIRST)
        rows = read_rows(tmp_path / "run")

    assert rows == [
        {
            "epoch": "1", "loss": "0.5", "validation_loss": "0.6", "monitored": "0.7", "learning_rate": "0.001",
            "seconds": "2.5",
        }
    ]  # fmt: skip


def test_the_table_of_a_resumed_run_is_whole(tmp_path):
    with Logs(tmp_path, None, "loss") as logs:
        logs.write(FIRST)
        logs.write(SECOND)  # of which no checkpoint was left

    with Logs(tmp_path, None, "loss", [FIRST]) as logs:
        logs.write(SECOND)

    assert [(row["epoch"], float(row["loss"])) for row in read_rows(tmp_path)] == [("1", 0.5), ("2", 0.25)]


def test_nothing_is_written_where_nothing_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with Logs(None, None, "loss") as logs:
        logs.write(FIRST)

    assert list(tmp_path.iterdir()) == []


def test_a_table_that_cant_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(OutputError, match=r"file/training\.csv: can't be written: "), Logs(tmp_path / "file", None, ""):
        pass


@pytest.mark.training
def test_tensorboard_gets_a_scalar_for_each_value(tmp_path):
    tf = pytest.importorskip("tensorflow")

    with Logs(None, tmp_path, "auroc") as logs:
        logs.write(FIRST)
        logs.write(SECOND)

    (path,) = tmp_path.iterdir()
    events = [tf.compat.v1.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]
    found = {
        (event.step, value.tag): float(tf.make_ndarray(value.tensor))
        for event in events
        for value in event.summary.value
    }
    assert {key: pytest.approx(value) for key, value in found.items()} == {
        (1, "loss/train"): 0.5, (1, "loss/validation"): 0.6, (1, "learning_rate"): 1e-3, (1, "auroc/validation"): 0.7,
        (2, "loss/train"): 0.25, (2, "loss/validation"): 0.3, (2, "learning_rate"): 5e-4, (2, "auroc/validation"): 0.8,
    }  # fmt: skip


@pytest.mark.training
def test_a_folder_for_tensorboard_that_cant_be_made_is_named(tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "file").write_text("", encoding="utf-8")

    with (
        pytest.raises(OutputError, match=r"file/logs: can't be written: "),
        Logs(None, tmp_path / "file" / "logs", "loss"),
    ):
        pass


def test_a_missing_tensorboard_names_the_extra(tmp_path, monkeypatch):
    original = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else original(name))

    with pytest.raises(MissingExtra, match=r"pip install 'assayzoo\[train\]'"), Logs(None, tmp_path, "loss"):
        pass
