"""Real files, where they lie beside the repository: all records come out, in order, and nothing else changes."""

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.vcf_corpus import EMPTY_LINE, examine, tell
from benchmarks.vcf_generated import write_generated
from benchmarks.vcf_workers import Workers
from zoo import annotate
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CHR20 = DATA / "human_chr20"
CORPUS = DATA / "vcf_corpus"
OURS = {b"ZOO_G_AT_ANCHOR", b"ZOO_G_AT_ANCHOR_SKIPPED", b"ZOO_SKIPPED"}

MOST_BASES = 1_000_000  # of a genome that is made to fit a file: larger ones are left to benchmarks/vcf_corpus.py

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
needs_chr20 = pytest.mark.skipif(not CHR20.is_dir(), reason=f"{CHR20} is absent")
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"{CORPUS} is absent")


def view(path):
    """Return bcftools' exit status and what it prints of a file's records."""
    done = subprocess.run(["bcftools", "view", "-H", path], capture_output=True, check=False)
    return done.returncode, done.stdout.splitlines()


def without_our_keys(line):
    columns = line.split(b"\t")
    kept = [entry for entry in columns[7].split(b";") if entry.partition(b"=")[0] not in OURS]
    columns[7] = b";".join(kept) or b"."
    return b"\t".join(columns)


@pytest.fixture(scope="module")
def chr20(tmp_path_factory):
    """The genome and the VCF of chr20, the genome unpacked."""
    folder = tmp_path_factory.mktemp("chr20")
    genome = folder / "chr20.fa"
    with gzip.open(next(CHR20.glob("*.fa.gz"))) as packed, genome.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    return genome, next(CHR20.glob("*.vcf.gz"))


@needs_chr20
@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz", "out.bcf"])
def test_every_record_of_chr20_comes_out_with_a_number_or_a_reason_for_each_alt(
    chr20, g_at_anchor_folder, tmp_path, name
):
    genome, vcf = chr20
    output = tmp_path / name
    summary = annotate(vcf, genome, g_at_anchor_folder, output, threads=1)
    assert summary.records == 28_998
    assert summary.skipped["SYMBOLIC"] == 24
    assert summary.scored + sum(summary.skipped.values()) == summary.alleles
    assert set(summary.skipped) == {"SYMBOLIC", "g-at-anchor@1.0.0: TOO_LONG"}
    if name != "out.vcf":
        return
    with gzip.open(vcf, "rt") as file:
        given = [line.split("\t", 5)[:5] for line in file if not line.startswith("#")]
    found = [line.split("\t") for line in output.read_text().splitlines() if not line.startswith("#")]
    assert [columns[:5] for columns in found] == given
    for columns in found:
        info = dict(entry.partition("=")[::2] for entry in columns[7].split(";"))
        alts = len(columns[4].split(","))
        scores = info["ZOO_G_AT_ANCHOR"].split(",")
        general = info.get("ZOO_SKIPPED", ",".join("." * alts)).split(",")
        own = info.get("ZOO_G_AT_ANCHOR_SKIPPED", ",".join("." * alts)).split(",")
        assert len(scores) == len(general) == len(own) == alts
        for score, one, other in zip(scores, general, own, strict=True):
            assert (score == ".") == ((one, other) != (".", "."))


@needs_chr20
@needs_bcftools
@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz", "out.bcf"])
def test_bcftools_sees_nothing_of_chr20_changed_but_our_keys(chr20, g_at_anchor_folder, tmp_path, name):
    genome, vcf = chr20
    declared = tmp_path / "declared.vcf"  # the header declares 20, the records say chr20
    with gzip.open(vcf, "rt") as file, declared.open("w") as target:
        for line in file:
            target.write("##contig=<ID=chr20>\n" * line.startswith("#CHROM") + line)
    annotate(vcf, genome, g_at_anchor_folder, tmp_path / name, threads=1)
    expected_status, expected = view(declared)
    status, found = view(tmp_path / name)
    assert (expected_status, status) == (0, 0)
    assert len(found) == 28_998
    assert [without_our_keys(line) for line in found] == expected


@pytest.fixture(scope="module")
def examine_files(tmp_path_factory):
    """Annotate files in a process of their own, on genomes that fit them, and compare what comes out."""
    folder = tmp_path_factory.mktemp("corpus")
    model = write_model_folder(folder / "model", make_base_at_anchor_graph())
    work = folder / "work"
    work.mkdir()
    with Workers(model, work, seconds=60) as workers:

        def run(files, known="all"):
            found = [
                examine(path, path.parent.name, path.name, workers, work, known=known, most_bases=MOST_BASES)
                for path in files
            ]
            return [outcome for outcome in found if outcome is not None]

        yield run


def corpus_files():
    return sorted(path for path in CORPUS.rglob("*") if path.is_file())


@needs_bcftools
def test_made_files_come_out_as_they_went_in_or_are_refused_in_one_line(examine_files, tmp_path):
    outcomes = examine_files(write_generated(tmp_path / "made", 60, seed=2))
    assert {outcome.name: tell(outcome) for outcome in outcomes if tell(outcome)} == {}
    assert [bool(outcome.error) for outcome in outcomes] == [outcome.name.startswith("broken") for outcome in outcomes]


@needs_corpus
@needs_bcftools
def test_what_htslib_reads_comes_out_as_it_went_in_and_all_else_is_refused_in_one_line(examine_files):
    outcomes = examine_files(corpus_files())
    assert len(outcomes) > 550
    # A name with a blank is none that a FASTA file can have; of an empty last line htslib makes a record.
    told = {outcome.name: tell(outcome) for outcome in outcomes if tell(outcome)}
    assert {name for name, what in told.items() if "chr 1" not in what and EMPTY_LINE not in what} == set()
    assert sum(outcome.same_vcf is True and outcome.same_bcf is True for outcome in outcomes) >= 450


@needs_corpus
@needs_bcftools
@pytest.mark.parametrize("known", ["every second", "none"])
def test_any_file_on_another_genome_gives_a_result_or_an_error_of_one_line(examine_files, known):
    outcomes = examine_files(corpus_files()[::8], known)
    assert [outcome for outcome in outcomes if outcome.traceback or set(outcome.faults) - {EMPTY_LINE}] == []
