import json
import time

import pytest

from tests.registry.made_stores import write_model
from zoo.model.checksums import hash_file
from zoo.places import HOME_VARIABLE
from zoo.registry import judging
from zoo.registry.judging import judge_kept
from zoo.registry.trust import Signer


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "trust.yaml").write_text("schema_version: 1\n")
    return tmp_path / "home"


@pytest.fixture
def model(tmp_path):
    folder = write_model(tmp_path / "model")
    (folder / "SHA256SUMS.sig").write_text("signed")
    return folder


@pytest.fixture
def asked(monkeypatch):
    """Whom the trust file would name, and how often that was asked."""
    asked = {"signer": Signer("trusted", "lab"), "times": 0}

    def judge(folder, full_name, *, quiet):
        asked["times"] += 1
        return asked["signer"]

    monkeypatch.setattr(judging, "judge", judge)
    return asked


def ask(model):
    return judge_kept(model, "g-at-anchor@1.0.0", hash_file(model / "SHA256SUMS"))


def test_who_is_trusted_is_not_verified_twice(home, model, asked):
    assert ask(model) == ask(model) == Signer("trusted", "lab")
    assert asked["times"] == 1


@pytest.mark.parametrize("signer", [Signer("unknown", "5f"), Signer("unsigned")])
def test_whom_nobody_trusts_is_asked_about_each_time(home, model, asked, signer):
    asked["signer"] = signer
    assert ask(model) == ask(model) == signer
    assert asked["times"] == 2


@pytest.mark.parametrize("changed", ["trust.yaml", "signature", "name", "day"])
def test_a_change_has_it_verified_again(home, model, asked, changed):
    ask(model)
    if changed == "trust.yaml":
        (home / "trust.yaml").write_text("schema_version: 1\nunsigned: refuse\n")
    elif changed == "signature":
        (model / "SHA256SUMS.sig").write_text("signed by another one")
    elif changed == "name":
        judge_kept(model, "g-at-anchor@1.0.1", hash_file(model / "SHA256SUMS"))
    else:
        (note,) = (home / "judged").iterdir()
        note.write_text(json.dumps({**json.loads(note.read_text()), "judged": time.time() - 90_000}))
    ask(model)
    assert asked["times"] == (3 if changed == "name" else 2)


@pytest.mark.parametrize("content", ["", "{}", "[]", "nothing", '{"judged": "soon"}', '{"judged": 1e99, "state": ""}'])
def test_a_note_that_can_not_be_read_counts_as_none(home, model, asked, content):
    ask(model)
    (note,) = (home / "judged").iterdir()
    note.write_text(content)
    assert ask(model) == Signer("trusted", "lab")
    assert asked["times"] == 2


@pytest.mark.parametrize("lacking", ["trust.yaml", "signature"])
def test_without_a_trust_file_or_a_signature_nothing_is_noted(home, model, asked, lacking):
    asked["signer"] = Signer("unsigned")
    (home / "trust.yaml" if lacking == "trust.yaml" else model / "SHA256SUMS.sig").unlink()
    ask(model)
    assert not (home / "judged").exists()
