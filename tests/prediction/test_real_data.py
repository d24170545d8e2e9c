"""Real files, where they lie beside the repository: all records come out, in order, and nothing else changes."""

import gzip
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from zoo import annotate
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CHR20 = DATA / "human_chr20"
CORPUS = DATA / "vcf_corpus"
OURS = {b"ZOO_G_AT_ANCHOR", b"ZOO_G_AT_ANCHOR_SKIPPED", b"ZOO_SKIPPED"}

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
def annotate_corpus(tmp_path_factory):
    """Annotate all files of the corpus; a file that ends the process is told as a crash, and the rest goes on."""
    folder = tmp_path_factory.mktemp("corpus")
    model = write_model_folder(folder / "model", make_base_at_anchor_graph())
    script = Path(__file__).with_name("annotate_files.py")

    def run(known):
        files = sorted(path for path in CORPUS.rglob("*") if path.is_file())
        outcomes = {}
        while remaining := [path for path in files if path not in outcomes]:
            outputs = folder / f"{known}{len(outcomes)}"
            outputs.mkdir()
            arguments = [sys.executable, script, model, outputs, known]
            names = "".join(f"{path}\n" for path in remaining)
            try:
                done = subprocess.run(arguments, input=names, capture_output=True, text=True, check=False, timeout=120)
                answers = done.stdout
            except subprocess.TimeoutExpired as hung:
                answers = (hung.stdout or b"").decode()
            lines = [json.loads(line) for line in answers.splitlines()]
            for begun, outcome in zip(lines[::2], lines[1::2], strict=False):
                outcomes[Path(begun["file"])] = outcome
            if len(lines) % 2:
                outcomes[Path(lines[-1]["file"])] = {"error": "", "traceback": "a crash or a hang"}
            assert lines
        return outcomes

    return run


def assert_results_or_errors_of_one_line(outcomes):
    assert {str(path): found["traceback"] for path, found in outcomes.items() if found["traceback"]} == {}
    for found in outcomes.values():
        if found["error"]:
            assert "\n" not in found["error"]
            assert not Path(found["output"]).exists()
        else:
            assert Path(found["output"]).exists()
        assert not list(Path(found["output"]).parent.glob("*.partial*"))


@needs_corpus
@pytest.mark.parametrize("known", ["every second", "none"])
def test_any_file_on_any_genome_gives_a_result_or_an_error_of_one_line(annotate_corpus, known):
    outcomes = annotate_corpus(known)
    assert len(outcomes) == 652
    assert_results_or_errors_of_one_line(outcomes)


@needs_corpus
@needs_bcftools
def test_what_bcftools_reads_it_reads_again_and_only_our_keys_are_new(annotate_corpus):
    outcomes = annotate_corpus("all")
    assert_results_or_errors_of_one_line(outcomes)
    counts = Counter()
    differing = []
    for path, found in outcomes.items():
        given_status, given = view(path)
        if given_status == 0 and found["error"]:
            counts["refused by us alone"] += 1
        if given_status != 0 or found["error"]:
            continue
        status, lines = view(found["output"])
        # Of an empty line bcftools makes a record without a contig; we leave it out and say so.
        given = [line for line in given if not line.startswith(b"\t")]
        same = status == 0 and [without_our_keys(line) for line in lines] == given
        counts["same" if same else "other"] += 1
        differing += [str(path)] * (not same)
    assert differing == []
    # POS "." or an empty line: older versions of htslib, as in bcftools 1.16, make up a record of these.
    assert counts["refused by us alone"] <= 8
    assert counts["same"] >= 532
