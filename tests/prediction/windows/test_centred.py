import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.genome.codes import decode
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason, Variant
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.windows.centred import CentredPlacer, build_centred

GENOME = "ACGTTGCAAT"


def windows_of(reference, variants, length, anchor):
    batch = build_alleles(*zip(*[(v.contig, v.position, v.ref, v.alt) for v in variants], strict=True), reference)
    assert set(batch.reason) == {Reason.OK}
    chosen = np.argsort(batch.contig, kind="stable")
    built = build_centred(batch, chosen, reference, length, anchor)
    refs = [decode(built.ref[row]) for row in built.ref_of]
    alts = [decode(row) for row in built.alt]
    return {int(allele): pair for allele, pair in zip(chosen, zip(refs, alts, strict=True), strict=True)}, built


@pytest.mark.parametrize(
    ("variant", "ref", "alt"),
    [
        pytest.param(Variant("chr1", 5, "T", "G"), "GTTG", "GTGG", id="SNV"),
        pytest.param(Variant("chr1", 5, "T", "TCC"), "GTTG", "GTTC", id="insertion"),
        pytest.param(Variant("chr1", 5, "TGC", "T"), "GTTG", "GTTA", id="deletion"),
        pytest.param(Variant("chr1", 5, "TG", "CA"), "GTTG", "GTCA", id="MNP"),
        pytest.param(Variant("chr1", 4, "TTG", "TG"), "ACGT", "ACGT", id="not in normal form"),
        pytest.param(Variant("chr1", 1, "A", "T"), "NNAC", "NNTC", id="contig's first base"),
        pytest.param(Variant("chr1", 10, "T", "A"), "AATN", "AAAN", id="contig's last base"),
        pytest.param(Variant("chr1", 9, "AT", "A"), "CAAT", "CAAN", id="deletion of the contig's last base"),
        pytest.param(Variant("chr1", 10, "T", "TG"), "AATN", "AATG", id="insertion after the contig's last base"),
        pytest.param(Variant("chr1", 1, "AC", "C"), "NNAC", "NNCG", id="deletion of the contig's first base"),
    ],
)
def test_alleles_of_a_window_of_four(open_genome, variant, ref, alt):
    pairs, _ = windows_of(open_genome(chr1=GENOME), [variant], length=4, anchor=2)
    assert pairs == {0: (ref, alt)}


def test_the_anchor_may_be_the_first_or_the_last_base(open_genome):
    reference, variant = open_genome(chr1=GENOME), Variant("chr1", 5, "T", "C")
    assert windows_of(reference, [variant], 4, 0)[0] == {0: ("TGCA", "CGCA")}
    assert windows_of(reference, [variant], 4, 3)[0] == {0: ("CGTT", "CGTC")}


def test_alleles_of_one_place_share_their_ref_window(open_genome):
    variants = [Variant("chr1", 5, "T", alt) for alt in ("A", "C", "G", "TA")] + [Variant("chr1", 7, "C", "A")]
    _, built = windows_of(open_genome(chr1=GENOME), variants, 4, 2)
    assert built.ref.shape == (2, 4)
    assert built.ref_of.tolist() == [0, 0, 0, 0, 1]


def test_contigs_have_windows_of_their_own(open_genome):
    variants = [Variant("chr2", 3, "C", "A"), Variant("chr1", 5, "T", "A"), Variant("chr2", 2, "C", "A")]
    pairs, _ = windows_of(open_genome(chr1=GENOME, chr2="CCCC"), variants, 4, 2)
    assert pairs == {0: ("CCCC", "CCAC"), 1: ("GTTG", "GTAG"), 2: ("NCCC", "NCAC")}


def test_a_contig_shorter_than_the_window_is_padded_on_both_sides(open_genome):
    pairs, _ = windows_of(open_genome(chr1="CG"), [Variant("chr1", 1, "C", "A")], 6, 2)
    assert pairs == {0: ("NNCGNN", "NNAGNN")}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.integers(1, 10), st.integers(1, 3), st.text("ACGT", min_size=1, max_size=3), st.integers(4, 9), st.integers(0, 3)
)
def test_windows_are_pieces_of_the_two_haplotypes(tmp_path_factory, position, ref_length, alt, length, anchor):
    path = tmp_path_factory.getbasetemp() / "haplotypes.fa"
    if not path.exists():
        path.write_text(f">chr1\n{GENOME}\n")
    ref = GENOME[position - 1 : position - 1 + ref_length]
    with Reference(path) as reference:
        batch = build_alleles(["chr1"], [position], [ref], [alt], reference)
        if not len(CentredPlacer(length, anchor).place(batch, batch.reason.copy())):
            return
        built = build_centred(batch, np.array([0]), reference, length, anchor)
    padded = "N" * 9 + GENOME + "N" * 9
    changed = "N" * 9 + GENOME[: position - 1] + alt + GENOME[position - 1 + len(ref) :] + "N" * 9
    first = 9 + int(batch.start[0]) - anchor
    assert decode(built.ref[0]) == padded[first : first + length]
    assert decode(built.alt[0]) == changed[first : first + length]


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 3), st.text("ACGT", min_size=1, max_size=3)), min_size=1),
    st.integers(4, 9),
    st.integers(0, 3),
)
def test_windows_of_many_alleles_in_any_order_are_those_of_each_alone(tmp_path_factory, spelled, length, anchor):
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">chr1\n{GENOME}\n")
    refs = [GENOME[position - 1 : position - 1 + count] for position, count, _ in spelled]
    positions, alts = [position for position, *_ in spelled], [alt for *_, alt in spelled]
    with Reference(path) as reference:
        batch = build_alleles(["chr1"] * len(refs), positions, refs, alts, reference)
        chosen = CentredPlacer(length, anchor).place(batch, batch.reason.copy()).allele
        if not len(chosen):
            return
        together = build_centred(batch, chosen, reference, length, anchor)
        alone = [build_centred(batch, chosen[[row]], reference, length, anchor) for row in range(len(chosen))]
    assert together.ref[together.ref_of].tolist() == [each.ref[0].tolist() for each in alone]
    assert together.alt.tolist() == [each.alt[0].tolist() for each in alone]
    assert len(together.ref) == len({int(start) for start in batch.start[chosen]})


def test_an_allele_that_reaches_beyond_the_window_is_too_long(open_genome):
    batch = build_alleles(
        ["chr1"] * 5,
        [5] * 5,
        ["TG", "TGC", "T", "T", "T"],
        ["T", "T", "TA", "TAA", "<DEL>"],
        open_genome(chr1=GENOME),
    )
    reason = batch.reason.copy()
    placement = CentredPlacer(4, 2).place(batch, reason)
    reasons = [Reason(code) for code in reason]
    assert reasons == [Reason.OK, Reason.TOO_LONG, Reason.OK, Reason.TOO_LONG, Reason.SYMBOLIC]
    assert placement.allele.tolist() == [0, 2]
    assert placement.window.tolist() == [-1, -1]


def test_a_window_that_moves_left_has_less_room_for_its_allele(open_genome):
    batch = build_alleles(["chr1"], [5], ["TG"], ["T"], open_genome(chr1=GENOME))
    for shifts, expected in (((0, 1), Reason.OK), ((-1, 0), Reason.TOO_LONG)):
        reason = batch.reason.copy()
        CentredPlacer(4, 2, shifts).place(batch, reason)
        assert Reason(reason[0]) is expected


@pytest.mark.parametrize(("shift", "ref", "alt"), [(0, "GTTG", "GTCG"), (1, "TTGC", "TCGC"), (-1, "CGTT", "CGTC")])
def test_a_shift_moves_the_window_to_the_right(open_genome, shift, ref, alt):
    reference = open_genome(chr1=GENOME)
    batch = build_alleles(["chr1"], [5], ["T"], ["C"], reference)
    placer = CentredPlacer(4, 2, (-1, 0, 1))
    built = placer.build(batch, placer.place(batch, batch.reason.copy()), reference, shift)
    assert (decode(built.ref[0]), decode(built.alt[0])) == (ref, alt)
    assert built.ref_start.tolist() == [2 - shift]


@pytest.mark.parametrize(("share", "expected"), [(0.5, [False, True]), (0.25, [True, True]), (0.75, [False, False])])
def test_windows_are_known_by_their_share_of_unknown_bases(open_genome, share, expected):
    batch = build_alleles(["chr1"] * 2, [1, 1], ["A", "A"], ["C", "C"], open_genome(chr1="AC"))
    windows = [build_centred(batch, np.array([0]), open_genome(chr1="AC"), 4, anchor) for anchor in (1, 3)]
    assert [bool(each.mostly_unknown(share)[0]) for each in windows] == expected
