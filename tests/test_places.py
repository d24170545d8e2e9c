from pathlib import Path

import pytest

from zoo.errors import OutputError
from zoo.places import cache_folder, config_folder, data_folder

PLACES = [
    (cache_folder, "XDG_CACHE_HOME", ".cache"),
    (config_folder, "XDG_CONFIG_HOME", ".config"),
    (data_folder, "XDG_DATA_HOME", ".local/share"),
]


@pytest.mark.parametrize(("find", "variable", "below_home"), PLACES)
def test_folders_are_the_zoos_own_those_of_the_desktop_or_below_home(monkeypatch, find, variable, below_home):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    monkeypatch.delenv("ZOO_HOME", raising=False)
    monkeypatch.setenv(variable, "relative")  # to be ignored
    assert find() == Path("/home/me", below_home, "assayzoo")
    monkeypatch.setenv(variable, "/chosen")
    assert find() == Path("/chosen/assayzoo")
    monkeypatch.setenv("ZOO_HOME", "/zoo")
    assert find() == Path("/zoo")


@pytest.mark.parametrize(("find", "variable", "_"), PLACES)
def test_a_user_without_a_home_is_told_what_to_set(monkeypatch, find, variable, _):
    def find_none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", find_none)
    for name in ("ZOO_HOME", variable):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OutputError, match="no home folder is known for this user; set ZOO_HOME"):
        find()
