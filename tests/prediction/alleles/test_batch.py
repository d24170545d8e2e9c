import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.genome.codes import decode
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason, Variant, normalise
from zoo.prediction.alleles.batch import build_alleles


def spell(batch, allele):
    """Return start, REF length, ALT and reason of an allele."""
    first = batch.alt_start[allele]
    alt = decode(batch.alt[first : first + batch.alt_length[allele]])
    return int(batch.start[allele]), int(batch.ref_length[allele]), alt, Reason(batch.reason[allele])


def test_each_alt_is_an_allele_in_the_order_of_the_records(open_genome):
    reference = open_genome(chr1="ACGTACGT", chr2="GGGG")
    batch = build_alleles(["chr2", "chr1", "chr2"], [1, 2, 4], ["G", "C", "G"], ["A", "T,CA,G", "."], reference)
    assert batch.record.tolist() == [0, 1, 1, 1, 2]
    assert [batch.contigs[contig] for contig in batch.contig] == ["chr2", "chr1", "chr1", "chr1", "chr2"]
    assert [spell(batch, allele) for allele in range(4)] == [
        (0, 1, "A", Reason.OK),
        (1, 1, "T", Reason.OK),
        (1, 1, "CA", Reason.OK),
        (1, 1, "G", Reason.OK),
    ]
    assert batch.reason[4] == Reason.NO_ALT


def test_alleles_are_in_normal_form_one_by_one(open_genome):
    reference = open_genome(chr1="GCACACT")
    batch = build_alleles(["chr1"], [4], ["CAC"], ["C,CAT,CACAC"], reference)
    assert [spell(batch, allele) for allele in range(3)] == [
        (0, 3, "G", Reason.OK),
        (5, 1, "T", Reason.OK),
        (0, 1, "GCA", Reason.OK),
    ]


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 4), st.text("ACGTac", min_size=1, max_size=5)), min_size=1)
)
def test_alleles_of_many_records_have_the_form_that_each_has_alone(tmp_path_factory, spelled):
    letters = "GACACACTTTNCACACACGTGTGG"
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">chr1\n{letters}\n")
    with Reference(path) as reference:
        variants = [Variant("chr1", at, letters[at - 1 : at - 1 + length], alt) for at, length, alt in spelled]
        batch = build_alleles(
            ["chr1"] * len(variants), *zip(*[(v.position, v.ref, v.alt) for v in variants], strict=True), reference
        )
        for allele, variant in enumerate(variants):
            if "N" not in variant.ref:
                alone = normalise(variant, reference)
                form = (alone.start, len(alone.ref), alone.alt, Reason.OK)
                assert spell(batch, allele) == form


@pytest.mark.parametrize(
    ("position", "ref", "alt", "reasons"),
    [
        (2, "C", "<DEL>,A,*,.", [Reason.SYMBOLIC, Reason.OK, Reason.SPANNING_DELETION, Reason.UNSPECIFIED]),
        (2, "C", "C[chr2:5[", [Reason.BREAKEND]),
        (2, "C", "N,", [Reason.AMBIGUOUS_ALT, Reason.AMBIGUOUS_ALT]),
        (2, "C", ".", [Reason.NO_ALT]),
        (2, "G", "A,<DEL>", [Reason.REF_MISMATCH, Reason.SYMBOLIC]),
        (2, "CT", "C", [Reason.REF_MISMATCH]),
        (0, "N", "A", [Reason.REF_MISMATCH]),
        (8, "T", "A", [Reason.OK]),
        (8, "TA", "T", [Reason.REF_MISMATCH]),
        (9, "A", "C", [Reason.REF_MISMATCH]),
        (10**12, "A", "C", [Reason.REF_MISMATCH]),
        (2, "c", "a", [Reason.OK]),
        (2, "Y", "A", [Reason.OK]),
        (2, "R", "A", [Reason.REF_MISMATCH]),
        (2, "C", "C", [Reason.OK]),
    ],
)
def test_what_cannot_be_scored_has_its_reason(open_genome, position, ref, alt, reasons):
    batch = build_alleles(["chr1"], [position], [ref], [alt], open_genome(chr1="ACGTACGT"))
    assert [Reason(reason) for reason in batch.reason] == reasons


@pytest.mark.parametrize(
    ("ref", "reason"),
    [("A", Reason.OK), ("G", Reason.OK), ("R", Reason.OK), ("N", Reason.OK), ("C", Reason.REF_MISMATCH)],
)
def test_an_ambiguous_base_of_the_genome_agrees_with_what_it_may_be_and_proves_nothing(open_genome, ref, reason):
    batch = build_alleles(["chr1"], [3], [ref], ["T"], open_genome(chr1="ACRTACGT"))
    assert Reason(batch.reason[0]) is reason
    assert not batch.checkable[0]


def test_alleles_on_no_known_contig_say_so_unless_they_have_no_bases(open_genome):
    batch = build_alleles([None, "chr1"], [2, 2], ["C", "C"], ["A,<DEL>", "A"], open_genome(chr1="ACGT"))
    assert [Reason(reason) for reason in batch.reason] == [Reason.UNKNOWN_CONTIG, Reason.SYMBOLIC, Reason.OK]
    assert batch.checkable.tolist() == [False, False, True]


def test_no_records_make_no_alleles(open_genome):
    assert len(build_alleles([], [], [], [], open_genome(chr1="ACGT"))) == 0


@pytest.mark.parametrize(
    ("position", "ref", "alt", "holds"),
    [
        pytest.param(3, "A", "G", True, id="the genome's R written as A"),
        pytest.param(2, "CA", "C", True, id="a deleted base"),
        pytest.param(2, "CAT", "CGT", True, id="trimmed to the unknown base"),
        pytest.param(2, "CAT", "TAT", True, id="no base is trimmed against it"),
        pytest.param(4, "T", "G", False, id="beside it"),
        pytest.param(4, "T", "TT", False, id="moved up to it"),
        pytest.param(5, "G", "<DEL>", False, id="no sequence"),
        pytest.param(3, "C", "G", False, id="REF disagrees"),
    ],
)
def test_an_allele_tells_where_ref_covers_an_unknown_base(open_genome, position, ref, alt, holds):
    batch = build_alleles(["chr1", "chr1"], [2, position], ["C", ref], ["T", alt], open_genome(chr1="ACRTGCGT"))
    assert batch.holds_unknown.tolist() == [False, holds]


@pytest.mark.parametrize(
    ("alt", "reason"),
    [
        ("<CNV:TR>", Reason.SYMBOLIC),
        ("<INS:ME>", Reason.SYMBOLIC),
        ("<X>", Reason.UNSPECIFIED),
        ("]17:1]N", Reason.BREAKEND),
        (".N", Reason.BREAKEND),
        ("N.", Reason.BREAKEND),
        ("A", Reason.REF_MISMATCH),
        (".", Reason.NO_ALT),
        ("*", Reason.SPANNING_DELETION),
    ],
)
@pytest.mark.parametrize("position", [0, 9], ids=["before the first base", "after the last"])
def test_at_the_telomeres_every_allele_has_a_reason(open_genome, position, alt, reason):
    batch = build_alleles(["chr1"], [position], ["N"], [alt], open_genome(chr1="ACGTACGT"))
    assert [Reason(found) for found in batch.reason] == [reason]


@pytest.mark.parametrize(
    ("ref", "alt"), [("", "A"), (".", "A"), ("*", "A"), ("<DEL>", "A"), ("A-", "A"), ("\u00c5", "A"), ("A", "\u00c5")]
)
def test_letters_that_are_none_have_a_reason(open_genome, ref, alt):
    batch = build_alleles(["chr1", "chr1"], [1, 1], [ref, "A"], [alt, "C"], open_genome(chr1="ACGTACGT"))
    assert Reason(batch.reason[0]) in {Reason.REF_MISMATCH, Reason.AMBIGUOUS_ALT}
    assert Reason(batch.reason[1]) is Reason.OK


def test_a_position_at_the_end_of_what_numbers_can_count_is_outside_the_contig(open_genome):
    last = 2**63 - 1
    batch = build_alleles(["chr1"] * 2, [last, last - 1], ["ACG", "A"], ["A", "C"], open_genome(chr1="ACGT"))
    assert [Reason(reason) for reason in batch.reason] == [Reason.REF_MISMATCH] * 2
