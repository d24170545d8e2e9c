"""Making a background: the scores of all alleles of a VCF, sorted, with what they are of."""

import hashlib

import numpy as np
import pytest

from zoo.errors import DataError, OutputError, RefMismatch, ScorerMismatch, VcfError
from zoo.genome.reference import Reference
from zoo.model.folder import load_folder
from zoo.prediction.backgrounds import _sort, make_background
from zoo.prediction.scoring.background import read_background
from zoo.prediction.scoring.kept_backgrounds import background_path, find_background

CONTIG = "ACGT" * 200


@pytest.fixture
def genome(write_genome):
    return write_genome(chr1=CONTIG)


@pytest.fixture
def model(g_at_anchor_folder):
    return load_folder(g_at_anchor_folder, device="cpu", threads=1)


@pytest.fixture
def common(write_vcf):
    """60 alleles that gain a G (score 1), 40 that lose one (-1), 20 that do neither (0), and one without letters."""
    gains = [f"chr1 {4 * number + 1} . A G" for number in range(5, 65)]
    losses = [f"chr1 {4 * number + 3} . G A" for number in range(5, 45)]
    others = [f"chr1 {4 * number + 2} . C T" for number in range(5, 25)]
    return write_vcf([*gains, *losses, *others, "chr1 1 . A <DEL>"], name="common.vcf")


def test_the_scores_of_all_alleles_are_kept_sorted_with_what_they_are_of(common, genome, model, tmp_path):
    done = make_background(common, genome, model, tmp_path / "out.npz")
    background = read_background(tmp_path / "out.npz")
    assert background.scores.tolist() == [[-1] * 40 + [0] * 20 + [1] * 60]
    document = background.document
    assert (document.model, document.digest) == ("g-at-anchor@1.0.0", model.digest)
    assert (document.scorer, document.config, document.signed, document.tracks) == ("difference", {}, True, ("g",))
    assert (document.alleles, document.settings) == (120, {"shifts": [0]})
    with Reference(genome) as reference:
        assert document.genome == reference.name_length_digest
    assert (document.vcf, document.vcf_sha256) == ("common.vcf", hashlib.sha256(common.read_bytes()).hexdigest())
    assert (done.records, done.alleles, done.scored, done.scores, done.skipped) == (121, 121, 120, 120, {"SYMBOLIC": 1})
    assert done.as_dict()["output"] == str(tmp_path / "out.npz")


def test_it_stands_where_it_is_looked_for(common, genome, model, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "a" / "home"))
    done = make_background(common, genome, model, scorer="logit_difference", scorer_options={"epsilon": "0.25"})
    path = background_path(model, "logit_difference", {"epsilon": 0.25}, {"shifts": [0]})
    assert done.output == str(path)
    scores = find_background(model, "logit_difference", {"epsilon": 0.25}, {"shifts": [0]}).scores
    np.testing.assert_allclose(np.unique(scores), [-np.log(9), 0, np.log(9)], rtol=1e-6)
    assert done.scorer == "logit_difference(epsilon=0.25)"


def test_the_same_variants_in_another_order_give_the_same_scores_and_the_same_run_the_same_bytes(
    common, genome, model, tmp_path
):
    first, again, turned = (tmp_path / f"{name}.npz" for name in ("first", "again", "turned"))
    make_background(common, genome, model, first)
    make_background(common, genome, model, again)
    assert first.read_bytes() == again.read_bytes()
    header = [line for line in common.read_text().splitlines() if line.startswith("#")]
    rows = [line for line in common.read_text().splitlines() if not line.startswith("#")]
    common.write_text("\n".join([*header, *reversed(rows), ""]))
    make_background(common, genome, model, turned)
    assert read_background(turned).scores.tobytes() == read_background(first).scores.tobytes()


def test_zeros_of_either_sign_are_the_same_bytes():
    scores = np.array([[0.0, 1.0], [-0.0, -1.0]], np.float32)
    assert _sort([scores]).tobytes() == _sort([scores[1:], scores[:1]]).tobytes()
    assert _sort([scores]).tolist() == [[0, 0], [-1, 1]]


def test_windows_that_are_moved_have_scores_of_their_own(common, genome, model, tmp_path):
    make_background(common, genome, model, tmp_path / "out.npz", shifts=(1, 0))
    background = read_background(tmp_path / "out.npz")
    # One of two windows sees the allele at its anchor.
    assert np.unique(background.scores).tolist() == [-0.5, 0, 0.5]
    assert background.document.settings == {"shifts": [0, 1]}


def test_too_few_scored_alleles_are_refused_and_nothing_is_left(write_vcf, genome, model, tmp_path):
    few = write_vcf([*(f"chr1 {4 * number + 1} . A G" for number in range(5, 104)), "chr1 1 . A <DEL>"])
    with pytest.raises(
        DataError,
        match=r"in\.vcf: expected at least 100 alleles that g-at-anchor@1\.0\.0 can score, found 99 of 100; "
        r"1 SYMBOLIC; give a file of more common variants",
    ):
        make_background(few, genome, model, tmp_path / "out.npz")
    assert sorted(path.name for path in tmp_path.glob("out*")) == []


def test_an_empty_file_is_too_few(write_vcf, genome, model, tmp_path):
    with pytest.raises(DataError, match="found 0 of 0; give a file"):
        make_background(write_vcf([]), genome, model, tmp_path / "out.npz")


def test_variants_of_another_genome_are_refused(write_vcf, genome, model, tmp_path):
    other = write_vcf([f"chr1 {4 * number + 2} . A G" for number in range(5, 155)])
    with pytest.raises(RefMismatch, match="REF disagrees"):
        make_background(other, genome, model, tmp_path / "out.npz")


@pytest.mark.parametrize(
    ("vcf", "output", "error", "message"),
    [
        ("-", None, VcfError, "expected a file, whose sha256 is kept with the scores, found a pipe; name the file"),
        ("common.vcf", "-", OutputError, "^-: expected a file whose name ends with .npz"),
        ("common.vcf", "out.vcf", OutputError, "out.vcf: expected a file whose name ends with .npz"),
        ("common.vcf", "models/g-at-anchor/out.npz", OutputError, "would stand in the folder of a model"),
        ("common.vcf", "none/out.npz", OutputError, "there is no folder none; make it first"),
        ("no.vcf", "out.npz", VcfError, "no.vcf"),
    ],
)
def test_names_that_can_not_be_are_refused(common, genome, model, tmp_path, monkeypatch, vcf, output, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        make_background(vcf, genome, model, output)


def test_the_output_may_not_be_the_input(common, genome, model):
    link = common.with_suffix(".npz")
    link.symlink_to(common)
    with pytest.raises(OutputError, match="the output is the input"):
        make_background(common, genome, model, link)
    assert common.read_text().startswith("##fileformat")


def test_a_folder_that_can_not_be_made_is_told(common, genome, model, tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    with pytest.raises(OutputError, match=r"can't be made: .*; name a file with -o"):
        make_background(common, genome, model)


def test_a_scorer_that_does_not_fit_is_refused(common, genome, model, tmp_path):
    with pytest.raises(ScorerMismatch, match="takes binned outputs"):
        make_background(common, genome, model, tmp_path / "out.npz", scorer="l2")


def test_how_far_it_is_is_told(common, genome, model, tmp_path):
    told = []
    make_background(common, genome, model, tmp_path / "out.npz", report=told.append)
    assert [(progress.alleles, progress.fraction) for progress in told] == [(121, pytest.approx(1, abs=0.1))]
