import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.conversion.networks import CARD, make_look_up, save
from zoo.conversion.convert import convert
from zoo.conversion.onnx_source import OnnxSource
from zoo.errors import ConversionError, UnsafeModel
from zoo.model.folder import load_folder


def make_weighted(length=7):
    """A network whose answer is its middle base's number: A 1, C 2, G 3, T 4."""
    kernel = np.zeros((1, 4, length), np.float32)
    kernel[0, :, length // 2] = [1, 2, 3, 4]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "kernel"], ["map"]), helper.make_node("Flatten", ["map"], ["answer"])],
        "weighted",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 4, length])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", 1])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture
def external(tmp_path):
    """A network whose weights lie in a file of their own, as PyTorch writes it."""
    path = tmp_path / "network.onnx"
    onnx.save(make_weighted(), path, save_as_external_data=True, location="network.onnx.data", size_threshold=0)
    assert (tmp_path / "network.onnx.data").stat().st_size >= 4 * 4 * 7
    return path


def change_external(path, **fields):
    """Say something else of where the weights lie."""
    model = onnx.load(path, load_external_data=False)
    (tensor,) = model.graph.initializer
    kept = {entry.key: entry.value for entry in tensor.external_data} | fields
    del tensor.external_data[:]
    for key, value in kept.items():
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())


def test_weights_in_a_file_beside_the_network_end_up_inside(external, tmp_path):
    convert(external, "tiny", output=tmp_path / "tiny", card=CARD)
    external.with_name("network.onnx.data").unlink()
    found = load_folder(tmp_path / "tiny").predict([f"AAA{base}AAA" for base in "ACGTN"])
    assert found["c"].tolist() == [1, 2, 3, 4, 0]


@pytest.mark.parametrize(
    "location", ["../network.onnx.data", "/etc/passwd", "inner/weights", "..", "", "a\\b", "inner/../network.onnx.data"]
)
def test_weights_anywhere_else_are_never_read(external, location):
    change_external(external, location=location)
    with pytest.raises((ConversionError, UnsafeModel), match="expected weights in a file beside it, found them in"):
        OnnxSource(external)


def test_weights_behind_a_link_are_never_read(external, tmp_path):
    data = external.with_name("network.onnx.data")
    data.rename(tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConversionError, match=r"network.onnx.data: expected the weights of network.onnx, no file"):
        OnnxSource(external)


def test_weights_that_were_left_behind_are_named(external):
    external.with_name("network.onnx.data").unlink()
    with pytest.raises(ConversionError, match="no file is there; keep both together"):
        OnnxSource(external)


def test_weights_that_are_cut_short_are_told(external):
    data = external.with_name("network.onnx.data")
    data.write_bytes(data.read_bytes()[:50])
    with pytest.raises(ConversionError, match=r"expected 112 bytes, found 50; the file is cut short"):
        OnnxSource(external)


@pytest.mark.parametrize("number", ["-1", "1e9", "9" * 30])
def test_a_place_that_is_no_number_of_bytes_is_refused(external, number):
    change_external(external, offset=number)
    with pytest.raises(ConversionError, match="expected the offset of weights in bytes, found"):
        OnnxSource(external)


@pytest.mark.parametrize("opset", [10, 22])
def test_versions_of_operators_that_are_not_read_are_named(tmp_path, opset):
    with pytest.raises(ConversionError, match=f"expected opset 11 to 21, found {opset}; export it again"):
        OnnxSource(save(make_look_up(opset=opset), tmp_path))


def make_with_function(body):
    """A network in which ``local.Same`` stands behind the look-up, as PyTorch's exporter writes its own functions."""
    model = make_look_up()
    model.graph.node[-1].output[0] = "flat"
    model.graph.node.append(helper.make_node("Same", ["flat"], ["answer"], domain="local"))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    model.functions.append(helper.make_function("local", "Same", ["X"], ["Y"], body, opsets))
    model.opset_import.append(helper.make_opsetid("local", 1))
    return model


def test_functions_of_the_file_are_written_out(tmp_path):
    model = make_with_function([helper.make_node("Neg", ["X"], ["Y"])])
    convert(save(model, tmp_path), "tiny", output=tmp_path / "tiny", card=CARD)
    assert load_folder(tmp_path / "tiny").predict(["AAACAAA", "AAAAAAA"])["c"].tolist() == [-1, 0]


def test_a_function_that_calls_itself_is_refused(tmp_path):
    with pytest.raises(ConversionError, match="function 'Same' calls itself"):
        OnnxSource(save(make_with_function([helper.make_node("Same", ["X"], ["Y"], domain="local")]), tmp_path))


def test_functions_that_grow_beyond_all_bounds_are_refused_before_they_are_written_out(tmp_path):
    model = make_with_function([helper.make_node("F0", ["X"], ["Y"], domain="local")])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    for number in range(30):
        kind, domain = (f"F{number + 1}", "local") if number < 29 else ("Neg", "")
        twice = [helper.make_node(kind, [a], [b], domain=domain) for a, b in (("X", "half"), ("half", "Y"))]
        model.functions.append(helper.make_function("local", f"F{number}", ["X"], ["Y"], twice, opsets))
    with pytest.raises(ConversionError, match="expected at most 50,000 operators, its functions call for more"):
        OnnxSource(save(model, tmp_path))


def test_operators_of_another_domain_are_refused(tmp_path):
    model = make_look_up()
    model.graph.node[-1].domain = "com.microsoft"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(UnsafeModel, match=r"com\.microsoft"):
        OnnxSource(save(model, tmp_path))
