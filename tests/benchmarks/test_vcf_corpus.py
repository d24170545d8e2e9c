"""The comparison of the VCF corpus notices what it is there to notice."""

import gzip

import pytest

from benchmarks.vcf_corpus import Outcome, check_header, check_keys, tell, without_keys, write_table
from benchmarks.vcf_generated import write_generated
from benchmarks.vcf_worker import write_fitting_genome

FORMAT = "##fileformat=VCFv4.2"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
OURS = [
    '##INFO=<ID=ZOO_G_AT_ANCHOR,Number=A,Type=Float,Description="x">',
    '##INFO=<ID=ZOO_G_AT_ANCHOR_SKIPPED,Number=.,Type=String,Description="x">',
    '##INFO=<ID=ZOO_SKIPPED,Number=.,Type=String,Description="x">',
]


def record(info, alt="C,<DEL>"):
    return f"chr1\t5\t.\tA\t{alt}\t.\t.\t{info}\tGT\t0/1"


def test_only_our_keys_are_cut_out():
    assert without_keys(record("DP=3;ZOO_G_AT_ANCHOR=1,.;ZOO_SKIPPED=.,SYMBOLIC;DB")) == record("DP=3;DB")
    assert without_keys(record("ZOO_G_AT_ANCHOR=1,0")) == record(".")


@pytest.mark.parametrize(
    ("info", "alt", "fault"),
    [
        ("ZOO_G_AT_ANCHOR=1,.;ZOO_SKIPPED=.,SYMBOLIC", "C,<DEL>", None),
        ("ZOO_G_AT_ANCHOR=-1.25e-07,.;ZOO_G_AT_ANCHOR_SKIPPED=.,TOO_LONG", "C,<DEL>", None),
        ("ZOO_SKIPPED=NO_ALT", ".", None),
        ("DP=1", ".", "a record without ALT is not told as NO_ALT (1 times)"),
        ("ZOO_G_AT_ANCHOR=1", "C,<DEL>", "a key has not one value for each ALT (1 times)"),
        ("DP=1", "C,G", "a key has not one value for each ALT (1 times)"),
        ("ZOO_G_AT_ANCHOR=1,.", "C,<DEL>", "an allele has a score and a reason, or neither (1 times)"),
        (
            "ZOO_G_AT_ANCHOR=1;ZOO_SKIPPED=SYMBOLIC",
            "<DEL>",
            "an allele has a score and a reason, or neither (1 times)",
        ),
        ("ZOO_G_AT_ANCHOR=nan", "C", "a score is no number as VCF spells it (1 times)"),
        ("ZOO_G_AT_ANCHOR=1;ZOO_G_AT_ANCHOR=1", "C", "a key stands twice in a record (1 times)"),
    ],
)
def test_each_allele_has_a_number_or_a_reason(info, alt, fault):
    assert check_keys([record(info, alt)]) == [fault] * (fault is not None)


def test_the_header_is_the_one_of_the_input_with_our_lines():
    given = [FORMAT, "##source=x", COLUMNS]
    assert check_header([FORMAT, "##source=x", "##contig=<ID=chr1>", *OURS, COLUMNS], given) == []
    assert check_header([FORMAT, *OURS, COLUMNS], given) == ["the header is not the input's with our lines added"]
    assert check_header([FORMAT, "##source=x", *OURS, OURS[2], COLUMNS], given) == [
        "ZOO_SKIPPED is declared 2 times, or not as Number=.,Type=String"
    ]
    assert check_header([FORMAT.replace("4.2", "4.0"), *OURS, COLUMNS], [FORMAT.replace("4.2", "4.0"), COLUMNS]) == [
        "ZOO_G_AT_ANCHOR is declared 1 times, or not as Number=.,Type=Float"
    ]


def test_the_table_counts_each_kind_of_outcome_and_lists_what_deviates():
    outcomes = [
        Outcome("one", "same.vcf", read=3, same_vcf=True, same_bcf=True),
        Outcome("one", "broken.vcf", error="VcfError: cut"),
        Outcome("two", "refused.vcf", read=1, error="UnknownContig: none"),
        Outcome("two", "taken.vcf"),
    ]
    table = write_table(outcomes, "python x").split("\n")
    assert "| one | 2 | 1 | 3 | 1 | 1 | 1 | 0 | 0 |" in table
    assert "| **all** | 4 | 2 | 4 | 1 | 1 | 1 | 1 | 0 |" in table
    assert [line for line in table if line.startswith("- ")] == [
        "- `two/refused.vcf`: htslib reads it (1 records); refused: UnknownContig: none",
        "- `two/taken.vcf`: htslib refuses it, and it was annotated",
    ]
    assert tell(outcomes[0]) == ""


def test_made_files_are_those_of_their_seed(tmp_path):
    one, again, other = (write_generated(tmp_path / name, 12, seed) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert [path.name for path in one] == [path.name for path in again]
    assert [path.read_bytes() for path in one if path.suffix != ".bcf"] == [
        path.read_bytes() for path in again if path.suffix != ".bcf"
    ]
    assert any(ours.read_bytes() != theirs.read_bytes() for ours, theirs in zip(one, other, strict=True))
    assert sum(path.name.startswith("broken") for path in one) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_a_genome_is_made_that_holds_each_ref_where_it_stands(tmp_path, packed):
    header = f"{FORMAT}\n##contig=<ID=chr1,length=300>\n{COLUMNS}\n"
    text = header + "".join(
        f"{place}\t.\t.\t.\n" for place in ("chr1\t7\t.\tACGT\tC", "chr2\t0\t.\tN\tC", "chr2\t2\t.\tr\tC")
    )
    vcf, genome = tmp_path / "a.vcf", tmp_path / "genome.fa"
    vcf.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert write_fitting_genome(str(vcf), None, genome, "all", 1000)
    name, one, other, two = genome.read_text().split()
    assert (name, other, len(one), one[6:10], two[1]) == (">chr1", ">chr2", 300, "ACGT", "r")
    assert not write_fitting_genome(str(vcf), None, genome, "all", 100)
    assert write_fitting_genome(str(vcf), None, genome, "every second", 1000)
    assert genome.read_text().count(">") == 1
