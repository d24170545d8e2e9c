"""The zoo's own models in fewer bits: one of each architecture, and of each size."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.model.networks import draw_codes
from zoo.model.folder import load_folder
from zoo.model.graph import check_graph

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "int8"])
@pytest.mark.parametrize("name", ["primer", "pu1-100bp", "gm12878-multi", "yeast-promoter-defined"])
def test_predictions_are_close_to_those_of_float32(name, precision):
    (folder,) = (path.parent for path in (MODELS / name).glob("*/model.onnx"))
    model = load_folder(folder, "cpu", threads=1)
    codes = draw_codes(16, length=model.card.sequence_window.length)
    lowered = model.with_precision(precision, codes)
    onnx.checker.check_model(lowered._network, full_check=True)
    check_graph(lowered._network, model.card)
    plain, low = model.predict_table(codes), lowered.predict_table(codes)
    assert not np.array_equal(plain, low)
    closeness = {"float16": 0.005, "bfloat16": 0.05, "int8": 0.2}[precision]
    assert np.abs(plain - low).max() < closeness * np.abs(plain).max()
