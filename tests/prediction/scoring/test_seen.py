import numpy as np
import pytest

from zoo.model.card import Card
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.scoring.seen import find_seen, tells_contigs
from zoo.testing.models import CARD

HG19 = {"name": "GRCh37 (hg19)"}


def card_of(genome=HG19, **split):
    return Card.model_validate({**CARD, "genome": genome, "split": {"train": 1, "validation": 1, "test": 1, **split}})


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


@pytest.mark.parametrize("genome", [None, {"name": "made up"}, {"name": "made up", "digests": {"chrA": "SQ.a"}}])
def test_held_out_contigs_alone_do_not_tell_what_a_model_was_trained_on(open_genome, genome):
    card = card_of(genome, method="contig", groups={"test": ["chr8"], "validation": ["chr7"]})
    alleles = build_alleles(["chrB", "chr1"], [1] * 2, ["A"] * 2, ["C"] * 2, open_genome(chrB="ACGT", chr1="ACGT"))
    assert not tells_contigs(card)
    assert find_seen(alleles, card).tolist() == [False, False]


@pytest.mark.parametrize("name", ["made up", "GRCh37 (hg19)"])
def test_digests_of_all_contigs_that_examples_lie_on_tell_those_trained_on(open_genome, name):
    digests = {contig: f"SQ.{contig}" for contig in ("chr3", "chr7", "chr8")}
    card = card_of({"name": name, "digests": digests}, method="contig", groups={"test": ["chr8"], "validation": ["7"]})
    contigs = ["3", "chr7", "8", "chr1", "chrA"]
    alleles = build_alleles(contigs, [1] * 5, ["A"] * 5, ["C"] * 5, open_genome(**dict.fromkeys(contigs, "ACGT")))
    assert tells_contigs(card)
    assert find_seen(alleles, card).tolist() == [True, False, False, False, False]
