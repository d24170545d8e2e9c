import re

import pytest

from zoo.errors import DataError
from zoo.genome.vcf import VcfReader

HEADER = "chrom pos id ref alt\n"


@pytest.fixture
def reference(open_genome):
    return open_genome(chr1="ACGTACGTAA", chrX="ACGT", chrM="ACGT")


@pytest.mark.parametrize(
    ("position", "expected"), [("2", 2), ("0", 0), ("2.0", 2), ("2.", 2), ("0.2e1", 2), ("2e+00", 2), ("+2", 2),
                               (" 2", 2), ("002", 2), ("2147483647", 2**31 - 1)],
)  # fmt: skip
def test_a_position_is_a_whole_number_however_it_is_spelt(write_input, read_records, reference, position, expected):
    (record,), _ = read_records(write_input(f"chrom,pos,ref,alt\n1,{position},C,G\n", tabs=False), reference)
    assert record == f"chr1 {expected} . C G ."


@pytest.mark.parametrize(
    "position", ["", ".", "NA", "nan", "-2", "2.5", "x", "1_0", "2e-1", "inf", "\uff12", "0x2", "9" * 5000]
)
def test_any_other_position_stops_with_its_line(write_input, read_records, reference, position):
    path = write_input(HEADER + f"1 2 a C G\n1 {position} b C G\n")
    found = "none" if position in {"", ".", "NA", "nan"} else "something else"
    message = (
        f"{path}, line 3: expected a position, a whole number from 0, found {found} ({position[:20]!r}); take such"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        read_records(path, reference)


@pytest.mark.parametrize("position", ["2147483648", "9" * 18, "9e12"])
def test_a_position_that_vcf_can_not_hold_stops(write_input, read_records, reference, position):
    path = write_input(HEADER + f"1 {position} b C G\n")
    message = f"{path}, line 2: expected a position up to 2147483647, found {position!r}"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_records(path, reference)


def test_exponents_are_read_and_told(write_input, read_records, open_genome):
    path = write_input(HEADER + "1 1e+02 a C G\n1 100 b C G\n")
    records, source = read_records(path, open_genome(chr1="C" * 200))
    assert records == ["chr1 100 a C G .", "chr1 100 b C G ."]
    assert source.warnings == [
        f"{path}: 1 row: the position is written with an exponent (1e+06); look whether its last digits are still there"
    ]


def test_contigs_get_the_genomes_names_and_others_are_undeclared(write_input, read_records, reference):
    path = write_input(HEADER + "1 2 a C G\nchrUn 1 b A G\nX 1 c A G\nMT 1 d A G\nchr1 2 e C G\n")
    records, source = read_records(path, reference)
    assert [record.split()[0] for record in records] == ["chr1", "chrUn", "chrX", "MT", "chr1"]
    assert source.renamed == {"1": "chr1", "X": "chrX"}
    assert source.undeclared_contigs == ["chrUn", "MT"]  # a mitochondrion of unknown length may be another
    assert source.contigs == {}


def test_undeclared_contigs_can_be_found_before_the_first_record(write_input, reference):
    from zoo.prediction.inputs.opening import open_records

    with open_records(write_input(HEADER + "1 2 a C G\nchrUn 1 b A G\n"), reference) as source:
        source.declare_contigs_of_records()
        assert source.undeclared_contigs == ["chrUn"]
        assert sum(len(batch) for batch in source.batches(1)) == 2
        assert source.undeclared_contigs == ["chrUn"]


@pytest.mark.parametrize(("name", "expected"), [("01", "chr1"), ("1.0", "chr1"), ("chr01", "chr1"), ("23", "chrX"),
                                                ("24", "chrY"), ("25", "25"), ("26", "26"), ("0", "0")])  # fmt: skip
def test_contigs_that_tables_number_are_read_with_a_warning(write_input, read_records, open_genome, name, expected):
    path = write_input(HEADER + f"{name} 1 a A G\n" * 2)
    human = open_genome(chr1="A", chr22="A", chrX="A", chrY="A", chrM="A")
    records, source = read_records(path, human)
    assert records == [f"{expected} 1 a A G ."] * 2
    told = [f"{path}: contig {name!r} is read as {expected!r}"]
    assert source.warnings == (told if expected.startswith("chr") else [])


def test_only_a_genome_with_22_contigs_and_no_23rd_counts_on_to_x(write_input, read_records, open_genome):
    path = write_input(HEADER + "23 1 a A G\n")
    assert read_records(path, open_genome(chr1="A", chrX="A"))[0] == ["23 1 a A G ."]
    assert read_records(path, open_genome(chr22="A", chrX="A", chr23="A"))[0] == ["chr23 1 a A G ."]


@pytest.mark.parametrize("name", ["", "NA", "."])
def test_a_missing_contig_stops_with_its_line(write_input, read_records, reference, name):
    path = write_input(HEADER + f"1 2 a C G\n{name} 2 b C G\n")
    with pytest.raises(DataError, match=f"line 3: expected the name of a contig, found '{re.escape(name)}'$"):
        read_records(path, reference)


@pytest.mark.parametrize("name", ["chr 1", "chr1;x", "chr<1"])
def test_a_contig_that_vcf_can_not_hold_stops(write_input, read_records, reference, name):
    path = write_input(f"chrom,pos,ref,alt\n{name},2,C,G\n", tabs=False)
    with pytest.raises(DataError, match=f"line 2: expected the name of a contig, found '{re.escape(name)}'$"):
        read_records(path, reference)


@pytest.mark.parametrize(
    ("found", "expected"),
    [("rs1", "rs1"), ("NA", "."), ("", "."), (".", "."), ("nan", "."), ("rs1 rs2", "rs1_rs2"), ("rs1;rs2", "rs1;rs2"),
     ("rs1; rs2", "rs1;_rs2"), (";rs1", "rs1"), ("NA12", "NA12"), ("é", "é")],
)  # fmt: skip
def test_ids_are_the_tables(write_input, read_records, reference, found, expected):
    path = write_input(HEADER.replace(" ", ",") + f"1,2,{found},C,G\n", tabs=False)
    (record,), source = read_records(path, reference)
    assert record == f"chr1 2 {expected} C G ."
    assert source.warnings == ([f"{path}: 1 row: blanks in the ID are written as _"] if " " in found else [])


@pytest.mark.parametrize("effects", [True, False])
def test_the_records_are_a_vcf_that_htslib_reads_without_a_warning(tmp_path, write_input, reference, effects):
    from zoo.prediction.inputs.opening import open_records

    columns = ("effect_allele", "other_allele") if effects else ("ref", "alt")
    rows = "1 2 a C G\n1 3 b D I\nX 2 c - C\nchrM 1 d A -\n"
    path = write_input(HEADER.replace("ref alt", " ".join(columns)) + rows)
    with open_records(path, reference) as source:
        lines = ["\t".join(record) for batch in source.batches(9) for record in batch.columns]
    vcf = tmp_path / "made.vcf"
    vcf.write_text(source.header + "".join(f"{line}\n" for line in lines))
    with VcfReader(vcf) as reader:
        assert ["\t".join(record) for batch in reader.batches(9) for record in batch.columns] == lines
        assert reader.warnings == []
        assert reader.header == source.header
        assert reader.contigs == reference.lengths
        assert reader.info_ids == source.info_ids == ({"EFFECT_ALLELE", "REF_UNDECIDED"} if effects else set())


def test_a_build_in_the_names_of_variants_is_compared_with_the_genome(write_input, read_records, reference):
    path = write_input("variant_id\nchr1_2_C_G_b38\n")
    assert read_records(path, reference)[1].warnings == []
    reference.lengths["chr20"] = 63_025_520
    (warning,) = read_records(path, reference)[1].warnings
    assert re.fullmatch(r".*: its variants are named for GRCh38, .*genome\.fa looks like hg19", warning)
