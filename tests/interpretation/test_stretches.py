from contextlib import ExitStack

import pytest

from zoo.errors import BedError, DataError, UnknownContig
from zoo.genome.codes import decode
from zoo.interpretation.stretches import open_stretches

CONTIG = "ACGTTGCAATCCGGTTAGAC"


@pytest.fixture
def opened():
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("region", ["chr1:2-4", "1:2-4", "chr1:2-0,004"])
def test_a_written_region_counts_from_one_and_takes_in_both_ends(write_genome, opened, region):
    (found,) = open_stretches(region, write_genome(chr1=CONTIG), opened)
    assert (found.name, found.contig, found.start, found.end) == ("", "chr1", 1, 4)
    assert decode(found.codes) == "CGT"


def test_the_last_colon_of_a_region_ends_its_contig(write_genome, opened):
    (found,) = open_stretches("HLA-A*01:01:1-4", write_genome(**{"HLA-A*01:01": CONTIG}), opened)
    assert (found.contig, len(found)) == ("HLA-A*01:01", 4)


def test_regions_of_a_file_count_as_bed_does_and_keep_their_strand(write_genome, opened, tmp_path):
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t1\t4\tsite\t0\t-\nchr1\t0\t9\n")
    first, second = open_stretches(bed, write_genome(chr1=CONTIG), opened)
    assert (first.name, first.minus, decode(first.codes)) == ("site", True, "CGT")
    assert (second.name, second.minus, len(second)) == ("chr1:0-9", False, 9)


def test_records_of_a_file_are_named_by_the_first_word(opened, tmp_path):
    fasta = tmp_path / "a.fa"
    fasta.write_text(">one first\nACG\nTNa\n>\nGG\n")
    found = open_stretches(fasta, None, opened)
    assert [(one.name, one.contig, decode(one.codes)) for one in found] == [("one", "", "ACGTNA"), ("2", "", "GG")]


def test_sequences_are_counted(opened):
    assert [(one.name, decode(one.codes)) for one in open_stretches(["AC", "G"], None, opened)] == [
        ("1", "AC"),
        ("2", "G"),
    ]


@pytest.mark.parametrize(
    ("region", "error", "message"),
    [
        (
            "chr1:0-4",
            DataError,
            r"^chr1:0-4: expected contig:first-last, counted from 1, .* found a first position of 0",
        ),
        ("chr1:5-4", DataError, r"^chr1:5-4: expected contig:first-last.*, found a first position behind the last$"),
        ("chr1:5-21", DataError, r"^chr1:5-21: chr1 of .*genome\.fa ends at 20; choose positions on it$"),
        ("chrom1:5-9", UnknownContig, r"^chrom1:5-9: .*genome\.fa has no contig 'chrom1'; did you mean 'chr1'\?$"),
        ("chr1", DataError, r"^chr1: expected a region \(contig:first-last.*\), or a FASTA or BED file; found no file"),
        ("chr1:5", DataError, r"^chr1:5: expected a region"),
        ("nowhere.fa", DataError, r"^nowhere\.fa: expected a region"),
    ],
)
def test_a_region_that_is_none_is_refused(write_genome, opened, region, error, message):
    with pytest.raises(error, match=message):
        open_stretches(region, write_genome(chr1=CONTIG), opened)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_of_nothing_is_neither_sequences_nor_regions(write_genome, opened, tmp_path, text):
    (tmp_path / "a.fa").write_text(text)
    with pytest.raises(DataError, match=r"a\.fa: expected FASTA or BED, found an empty file$"):
        open_stretches(tmp_path / "a.fa", write_genome(chr1=CONTIG), opened)


def test_regions_need_a_genome_that_holds_them(write_genome, opened, tmp_path):
    with pytest.raises(DataError, match=r"^chr1:1-4: regions need the genome .* name its FASTA file as genome$"):
        open_stretches("chr1:1-4", None, opened)
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t1\t4\nchr1\t15\t21\n")
    with pytest.raises(BedError, match=r"a\.bed, region 2 \(chr1:15-21\): chr1 of .* ends at 20; is this the genome"):
        open_stretches(bed, write_genome(chr1=CONTIG), opened)
