import numpy as np
import pytest

from zoo.genome.codes import encode
from zoo.prediction.alleles.changes import find_changes


@pytest.mark.parametrize(
    ("genome", "start", "ref", "alt", "changes"),
    [
        pytest.param("ACGT", 1, "C", "T", (1, 2, "T"), id="SNV"),
        pytest.param("ACGT", 1, "CG", "TA", (1, 3, "TA"), id="MNV"),
        pytest.param("ACGT", 1, "C", "CTT", (2, 2, "TT"), id="insertion, before the base behind its padding"),
        pytest.param("ACGT", 1, "C", "CAC", (2, 2, "AC"), id="insertion that ends as its padding does"),
        pytest.param("ACGT", 1, "CGT", "C", (2, 4, ""), id="deletion"),
        pytest.param("ACGT", 1, "CG", "TAA", (1, 3, "TAA"), id="delins"),
        pytest.param("ACGT", 1, "C", "GG", (1, 2, "GG"), id="one base becomes two others"),
        pytest.param("ACGT", 0, "A", "GA", (0, 0, "G"), id="insertion before the contig's first base"),
        pytest.param("ACGT", 0, "AC", "C", (0, 1, ""), id="deletion of the contig's first base"),
    ],
)
def test_an_allele_changes_its_normal_form_without_the_padding_base(genome, start, ref, alt, changes):
    one = np.ones(1, dtype=np.int64)
    found = find_changes(encode(genome), one * start, one * len(ref), encode(alt), one * 0, one * len(alt))
    first = found.alt_start[0]
    assert (found.start[0], found.end[0], alt[first : first + found.alt_length[0]]) == changes
