import gzip
import itertools
import random

import pytest

from zoo.errors import VcfError
from zoo.genome import vcf as module
from zoo.genome.bgzf import EOF_MARKER, pack
from zoo.genome.vcf import VcfReader
from zoo.genome.wide import WideReader

SAMPLES = 120
PLAIN = [a + mark + b for a, mark, b in itertools.product("0129.", "|/", "012.")] + list("01.")


def header(version="4.2", samples=SAMPLES):
    names = "\t".join(f"S{number}" for number in range(samples))
    declared = '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">'
    lines = [f"##fileformat=VCFv{version}", "##contig=<ID=chr1>", declared]
    return "\n".join([*lines, f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}", ""])


def record(position, genotypes, *, contig="chr1", form="GT", added="."):
    cells = "\t".join([form, *genotypes])
    return f"{contig}\t{position}\t.\tA\tC,G\t50.0\t.\t{added}\t{cells}\n"


def draw(rng, genotypes=PLAIN):
    return rng.choices(genotypes, k=SAMPLES)


def read(path, monkeypatch, least):
    """Return the records or the error, and the warnings, where the fast way is for so many samples."""
    monkeypatch.setattr(module, "MIN_SAMPLES", least)
    with VcfReader(path) as reader:
        try:
            found = [columns for batch in reader.batches(50) for columns in batch.columns]
        except VcfError as error:
            found = str(error)
        return found, reader.warnings, sorted(reader.info_ids)


@pytest.mark.parametrize(
    "packed", [False, gzip.compress, lambda text: pack(text) + EOF_MARKER], ids=["text", "gzip", "bgzf"]
)
@pytest.mark.parametrize("version", ["4.0", "4.2", "4.4"])
def test_plain_genotypes_are_what_htslib_prints(tmp_path, monkeypatch, packed, version):
    rng = random.Random(1)
    body = "".join(record(number + 1, draw(rng), added=f"NEW={number};AF=0.50") for number in range(300))
    text = (header(version=version) + body).encode()
    path = tmp_path / "in.vcf"
    path.write_bytes(packed(text) if packed else text)
    expected = read(path, monkeypatch, 1000)
    assert len(expected[0]) == 300
    assert read(path, monkeypatch, 1) == expected
    wide = WideReader(path, SAMPLES)
    assert list(wide.columns(["chr1"])) == expected[0]
    assert wide.is_whole
    wide.close()


ODD = {
    "many alleles": record(5, ["0|10"] * SAMPLES),
    "leading zeros": record(5, ["00|1"] * SAMPLES),
    "three copies": record(5, ["0|1|1"] * SAMPLES),
    "no genotype": record(5, ["1"] * SAMPLES, form="DP"),
    "more than genotypes": record(5, ["0|1:7"] * SAMPLES, form="GT:DP"),
    "too few": record(5, ["0|1"] * (SAMPLES - 1)),
    "too many": record(5, ["0|1"] * (SAMPLES + 1)),
    "empty": record(5, [""] * SAMPLES),
    "an undeclared contig": record(5, ["0|1"] * SAMPLES, contig="chr2"),
    "a position with zeros": record("005", ["0|1"] * SAMPLES),
    "no position": record("five", ["0|1"] * SAMPLES),
    "no columns": "chr1\t5\n",
    "an empty line": "\n",
    "a carriage return": record(5, ["0|1"] * SAMPLES).replace("\n", "\r\n"),
    "no newline": record(5, ["0|1"] * SAMPLES).rstrip("\n"),
    "letters": record(5, ["A|B"] * SAMPLES),
}


@pytest.mark.parametrize("where", [0, 1, 7])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_not_plain_is_read_as_ever(tmp_path, monkeypatch, odd, where):
    rng = random.Random(2)
    lines = [record(number + 1, draw(rng)) for number in range(7)]
    path = tmp_path / "in.vcf"
    path.write_text(header() + "".join([*lines[:where], odd, *(lines[where:] if odd.endswith("\n") else [])]))
    assert read(path, monkeypatch, 1) == read(path, monkeypatch, 1000)


def test_bytes_that_are_not_utf8_are_read_as_ever(tmp_path, monkeypatch):
    path = tmp_path / "in.vcf"
    good = record(5, ["0|1"] * SAMPLES).encode()
    path.write_bytes(header().encode() + good + good.replace(b"\tA\t", b"\tA\xff\t").replace(b"\t.\t", b"\t\xe9\t", 1))
    found = read(path, monkeypatch, 1)
    assert "expected UTF-8" in found[0]
    assert found == read(path, monkeypatch, 1000)


def test_a_file_without_records_is_read(tmp_path, monkeypatch):
    path = tmp_path / "in.vcf"
    path.write_text(header())
    assert read(path, monkeypatch, 1) == read(path, monkeypatch, 1000) == ([], [], [])


def test_genotypes_that_the_header_does_not_declare_are_warned_of(tmp_path, monkeypatch):
    path = tmp_path / "in.vcf"
    path.write_text(header().replace("##FORMAT=<ID=GT", "##FORMAT=<ID=GX") + record(5, ["0|1"] * SAMPLES))
    found = read(path, monkeypatch, 1)
    assert "does not declare FORMAT GT" in found[1][0]
    assert found == read(path, monkeypatch, 1000)
