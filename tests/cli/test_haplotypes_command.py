import csv
import json
import re

import pytest

from zoo.cli import main
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

GENOME = "AAAACATCAAAACATTACAATTACACATTAAACATACCATA"
HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n"
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n"
)


@pytest.fixture
def arguments(tmp_path):
    """Write a genome, two samples and a model; return the command."""
    (tmp_path / "genome.fa").write_text(f">chr1\n{GENOME}\n")
    records = [
        "6\tA\tG\t0|1\t0|0",
        "10\tA\tG,T\t1|2\t0|1",
        "14\tA\tC\t0/1\t0|0",
        "20\tA\tG\t1|1\t0|0",
        "23\tA\tG\t1|1\t.",
    ]
    rows = [record.split("\t") for record in records]
    (tmp_path / "in.vcf").write_text(
        HEADER + "".join("\t".join(["chr1", r[0], ".", r[1], r[2], ".", ".", ".", "GT", *r[3:]]) + "\n" for r in rows)
    )
    model = write_model_folder(tmp_path / "model", make_base_at_anchor_graph())
    return ["annotate", str(tmp_path / "in.vcf"), "-f", str(tmp_path / "genome.fa"), "-m", str(model), "--threads", "1"]


def read_keys(path, key):
    lines = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    return [re.search(rf"(?:^|;){key}=([^;]+)", line[7])[1] for line in lines]


def test_haplotypes_are_scored_into_a_table(arguments, tmp_path, capsys):
    output, summary = tmp_path / "out.tsv", tmp_path / "out.json"
    assert main([*arguments, "--haplotypes", "A", "-o", str(output), "--summary", str(summary)]) == 0
    with output.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["haplotype"], row["alleles"], row["skipped"]) for row in rows] == [
        ("2", "6:A>G;10:A>T", "."),
        ("1", "10:A>G", "14:A>C=UNPHASED"),
        ("1", "20:A>G;23:A>G", "."),
        ("2", "20:A>G;23:A>G", "."),
    ]
    error = capsys.readouterr().err
    assert "sample A carries 6 alleles of 5 records, 8 with those that two haplotypes carry; scored in" in error
    assert "  g-at-anchor@1.0.0: 4 groups, 3 of several alleles\n" in error
    assert "  not scored: 1 UNPHASED\n" in error
    assert json.loads(summary.read_text())["skipped"] == {"UNPHASED": 1}


def test_haplotypes_go_to_standard_output_as_text(arguments, capfdbinary):
    assert main([*arguments, "--haplotypes", "B", "-o", "-"]) == 0
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines[0].split("\t")[:4] == ["sample", "contig", "haplotype", "phase_set"]
    assert [line.split("\t")[5] for line in lines[1:]] == ["10:A>G"]


def test_a_background_tells_on_which_haplotypes_each_allele_was_scored(arguments, tmp_path, capsys):
    output = tmp_path / "out.vcf"
    assert main([*arguments, "--background", "A", "-o", str(output)]) == 0
    assert read_keys(output, "ZOO_HAPLOTYPE") == ["2", "1,2", ".", "1|2", "1|2"]
    assert '##INFO=<ID=ZOO_HAPLOTYPE,Number=A,Type=String,Description="Haplotypes of sample A' in output.read_text()
    error = capsys.readouterr().err
    assert "  on the sample's haplotypes: 5 carried\n  on the sample's haplotypes: 1 unphased\n" in error
    assert "not carried" not in error


def test_tables_and_bcf_tell_the_haplotype_too(arguments, tmp_path):
    for name in ("out.tsv", "out.bcf"):
        assert main([*arguments, "--background", "A", "-o", str(tmp_path / name)]) == 0
    with (tmp_path / "out.tsv").open() as file:
        assert [row["haplotype"] for row in csv.DictReader(file, delimiter="\t")] == ["2", "1", "2", ".", "1|2", "1|2"]
    cyvcf2 = pytest.importorskip("cyvcf2")
    found = [record.INFO.get("ZOO_HAPLOTYPE") for record in cyvcf2.VCF(str(tmp_path / "out.bcf"))]
    assert found == ["2", "1,2", ".", "1|2", "1|2"]


def test_a_dry_run_looks_at_the_background(arguments, capsys):
    assert main([*arguments, "--background", "A", "--dry-run"]) == 0
    assert "looked at 6 alleles of 5 records: 6 can be scored" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        pytest.param(["--haplotypes", "C", "-o", "out.tsv"], 1, "no sample 'C'; there is A, B", id="sample"),
        pytest.param(["--haplotypes", "A", "-o", "out.vcf"], 1, "haplotypes make a table; expected .tsv", id="format"),
        pytest.param(["--background", "C", "-o", "out.vcf"], 1, "no sample 'C'; there is A, B", id="background"),
        pytest.param(["--haplotypes", "A", "-o", "out.tsv", "--packed"], 2, "leave out --packed", id="packed"),
        pytest.param(
            ["--haplotypes", "A", "-o", "out.tsv", "--background", "A"], 2, "leave out --background", id="both"
        ),
        pytest.param(
            ["--haplotypes", "A", "-o", "out.tsv", "--percentile-file", "b.npz"],
            2,
            "leave out --percentile-file",
            id="percentile file",
        ),
        pytest.param(
            ["--haplotypes", "A", "-o", "out.tsv", "--input-format", "table"],
            2,
            "leave out --input-format table",
            id="table",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(arguments, tmp_path, monkeypatch, capsys, options, status, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    assert main([*arguments, *options]) == status
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def test_a_background_needs_a_file_that_can_be_read_twice(arguments, tmp_path, capsys, monkeypatch):
    with (tmp_path / "in.vcf").open() as source:
        monkeypatch.setattr("sys.stdin", source)
        arguments[1] = "-"
        assert main([*arguments, "--background", "A", "-o", str(tmp_path / "out.vcf")]) == 1
    assert "a background asks for the file twice" in capsys.readouterr().err
