"""Mutation maps: alternatives per second by difference, beside the whole network on each of them.

Two networks of the sizes that were published, with drawn weights: one of 149 million multiplications a window, one of
549 million.
"""

import time
from statistics import median

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from zoo.model.card import Card
from zoo.model.mutations import MutationPredictor, substitute
from zoo.model.session import Session
from zoo.testing.models import CARD, make_model

ROUNDS = 5
THREADS = 2
BATCH = 32  # windows of the whole network: as fast as any
WINDOWS = 320  # of a map's, in a round

SIZES = {
    # bases; filters, width and pool of each convolution; units of each dense layer
    "basset-sized": (600, [(300, 19, 3), (200, 11, 4), (200, 7, 4)], [1000, 1000, 164]),
    "deepsea-sized": (1000, [(320, 8, 4), (480, 8, 4), (960, 8, 1)], [925, 919]),
}


def make_network(length, convolutions, dense):
    """A network as PyTorch writes it: channels first, 1-D, a dense layer on all that is left."""
    rng = np.random.default_rng(0)
    nodes, constants = [helper.make_node("Transpose", ["sequence"], ["map"], perm=[0, 2, 1])], []

    def constant(*shape):
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 1000
        values = (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)
        constants.append(numpy_helper.from_array(values, f"constant_{len(constants)}"))
        return constants[-1].name

    def add(op_type, inputs, **attributes):
        nodes.append(helper.make_node(op_type, inputs, [f"tensor_{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    name, channels, left = "map", 4, length
    for filters, width, pool in convolutions:
        name = add("Conv", [name, constant(filters, channels, width), constant(filters)], kernel_shape=[width])
        name = add("Relu", [name])
        channels, left = filters, left - width + 1
        if pool > 1:
            name = add("MaxPool", [name], kernel_shape=[pool], strides=[pool])
            left //= pool
    name, features = add("Flatten", [name]), channels * left
    for number, units in enumerate(dense):
        name = add("Gemm", [name, constant(units, features), constant(units)], transB=1)
        name, features = add("Sigmoid" if number == len(dense) - 1 else "Relu", [name]), units
    nodes[-1].output[0] = "prediction"
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", length, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", dense[-1]])
    return make_model(helper.make_graph(nodes, "sized", [sequence], [prediction], constants))


def make_card(name, length, tracks):
    document = {
        "name": name,
        "inputs": [{"name": "sequence", "shape": [length, 4]}],
        "window": {"length": length, "anchor": length // 2},
        "outputs": [
            {
                "name": "prediction",
                "tracks": [{"name": f"t{number}", "assay": "none"} for number in range(tracks)],
                "activation": "sigmoid",
            }
        ],
    }
    return Card.model_validate({**CARD, **document})


class Plain:
    """The network as it came, on one-hot windows: what a loop written by hand runs."""

    def __init__(self, network):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.log_severity_level = 3
        # Threads that spin while they wait would count as busy.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            network.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def predict(self, windows):
        return np.concatenate(
            [
                self._session.run(None, {"sequence": windows[first : first + BATCH]})[0]
                for first in range(0, len(windows), BATCH)
            ]
        )


def measure(work, count):
    """Return how many a second, by the clock and by the processors' time."""
    begun, busy = time.perf_counter(), time.process_time()
    work()
    return count / (time.perf_counter() - begun), count / (time.process_time() - busy)


@pytest.mark.parametrize("name", SIZES)
def test_alternatives_per_second(benchmark, report, name):
    length, convolutions, dense = SIZES[name]
    network = make_network(length, convolutions, dense)
    plain = Plain(network)
    predictor = MutationPredictor(Session(network, make_card(name, length, dense[-1]), "cpu", THREADS))
    codes = np.random.default_rng(1).integers(0, 4, length).astype(np.uint8)
    places = np.repeat(np.arange(length), 3)
    letters = ((codes[places] + np.tile([1, 2, 3], length)) % 4).astype(np.uint8)
    chosen = np.random.default_rng(2).permutation(len(places))[:WINDOWS]
    windows = np.eye(4, dtype=np.float32)[substitute(codes, places[chosen], letters[chosen])]

    _, alt = predictor.predict(codes, places, letters)
    expected = plain.predict(windows)
    difference = np.abs(alt["prediction"][chosen, 0] - expected).max() / np.abs(expected).max()
    assert difference < 1e-5
    rates = []
    for _ in range(ROUNDS):  # in turn, as other programs may come and go
        naive = measure(lambda: plain.predict(windows), len(windows))
        rates.append((*naive, *measure(lambda: predictor.predict(codes, places, letters), len(places))))
    benchmark.pedantic(predictor.predict, (codes, places, letters), rounds=ROUNDS)
    naive, naive_busy, by_difference, busy = (median(column) for column in zip(*rates, strict=True))
    by_clock = median(rate[2] / rate[0] for rate in rates)
    by_processor = median(rate[3] / rate[1] for rate in rates)
    benchmark.extra_info["alternatives_per_second"] = by_difference
    report(
        f"{name}: alternatives per second, {THREADS} threads: {by_difference:,.0f}, each as a window {naive:,.0f}; "
        f"a second of a processor: {busy:,.0f} and {naive_busy:,.0f}; "
        f"{by_clock:.1f} times as fast by the clock, {by_processor:.1f} by processor time; "
        f"largest difference {difference:.1e} of the largest prediction"
    )
