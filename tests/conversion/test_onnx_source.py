import numpy as np
import pytest
from onnx import helper, numpy_helper

from tests.conversion.networks import CARD, make_look_up, save
from zoo.conversion.convert import convert
from zoo.conversion.describing import describe_source
from zoo.conversion.onnx_source import OnnxSource
from zoo.errors import ConversionError
from zoo.model.folder import load_folder


def test_a_fixed_batch_axis_is_told_with_the_way_to_export_again(tmp_path):
    with pytest.raises(ConversionError, match=r"found one of 1; export it again .*dynamic_shapes=\{'input': \{0: "):
        OnnxSource(save(make_look_up(batch=1), tmp_path))


def test_a_batch_that_is_fixed_inside_is_told(tmp_path):
    model = make_look_up()
    model.graph.node.insert(0, helper.make_node("Reshape", ["input", "shape"], ["fixed"]))
    model.graph.node[1].input[0] = "fixed"
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 4, -1]), "shape"))
    with pytest.raises(ConversionError, match="expected a row for each of 2 windows, found shape"):
        convert(save(model, tmp_path), "tiny", output=tmp_path / "tiny", card=CARD)


def test_weights_that_old_exporters_declare_as_inputs_are_no_inputs(tmp_path):
    model = make_look_up(opset=11)
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    assert [port.name for port in OnnxSource(save(model, tmp_path)).inputs] == ["input"]
    convert(tmp_path / "network.onnx", "tiny", output=tmp_path / "tiny", card=CARD)
    assert load_folder(tmp_path / "tiny").predict(["AAACAAA"])["c"].tolist() == [1]


def test_the_framework_is_who_wrote_the_file(tmp_path):
    model = make_look_up()
    model.producer_version = "2.9.0 abcdef"
    assert OnnxSource(save(model, tmp_path)).framework == "PyTorch 2.9.0"
    model.producer_name = model.producer_version = ""
    assert OnnxSource(save(model, tmp_path)).framework == "ONNX"


def test_an_output_that_is_listed_twice_is_refused(tmp_path):
    model = make_look_up()
    model.graph.output.append(model.graph.output[0])
    with pytest.raises(ConversionError, match=r"network.onnx: output 'answer' is listed 2 times; export the network"):
        OnnxSource(save(model, tmp_path))


def test_an_input_that_is_an_output_is_refused(tmp_path):
    model = make_look_up()
    model.graph.output.append(model.graph.input[0])
    with pytest.raises(ConversionError, match=r"network.onnx: output 'input' is an input or a weight of the network"):
        OnnxSource(save(model, tmp_path))


def test_who_wrote_the_file_is_shown_without_what_moves_the_cursor(tmp_path):
    model = make_look_up()
    model.producer_name = "\x1b[2Jtorch"
    assert describe_source(OnnxSource(save(model, tmp_path))).startswith(r"\x1b[2Jtorch, opset 17")
