import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from zoo.model.wire import _read_number, has_more_parts
from zoo.testing.models import make_base_at_anchor_graph, make_model

NODE = helper.make_node("Add", ["a", "b"], ["c"])


@pytest.mark.parametrize(("most", "more"), [(3, True), (4, False)])
def test_every_field_counts_as_often_as_it_stands_there(most, more):
    # Two inputs, an output and the operator.
    assert has_more_parts(NODE.SerializeToString(), onnx.NodeProto, most) == more


@pytest.mark.parametrize(("most", "more"), [(5, True), (6, False)])
def test_fields_of_messages_within_a_message_count_too(most, more):
    # The graph, its node, and the four fields of that.
    model = onnx.ModelProto()
    model.graph.node.append(NODE)
    assert has_more_parts(model.SerializeToString(), onnx.ModelProto, most) == more


def test_numbers_of_every_width_are_skipped():
    attribute = helper.make_attribute("a", 1.5)
    attribute.i = 2**62
    assert not has_more_parts(attribute.SerializeToString(), onnx.AttributeProto, 4)
    tensor = onnx.TensorProto(dims=[1, 2], double_data=[1.0, 2.0], raw_data=b"\xff" * 100)
    assert not has_more_parts(tensor.SerializeToString(), onnx.TensorProto, 4)


def test_whole_numbers_in_a_row_count_by_their_bytes_and_others_do_not():
    # A part for the field, and one for each 16 bytes; of floats the file has as many bytes as the memory.
    tensor = onnx.TensorProto(int64_data=[1] * 160)
    assert not has_more_parts(tensor.SerializeToString(), onnx.TensorProto, 11)
    assert has_more_parts(tensor.SerializeToString(), onnx.TensorProto, 10)
    for field in ("dims", "int32_data", "uint64_data"):
        assert has_more_parts(onnx.TensorProto(**{field: [1] * 160}).SerializeToString(), onnx.TensorProto, 10)
    assert not has_more_parts(onnx.TensorProto(float_data=[1] * 160).SerializeToString(), onnx.TensorProto, 1)


@given(st.integers(0, 400))
def test_a_message_that_breaks_off_is_left_to_who_reads_it(length):
    content = make_model(make_base_at_anchor_graph()).SerializeToString()[:length]
    assert not has_more_parts(content, onnx.ModelProto, 1000)


@given(st.binary(max_size=200))
def test_any_bytes_are_counted_without_a_fault(content):
    assert isinstance(has_more_parts(content, onnx.ModelProto, 1000), bool)


def test_two_bytes_each_are_found_to_be_many():
    model = onnx.ModelProto()
    model.graph.node.extend([onnx.NodeProto()] * 1000)
    assert has_more_parts(model.SerializeToString(), onnx.ModelProto, 1000)
    assert not has_more_parts(model.SerializeToString(), onnx.ModelProto, 1001)


@pytest.mark.parametrize("behind", [b"\xff" * 3, b"\xff" * 20, b"\x6b\x6c", b"\x6c"])
def test_what_stands_behind_a_graph_does_not_hide_its_parts(behind):
    model = onnx.ModelProto()
    model.graph.node.extend([onnx.NodeProto()] * 1000)
    assert has_more_parts(model.SerializeToString() + behind, onnx.ModelProto, 1000)


def test_a_group_hides_nothing_that_stands_behind_it():
    # Field 13 as a group that ends at once; then the graph.
    graph = onnx.ModelProto(graph=onnx.GraphProto(node=[onnx.NodeProto()] * 1000)).SerializeToString()
    assert has_more_parts(b"\x6b\x6c" + graph, onnx.ModelProto, 1000)


def test_a_number_ends_after_ten_bytes():
    with pytest.raises(IndexError):
        _read_number(b"\xff" * 10 + b"\x01", 0)
    assert _read_number(b"\xff" * 9 + b"\x01", 0) == (2**64 - 1, 10)
