"""Networks of the architectures that come with the project, through the project's own exporter."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
from zoo_architectures.multilayer_cnn import MULTILAYER_CNN, MultilayerCnnConfig
from zoo_architectures.primer_cnn import PRIMER_CNN, PrimerCnnConfig

from tests.network.agreement import TOLERANCE, differ, draw_codes, draw_pairs
from tests.network.random_graphs import RandomModel, run, run_unfused
from zoo import InputSpec, OutputSpec
from zoo.network.operators import Span
from zoo.network.pairs import write_pair_graph
from zoo.network.reading import read_network
from zoo.network.writing import write_graph
from zoo.training.network.backend import import_backend
from zoo.training.network.export import export

pytestmark = pytest.mark.training

import_backend(threads=2)

LENGTH = 60
SIGMOID = (OutputSpec("prediction", ("a", "b", "c"), "sigmoid"),)
BINS = (OutputSpec("prediction", ("a", "b"), "softplus", 5, 5),)

PLAIN = MultilayerCnnConfig.model_validate(
    {"convolutions": [{"filters": 8, "width": 9, "pool": 3}, {"filters": 6, "width": 5, "pool": 2}],
     "summary": "flatten", "dense": [10]}
)  # fmt: skip
ENSEMBLE = MultilayerCnnConfig.model_validate(
    {"convolutions": [{"filters": 6, "width": 6, "pool": 2, "pooling": "average"},
                      {"filters": 6, "width": 3, "residual": True}, {"filters": 6, "width": 4, "residual": True}],
     "padding": "same", "activation": "gelu", "summary": "average", "dense": [7], "members": 2,
     "composition": {"filters": 3, "width": 2}}
)  # fmt: skip
BINNED = MultilayerCnnConfig.model_validate(
    {"convolutions": [{"filters": 6, "width": 7}, {"filters": 6, "width": 3, "residual": True}], "padding": "same",
     "activation": {"name": "softplus", "beta": 2.0}, "dense": []}
)  # fmt: skip


@pytest.mark.parametrize(
    ("architecture", "config", "outputs", "extra", "convolutions"),
    [
        pytest.param(PRIMER_CNN, PrimerCnnConfig(), SIGMOID, {}, 1, id="primer_cnn"),
        pytest.param(
            PRIMER_CNN, PrimerCnnConfig(filters=5, width=7, pool=3, dense=4), SIGMOID, {}, 1, id="primer, small"
        ),
        pytest.param(MULTILAYER_CNN, PLAIN, SIGMOID, {}, 2, id="multilayer, valid"),
        pytest.param(MULTILAYER_CNN, ENSEMBLE, SIGMOID, {}, 8, id="multilayer, same, two members"),
        pytest.param(MULTILAYER_CNN, BINNED, BINS, {}, 2, id="multilayer, same, bins"),
        pytest.param(MULTILAYER_CNN, PLAIN, SIGMOID, {"cell": (3,)}, 2, id="multilayer, context"),
    ],
)
def test_an_exported_network_predicts_the_same_whole_and_in_pairs(architecture, config, outputs, extra, convolutions):
    keras.utils.set_random_seed(0)
    inputs = (InputSpec("sequence", (LENGTH, 4)), *(InputSpec(name, shape, "context") for name, shape in extra.items()))
    model = export(architecture.build(config, inputs, outputs, {}), inputs, outputs)
    made = RandomModel(model, "sequence", LENGTH, extra)
    network = read_network(model, "sequence", 0.0)
    rng = np.random.default_rng(0)
    changes = [Span(0, 1), Span(30, 31), Span(59, 60), Span(30, 60), Span(22, 27)]
    pairs = draw_pairs(rng, draw_codes(rng, 4, LENGTH), changes, [4, 8, 4, 3, 3])
    values = made.draw_extra(rng, len(pairs.windows))
    expected = run_unfused(made, pairs.windows, values)

    whole = run(write_graph(network), {"zoo_codes": pairs.windows, **values})
    found = run(write_pair_graph(network, changes), {**pairs.feed, **values})

    assert sum(type(operator).__name__ == "Convolve" for operator in network.trunk) >= convolutions
    assert not {"Conv", "MaxPool", "AveragePool"} & {node.op_type for node in network.tail.nodes}
    assert differ(expected, whole) < TOLERANCE
    assert differ(expected, found) < TOLERANCE
