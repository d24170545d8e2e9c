"""The example genome and variants: what their script makes, and what the CTCF model says of them."""

import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.errors import UnknownModel

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KEY = "ZOO_GM12878_CTCF"


@pytest.fixture(scope="module")
def annotated(tmp_path_factory):
    """The table of `zoo annotate`: a row an allele, scores as numbers, ``expect`` as the example's INFO has it."""
    import pandas as pd

    try:
        zoo.load("gm12878-ctcf")
    except UnknownModel:
        pytest.skip("the model gm12878-ctcf is not in the registry")
    folder = tmp_path_factory.mktemp("annotated")
    shutil.copy(EXAMPLES / "genome.fa", folder)  # an index is written beside it
    zoo.annotate(EXAMPLES / "variants.vcf", folder / "genome.fa", "gm12878-ctcf", folder / "annotated.tsv")
    table = pd.read_csv(folder / "annotated.tsv", sep="\t", na_values=".")
    records = read_records(EXAMPLES / "variants.vcf")
    table["expect"] = [word for record in records for word in record[7].removeprefix("EXPECT=").split(",")]
    return table


def read_records(path):
    return [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("name", ["genome.fa", "variants.vcf"])
def test_the_script_makes_the_committed_files_byte_for_byte(name, tmp_path):
    shutil.copy(EXAMPLES / "make_example.py", tmp_path)
    runpy.run_path(str(tmp_path / "make_example.py"), run_name="__main__")
    assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()


def test_every_ref_but_the_wrong_one_stands_in_the_genome():
    genome = dict(zoo.read_fasta(EXAMPLES / "genome.fa"))
    wrong = [
        name
        for contig, position, name, ref, *_ in read_records(EXAMPLES / "variants.vcf")
        if not genome[contig].startswith(ref, int(position) - 1)
    ]
    assert wrong == ["wrong_ref"]


def test_broken_sites_get_large_negative_scores(annotated):
    broken = annotated.loc[annotated["expect"] == "broken", KEY].to_numpy()
    assert len(broken) == 30
    assert np.median(broken) < -0.7
    assert np.mean(broken < -0.3) > 0.85
    assert (broken < 0).all()


def test_everywhere_else_scores_are_near_zero(annotated):
    neutral = annotated.loc[annotated["expect"] == "neutral", KEY].to_numpy()
    assert len(neutral) == 50
    assert (np.abs(neutral) < 0.1).all()


def test_what_can_not_be_scored_says_why(annotated):
    skipped = annotated[annotated["expect"] == "skipped"]
    assert skipped[KEY].isna().all()
    assert dict(zip(skipped["id"], skipped["skipped"], strict=True)) == {
        "symbolic": "SYMBOLIC",
        "wrong_ref": "REF_MISMATCH",
    }
