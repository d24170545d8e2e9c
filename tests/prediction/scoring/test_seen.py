import numpy as np
import pytest

from zoo.model.card import Card
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.scoring.seen import find_seen, tells_contigs
from zoo.testing.models import CARD


def card_of(**split):
    return Card.model_validate({**CARD, "split": {"train": 1, "validation": 1, "test": 1, **split}})


def test_alleles_on_contigs_outside_validation_and_test_are_seen_whatever_the_contigs_name(open_genome):
    card = card_of(method="contig", groups={"test": ["chr8"], "validation": ["chr7"]})
    reference = open_genome(**{"1": "ACGT", "8": "ACGT", "7": "ACGT"})
    alleles = build_alleles(["8", "1", None, "7", "1"], [1] * 5, ["A"] * 5, ["C"] * 5, reference)
    assert tells_contigs(card)
    assert find_seen(alleles, card).tolist() == [False, True, False, False, True]


@pytest.mark.parametrize("split", [None, {"method": "hash"}, {"method": "group", "groups": {"test": ["testing"]}}])
def test_a_card_that_does_not_tell_contigs_flags_none(open_genome, split):
    card = Card.model_validate(CARD) if split is None else card_of(**split)
    alleles = build_alleles(["chr1"], [1], ["A"], ["C"], open_genome(chr1="ACGT"))
    assert not tells_contigs(card)
    assert np.array_equal(find_seen(alleles, card), [False])


def test_a_model_of_one_organism_has_seen_no_contig_of_another(open_genome):
    split = {"method": "contig", "groups": {"test": ["chr8"]}, "train": 1, "validation": 1, "test": 1}
    card = Card.model_validate({**CARD, "genome": {"name": "GRCh37 (hg19)"}, "split": split})
    reference = open_genome(chrI="ACGT", chr1="ACGT", chrM="ACGT")
    alleles = build_alleles(["chrI", "chr1", "chrM"], [1] * 3, ["A"] * 3, ["C"] * 3, reference)
    assert find_seen(alleles, card).tolist() == [False, True, True]
