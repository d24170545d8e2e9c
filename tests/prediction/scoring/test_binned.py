"""Outputs of bins, from a record to a score: a network that tells for each base of its window whether it is a G."""

import numpy as np
import pytest

from zoo import annotate
from zoo.model.folder import load_folder
from zoo.testing.models import make_model, write_model_folder

GENOME = "AAAAAAAAAAAAAGAAAGAAAAAAAAAAAA"
#         1234567890123456789
# G at 14 and 18. A window of 9, anchor 4, around position 15 is 11 to 19.


@pytest.fixture
def model(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    constants = [
        numpy_helper.from_array(np.array([2]), "first"),
        numpy_helper.from_array(np.array([3]), "last"),
        numpy_helper.from_array(np.array([2]), "axis"),
    ]
    nodes = [helper.make_node("Slice", ["sequence", "first", "last", "axis"], ["prediction"])]
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 9, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 9, 1])
    track = {"name": "g", "assay": "none"}
    output = {"name": "prediction", "tracks": [track], "kind": "binned", "bins": 9, "activation": "linear"}
    graph = helper.make_graph(nodes, "g", [sequence], [prediction], constants)
    card = {"outputs": [output], "scorer": {"name": "sum_difference"}, "strand": {"average": False}}
    return load_folder(write_model_folder(tmp_path / "model", make_model(graph), card), device="cpu", threads=1)


def score(model, record, tmp_path, write_vcf, write_genome, **options):
    annotate(write_vcf([record]), write_genome(chr1=GENOME), model, tmp_path / "out.vcf", **options)
    line = (tmp_path / "out.vcf").read_text().splitlines()[-1]
    return float(line.split("ZOO_G_AT_ANCHOR=")[1].partition(";")[0])


@pytest.mark.parametrize(
    ("record", "scorer", "expected"),
    [
        pytest.param("chr1 15 . A G", "sum_difference", 1, id="a G more"),
        pytest.param("chr1 14 . G A", "sum_difference", -1, id="a G less"),
        # Unaligned, the G at 18 would stand in another bin of ALT, and two bins would differ.
        pytest.param("chr1 15 . A AT", "l1", 0, id="insertion of no G"),
        pytest.param("chr1 15 . AA A", "l1", 0, id="deletion of no G"),
        # The bins of inserted bases have no partner: what they hold is no change of the bins around.
        pytest.param("chr1 15 . A AGT", "l1", 0, id="insertion of a G"),
        pytest.param("chr1 13 . AG A", "sum_difference", 0, id="deletion of a G, whose bin has no partner"),
        pytest.param("chr1 15 . AA GCC", "sum_difference", 1, id="delins"),
    ],
)
def test_bins_of_an_indel_are_compared_base_by_base(model, record, scorer, expected, tmp_path, write_vcf, write_genome):
    assert score(model, record, tmp_path, write_vcf, write_genome, scorer=scorer) == expected


@pytest.mark.parametrize(("strand", "expected"), [("+", 1), ("-", 1)])
def test_bins_of_a_region_are_compared_on_either_strand(model, strand, expected, tmp_path, write_vcf, write_genome):
    regions = tmp_path / "regions.bed"
    regions.write_text(f"chr1\t9\t18\tr\t0\t{strand}\n")
    # On the minus strand a C of the contig is the G that the network counts.
    alt = "G" if strand == "+" else "C"
    found = score(model, f"chr1 12 . A {alt}", tmp_path, write_vcf, write_genome, scorer="l1", windows=regions)
    assert found == expected
    none = score(model, "chr1 12 . A AT", tmp_path, write_vcf, write_genome, scorer="l1", windows=regions)
    assert none == 0
