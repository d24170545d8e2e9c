import pytest

from zoo.errors import ModelError
from zoo.registry.linked import is_there, open_linked


@pytest.fixture
def path(tmp_path):
    return tmp_path / "user" / "zoo" / "config.yaml"


def test_a_file_that_nobody_wrote_is_not_there(path):
    assert not is_there(path)
    path.parent.mkdir(parents=True)
    assert not is_there(path)


def test_a_file_is_there(path):
    path.parent.mkdir(parents=True)
    path.write_text("")
    assert is_there(path)


@pytest.mark.parametrize("linked", ["the file", "its folder", "the folder above", "in a ring"])
def test_behind_a_link_that_leads_nowhere_there_may_be_a_file(path, tmp_path, linked):
    link = {"its folder": path.parent, "the folder above": path.parent.parent}.get(linked, path)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(link if linked == "in a ring" else tmp_path / "gone")
    assert is_there(path)
    with pytest.raises(ModelError, match=r"config\.yaml: can't be read: it is a link to .*, which is not there"):
        open_linked(path)


@pytest.mark.parametrize("linked", ["the file", "its folder"])
def test_what_a_link_leads_to_is_read_and_written_and_the_link_stays(path, tmp_path, linked):
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir()
    (elsewhere / "config.yaml").write_text("before")
    link = path if linked == "the file" else path.parent
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere / "config.yaml" if linked == "the file" else elsewhere)
    store, name = open_linked(path)
    found = store.read_tagged(name, 100)
    assert found.content == b"before"
    store.swap(name, b"after", found.tag)
    assert (elsewhere / "config.yaml").read_text() == path.read_text() == "after"
    assert link.is_symlink()


def test_a_new_file_is_written_in_its_folder(path):
    store, name = open_linked(path, 0o600)
    store.swap(name, b"new", None)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
