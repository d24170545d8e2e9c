import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.genome.interval import Interval
from zoo.genome.regions import RegionIndex, Regions, list_runs, merge, rows_by_contig


def regions_of(*rows: tuple[str, int, int]) -> Regions:
    return Regions.of(Interval(*row) for row in rows)


def rows_of(regions: Regions) -> list[tuple[str, int, int]]:
    return list(zip(regions.contigs.tolist(), regions.starts.tolist(), regions.ends.tolist(), strict=True))


def bases_of(regions: Regions) -> set[tuple[str, int]]:
    return {(contig, base) for contig, start, end in rows_of(regions) for base in range(start, end)}


any_regions = st.lists(
    st.tuples(st.sampled_from(["chr1", "chr10", "chr2"]), st.integers(0, 30), st.integers(1, 8)), max_size=12
).map(lambda rows: regions_of(*((contig, start, start + length) for contig, start, length in rows)))


def test_the_union_is_sorted_and_what_overlaps_or_touches_is_one():
    found = merge(regions_of(("chr2", 4, 6), ("chr1", 10, 12), ("chr1", 0, 5), ("chr1", 5, 7), ("chr1", 1, 2)))

    assert rows_of(found) == [("chr1", 0, 7), ("chr1", 10, 12), ("chr2", 4, 6)]


@given(any_regions)
def test_the_union_covers_the_same_bases_with_regions_apart(regions):
    found = merge(regions)

    assert bases_of(found) == bases_of(regions)
    for (contig, _, end), (following, start, _) in zip(rows_of(found)[:-1], rows_of(found)[1:], strict=True):
        assert contig < following or end < start


@given(any_regions, st.integers(0, 35), st.integers(0, 10))
def test_the_index_counts_the_bases_that_are_covered(regions, start, length):
    bases = bases_of(regions)
    index = RegionIndex(regions)

    for contig in ("chr1", "chr10", "chr2", "chrX"):
        found = index.count_covered(contig, np.array([start, 0]), np.array([start + length, 50]))
        inside = [sum((contig, base) in bases for base in range(*part)) for part in ((start, start + length), (0, 50))]
        assert found.tolist() == inside


def test_joining_and_taking_keep_order():
    joined = Regions.join([regions_of(("b", 1, 2)), regions_of(), regions_of(("a", 3, 4), ("c", 5, 6))])

    assert rows_of(joined) == [("b", 1, 2), ("a", 3, 4), ("c", 5, 6)]
    assert rows_of(joined.take(np.array([2, 0]))) == [("c", 5, 6), ("b", 1, 2)]
    assert rows_of(joined.take(np.array([False, True, False]))) == [("a", 3, 4)]
    assert len(Regions.join([])) == len(merge(regions_of())) == 0


def test_rows_are_told_apart_by_contig_in_their_order():
    found = [(name, rows.tolist()) for name, rows in rows_by_contig(np.array(["b", "a", "b", "a", "b"]))]

    assert found == [("a", [1, 3]), ("b", [0, 2, 4])]
    assert list(rows_by_contig(np.array([], dtype=np.str_))) == []


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        pytest.param([0, 5, 20], [(0, 3)], id="near enough"),
        pytest.param([0, 5, 21], [(0, 2), (2, 3)], id="a gap"),
        pytest.param([0, 10, 20, 30, 40, 50], [(0, 4), (4, 6)], id="a long run"),
        pytest.param([], [], id="none"),
    ],
)
def test_windows_are_read_together_unless_a_gap_or_too_long_a_stretch_divides_them(starts, expected):
    runs = list_runs(np.array(starts, dtype=np.int64), length=10, gap=5, span=30)

    assert [(run.start, run.stop) for run in runs] == expected
