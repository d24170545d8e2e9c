import csv

import pytest

from zoo.errors import ModelError, OutputError
from zoo.prediction.annotation import annotate

GENOME = "AAAACATCAAAACATTACAATTACACATTAAACATACCATA"


@pytest.fixture
def annotate_rows(write_genotypes, write_genome, tmp_path):
    """Annotate records of sample S on its own haplotypes and return the rows of the table."""

    def run(records, models, **options):
        vcf, genome = write_genotypes(records), write_genome(chr1=GENOME)
        summary = annotate(vcf, genome, models, tmp_path / "out.tsv", background="S", **options)
        with (tmp_path / "out.tsv").open() as file:
            return list(csv.DictReader(file, delimiter="\t")), summary

    return run


def test_an_allele_is_scored_among_what_its_haplotype_carries(annotate_rows, load_counter):
    records = ["chr1 6 A G 0|1", "chr1 9 A G 0|1", "chr1 10 A G 1|0", "chr1 30 A G 0|1", "chr1 32 A G 0/1"]
    rows, summary = annotate_rows(records, load_counter(power=2, name="squared"))
    # One G more than none is 1; than one is 2² - 1².
    assert [(row["position"], row["ZOO_SQUARED"], row["haplotype"]) for row in rows] == [
        ("6", "3", "2"),
        ("9", "3", "2"),
        ("10", "1", "1"),
        ("30", "1", "2"),
        ("32", "1", "."),
    ]
    assert summary.background == {"carried": 4, "unphased": 1, "not carried": 0, "neighbours left out": 0}


def test_an_allele_on_two_haplotypes_gets_the_mean_of_both(annotate_rows, load_counter):
    rows, _ = annotate_rows(["chr1 6 A G 0|1", "chr1 9 A G 1|1"], load_counter(power=2, name="squared"))
    assert [(row["ZOO_SQUARED"], row["haplotype"]) for row in rows] == [("3", "2"), ("2", "1|2")]


def test_models_of_several_windows_make_one_row_an_allele(annotate_rows, load_counter):
    models = [load_counter(), load_counter(21, 10, name="wide")]
    rows, _ = annotate_rows(["chr1 2 A G 1|1", "chr1 9 A GTTTTTT 1|1"], models)
    assert [(row["position"], row["ZOO_COUNTER_SKIPPED"]) for row in rows] == [("2", "."), ("9", "TOO_LONG")]


def test_a_run_is_resumed_with_its_own_background_alone(annotate_rows, load_counter, monkeypatch, tmp_path):
    from zoo.prediction import streaming

    monkeypatch.setattr(streaming, "RECORDS_A_BATCH", 1)
    records = ["chr1 6 A G 0|1", "chr1 9 A G 0|1", "chr1 30 A G 0|1"]
    model = load_counter(power=2, name="squared")
    whole, counts = annotate_rows(records, model)

    def stop(progress):
        if progress.alleles == 2:
            raise OutputError("stopped")

    with pytest.raises(OutputError, match="go on with --resume"):
        annotate_rows(records, model, report=stop)
    with pytest.raises(OutputError, match="sample_background"):
        annotate_rows([*records[:2], "chr1 30 A G 1|0"], model, resume=True)
    resumed, summary = annotate_rows(records, model, resume=True)
    assert resumed == whole
    assert summary.background == counts.background


def test_windows_at_regions_have_no_background(annotate_rows, load_counter, tmp_path):
    bed = tmp_path / "windows.bed"
    bed.write_text("chr1\t0\t9\n")
    with pytest.raises(ModelError, match="a background needs windows that stand around each allele"):
        annotate_rows(["chr1 6 A G 0|1"], load_counter(), windows=bed)
