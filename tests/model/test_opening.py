import gc
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tests.model.test_session import G_AT_ANCHOR
from zoo.errors import MissingExtra, ModelError
from zoo.model import opening
from zoo.model.opening import import_onnxruntime, open_graph
from zoo.network.writing import WrittenGraph

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


def test_weights_beside_a_graph_stay_as_long_as_it_does():
    large = np.random.default_rng(0).normal(size=(4, 8192)).astype(np.float32)
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["N", 4])
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, ["N", 8192])
    outside = TensorProto(name="weights", dims=large.shape, data_type=TensorProto.FLOAT)
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="memory")
    node = helper.make_node("MatMul", ["rows", "weights"], ["result"])
    graph = helper.make_graph([node], "large", [rows], [result], [outside])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    opened = open_graph(import_onnxruntime(), WrittenGraph(model, {"weights": large.copy()}), CPU, 1, "model@1.0.0")
    gc.collect()  # nobody else holds the copy

    (found,) = opened.run(["result"], {"rows": np.eye(4, dtype=np.float32)})
    np.testing.assert_array_equal(found, large)


def test_graphs_share_a_memory_where_they_may(monkeypatch):
    entries = []

    class Options(onnxruntime.SessionOptions):
        def add_session_config_entry(self, key, value):
            entries.append((key, value))
            super().add_session_config_entry(key, value)

    monkeypatch.setattr(onnxruntime, "SessionOptions", Options)
    codes = np.zeros((2, 9, 4), dtype=np.float32)
    expected = open_graph(onnxruntime, G_AT_ANCHOR, CPU, 1, "model@1.0.0").run(["prediction"], {"sequence": codes})
    assert ("session.use_env_allocators", "1") in entries

    entries.clear()
    monkeypatch.setattr(opening, "_share_memory", lambda _: False)
    found = open_graph(onnxruntime, G_AT_ANCHOR, CPU, 1, "model@1.0.0").run(["prediction"], {"sequence": codes})
    assert ("session.use_env_allocators", "1") not in entries
    np.testing.assert_array_equal(found, expected)


def test_a_memory_that_somebody_else_made_is_left_alone():
    def refuse(*_):
        raise RuntimeError("An allocator with this memory info is registered already")

    names = ("OrtMemoryInfo", "OrtAllocatorType", "OrtMemType", "OrtArenaCfg")
    taken = SimpleNamespace(
        **{name: getattr(onnxruntime, name) for name in names}, create_and_register_allocator=refuse
    )
    assert not opening._share_memory.__wrapped__(taken)


def test_onnx_runtime_leaves_nothing_at_the_users_home(tmp_path, g_at_anchor_folder):
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH"}}
    code = "import sys, zoo; zoo.load(sys.argv[1] + '/').predict('ACGTACGTA')"
    subprocess.run(
        [sys.executable, "-c", code, str(g_at_anchor_folder)],
        env=kept | {"HOME": str(home), "TMPDIR": str(temporary)}, check=True,
    )  # fmt: skip
    assert [*home.rglob("*"), *temporary.rglob("*")] == []
