import numpy as np
import pytest

from tests.model.networks import make_card
from zoo.errors import CardError
from zoo.model.strands import Strands


def make_strands(*tracks, bins=None, **strand):
    named = [{"name": track, "assay": "none"} for track in tracks]
    binned = {} if bins is None else {"kind": "binned", "bins": bins}
    output = {"name": "prediction", "tracks": named, "activation": "linear", **binned}
    return Strands(make_card(outputs=[output], strand=strand))


def predict(strands, *of_strands):
    """Return the predictions, and which strands were asked for."""
    asked = []

    def predict_strand(strand):
        asked.append(strand)
        return {"prediction": np.array(of_strands[strand], dtype=np.float32)}

    return strands.predict(predict_strand)["prediction"].tolist(), asked


def test_the_forward_strand_alone_runs_unless_both_are_averaged():
    assert predict(make_strands("a", average=False), [[3]]) == ([[3]], [0])
    assert predict(make_strands("a", average=True), [[3]], [[5]]) == ([[4]], [0, 1])


def test_a_track_is_averaged_with_its_mate_on_the_reverse_strand():
    strands = make_strands("plus", "minus", "both", average=True, track_pairs=[["plus", "minus"]])

    assert predict(strands, [[1, 2, 3]], [[20, 10, 30]])[0] == [[5.5, 11, 16.5]]


@pytest.mark.parametrize(("reverse_bins", "expected"), [(True, [[[2], [2], [2]]]), (False, [[[1], [2], [3]]])])
def test_bins_of_the_reverse_strand_are_counted_from_the_other_end_where_the_card_says_so(reverse_bins, expected):
    strands = make_strands("a", bins=3, average=True, reverse_bins=reverse_bins)

    assert predict(strands, [[[1], [2], [3]]], [[[1], [2], [3]]])[0] == expected


def test_mates_of_unlike_bins_are_refused():
    outputs = [
        {"name": "one", "tracks": [{"name": "plus", "assay": "none"}], "activation": "linear"},
        {
            "name": "two",
            "tracks": [{"name": "minus", "assay": "none"}],
            "activation": "linear",
            "kind": "binned",
            "bins": 2,
        },
    ]
    with pytest.raises(CardError, match="'plus' and 'minus' differ in bins"):
        Strands(make_card(outputs=outputs, strand={"track_pairs": [["plus", "minus"]]}))
