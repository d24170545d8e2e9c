import sys

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from tests.model.test_session import G_AT_ANCHOR
from zoo.errors import MissingExtra, ModelError
from zoo.model.opening import import_onnxruntime, open_graph

CPU = ["CPUExecutionProvider"]


def test_a_graph_runs_on_the_providers_that_it_was_opened_with():
    opened = open_graph(import_onnxruntime(), G_AT_ANCHOR, CPU, 1, "model@1.0.0")
    found = opened.run(["prediction"], {"sequence": np.eye(4, dtype=np.float32)[[[0, 0, 0, 0, 2, 0, 0, 0, 0]]]})
    assert [values.tolist() for values in found] == [[[1]]]
    assert opened.get_providers() == CPU


def test_what_goes_wrong_in_a_run_is_the_models_error_in_one_line():
    opened = open_graph(onnxruntime, G_AT_ANCHOR, CPU, 1, "model@1.0.0")
    with pytest.raises(ModelError, match=r"^model@1\.0\.0: the network failed: .*sequence") as raised:
        opened.run(["prediction"], {"sequence": np.zeros((1, 3, 4), dtype=np.float32)})
    assert "\n" not in str(raised.value)


def test_a_graph_that_can_not_be_loaded_is_the_models_error():
    broken = type(G_AT_ANCHOR)()
    broken.CopyFrom(G_AT_ANCHOR)
    broken.graph.node.append(helper.make_node("NoSuchOperator", ["sequence"], ["nothing"]))
    with pytest.raises(ModelError, match=r"^model@1\.0\.0: onnxruntime can't load the network: .*NoSuchOperator"):
        open_graph(onnxruntime, broken, CPU, 1, "model@1.0.0")


def test_a_missing_runtime_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"pip install 'assayzoo\[cpu\]'"):
        import_onnxruntime()
