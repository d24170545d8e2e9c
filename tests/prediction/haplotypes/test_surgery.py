import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.genome.codes import decode, encode
from zoo.prediction.alleles.changes import Changes
from zoo.prediction.haplotypes.surgery import carry_alleles, walk_left, walk_right

GENOME = "ACGTTGCAAT"


def edit(first, last, alt):
    return first, last, encode(alt)


@pytest.mark.parametrize(
    ("start", "edits", "window"),
    [
        pytest.param(2, [], "GTTG", id="none"),
        pytest.param(2, [(3, 4, "A")], "GATG", id="SNV"),
        pytest.param(2, [(3, 3, "CC")], "GCCT", id="an insertion pushes bases out"),
        pytest.param(2, [(3, 5, "")], "GGCA", id="a deletion draws bases in"),
        pytest.param(2, [(2, 2, "AA")], "AAGT", id="an insertion before the first base"),
        pytest.param(2, [(6, 6, "AA")], "GTTG", id="an insertion behind the last base"),
        pytest.param(2, [(5, 5, "ACG")], "GTTA", id="an insertion is cut at the end"),
        pytest.param(2, [(3, 3, "C"), (3, 5, "")], "GCGC", id="an insertion before a deletion"),
        pytest.param(2, [(3, 5, ""), (6, 7, "T")], "GGTA", id="a deletion draws in what another allele changes"),
        pytest.param(8, [], "ATNN", id="beyond the contig"),
        pytest.param(8, [(9, 10, "")], "ANNN", id="the last base deleted"),
        pytest.param(8, [(10, 10, "G")], "ATGN", id="an insertion behind the last base of the contig"),
    ],
)
def test_walking_right_follows_the_haplotype(start, edits, window):
    assert decode(walk_right(encode(GENOME), start, 4, [edit(*one) for one in edits])) == window


@pytest.mark.parametrize(
    ("end", "edits", "window"),
    [
        pytest.param(7, [], "TTGC", id="none"),
        pytest.param(7, [(6, 7, "A")], "TTGA", id="SNV"),
        pytest.param(7, [(6, 6, "AA")], "GAAC", id="an insertion pushes bases out"),
        pytest.param(7, [(4, 6, "")], "CGTC", id="a deletion draws bases in"),
        pytest.param(7, [(7, 7, "AA")], "GCAA", id="an insertion right before the end"),
        pytest.param(7, [(3, 3, "AA")], "TTGC", id="an insertion before the first base that is left"),
        pytest.param(7, [(4, 4, "CGA")], "ATGC", id="an insertion is cut at its left"),
        pytest.param(7, [(3, 4, "A"), (4, 6, "")], "CGAC", id="a deletion draws in what another allele changes"),
        pytest.param(2, [], "NNAC", id="beyond the contig"),
        pytest.param(2, [(0, 1, "")], "NNNC", id="the first base deleted"),
    ],
)
def test_walking_left_follows_the_haplotype(end, edits, window):
    assert decode(walk_left(encode(GENOME), end, 4, [edit(*one) for one in edits])) == window


pieces = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.text("ACGT", max_size=4)), max_size=4)


@given(
    st.text("ACGT", min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(-3, 20), pieces), min_size=1, max_size=4),
    st.integers(1, 12),
)
def test_windows_are_pieces_of_the_changed_contig(genome, windows, length):
    starts, row, changes, alt = [], [], [], ""
    for number, (start, given_pieces) in enumerate(windows):
        starts.append(start)
        place = max(start, 0)
        for gap, count, text in given_pieces:
            first, last = place + gap, place + gap + count
            if last > len(genome) or (not count and not text):
                break
            row.append(number)
            changes.append((first, last, len(alt), len(text)))
            alt += text
            place = last + 1  # never two insertions at one place
    table = np.array(changes, dtype=np.int64).reshape(-1, 4).T
    found = carry_alleles(
        encode(genome),
        np.array(starts),
        length,
        np.array(row, dtype=np.int64),
        np.arange(len(changes)),
        Changes(*table),
        encode(alt),
    )
    for number, start in enumerate(starts):
        letters = genome + "N" * 60
        for first, last, begin, count in [one for one, of in zip(changes, row, strict=True) if of == number][::-1]:
            letters = letters[:first] + alt[begin : begin + count] + letters[last:]
        assert decode(found[number]) == ("N" * max(-start, 0) + letters[max(start, 0) :])[:length]
