import re

import pytest

from tests.registry.made_stores import store_model, write_model
from zoo.cli import main
from zoo.model.folder import load_folder
from zoo.places import HOME_VARIABLE


@pytest.fixture
def bundle(tmp_path, monkeypatch, capsys):
    """A bundle that another machine wrote, which this one has no network to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zoo.model.probation.examine", load_folder)  # here, not in a process of its own: half a second
    with pytest.MonkeyPatch.context() as other:
        other.setenv(HOME_VARIABLE, str(tmp_path / "other"))
        store_model(write_model(tmp_path / "model", "lab-g"), tmp_path / "store")
        assert main(["bundle", "lab-g", "gm12878-ctcf", "-o", "models.tar", "--registry", "store"]) == 1
        assert "no model 'gm12878-ctcf'" in capsys.readouterr().err
        assert main(["bundle", "lab-g", "-o", "models.tar", "--registry", "store"]) == 0
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "models.tar"


def test_bundle_tells_the_models_and_the_size_of_the_file(bundle, capsys):
    assert capsys.readouterr().out.splitlines() == [
        "lab-g@1.0.0; unsigned",
        f"1 model, {bundle.stat().st_size:,} bytes → models.tar",
    ]


def test_a_model_is_known_once_it_is_unbundled(bundle, tmp_path, capsys):
    (tmp_path / "s.fa").write_text(">a\nAAAAGAAAA\n")
    assert main(["test", "lab-g"]) == 1
    capsys.readouterr()
    assert main(["unbundle", "models.tar"]) == 0
    line = capsys.readouterr().out
    assert re.fullmatch(rf"lab-g@1\.0\.0: [\d,]+ bytes; unsigned → {tmp_path}/home/models/\w\w/\w{{64}}\n", line)
    assert main(["predict", "s.fa", "-m", "lab-g", "-o", "-", "--offline"]) == 0
    assert main(["unbundle", "models.tar"]) == 0
    assert "lab-g@1.0.0: here already; unsigned" in capsys.readouterr().out


def test_a_file_that_is_no_bundle_is_one_line(bundle, tmp_path, capsys):
    capsys.readouterr()
    for content in (b"", b"text\n" * 1000, bundle.read_bytes()[:3000]):
        (tmp_path / "broken.tar").write_bytes(content)
        assert main(["unbundle", "broken.tar"]) == 1
        assert re.fullmatch(r"zoo: error: broken\.tar.*\n", capsys.readouterr().err)
