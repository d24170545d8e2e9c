"""The genome of these tests: chr1 is ACGTACGTAA, chr2 is NNRG."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import DataError
from zoo.genome.variant import Variant, normalise
from zoo.prediction.inputs.opening import open_records

GWAS = "chromosome base_pair_location effect_allele other_allele\n"
TABLE = "chrom pos ref alt\n"
ENDS = "chrom start end ref alt\n"


@pytest.fixture
def reference(open_genome):
    return open_genome(chr1="ACGTACGTAA", chr2="NNRG")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param("1 2 G C", "chr1 2 . C G EFFECT_ALLELE=G", id="the other allele is the genome's"),
        pytest.param("1 2 C G", "chr1 2 . C G EFFECT_ALLELE=C", id="the effect allele is"),
        pytest.param("1 2 c g", "chr1 2 . C G EFFECT_ALLELE=C", id="lower case"),
        pytest.param("1 1 T A", "chr1 1 . A T EFFECT_ALLELE=T", id="palindromic, as it stands"),
        pytest.param("1 1 A T", "chr1 1 . A T EFFECT_ALLELE=A", id="palindromic, never flipped"),
        pytest.param("1 2 G A", "chr1 2 . A G EFFECT_ALLELE=G", id="neither"),
        pytest.param("1 2 T G", "chr1 2 . G T EFFECT_ALLELE=T", id="neither, though their complements would"),
        pytest.param(
            "1 2 CGT C", "chr1 2 . C CGT EFFECT_ALLELE=CGT;REF_UNDECIDED", id="both, the longer is the effect's"
        ),
        pytest.param("1 2 C CGT", "chr1 2 . CGT C EFFECT_ALLELE=C;REF_UNDECIDED", id="both, the longer is the other"),
        pytest.param("1 2 CA C", "chr1 2 . C CA EFFECT_ALLELE=CA", id="an insertion that is not in the genome"),
        pytest.param("1 2 C CA", "chr1 2 . C CA EFFECT_ALLELE=C", id="the same, told the other way"),
        pytest.param("2 1 C T", "chr2 1 . T C EFFECT_ALLELE=C;REF_UNDECIDED", id="on unknown bases both agree"),
        pytest.param("1 11 C T", "chr1 11 . T C EFFECT_ALLELE=C", id="beyond the contig"),
        pytest.param("1 0 C T", "chr1 0 . T C EFFECT_ALLELE=C", id="position 0"),
        pytest.param("1 0 A C", "chr1 0 . C A EFFECT_ALLELE=A", id="position 0 is not the contig's last base"),
        pytest.param("7 5 C T", "7 5 . T C EFFECT_ALLELE=C", id="on a contig that is unknown"),
        pytest.param("1 3 - G", "chr1 2 . CG C EFFECT_ALLELE=C;REF_UNDECIDED", id="the effect of a deletion"),
        pytest.param(
            "1 3 G -", "chr1 2 . C CG EFFECT_ALLELE=CG;REF_UNDECIDED", id="or of an insertion of the same base"
        ),
        pytest.param("1 3 A -", "chr1 2 . C CA EFFECT_ALLELE=CA", id="the effect of an insertion"),
        pytest.param("1 3 - A", "chr1 2 . C CA EFFECT_ALLELE=C", id="the effect of no insertion"),
        pytest.param("1 3 0 G", "chr1 3 . G . .", id="no effect allele, as PLINK writes it"),
        pytest.param("1 3 NA G", "chr1 3 . G . .", id="no effect allele, which is not N followed by A"),
        pytest.param("1 3 D I", "chr1 3 . G <INDEL> EFFECT_ALLELE=D", id="PLINK's indels without letters"),
    ],
)
def test_the_allele_that_the_genome_holds_becomes_ref(write_input, read_records, reference, row, expected):
    (record,), _ = read_records(write_input(GWAS + row + "\n"), reference)
    assert record == expected


def test_rows_that_the_genome_does_not_decide_are_counted(write_input, read_records, reference):
    rows = ["1 2 G A", "1 11 C T", "1 2 CGT C", "1 2 C CGT", "2 1 C T", "1 2 C G", "7 1 C T", "1 3 D I", "1 2 I D"]
    path = write_input(GWAS + "".join(f"{row}\n" for row in rows))
    _, source = read_records(path, reference)
    assert source.warnings == [
        (
            f"{path}: 3 rows: both alleles agree with the genome there (an indel in a repeat, or unknown bases); "
            "the other allele stands as REF"
        ),
        (
            f"{path}: 2 rows: neither allele is what the genome holds there (another strand or build?); "
            "the other allele stands as REF"
        ),
        f"{path}: 2 rows: the alleles are I and D, whose letters are not known; written as <INDEL>",
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param("1 3 GT -", "chr1 2 . CGT C .", id="deletion"),
        pytest.param("1 3 - TT", "chr1 2 . C CTT .", id="insertion, before the position"),
        pytest.param("1 3 G -,T", "chr1 2 . CG C,CT .", id="one deletion of two alleles"),
        pytest.param("1 3 G -,*", "chr1 2 . CG C,* .", id="an allele without letters needs no padding"),
        pytest.param("1 1 AC -", "chr1 1 . ACG G .", id="deletion of the first bases is padded behind"),
        pytest.param("1 1 - TT", "chr1 1 . A TTA .", id="insertion before the first base"),
        pytest.param("1 10 A -", "chr1 9 . AA A .", id="deletion of the last base"),
        pytest.param("1 11 - G", "chr1 10 . A AG .", id="insertion behind the last base"),
        pytest.param("7 3 G -", "7 2 . NG N .", id="on a contig that is unknown"),
        pytest.param("1 40 G -", "chr1 39 . NG N .", id="beyond the contig"),
        pytest.param("1 0 G -", "chr1 0 . GA A .", id="before the contig"),
        pytest.param("2 4 G -", "chr2 3 . NG N .", id="beside an ambiguous base"),
        pytest.param("1 3 g t", "chr1 3 . G T .", id="lower case"),
        pytest.param("1 3 G .", "chr1 3 . G . .", id="no ALT"),
        pytest.param("1 3 - .", "chr1 2 . C . .", id="no ALT beside an empty REF"),
        pytest.param("1 3 G <del>", "chr1 3 . G <del> .", id="symbolic"),
        pytest.param("1 3 T A", "chr1 3 . T A .", id="a REF that is not the genome's stays"),
        pytest.param("1 3 R D", "chr1 3 . G <INDEL> .", id="R and D of PLINK"),
        pytest.param("1 3 R A", "chr1 3 . R A .", id="R as IUPAC's letter"),
    ],
)
def test_ref_and_alt_stand_as_they_are_but_for_empty_alleles(write_input, read_records, reference, row, expected):
    (record,), _ = read_records(write_input(TABLE + row + "\n"), reference)
    assert record == expected


def test_an_end_tells_on_which_side_of_its_position_an_insertion_lies(write_input, read_records, reference):
    rows = ["1 3 2 - TT", "1 3 3 - TT", "1 3 4 - TT", "1 3 . - TT", "1 3 4 GT -"]
    records, source = read_records(write_input(ENDS + "".join(f"{row}\n" for row in rows)), reference)
    assert [record.split(" ", 1)[1] for record in records] == [
        "2 . C CTT .",  # Ensembl: an end before the start
        "3 . G GTT .",  # ANNOVAR: the base before the insertion
        "3 . G GTT .",  # MAF: the bases around it
        "2 . C CTT .",
        "2 . CGT C .",
    ]
    assert source.warnings == []
    _, source = read_records(write_input(TABLE + "1 3 - TT\n"), reference)
    assert source.warnings[0].endswith(
        "1 row: REF is '-' and no end is given; inserted before the position, as Ensembl has it "
        "(ANNOVAR and MAF: after it)"
    )


def test_the_effect_allele_beside_ref_and_alt_is_told_as_these_are_spelt(write_input, read_records, reference):
    rows = ["1 3 G A G", "1 3 G A,T t", "1 3 G - -", "1 3 G A C", "1 3 G A NA", "1 3 G A ?"]
    path = write_input("#CHROM POS REF ALT A1\n" + "".join(f"{row}\n" for row in rows))
    records, source = read_records(path, reference)
    assert [record.split(" ")[5] for record in records] == [
        "EFFECT_ALLELE=G", "EFFECT_ALLELE=T", "EFFECT_ALLELE=C", "EFFECT_ALLELE=C", ".", ".",
    ]  # fmt: skip
    assert source.warnings == [f"{path}: 2 rows: the effect allele is neither REF nor ALT"]


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        (TABLE, "1 3 . A", "REF is missing ('.')"),
        (TABLE, "1 3 NA A", "REF is missing ('NA')"),
        (GWAS, "1 3 A ", "the other allele is missing ('')"),
        (TABLE, "1 3 G A/T", "ALT: expected letters of bases, or - for none, found 'A/T'"),
        (TABLE, "1 3 <DEL> A", "REF: expected letters of bases, or - for none, found '<DEL>'"),
        (TABLE, "1 3 G A;T", "ALT: expected letters of bases, or - for none, found 'A;T'"),
        (TABLE, "1 3 ß A", "REF: expected letters of bases, or - for none, found 'ß'"),
        (GWAS, "1 3 A,C G", "the effect allele: expected letters of bases, or - for none, found 'A,C'"),
    ],
)
def test_an_allele_that_is_none_stops_with_its_line(write_input, read_records, reference, table, row, message):
    start = table.replace("\n", "\n" + ("1 3 G A\n" if table == TABLE else "1 3 A G\n"))
    path = write_input(start + row + "\n")
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}, line 3: {message}')}$"):
        read_records(path, reference)


LETTERS = "ACGTACGTAA"


@given(
    st.integers(1, 10).flatmap(lambda start: st.tuples(st.just(start), st.integers(start, min(10, start + 3)))),
    st.text("ACGT", min_size=1, max_size=3),
    st.booleans(),
)
def test_whichever_way_an_allele_is_told_it_is_the_same_variant(tmp_path_factory, place, alt, effect_is_alt):
    """Properties that need a genome: written here, for hypothesis takes no fixture of one test."""
    from zoo.genome.reference import Reference

    folder = tmp_path_factory.mktemp("alleles")
    (folder / "genome.fa").write_text(f">chr1\n{LETTERS}\n")
    start, end = place
    ref = LETTERS[start - 1 : end]
    effect, other = (alt, ref) if effect_is_alt else (ref, alt)
    (folder / "gwas.tsv").write_text(f"chr\tpos\teffect_allele\tother_allele\nchr1\t{start}\t{effect}\t{other}\n")
    with Reference(folder / "genome.fa") as reference, open_records(folder / "gwas.tsv", reference) as source:
        (batch,) = source.batches(9)
        ((contig, position, _, found_ref, found_alt, _, _, info),) = batch.columns
        assert {found_ref, found_alt} == {ref, alt}
        shorter, longer = sorted((ref, alt), key=len)
        both = LETTERS[start - 1 :].startswith(longer) and longer.startswith(shorter)
        assert info == f"EFFECT_ALLELE={effect}" + ";REF_UNDECIDED" * both
        if not LETTERS[start - 1 :].startswith(alt):
            assert (found_ref, found_alt) == (ref, alt)
        # A deletion told with '-' is the one that VCF tells with its padding base.
        (folder / "vep.tsv").write_text(f"chr\tpos\tref\talt\nchr1\t{start}\t{ref}\t-\n")
        if len(ref) < len(LETTERS):
            with open_records(folder / "vep.tsv", reference) as deletion:
                ((contig, position, _, padded, base, *_),) = next(deletion.batches(9)).columns
            left = LETTERS[: int(position) - 1] + base + LETTERS[int(position) - 1 + len(padded) :]
            assert left == LETTERS[: start - 1] + LETTERS[end:]
            assert normalise(Variant(contig, int(position), padded, base), reference)
