import numpy as np
import onnx
import pytest

from tests.network.agreement import TOLERANCE, differ, draw_codes
from tests.network.random_graphs import GraphMaker, RandomModel, run, run_unfused
from zoo.errors import ModelError
from zoo.network.reading import read_network
from zoo.network.versions import OPSET, bring_up_to_date
from zoo.network.writing import write_graph


def make_old(opset):
    """A network whose padding, axes and limits are attributes, as they were before opset 11."""
    rng = np.random.default_rng(0)
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(rng.normal(size=(3, 4, 5)))], kernel_shape=[5])  # 20 -> 16
    name = maker.node("Squeeze", [maker.node("Unsqueeze", [name], axes=[2])], axes=[2])
    name = maker.node("Pad", [name], pads=[0, 0, 1, 0, 0, 2], value=0.5)  # 19
    name = maker.node("Slice", [name], axes=[2], starts=[2], ends=[18])  # 16
    name = maker.node("Clip", [maker.node("Dropout", [name])], min=-1.0, max=1.0)
    dense = [maker.constant(rng.normal(size=(48, 2))), maker.constant(rng.normal(size=2))]
    outputs = [
        maker.node("Gemm", [maker.node("Flatten", [name]), *dense]),
        maker.node("ReduceMean", [name], axes=[2], keepdims=0),
    ]
    return RandomModel(maker.model({"sequence": (20, 4)}, outputs, opset), "sequence", 20)


@pytest.mark.parametrize("opset", [7, 9])
def test_a_network_of_an_old_version_is_read_as_a_newer_one(opset):
    made = make_old(opset)
    codes = draw_codes(np.random.default_rng(0), 4, 20)

    network = read_network(made.model, "sequence", 0.0)

    kinds = ["Convolve", "Frame", "Frame", "Apply"]
    assert [type(operator).__name__ for operator in network.trunk] == kinds
    assert {type(one).__name__ for one in network.exits} == {"Project", "Average"}
    assert differ(run_unfused(made, codes, {}), run(write_graph(network), {"zoo_codes": codes})) < TOLERANCE


def test_a_network_of_a_version_that_is_new_enough_stays_itself():
    maker = GraphMaker()
    name = maker.node("Flatten", ["sequence"])
    new, nearly = (maker.model({"sequence": (5, 4)}, [name], opset) for opset in (OPSET, OPSET - 1))

    assert bring_up_to_date(new) is new
    assert bring_up_to_date(nearly).opset_import[0].version == OPSET
    assert nearly.opset_import[0].version == OPSET - 1


def test_what_can_not_be_converted_is_told(monkeypatch):
    def refuse(model, version):
        raise RuntimeError("Unsupported conversion for `Upsample`")

    monkeypatch.setattr(onnx.version_converter, "convert_version", refuse)

    with pytest.raises(ModelError, match=r"opset 13 or newer, found 9, .*\(Unsupported .*\); export it again$"):
        bring_up_to_date(make_old(9).model)
