import numpy as np

from zoo.genome.variant import Reason
from zoo.prediction.scoring.scores import ModelScores


def make(alleles, allele, window, scores, **values):
    return ModelScores(
        np.array(allele), np.array(window), np.array(scores, np.float32), np.zeros(alleles, np.uint8), **values
    )


def test_the_strongest_row_has_the_largest_score_of_any_track_the_first_of_equals():
    found = make(4, [0, 0, 1, 1, 1, 3], [0, 1, 0, 1, 2, 0], [[1, 2], [-3, 0], [0, 1], [2, -2], [-2, 0], [0, 0]])
    assert found.strongest().tolist() == [1, 3, -1, 5]


def test_the_mean_of_an_alleles_windows_is_one_row_that_disagrees_where_any_does():
    found = make(
        3, [0, 0, 2], [1, 2, 1], [[1], [4], [7]], spread=np.array([[1], [3], [5]], np.float32),
        disagree=np.array([[False], [True], [False]]),
    ).average_windows()  # fmt: skip
    assert found.allele.tolist() == [0, 2]
    assert found.scores.tolist() == [[2.5], [7]]
    assert found.spread.tolist() == [[2], [5]]
    assert found.disagree.tolist() == [[True], [False]]
    assert (found.reason == Reason.OK).all()
