import json
import logging
import re
import shutil

import pytest

from tests.registry.made_stores import store_model, write_model
from zoo.cli import main
from zoo.model.folder import load_folder
from zoo.places import HOME_VARIABLE

SEQUENCES = ">a\nAAAAGAAAA\n>b\nAAAACAAAA\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("zoo.model.probation.examine", load_folder)  # here, not in a process of its own: half a second
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def lab(home, tmp_path):
    """A registry of one model that the user has added under the name lab."""
    store_model(write_model(tmp_path / "model", name="lab-g"), tmp_path / "store")
    assert main(["registry", "add", "lab", str(tmp_path / "store" / "registry.yaml")]) == 0
    return tmp_path / "store"


def test_pull_says_what_came_from_where_and_where_it_lies(lab, home, capsys):
    capsys.readouterr()
    assert main(["pull", "lab-g"]) == 0
    out, error = capsys.readouterr()
    assert re.fullmatch(rf"lab-g@1\.0\.0 from lab: [\d,]+ bytes; unsigned → {home}/models/\w\w/\w{{64}}\n", out)
    assert re.match(r"zoo: pulling lab-g@1\.0\.0 from lab \([\d,]+ bytes\)\n", error)
    assert main(["pull", "lab-g@1.0.0"]) == 0
    assert "lab-g@1.0.0 from lab: whole; unsigned" in capsys.readouterr().out


def test_a_model_of_the_package_is_there_already(home, capsys):
    assert main(["pull", "gm12878-ctcf"]) == 0
    out, error = capsys.readouterr()
    assert re.fullmatch(r"gm12878-ctcf@[\d.]+ from assayzoo: whole → .*/models/gm12878-ctcf/[\d.]+\n", out)
    assert error == ""


def test_a_command_pulls_what_it_lacks_and_says_so_once(lab, tmp_path, capsys):
    (tmp_path / "s.fa").write_text(SEQUENCES)
    capsys.readouterr()
    assert main(["predict", "s.fa", "-m", "lab-g", "-o", "-"]) == 0
    out, error = capsys.readouterr()
    assert [line.split("\t")[-1] for line in out.splitlines()[-2:]] == ["1", "0"]
    assert error.count("zoo: pulling lab-g@1.0.0 from lab") == 1
    assert main(["predict", "s.fa", "-m", "lab-g", "-o", "-"]) == 0
    again, error = capsys.readouterr()
    assert again == out
    assert "pulling" not in error


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "s.fa", "-o", "-", "-m", "lab-g"],
        ["info", "lab-g"],
        ["test", "lab-g"],
        ["mutate", "s.fa", "-o", "-", "-m", "lab-g"],
        ["background", "lab-g", "c.vcf", "-f", "g.fa"],
        ["annotate", "c.vcf", "-f", "g.fa", "-o", "-", "-m", "lab-g"],
    ],
    ids=lambda command: command[0],
)
def test_offline_and_locked_hold_for_every_command(lab, tmp_path, command, capsys):
    (tmp_path / "s.fa").write_text(SEQUENCES)
    (tmp_path / "g.fa").write_text(">chr1\nACGT\n")
    (tmp_path / "c.vcf").write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    capsys.readouterr()
    assert main([*command, "--offline"]) == 1
    assert "lab-g@1.0.0 is not in" in capsys.readouterr().err
    assert main([*command, "--locked"]) == 2
    assert "expected zoo.lock in this folder, found none" in " ".join(capsys.readouterr().err.split())
    (tmp_path / "zoo.lock").write_text("schema_version: 1\n")
    assert main([*command, "--locked"]) == 1
    assert "'lab-g' is not in zoo.lock" in capsys.readouterr().err


def test_a_lock_refuses_a_folder(home, tmp_path, capsys):
    write_model(tmp_path / "model")
    (tmp_path / "zoo.lock").write_text("schema_version: 1\n")
    assert main(["test", "./model", "--locked"]) == 1
    assert "./model: a folder is not pinned by zoo.lock" in capsys.readouterr().err


def test_registries_are_listed_in_the_order_in_which_they_are_asked(lab, tmp_path, capsys):
    store_model(write_model(tmp_path / "other", name="other"), tmp_path / "other-store")
    assert main(["registry", "add", "first", str(tmp_path / "other-store"), "--priority", "-1"]) == 0
    capsys.readouterr()
    assert main(["registry"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows] == [["name", "priority"], ["first", "-1"], ["assayzoo", "0"], ["lab", "50"]]
    assert main(["registry", "remove", "first"]) == 0
    assert main(["registry", "list", "--json"]) == 0
    document = capsys.readouterr().out.partition("\n")[2]
    assert [source["name"] for source in json.loads(document)] == ["assayzoo", "lab"]


def test_a_registry_that_takes_the_place_of_another_says_so(lab, tmp_path, capsys):
    shutil.copytree(lab, tmp_path / "other")
    capsys.readouterr()
    for _ in range(2):
        assert main(["registry", "add", "lab", "other", "--mirror", "https://user:secret@lab.org/zoo"]) == 0
    assert capsys.readouterr() == (
        "added lab: 1 model\n" * 2,
        f"zoo: lab was {lab}/registry.yaml (priority 50) before\n",
    )
    assert main(["registry", "add", "lab", "store", "--priority", "7"]) == 0
    was = f"zoo: lab was {tmp_path}/other/registry.yaml (priority 50, mirror https://lab.org/zoo/registry.yaml) before"
    assert was in capsys.readouterr().err


def test_a_registry_that_can_not_be_read_is_not_added(home, tmp_path, capsys):
    assert main(["registry", "add", "lab", str(tmp_path / "nowhere.yaml")]) == 1
    assert "nowhere.yaml: can't be read: No such file" in capsys.readouterr().err
    assert main(["registry", "remove", "lab"]) == 1
    assert "no registry 'lab' was added; there are none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "lab"], "expected NAME URL behind it, found 1 words"),
        (["remove"], "expected NAME behind it, found 0 words"),
        (["list", "lab"], "expected nothing behind it, found 1 words"),
        (["forget", "lab"], "expected list, add, remove, found 'forget'"),
    ],
)
def test_wrong_words_are_wrong_usage(home, arguments, message, capsys):
    assert main(["registry", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("name", "url", "message"),
    [
        ("assayzoo", "r.yaml", "the name 'assayzoo' is taken"),
        ("A b", "r.yaml", "field 'name'"),
        ("lab", "ftp://a/b", "expected https://"),
        ("lab", "file:///r.yaml", "expected https://"),
    ],
)
def test_a_registry_of_a_wrong_name_or_address_is_refused(home, name, url, message, capsys):
    assert main(["registry", "add", name, url]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("rest", [[], ["--mirror", "ftp://user:s3cret@c"]])
def test_a_registry_that_is_refused_is_told_without_its_password(home, rest, capsys):
    assert main(["registry", "add", "lab", "ftp://user:s3cret@b", *rest]) == 1
    error = capsys.readouterr().err
    assert "'ftp://b'" in error
    assert "s3cret" not in error


def test_a_removed_registry_leaves_its_models_in_the_cache(lab, home, capsys):
    assert main(["pull", "lab-g"]) == 0
    assert main(["registry", "remove", "lab"]) == 0
    assert main(["pull", "lab-g"]) == 1
    assert len(list(home.glob("models/*/*"))) == 1
    shutil.rmtree(lab)


def test_what_the_library_warns_of_is_printed_as_a_warning(home, tmp_path, capsys):
    store_model(write_model(tmp_path / "model", name="never-named-before"), tmp_path / "store")
    assert main(["pull", "never-named-before", "--registry", "store"]) == 0
    assert "\nzoo: warning: never-named-before@1.0.0: nobody signed it" in capsys.readouterr().err
    assert logging.getLogger("zoo").handlers == []
