import pytest

from zoo import annotate
from zoo.errors import ModelError
from zoo.model.folder import load_folder
from zoo.prediction.backgrounds import make_background
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

# Of the 200 variants, a G stands at every fourth base: 50 lose a G (-1), 50 gain one (1), and 100 change nothing.
GENOME = "GATC" * 60


@pytest.fixture
def model(g_at_anchor_folder):
    return load_folder(g_at_anchor_folder, device="cpu", threads=1)


@pytest.fixture
def common(write_vcf):
    other = {"G": "A", "A": "G", "T": "C", "C": "T"}
    records = [f"chr1 {place + 1} . {GENOME[place]} {other[GENOME[place]]}" for place in range(20, 220)]
    return write_vcf(records, name="common.vcf")


@pytest.fixture
def genome(write_genome):
    return write_genome(chr1=GENOME)


def test_scores_are_ranked_among_those_of_common_variants(model, common, genome, write_vcf, read_lines, tmp_path):
    background = tmp_path / "background.npz"
    make_background(common, genome, model, background)
    vcf = write_vcf(["chr1 5 . G A", "chr1 6 . A G", "chr1 7 . T C", "chr1 7 . T <DEL>"])
    annotate(vcf, genome, model, tmp_path / "out.vcf", percentile=True, percentile_files=(background,))
    infos = [line.split("\t")[7].split(";") for line in read_lines(tmp_path / "out.vcf")]
    loss, gain, none, skipped = ([part.partition("=")[2] for part in info] for info in infos)
    # 50 of 200 are as low as the loss: half of its equals count; 50 are as extreme on its own side.
    assert [float(value) for value in loss] == pytest.approx([-1, 12.5, 51 / 201])
    assert [float(value) for value in gain] == pytest.approx([1, 87.5, 51 / 201])
    assert [float(value) for value in none] == pytest.approx([0, 50, 1])
    assert skipped[:3] == [".", ".", "."]


def test_the_background_that_is_kept_is_found(model, common, genome, write_vcf, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    vcf = write_vcf(["chr1 5 . G A"])
    with pytest.raises(ModelError, match=r"no background of common variants .* make one: zoo background"):
        annotate(vcf, genome, model, tmp_path / "out.vcf", percentile=True)
    make_background(common, genome, model)
    annotate(vcf, genome, model, tmp_path / "out.vcf", percentile=True)
    assert "ZOO_G_AT_ANCHOR_PERCENTILE=12.5;" in (tmp_path / "out.vcf").read_text()


def test_a_background_of_other_scores_is_refused(model, common, genome, write_vcf, tmp_path):
    background = tmp_path / "background.npz"
    make_background(common, genome, model, background)
    vcf = write_vcf(["chr1 5 . G A"])
    options = {"percentile": True, "percentile_files": (background,)}
    with pytest.raises(ModelError, match=r"scorer .*difference.* expected .*logit_difference"):
        annotate(vcf, genome, model, tmp_path / "out.vcf", scorer="logit_difference", **options)
    with pytest.raises(ModelError, match="settings"):
        annotate(vcf, genome, model, tmp_path / "out.vcf", shifts=(-1, 0, 1), **options)
    card = {"name": "another"}
    another = load_folder(write_model_folder(tmp_path / "another", make_base_at_anchor_graph("C"), card), "cpu", 1)
    with pytest.raises(ModelError, match=r"is of g-at-anchor@1\.0\.0, which is no model of this run"):
        annotate(vcf, genome, another, tmp_path / "out.vcf", **options)


def test_the_header_says_what_scores_were_ranked_among_and_another_genome_is_told(
    model, common, genome, write_genome, write_vcf, tmp_path
):
    background = tmp_path / "background.npz"
    make_background(common, genome, model, background)
    other = write_genome(name="other.fa", chr1=GENOME + "A")
    for path, told in ((genome, 0), (other, 1)):
        output = tmp_path / "out.vcf"
        files = (background,)
        done = annotate(write_vcf(["chr1 5 . G A"]), path, model, output, percentile=True, percentile_files=files)
        assert sum("were scored on another genome" in warning for warning in done.warnings) == told
        assert '##zoo_background=<ID=g-at-anchor@1.0.0,File="common.vcf",Sha256="' in output.read_text()
