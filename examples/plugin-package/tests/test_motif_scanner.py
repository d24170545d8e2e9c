import numpy as np
import pytest
from zoo_motif_scanner.log2_fold_change import LOG2_FOLD_CHANGE
from zoo_motif_scanner.motif_scanner import MOTIF_SCANNER

from zoo import InputSpec, OutputSpec, encode, one_hot
from zoo.testing.contract import check_architecture, check_scorer

pytest.importorskip("keras", reason="building a network needs assayzoo[train]")


def test_the_components_keep_the_contract() -> None:
    check_architecture(MOTIF_SCANNER)
    check_scorer(LOG2_FOLD_CHANGE)


def test_a_motif_counts_the_same_wherever_it_stands() -> None:
    network = MOTIF_SCANNER.build(
        MOTIF_SCANNER.config(motifs=4, width=6),
        (InputSpec("sequence", (30, 4)),),
        (OutputSpec("prediction", ("bound",), "sigmoid"),),
        {},
    )
    background = "A" * 12
    sequences = ["GATTACA".join((background[:left], background[left:] + "A" * 11)) for left in (6, 9, 12)]
    predictions = np.asarray(network(one_hot(np.stack([encode(sequence) for sequence in sequences])))["prediction"])
    assert predictions.shape == (3, 1)
    assert np.allclose(predictions, predictions[0], rtol=1e-5)
