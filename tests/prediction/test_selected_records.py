"""What other programs select by our keys, from VCF and BCF: records of several ALT, some of them without a score."""

import gzip
import shutil
import struct
import subprocess

import pytest

from zoo import annotate

#         1   5    10   15
GENOME = "ACGTACGTACGTACGTACGTACGT"
RECORDS = [
    "chr1 5 gained A G",
    "chr1 5 kept A C",
    "chr1 7 lost G C",
    "chr1 9 second A C,G",
    "chr1 9 first_of_two A G,<DEL>",
    "chr1 9 last_of_three A <DEL>,*,G",
    "chr1 9 lost_or_skipped A C,<DEL>",
    "chr1 11 skipped G *",
    "chr1 11 two_skipped G <DEL>,*",
    "chr1 13 no_alt A .",
]
MISSING = struct.pack("<I", 0x7F800001)  # BCF's missing float, a signalling NaN of its own

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")


@pytest.fixture(params=["out.vcf", "out.vcf.gz", "out.bcf"])
def annotated(request, tmp_path, write_genome, write_vcf, g_at_anchor_folder):
    """The records with ZOO_G_AT_ANCHOR: 1 where a G is gained, -1 where it is lost."""
    output = tmp_path / request.param
    annotate(write_vcf(RECORDS), write_genome(chr1=GENOME), g_at_anchor_folder, output, threads=1)
    return output


def query(path, form, *arguments):
    command = ["bcftools", "query", "-f", form, *arguments, path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@needs_bcftools
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("ZOO_G_AT_ANCHOR>0", ["gained", "second", "first_of_two", "last_of_three"]),
        ("ZOO_G_AT_ANCHOR<0", ["lost"]),
        ("ZOO_G_AT_ANCHOR=0", ["kept", "second", "lost_or_skipped"]),
        ("MAX(ZOO_G_AT_ANCHOR)=1", ["gained", "second", "first_of_two", "last_of_three"]),
        ('ZOO_SKIPPED="SYMBOLIC"', ["first_of_two", "last_of_three", "lost_or_skipped", "two_skipped"]),
        ('ZOO_SKIPPED="NO_ALT"', ["no_alt"]),
    ],
)
def test_bcftools_selects_the_records_that_have_such_a_score(annotated, expression, expected):
    assert query(annotated, "%ID\n", "-i", expression) == expected


@needs_bcftools
def test_bcftools_prints_a_point_where_there_is_no_score(annotated):
    found = query(annotated, "%ID %INFO/ZOO_G_AT_ANCHOR\n")
    assert dict(line.split() for line in found) == {
        "gained": "1", "kept": "0", "lost": "-1", "second": "0,1", "first_of_two": "1,.", "last_of_three": ".,.,1",
        "lost_or_skipped": "0,.", "skipped": ".", "two_skipped": ".,.", "no_alt": ".",
    }  # fmt: skip


def test_htslib_reads_missing_scores_as_missing(annotated):
    from cyvcf2 import VCF

    reader = VCF(str(annotated))
    found = {record.ID: record.INFO.get("ZOO_G_AT_ANCHOR") for record in reader}
    reader.close()
    assert found["second"] == (0.0, 1.0)
    assert found["first_of_two"] == (1.0, None)
    assert found["last_of_three"] == (None, None, 1.0)
    assert found["no_alt"] is None


def test_the_bytes_of_a_missing_score_in_bcf_are_those_of_a_missing_float(
    tmp_path, write_genome, write_vcf, g_at_anchor_folder
):
    output = tmp_path / "out.bcf"
    annotate(write_vcf(RECORDS), write_genome(chr1=GENOME), g_at_anchor_folder, output, threads=1)
    content = gzip.decompress(output.read_bytes())
    one = struct.pack("<f", 1)
    for values in (one + MISSING, MISSING + MISSING + one, MISSING + MISSING):
        assert bytes([(len(values) // 4) << 4 | 5]) + values in content  # a typed vector of floats
    quiet = [struct.pack("<I", 0x7FC00000), struct.pack("<I", 0xFFC00000)]
    assert not any(nan in content for nan in quiet)


@pytest.mark.parametrize(("version", "number"), [("3.3", "."), ("4.0", "."), ("4.1", "A"), ("4.4", "A")])
def test_a_version_of_vcf_without_numbers_by_allele_gets_none(
    tmp_path, write_genome, write_vcf, g_at_anchor_folder, version, number
):
    vcf = write_vcf(RECORDS)
    vcf.write_text(vcf.read_text().replace("VCFv4.2", f"VCFv{version}"))
    annotate(vcf, write_genome(chr1=GENOME), g_at_anchor_folder, tmp_path / "out.vcf", threads=1)
    assert f"##INFO=<ID=ZOO_G_AT_ANCHOR,Number={number},Type=Float," in (tmp_path / "out.vcf").read_text()
