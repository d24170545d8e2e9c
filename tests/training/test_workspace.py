import subprocess
import sys

import pytest

from zoo.errors import DataError, ExportMismatch, OutputError, TrainingDiverged, TrainingError, VersionExists
from zoo.training.workspace import open_workspace


def test_the_folder_gets_its_name_when_all_went_well(tmp_path):
    with open_workspace(tmp_path / "model") as space:
        (space.folder / "card").write_text("x", encoding="utf-8")
        (space.run / "log").write_text("x", encoding="utf-8")
        assert not (tmp_path / "model").exists()

    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["card"]


@pytest.mark.parametrize("error", [DataError("a typo"), OutputError("disk full"), TrainingDiverged("nan")])
def test_no_error_costs_a_run_that_is_resumed(tmp_path, error):
    run = tmp_path / "model.partial" / "run"
    run.mkdir(parents=True)
    (run / "checkpoint-last.npz").write_text("x", encoding="utf-8")

    def fail():
        with open_workspace(tmp_path / "model", resume=True):
            raise error

    with pytest.raises(type(error)):
        fail()

    assert (run / "checkpoint-last.npz").exists()


@pytest.mark.parametrize("error", [TrainingDiverged("nan"), ExportMismatch("differs")])
def test_a_run_that_would_end_the_same_way_is_not_gone_on_with(tmp_path, error):
    def fail():
        with open_workspace(tmp_path / "model") as space:
            (space.run / "checkpoint-last.npz").write_text("x", encoding="utf-8")
            raise error

    with pytest.raises(type(error)):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_nothing(tmp_path):
    def fail():
        with open_workspace(tmp_path / "model") as space:
            (space.run / "training.csv").write_text("x", encoding="utf-8")
            raise DataError("malformed")

    with pytest.raises(DataError):
        fail()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("file", "kept"), [("checkpoint-1.npz", True), ("training.csv", False)])
def test_an_interrupt_keeps_what_can_be_gone_on_with(tmp_path, file, kept):
    def stop():
        with open_workspace(tmp_path / "model") as space:
            (space.run / "fold-1").mkdir()
            (space.run / "fold-1" / file).write_text("x", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()

    assert (tmp_path / "model.partial" / "run" / "fold-1" / file).exists() == kept


def test_a_broken_off_run_is_taken_up_only_where_asked(tmp_path):
    run = tmp_path / "model.partial" / "run"
    run.mkdir(parents=True)
    (run / "checkpoint-1.npz").write_text("x", encoding="utf-8")

    with (
        pytest.raises(TrainingError, match="a run broke off there; go on with it by --resume, or remove the folder"),
        open_workspace(tmp_path / "model"),
    ):
        pass
    with open_workspace(tmp_path / "model", resume=True) as space:
        assert (space.run / "checkpoint-1.npz").read_text(encoding="utf-8") == "x"


def test_nothing_to_resume_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="found nothing; leave out --resume"):
        open_workspace(tmp_path / "model", resume=True).__enter__()


def test_two_runs_never_share_a_folder(tmp_path):
    output = tmp_path / "model"
    second = f"""
from pathlib import Path
from zoo.errors import TrainingError
from zoo.training.workspace import open_workspace
try:
    with open_workspace(Path({str(output)!r}), resume=True):
        print("in")
except TrainingError as error:
    print(error)
"""
    with open_workspace(output):
        found = subprocess.run([sys.executable, "-c", second], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == f"{output}: another run is training it; wait for it, or name another folder"


def test_a_model_is_never_overwritten(tmp_path):
    (tmp_path / "model").mkdir()

    with pytest.raises(VersionExists, match="exists; a model never changes"):
        open_workspace(tmp_path / "model").__enter__()


def test_a_place_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")

    with pytest.raises(OutputError, match=r"file/model: can't be written: Not a directory"):
        open_workspace(tmp_path / "file" / "model").__enter__()
