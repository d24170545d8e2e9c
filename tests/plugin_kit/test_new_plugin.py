import errno
import os
import stat
from pathlib import Path

import pytest

from zoo.errors import DuplicateName, OutputError, PluginError
from zoo.plugin_kit.naming import KINDS, choose_names
from zoo.plugin_kit.new_plugin import write_plugin
from zoo.plugin_kit.rendering import render


def list_files(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_every_file_of_the_package(tmp_path):
    folder = write_plugin("no-such-plugin", KINDS, tmp_path / "made")
    assert folder == tmp_path / "made"
    found = {name: path.read_bytes().decode() for name, path in list_files(folder).items()}
    assert found == render(choose_names("no-such-plugin"), KINDS)


def test_the_folder_is_called_as_the_package_where_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write_plugin("no_such_plugin", "scorer") == Path("zoo-no-such-plugin")
    assert [path.name for path in tmp_path.iterdir()] == ["zoo-no-such-plugin"]


def test_the_folder_has_the_rights_of_any_other(tmp_path):
    folder = write_plugin("no-such-plugin", ["scorer"], tmp_path / "made")
    (tmp_path / "other").mkdir()
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_what_exists_is_never_overwritten(tmp_path, make):
    target = tmp_path / "made"
    make(target)
    with pytest.raises(OutputError, match="made: expected a folder to be made, found that it exists; name another"):
        write_plugin("no-such-plugin", ["scorer"], target)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_missing_folder_around_it_is_told(tmp_path):
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere; make it first$"):
        write_plugin("no-such-plugin", ["scorer"], tmp_path / "nowhere" / "made")


@pytest.mark.parametrize(
    ("name", "kinds", "error"),
    [("No Name", ["scorer"], PluginError), ("good", ["scorers"], PluginError), ("l1", ["scorer"], DuplicateName)],
)
def test_nothing_is_written_for_names_that_are_refused(tmp_path, name, kinds, error):
    with pytest.raises(error):
        write_plugin(name, kinds, tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fails_at", range(1, 8))
def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch, fails_at):
    write_text, written = Path.write_text, []

    def write_some(path, *arguments, **options):
        written.append(path)
        if len(written) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", write_some)
    with pytest.raises(OutputError, match=r"made: can't be written: No space left on device$"):
        write_plugin("no-such-plugin", ["scorer"], tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_plugin("no-such-plugin", ["scorer"], tmp_path / "made")
    assert list(tmp_path.iterdir()) == []
