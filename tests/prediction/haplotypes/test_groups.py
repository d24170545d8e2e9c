import numpy as np
import pytest

from zoo.genome.variant import Reason
from zoo.prediction.haplotypes.groups import group_alleles

GENOME = "ACGTTGCAATCGATCGTACGCCGTATTAGC"


def told(haplotypes, *window, **options):
    """Return each group as the window's first base, haplotype, and the positions of its alleles."""
    groups = group_alleles(haplotypes, *window, **options)
    positions = haplotypes.sample.start[haplotypes.allele] + 1
    return [
        (int(groups.start[group]), int(groups.haplotype[group]), positions[groups.copies[first:last]].tolist())
        for group, (first, last) in enumerate(zip(groups.first[:-1], groups.first[1:], strict=True))
    ]


def test_a_group_is_as_wide_as_the_window_at_most(place):
    haplotypes, _ = place(["chr1 5 T A 0|1", "chr1 9 A C 0|1", "chr1 13 A C 0|1", "chr1 14 T C 0|1"], GENOME)
    assert told(haplotypes, 9, 4) == [(4, 2, [5, 9, 13]), (9, 2, [14])]
    assert [positions for _, _, positions in told(haplotypes, 10, 5)] == [[5, 9, 13, 14]]
    assert [positions for _, _, positions in told(haplotypes, 8, 4)] == [[5, 9], [13, 14]]


def test_an_allele_alone_stands_at_the_anchor(place):
    haplotypes, _ = place(["chr1 12 G GAA 1|0", "chr1 12 GATC G 0|1"], GENOME)
    assert told(haplotypes, 9, 4) == [(7, 1, [12]), (7, 2, [12])]


def test_the_window_is_centred_on_the_first_bases_of_first_and_last_allele(place):
    haplotypes, _ = place(["chr1 11 C A 0|1", "chr1 13 A C 0|1", "chr1 17 T C 0|1"], GENOME)
    assert told(haplotypes, 9, 4) == [(9, 2, [11, 13, 17])]  # bases 10 and 16, counted from 0: 13 at the anchor


@pytest.mark.parametrize(
    ("records", "together"),
    [
        pytest.param(["chr1 12 G A 0|1", "chr1 17 T TAAA 0|1"], True, id="the insertion fits just so"),
        pytest.param(["chr1 12 G A 0|1", "chr1 17 T TAAAA 0|1"], False, id="a base too many"),
        pytest.param(["chr1 11 CG C 0|1", "chr1 17 T TAAA 0|1"], False, id="too many without the deletion"),
        pytest.param(["chr1 12 G A 0|1", "chr1 18 ACGC A 0|1"], False, id="a base too many of the last deletion"),
        pytest.param(["chr1 13 A T 0|1", "chr1 18 ACGC A 0|1"], True, id="the last deletion fits just so"),
        pytest.param(["chr1 12 G GAA 0|1", "chr1 19 C A 0|1"], False, id="an insertion pushes the next allele out"),
        pytest.param(["chr1 12 G GA 0|1", "chr1 19 C A 0|1"], True, id="to the last base"),
        pytest.param(["chr1 12 GA G 0|1", "chr1 21 C A 0|1"], False, id="REF's window holds the next allele too"),
    ],
)
def test_no_allele_reaches_beyond_the_window_alone_or_together(place, records, together):
    haplotypes, _ = place(records, GENOME)
    found = told(haplotypes, 9, 4)
    assert (len(found) == 1) is together
    assert [positions for _, _, group in found for positions in group] == sorted(haplotypes.sample.start + 1)


def test_a_long_allele_at_the_end_moves_the_window_to_the_right(place):
    haplotypes, _ = place(["chr1 12 G A 0|1", "chr1 15 CGTA C 0|1"], GENOME)
    assert told(haplotypes, 9, 4) == [(9, 2, [12, 15])]  # bases 9 to 17; around base 12 it would start at 8


def test_what_has_no_room_beside_the_anchor_is_too_long(place):
    haplotypes, _ = place(["chr1 5 T TAAAA 0|1", "chr1 7 C CAAAAA 0|1", "chr1 12 GATCGTA G 1|1"], GENOME)
    groups = group_alleles(haplotypes, 9, 4)
    by_position = dict(zip(haplotypes.sample.start[haplotypes.allele] + 1, groups.reason, strict=True))
    assert by_position == {5: Reason.OK, 7: Reason.TOO_LONG, 12: Reason.TOO_LONG}
    assert group_alleles(haplotypes, 9, 4, max_indel=3).reason.tolist() == [Reason.TOO_LONG] * 4


def test_phase_sets_and_haplotypes_have_groups_of_their_own(place):
    records = ["chr1 5 T A 0|1:1", "chr1 6 G A 1|0:1", "chr1 7 C A 0|1:2", "chr1 8 A C 1|1"]
    haplotypes, _ = place(records, GENOME)
    assert sorted(group for _, _, group in told(haplotypes, 9, 4)) == [[5], [6], [7, 8], [8]]


def test_shifted_windows_hold_their_groups_too(place):
    haplotypes, _ = place(["chr1 11 C A 0|1", "chr1 17 T C 0|1"], GENOME)
    assert told(haplotypes, 9, 4, shifts=(-1, 0, 1)) == [(9, 2, [11, 17])]
    assert told(haplotypes, 9, 4, shifts=(-2, 0)) == [(10, 2, [11, 17])]
    assert told(haplotypes, 9, 4, shifts=(-2, 1)) == [(6, 2, [11]), (12, 2, [17])]


def test_every_copy_that_can_be_scored_is_in_one_group(place):
    generator = np.random.default_rng(3)
    records = []
    for position in range(2, 29):
        values = ["0|1", "1|0", "1|1", "0/1"]
        records.append(
            f"chr1 {position} {GENOME[position - 1]} {generator.choice(['A', 'CA', 'GTT'])} {generator.choice(values)}"
        )
    haplotypes, _ = place(records, GENOME)
    for length, anchor in ((4, 2), (9, 4), (12, 0), (40, 20)):
        groups = group_alleles(haplotypes, length, anchor)
        assert sorted(groups.copies) == np.flatnonzero(groups.reason == Reason.OK).tolist()
        assert (np.diff(groups.start) >= 0).all()
