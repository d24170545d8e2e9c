"""Graphs of 8 bits."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.model.networks import draw_codes, make_card, make_convolution, make_network
from zoo.errors import ModelError
from zoo.model.graph import check_graph
from zoo.model.measuring import measure_ranges
from zoo.model.quantization import find_measured, quantize
from zoo.model.session import Session


def quantize_on(network, codes, *, symmetric=False):
    ranges = measure_ranges(network, make_card(), find_measured(network, symmetric=symmetric), codes)
    return quantize(network, ranges, symmetric=symmetric)


def constants(network):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in network.graph.initializer}


@pytest.mark.parametrize("symmetric", [False, True])
def test_predictions_are_nearly_the_same_and_not_the_same(symmetric):
    codes = draw_codes(200)
    network = make_convolution()
    quantized = quantize_on(network, codes, symmetric=symmetric)
    onnx.checker.check_model(quantized, full_check=True)
    check_graph(quantized, make_card())
    plain = Session(network, make_card(), "cpu").predict(codes)["prediction"]
    low = Session(quantized, make_card(), "cpu").predict(codes)["prediction"]
    assert 0 < np.abs(plain - low).max() < 0.05


def test_each_output_channel_of_a_weight_has_its_own_scale():
    network = make_convolution()
    kernel = constants(network)["kernel"]
    bits = constants(quantize_on(network, draw_codes(20)))
    assert np.abs(bits["kernel__0__int8__bits"]).max(axis=(1, 2)).tolist() == [127] * 8
    back = bits["kernel__0__int8__bits"] * bits["kernel__0__int8__scale"][:, np.newaxis, np.newaxis]
    half_a_step = bits["kernel__0__int8__scale"][:, np.newaxis, np.newaxis] * 0.501
    assert (np.abs(back - kernel) <= half_a_step).all()


def test_a_dense_layers_output_channels_are_its_columns_and_a_bias_has_the_scale_of_products():
    bits = constants(quantize_on(make_convolution(), draw_codes(20)))
    assert bits["dense__1__int8__scale"].shape == (1,)
    (bias,) = (values for name, values in bits.items() if name.startswith("bias__int32") and name.endswith("__scale"))
    assert bias == pytest.approx(bits["sequence__scale"] * bits["kernel__0__int8__scale"])


def test_an_activation_goes_from_its_smallest_to_its_largest_value():
    network = make_convolution(rectifier="Tanh")
    ranges = dict.fromkeys(find_measured(network), (-1.0, 4.1))
    bits = constants(quantize(network, ranges))
    assert bits["convolved__scale"] == pytest.approx(5.1 / 255)
    assert bits["convolved__zero"] == 50
    assert bits["convolved__zero"].dtype == np.uint8


def test_a_range_around_0_is_signed():
    network = make_convolution()
    ranges = dict.fromkeys(find_measured(network, symmetric=True), (-1.0, 2.54))
    bits = constants(quantize(network, ranges, symmetric=True))
    assert bits["convolved__scale"] == pytest.approx(0.02)
    assert bits["convolved__zero"] == 0
    assert bits["convolved__zero"].dtype == np.int8


def test_a_range_that_starts_at_0_does_a_rectifiers_work():
    network = make_convolution()
    quantized = quantize(network, dict.fromkeys(find_measured(network), (-8.0, 8.0)))
    assert "Relu" not in {node.op_type for node in quantized.graph.node}
    assert constants(quantized)["convolved__zero"] == 0
    around_0 = quantize(network, dict.fromkeys(find_measured(network, symmetric=True), (-8.0, 8.0)), symmetric=True)
    assert "Relu" in {node.op_type for node in around_0.graph.node}


def test_a_rectifier_stays_where_something_else_reads_what_it_reads():
    network = make_convolution()
    network.graph.node.insert(2, helper.make_node("Neg", ["convolved"], ["seen"]))
    quantized = quantize(network, dict.fromkeys(find_measured(network), (-8.0, 8.0)))
    assert "Relu" in {node.op_type for node in quantized.graph.node}


def test_what_only_moves_numbers_is_measured_once():
    assert find_measured(make_convolution()) == ["sequence", "convolved"]
    assert find_measured(make_convolution(rectifier="Exp")) == ["sequence", "convolved", "rectified"]


def test_a_network_without_layers_is_told():
    weights = {"axes": np.array([1, 2]), "column": np.array([-1, 1])}
    network = make_network(
        [
            helper.make_node("ReduceMax", ["sequence", "axes"], ["most"], keepdims=0),
            helper.make_node("Reshape", ["most", "column"], ["prediction"]),
        ],
        weights,
    )
    with pytest.raises(ModelError, match=r"^precision int8: the network has no convolution or matrix product"):
        quantize(network, {})


def test_ranges_are_those_of_all_windows_and_both_strands():
    network = make_convolution(tail=())
    weights = constants(network)
    all_a, all_t = np.zeros((1, 9), np.uint8), np.full((1, 9), 3, np.uint8)
    inner = {base: weights["kernel"][:, base].sum(axis=1) + weights["bias"] for base in (0, 3)}
    low, high = measure_ranges(network, make_card(), ["convolved"], all_t)["convolved"]
    assert low <= inner[3].min()
    assert high >= inner[3].max()
    many = np.concatenate([np.repeat(all_t, 5000, axis=0), all_a])  # more than go through a network together
    both = measure_ranges(network, make_card(), ["convolved"], many)["convolved"]
    assert both != (low, high)
    assert both[0] <= min(inner[0].min(), inner[3].min())
    stranded = make_card(strand={"average": True})
    assert measure_ranges(network, stranded, ["convolved"], all_t)["convolved"] == both


def test_a_range_without_end_is_told():
    network = make_convolution(tail=("Exp", "Exp", "Exp", "Exp", "Exp"))
    with pytest.raises(ModelError, match=r"^g-at-anchor@1\.0\.0: expected finite numbers inside the network, found"):
        measure_ranges(network, make_card(), ["tail_3"], draw_codes(50))
