"""Networks made at random, with the operators that the zoo's models have."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from zoo.model.card import Card
from zoo.model.session import Session
from zoo.testing.models import CARD, make_model

LENGTH = 9


def make_card(**fields):
    return Card.model_validate({**CARD, **fields})


def make_convolution(seed=0, *, tail=("Sigmoid",), rectifier="Relu"):
    """A convolution, a rectifier, max pooling, a dense layer of one track, and what ``tail`` names."""
    rng = np.random.default_rng(seed)
    weights = {
        "kernel": rng.standard_normal((8, 4, 3)).astype(np.float32),
        "bias": rng.standard_normal(8).astype(np.float32),
        "dense": rng.standard_normal((24, 1)).astype(np.float32) / 4,
        "dense_bias": rng.standard_normal(1).astype(np.float32),
        "flat": np.array([0, 24], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Transpose", ["sequence"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("Conv", ["turned", "kernel", "bias"], ["convolved"], pads=[1, 1], kernel_shape=[3]),
        helper.make_node(rectifier, ["convolved"], ["rectified"]),
        helper.make_node("MaxPool", ["rectified"], ["pooled"], kernel_shape=[3], strides=[3]),
        helper.make_node("Reshape", ["pooled", "flat"], ["features"]),
        helper.make_node("MatMul", ["features", "dense"], ["product"]),
        helper.make_node("Add", ["product", "dense_bias"], ["tail_0"]),
    ]
    nodes += [helper.make_node(name, [f"tail_{i}"], [f"tail_{i + 1}"]) for i, name in enumerate(tail)]
    nodes[-1].output[0] = "prediction"
    return make_network(nodes, weights)


def make_rich():
    """How many more than 6 of the 9 bases are G: nothing, for most windows."""
    kernel = np.zeros((1, 4, 3), dtype=np.float32)
    kernel[0, 2, 1] = 1
    weights = {
        "kernel": kernel,
        "flat": np.array([0, LENGTH], dtype=np.int64),
        "dense": np.ones((LENGTH, 1), dtype=np.float32),
        "few": np.float32(-6),
    }
    nodes = [
        helper.make_node("Transpose", ["sequence"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("Conv", ["turned", "kernel"], ["convolved"], pads=[1, 1], kernel_shape=[3]),
        helper.make_node("Relu", ["convolved"], ["found"]),
        helper.make_node("Reshape", ["found", "flat"], ["features"]),
        helper.make_node("MatMul", ["features", "dense"], ["count"]),
        helper.make_node("Add", ["count", "few"], ["above"]),
        helper.make_node("Relu", ["above"], ["prediction"]),
    ]
    return make_network(nodes, weights)


def draw_without_g():
    """Windows of which ``make_rich`` says nothing, nor of what a few bases make of them."""
    return np.array([0, 1, 3], dtype=np.uint8)[np.random.default_rng(1).integers(0, 3, (4, LENGTH))]


def open_without_g(*, average):
    """Open ``make_rich`` with an example of which it says nothing."""
    card = make_card(strand={"average": average})
    return Session(make_rich(), card, "cpu", 1, example=lambda: (draw_without_g(), None))


def make_network(nodes, weights):
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", LENGTH, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    tensors = [numpy_helper.from_array(np.asarray(values), name) for name, values in weights.items()]
    return make_model(helper.make_graph(nodes, "test", [sequence], [prediction], tensors))


def draw_codes(count, seed=1, length=LENGTH):
    return np.random.default_rng(seed).integers(0, 4, size=(count, length), dtype=np.uint8)
