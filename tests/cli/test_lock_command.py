import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.registry.made_stores import store_model, write_model
from zoo.cli import main
from zoo.model.folder import load_folder
from zoo.places import HOME_VARIABLE


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A registry of two models that the user has added, in the folder of a project."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("zoo.model.probation.examine", load_folder)  # here, not in a process of its own: half a second
    monkeypatch.chdir(tmp_path)
    for name, base in (("lab-g", "G"), ("lab-c", "C")):
        store_model(write_model(tmp_path / name, name, base=base), tmp_path / "store")
    assert main(["registry", "add", "lab", "store"]) == 0
    (tmp_path / "s.fa").write_text(">a\nAAAAGAAAA\n>b\nAAAACAAAA\n")
    (tmp_path / "g.fa").write_text(">chr1\nAAAAGAAAAACCCCCCCCCC\n")
    (tmp_path / "v.vcf").write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=20>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        "chr1\t5\t.\tG\tT\t.\t.\t.\n"
    )
    return tmp_path / "store"


def test_lock_pins_version_digest_and_registry(store, tmp_path, capsys):
    capsys.readouterr()
    assert main(["lock", "lab-g", "gm12878-ctcf"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"lab-g@1\.0\.0 from {store}/registry\.yaml: [0-9a-f]{{64}}", lines[0])
    assert re.fullmatch(r"gm12878-ctcf@[\d.]+ from assayzoo: [0-9a-f]{64}", lines[1])
    pinned = yaml.safe_load((tmp_path / "zoo.lock").read_text())["models"]
    assert list(pinned) == ["gm12878-ctcf", "lab-g"]


def annotate(capsys, *options):
    """Return the exit status, the records that were written, and what was told."""
    capsys.readouterr()
    output = Path("out.vcf")
    output.unlink(missing_ok=True)
    status = main(["annotate", "v.vcf", "-f", "g.fa", "-o", str(output), *options])
    lines = output.read_text().splitlines() if output.exists() else []
    return status, [line for line in lines if not line.startswith("#")], capsys.readouterr().err


def test_locked_annotates_with_what_is_pinned_whatever_was_published_since(store, tmp_path, capsys):
    assert main(["lock", "lab-g"]) == 0
    before = annotate(capsys, "-m", "lab-g", "--locked")
    assert (before[0], len(before[1])) == (0, 1)
    store_model(write_model(tmp_path / "newer", "lab-g", "2.0.0", base="T"), store)
    assert annotate(capsys, "-m", "lab-g", "--locked")[:2] == before[:2]
    assert annotate(capsys, "-m", "lab-g")[1] != before[1]


def test_locked_needs_no_registry_for_what_is_here(store, tmp_path, capsys):
    assert main(["lock", "lab-g"]) == 0
    shutil.rmtree(store)
    assert annotate(capsys, "-m", "lab-g", "--locked", "--offline")[0] == 0


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("lab-c", "'lab-c' is not in zoo.lock"),
        ("lab-g@2.0.0", "lab-g@2.0.0: zoo.lock pins version 1.0.0"),
        ("./lab-g", "./lab-g: a folder is not pinned by zoo.lock"),
        ("gm12878-ctcf", "'gm12878-ctcf' is not in zoo.lock"),
    ],
)
def test_locked_refuses_anything_else(store, capsys, model, message):
    assert main(["lock", "lab-g"]) == 0
    status, out, error = annotate(capsys, "-m", model, "--locked")
    assert (status, out) == (1, [])
    assert message in error


def test_a_version_of_the_package_that_was_locked_is_used(store, tmp_path, capsys):
    assert main(["lock", "gm12878-ctcf"]) == 0
    assert main(["info", "gm12878-ctcf", "--locked"]) == 0
    lock = (tmp_path / "zoo.lock").read_text()
    (tmp_path / "zoo.lock").write_text(re.sub(r"sha256sums: \w+", f"sha256sums: {'a' * 64}", lock))
    capsys.readouterr()
    assert main(["info", "gm12878-ctcf", "--locked"]) == 1
    assert "pinned with sha256 aaaa" in capsys.readouterr().err


def test_a_lock_pins_one_version_of_a_model(store, tmp_path, capsys):
    store_model(write_model(tmp_path / "newer", "lab-g", "2.0.0", base="T"), store)
    assert main(["lock", "lab-g@1.0.0", "lab-g"]) == 1
    assert "lab-g is named in versions 1.0.0 and 2.0.0; a lock pins one" in capsys.readouterr().err
    assert not (tmp_path / "zoo.lock").exists()


def test_what_is_locked_stays_when_another_model_is_added(store, tmp_path, capsys):
    assert main(["lock", "lab-g", "-o", "other.lock"]) == 0
    assert main(["lock", "lab-c", "-o", "other.lock"]) == 0
    assert list(yaml.safe_load((tmp_path / "other.lock").read_text())["models"]) == ["lab-c", "lab-g"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_registry_whose_path_is_no_text_is_not_pinned(store, tmp_path, capsys):
    store.rename(tmp_path / "st\udcff")
    assert main(["lock", "lab-g", "--registry", "st\udcff"]) == 1
    assert "expected a registry whose path is UTF-8, as a lock is" in capsys.readouterr().err
    assert not (tmp_path / "zoo.lock").exists()
