"""A network that tells where in its window a base was changed, and genomes to try it on."""

import numpy as np
import pytest

from zoo.model.folder import load_folder
from zoo.testing.models import make_model, write_model_folder

LENGTH = 9


@pytest.fixture
def write_genome(tmp_path):
    """Write contigs, letters by name, as a FASTA file."""

    def write(name="genome.fa", **contigs):
        path = tmp_path / name
        path.write_text("".join(f">{contig}\n{letters}\n" for contig, letters in contigs.items()))
        return path

    return write


@pytest.fixture
def make_place_model(tmp_path):
    """Make a model whose prediction is the sum over its window of (index from 1) · (A 0, C 1, G 2, T 3).

    A change from code r to a at index i scores (a - r) · (i + 1). A second track counts Gs.
    """
    from onnx import TensorProto, helper, numpy_helper

    def make(name="place", tracks=("place", "gs"), length=LENGTH, **card):
        weights = np.zeros((length, 4, 2), dtype=np.float32)
        weights[:, :, 0] = np.outer(np.arange(1, length + 1), np.arange(4))
        weights[:, 2, 1] = 1
        chosen = weights.reshape(length * 4, 2)[:, : len(tracks)]
        constants = [numpy_helper.from_array(chosen, "weights"), numpy_helper.from_array(np.array([0, -1]), "flat")]
        nodes = [
            helper.make_node("Reshape", ["sequence", "flat"], ["row"]),
            helper.make_node("MatMul", ["row", "weights"], ["prediction"]),
        ]
        sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", length, 4])
        prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", len(tracks)])
        graph = helper.make_graph(nodes, "place", [sequence], [prediction], constants)
        output = {
            "name": "prediction",
            "tracks": [{"name": track, "assay": "none", "unit": "steps"} for track in tracks],
            "activation": "linear",
        }
        overrides = {
            "name": name,
            "inputs": [{"name": "sequence", "shape": [length, 4]}],
            "window": {"length": length, "anchor": length // 2},
            "outputs": [output],
            **card,
        }
        folder = write_model_folder(tmp_path / "models" / name, make_model(graph), overrides)
        return load_folder(folder, device="cpu", threads=1)

    return make


@pytest.fixture
def place_model(make_place_model):
    return make_place_model(tracks=("place",))
