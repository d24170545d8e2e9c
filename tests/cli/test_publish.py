import os
import re
import shutil
import subprocess

import pytest
import yaml

from tests.publishing.makers import read_files, write_key, write_model, write_trust
from zoo.cli import main


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(write_trust(tmp_path / "home")))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


def run(capsys, *arguments):
    """Return exit status, standard output and error."""
    status = main(list(map(str, arguments)))
    return status, *capsys.readouterr()


def test_publish_says_what_was_done_and_pull_finds_it(model, tmp_path, capsys):
    key = write_key(tmp_path / "lab.pem")
    status, out, err = run(capsys, "publish", model, "--to", "srv", "--key", key)
    assert (status, err) == (0, "")
    size = sum(map(len, read_files(tmp_path / "srv" / "blobs").values()))  # the signature among them
    assert re.fullmatch(
        r"g-at-anchor@1\.0\.0: passed on cpu; signed by \w{64}; "
        rf"5 blobs, {size:,} bytes; listed in srv/registry\.yaml\n",
        out,
    )
    assert run(capsys, "pull", "g-at-anchor", "--registry", "srv")[0] == 0


def test_publish_again_says_that_nothing_was_changed(model, capsys):
    assert "; unsigned; " in run(capsys, "publish", model, "--to", "srv")[1]
    assert run(capsys, "publish", model, "--to", "srv") == (
        0,
        (
            "g-at-anchor@1.0.0: passed on cpu; listed in srv/registry.yaml already, with the same bytes; "
            "nothing was changed\n"
        ),
        "",
    )


def test_publish_names_the_store_that_has_the_files_already(model, capsys):
    registry = ("--registry", "lab/registry.yaml")
    run(capsys, "publish", model, "--to", "lab/one", *registry)
    told = run(capsys, "publish", model, "--to", "lab/two", *registry)[1]
    assert told.endswith("with the same bytes; nothing was changed; its files lie in one, none were sent\n")


def test_publish_refuses_other_bytes_in_one_line(model, tmp_path, capsys):
    run(capsys, "publish", model, "--to", "srv")
    status, out, err = run(capsys, "publish", write_model(tmp_path / "other", base="A"), "--to", "srv")
    assert (status, out) == (1, "")
    assert re.fullmatch(r"zoo: error: g-at-anchor@1\.0\.0: .* a version never changes: .*\n", err)


@pytest.mark.parametrize("password", [b"secret", "Müller".encode(), "Müller".encode("latin-1")])
def test_the_password_of_a_key_comes_from_the_environment(model, tmp_path, capsys, monkeypatch, password):
    key = write_key(tmp_path / "lab.pem", password)
    status, _, err = run(capsys, "publish", model, "--to", "srv", "--key", key)
    assert (status, "ZOO_KEY_PASSWORD" in err) == (1, True)
    monkeypatch.setenv("ZOO_KEY_PASSWORD", os.fsdecode(password))
    assert run(capsys, "publish", model, "--to", "srv", "--key", key)[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["publish", "model"],
        ["publish", "model", "--to", "srv", "--certificate", "c.pem"],
        ["yank", "g-at-anchor@1.0.0", "--registry", "srv"],
        ["yank", "g-at-anchor@1.0.0", "--registry", "srv", "--reason", "wrong", "--undo"],
        ["yank", "g-at-anchor@1.0.0", "--reason", "wrong"],
        ["alias", "g-at-anchor", "stable", "--registry", "srv"],
        ["alias", "g-at-anchor", "stable", "1.0.0", "--remove", "--registry", "srv"],
    ],
)
def test_wrong_usage_is_told_as_such(model, arguments, capsys):
    assert run(capsys, *arguments)[0] == 2


def test_yank_and_alias_say_what_a_bare_name_stands_for(model, tmp_path, capsys):
    run(capsys, "publish", model, "--to", "srv")
    run(capsys, "publish", write_model(tmp_path / "new", "1.1.0"), "--to", "srv")
    where = ("--registry", "srv")
    assert run(capsys, "yank", "g-at-anchor@1.1.0", "--reason", "wrong", *where)[1] == (
        "g-at-anchor@1.1.0: withdrawn in srv/registry.yaml; g-at-anchor now stands for 1.0.0\n"
    )
    assert run(capsys, "yank", "g-at-anchor@1.1.0", "--reason", "wrong", *where)[1] == (
        "g-at-anchor@1.1.0: withdrawn in srv/registry.yaml; it was so already; g-at-anchor now stands for 1.0.0\n"
    )
    assert run(capsys, "yank", "g-at-anchor@1.1.0", "--undo", *where)[1] == (
        "g-at-anchor@1.1.0: counts again in srv/registry.yaml; g-at-anchor now stands for 1.1.0\n"
    )
    assert run(capsys, "alias", "g-at-anchor", "stable", "1.0.0", *where)[1] == (
        "g-at-anchor@stable stands for 1.0.0 in srv/registry.yaml\n"
    )
    assert run(capsys, "alias", "g-at-anchor", "stable", "--remove", *where)[1] == (
        "g-at-anchor@stable is no alias any more in srv/registry.yaml\n"
    )


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_pull_request_comes_with_the_command_that_pushes_it(model, tmp_path, capsys):
    def git(*arguments):
        settings = ["-c", "user.name=A", "-c", "user.email=a@lab"]
        subprocess.run(["git", *settings, "-C", "lab", *arguments], check=True, capture_output=True)

    (tmp_path / "lab").mkdir()
    git("init", "-q")
    git("config", "user.name", "A")
    git("config", "user.email", "a@lab")
    git("commit", "-q", "--allow-empty", "-m", "first")
    status, out, err = run(capsys, "publish", model, "--to", "lab", "--pull-request")
    assert (status, err) == (0, "")
    first, told, command = out.splitlines()
    assert first.endswith("listed in lab/registry.yaml on branch zoo/g-at-anchor-1.0.0")
    assert (told, command) == ("to have it looked at:", "  git -C lab push origin zoo/g-at-anchor-1.0.0")
    again = run(capsys, "publish", model, "--to", "lab", "--pull-request")[1].splitlines()
    assert again[0].endswith(
        "listed in lab/registry.yaml on branch zoo/g-at-anchor-1.0.0 already, with the same bytes; nothing was changed"
    )
    assert again[1:] == [told, command]
    assert not (tmp_path / "lab" / "registry.yaml").exists()
    git("checkout", "-q", "zoo/g-at-anchor-1.0.0")
    assert (
        yaml.safe_load((tmp_path / "lab" / "registry.yaml").read_text())["models"]["g-at-anchor"]["latest"] == "1.0.0"
    )
