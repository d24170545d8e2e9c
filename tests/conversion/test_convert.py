import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.conversion.networks import CARD, make_channel_along_the_window, make_look_up, make_two_outputs, save
from zoo.conversion import convert as convert_module
from zoo.conversion.convert import convert
from zoo.conversion.onnx_source import OnnxSource
from zoo.errors import CardError, ConversionError, ModelError, UnsafeModel, VersionExists
from zoo.model.folder import load_folder
from zoo.model.verify import verify_folder


def convert_network(model, tmp_path, card=None, **wishes):
    done = convert(save(model, tmp_path), "tiny", output=tmp_path / "tiny", card=CARD | (card or {}), **wishes)
    return done, load_folder(tmp_path / "tiny")


def predict(model, *sequences):
    return model.predict(list(sequences)).to_numpy().ravel().tolist()


@pytest.mark.parametrize("layout", ["NCL", "NLC", "N1CL", "NC1L", "NCL1", "NL1C"])
def test_a_network_of_any_layout_says_whether_the_middle_base_is_a_c(tmp_path, layout):
    done, model = convert_network(make_look_up(layout), tmp_path)
    assert predict(model, "AAACAAA", "AAAAAAA", "ACCGCCA", "AAANAAA") == [1, 0, 0, 0]
    assert (done.difference, done.sequences) == (0, 1000)
    assert model.card.architecture.config["layout"] == layout


@pytest.mark.parametrize(
    ("alphabet", "wanted"), [("TCGA", "T"), ("AGCT", "A"), ("CATG", "C"), ("gtac", "G"), ("UCGA", "T")]
)
def test_the_first_channel_is_the_first_letter_of_the_alphabet(tmp_path, alphabet, wanted):
    _, model = convert_network(make_look_up(channel=0), tmp_path, alphabet=alphabet)
    found = dict(zip("ACGTN", predict(model, *(f"AAA{base}AAA" for base in "ACGTN")), strict=True))
    assert found == {base: float(base == wanted) for base in "ACGTN"}


@pytest.mark.parametrize(("alphabet", "channel"), [("ACGTN", 4), ("NACGT", 0)])
def test_a_fifth_channel_marks_unknown_bases(tmp_path, alphabet, channel):
    _, model = convert_network(make_look_up(channel=channel, channels=5), tmp_path, alphabet=alphabet)
    assert predict(model, "ACCNCCA", "ANNCNNA", "AAAGAAA", "ATTTTTA") == [1, 0, 0, 0]


def test_five_channels_are_taken_to_be_acgtn(tmp_path):
    done, model = convert_network(make_look_up(channel=3, channels=5), tmp_path)
    assert predict(model, "AAATAAA", "AAANAAA") == [1, 0]
    assert "alphabet ACGTN" in done.assumed


def test_unknown_bases_are_quarters_where_the_network_has_them_so(tmp_path):
    _, model = convert_network(make_look_up(), tmp_path, unknown="quarter")
    assert predict(model, "AAACAAA", "AAAGAAA", "AAANAAA") == [1, 0, 0.25]


def test_a_network_that_reads_from_the_end_gets_the_window_turned(tmp_path):
    _, model = convert_network(make_look_up(base=2), tmp_path, reverse=True)
    assert predict(model, "AAAACAA", "AACAAAA") == [1, 0]


def test_a_network_that_reads_the_other_strand_gets_the_reverse_complement(tmp_path):
    _, model = convert_network(make_look_up(base=2), tmp_path, reverse=True, alphabet="TGCA")
    assert predict(model, "AAAAGAA", "AAAACAA", "AACAAAA") == [1, 0, 0]


def test_logits_become_probabilities_only_if_asked(tmp_path):
    _, plain = convert_network(make_look_up(), tmp_path)
    (tmp_path / "tiny").rename(tmp_path / "plain")
    _, asked = convert_network(make_look_up(), tmp_path, apply="sigmoid")
    assert predict(plain, "AAACAAA", "AAAAAAA") == [1, 0]
    assert predict(asked, "AAACAAA", "AAAAAAA") == pytest.approx([1 / (1 + np.exp(-1)), 0.5], abs=1e-6)
    assert [model.card.outputs[0].activation for model in (plain, asked)] == ["linear", "sigmoid"]
    assert [model.card.outputs[0].tracks[0].unit for model in (plain, asked)] == ["arbitrary", "probability"]


@pytest.mark.parametrize("apply", ["softplus", "exponential"])
def test_whatever_is_put_behind_is_what_its_name_says(tmp_path, apply):
    _, model = convert_network(make_two_outputs(), tmp_path, {"tracks": ["a", "c", "g"]}, apply=apply)
    expected = {"softplus": [1.313262, 0.693147, 0.693147], "exponential": [np.e, 1, 1]}
    assert predict(model, "AAAAAAA") == pytest.approx(expected[apply], abs=1e-6)


def test_a_softmax_goes_over_the_columns_of_an_output(tmp_path):
    network = make_two_outputs()
    del network.graph.output[0]
    _, model = convert_network(network, tmp_path, {"tracks": ["c", "g"]}, apply="softmax")
    assert predict(model, "AAAAAAA", "ACAAAAA") == pytest.approx([0.5, 0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.e)])


def test_a_softmax_of_one_column_is_always_1_and_refused(tmp_path):
    with pytest.raises(ConversionError, match=r"output 'is_a': the network says the same .*, is a softmax put behind"):
        convert_network(make_two_outputs(), tmp_path, {"tracks": ["a", "c", "g"]}, apply="softmax")


def test_a_probability_is_not_made_a_probability_twice(tmp_path):
    with pytest.raises(ConversionError, match=r"^apply sigmoid: output 'answer' ends in sigmoid already"):
        convert_network(make_look_up(last="Sigmoid"), tmp_path, apply="sigmoid")


@pytest.mark.parametrize(
    ("last", "activation"), [("Sigmoid", "sigmoid"), ("Relu", "relu"), ("Exp", "exponential"), ("Tanh", "linear")]
)
def test_the_activation_is_the_last_operator_where_that_is_one(tmp_path, last, activation):
    _, model = convert_network(make_look_up(last=last), tmp_path)
    assert model.card.outputs[0].activation == activation


def test_two_outputs_keep_their_names_as_far_as_a_card_can(tmp_path):
    _, model = convert_network(make_two_outputs(), tmp_path, {"tracks": ["a", "c", "g"]})
    assert [output.name for output in model.card.outputs] == ["is_a", "is_cg"]
    assert predict(model, "AAAAAAA", "ACAAAAA", "AGAAAAA") == [1, 0, 0, 0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(("layout", "output_layout"), [("NCL", "NTB"), ("NLC", "NBT"), ("NCL", "N1B")])
@pytest.mark.parametrize("reverse", [False, True])
def test_bins_stand_in_the_order_of_the_window(tmp_path, layout, output_layout, reverse):
    network = make_channel_along_the_window(layout)
    _, model = convert_network(network, tmp_path, output_layout=output_layout, reverse=reverse)
    assert model.predict_codes(np.array([[0, 1, 2, 0, 4, 3, 3]], np.uint8))["prediction"].tolist() == [
        [[1], [0], [0], [1], [0], [0], [0]]
    ]
    assert (model.card.outputs[0].kind, model.card.outputs[0].bins) == ("binned", 7)
    assert model.card.scorer.name == "sum_difference"


@pytest.mark.parametrize("opset", [11, 13, 18, 21])
def test_old_and_new_operators_are_read(tmp_path, opset):
    _, model = convert_network(make_look_up(opset=opset), tmp_path)
    assert predict(model, "AAACAAA", "AAAAAAA") == [1, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_networks_of_other_precisions_are_read(tmp_path, dtype):
    _, model = convert_network(make_look_up(dtype=dtype), tmp_path)
    assert predict(model, "AAACAAA", "AAAAAAA") == [1, 0]


def make_dense(dtype, weights, bias=0.0, last=None):
    """A network (N, 4, L) that adds up the weight of each base, shape (4 L, T)."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    rows, tracks = weights.shape
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["answer" if last is None else "logits"]),
    ]
    if last is not None:
        nodes.append(helper.make_node(last, ["logits"], ["answer"]))
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("input", kind, ["N", 4, rows // 4])],
        [helper.make_tensor_value_info("answer", kind, ["N", tracks])],
        [
            numpy_helper.from_array(weights.astype(dtype), "weights"),
            numpy_helper.from_array(np.broadcast_to(bias, tracks).astype(dtype), "bias"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("unknown", ["zeros", "quarter"])
def test_a_network_of_16_bits_computes_in_32_with_the_same_weights(tmp_path, unknown):
    weights = np.random.default_rng(0).normal(size=(28, 2)).astype(np.float16)
    done, model = convert_network(make_dense(np.float16, weights), tmp_path, {"tracks": ["a", "b"]}, unknown=unknown)
    expected = weights.astype(np.float32).reshape(4, 7, 2)[1].sum(axis=0)
    assert predict(model, "CCCCCCC") == pytest.approx(expected, abs=1e-5)
    assert 0 < done.difference < 1e-2
    assert model.card.tolerance == 1e-5
    assert model.card.architecture.config["widened"] == "16 bits to 32"
    assert "Computes in 32 bits what the file has in 16: ONNX Runtime predicts up to " in model.card.limitations
    assert verify_folder(done.folder).largest_difference == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_of_other_bits_is_not_widened(tmp_path, dtype):
    weights = np.random.default_rng(0).normal(size=(28, 1))
    done, model = convert_network(make_dense(dtype, weights), tmp_path)
    assert done.difference < 1e-6
    assert "widened" not in model.card.architecture.config
    assert "16" not in model.card.limitations


def make_rare_motifs(bias):
    """The strongest of six motifs anywhere in 50 bases makes two probabilities, the second with this bias."""
    rng = np.random.default_rng(1)
    weights = {
        "motifs": rng.normal(size=(6, 4, 9)),
        "weights": rng.normal(size=(6, 2)) * 0.3,
        "bias": np.array([0, bias]),
    }
    nodes = [
        helper.make_node("Conv", ["input", "motifs"], ["matches"], pads=[4, 4]),
        helper.make_node("Relu", ["matches"], ["above"]),
        helper.make_node("GlobalMaxPool", ["above"], ["strongest"]),
        helper.make_node("Flatten", ["strongest"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "motifs",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 4, 50])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("bias", [-9, -12])
def test_rare_tracks_of_a_sigmoid_are_converted(tmp_path, bias):
    done, model = convert_network(make_rare_motifs(bias), tmp_path, {"tracks": ["common", "rare"]})
    assert done.difference <= 1e-5
    assert "to be proven" not in model.card.limitations


def test_tracks_of_which_nothing_can_be_proven_are_named_in_the_card(tmp_path):
    weights = np.random.default_rng(0).normal(size=(80, 3)) / 2
    network = make_dense(np.float32, weights, bias=np.array([0, -30, -40]), last="Sigmoid")
    _, model = convert_network(network, tmp_path, {"tracks": ["common", "never", "not at all"]})
    assert model.card.limitations.endswith(
        "Predictions of never, not at all were too near to one another on random sequences to be proven."
    )


def test_an_output_of_which_nothing_can_be_proven_is_refused(tmp_path):
    weights = np.random.default_rng(0).normal(size=(80, 1)) / 4
    network = make_dense(np.float32, weights, bias=-18.0, last="Sigmoid")
    with pytest.raises(ConversionError, match="nothing can be proven of them beyond rounding; export the network with"):
        convert_network(network, tmp_path)


def test_outputs_may_have_the_names_of_what_is_put_around_the_network(tmp_path):
    network = make_look_up()
    for name in ("adapted_1_transpose", "adapted/transpose_1", "output/prediction", "adapted/output/prediction"):
        network.graph.node.append(helper.make_node("Identity", ["slice"], [name]))
    network.graph.node.append(helper.make_node("Identity", ["answer"], ["cast_1"]))
    network.graph.node.append(helper.make_node("Identity", ["answer"], ["transpose_1"]))
    kind = network.graph.output[0].type
    network.graph.output.extend(onnx.ValueInfoProto(name=name, type=kind) for name in ("transpose_1", "cast_1"))
    _, model = convert_network(network, tmp_path, {"tracks": ["a", "b", "c"]}, apply="sigmoid")
    assert predict(model, "AAAAAAA") == [0.5, 0.5, 0.5]
    (tmp_path / "tiny").rename(tmp_path / "first")
    network = make_look_up()
    network.graph.node[-1].output[0] = network.graph.output[0].name = "adapted_1_transpose"
    network.graph.output.add(name="second").type.CopyFrom(kind)
    network.graph.node.append(helper.make_node("Neg", ["adapted_1_transpose"], ["second"]))
    _, model = convert_network(network, tmp_path, {"tracks": ["a", "b"]})
    assert predict(model, "AAACAAA") == [1, -1]


def test_an_error_names_the_network_and_no_folder_that_is_gone(tmp_path, monkeypatch):
    def fail(folder):
        raise UnsafeModel(f"{folder.absolute() / 'model.onnx'}: fails ONNX's checks, in {folder}")

    monkeypatch.setattr(convert_module, "examine", fail)
    with pytest.raises(UnsafeModel) as caught:
        convert_network(make_look_up(), tmp_path)
    network = tmp_path / "network.onnx"
    assert str(caught.value) == f"{network}, as it was adapted: fails ONNX's checks, in {network}"


def test_inputs_beside_the_sequence_become_context(tmp_path):
    network = make_look_up()
    network.graph.input.append(helper.make_tensor_value_info("cell/type:0", TensorProto.FLOAT, ["N", 1]))
    network.graph.node[-1].output[0] = "base"
    network.graph.node.append(helper.make_node("Add", ["base", "cell/type:0"], ["answer"]))
    _, model = convert_network(network, tmp_path)
    context = model.card.inputs[1]
    assert (context.name, context.role, context.shape) == ("cell_type", "context", (1,))
    found = model.predict_codes(np.full((1, 7), 1, np.uint8), {"cell_type": np.array([[2]], np.float32)})
    assert found["prediction"].tolist() == [[3]]


@pytest.mark.usefixtures("examine_apart")
def test_the_folder_is_a_whole_model_that_passes_its_test(tmp_path):
    done, model = convert_network(make_look_up(), tmp_path)
    names = sorted(path.name for path in done.folder.iterdir())
    assert names == ["SHA256SUMS", "example.json", "model.onnx", "model.yaml"]
    assert verify_folder(done.folder).largest_difference == 0
    assert done.model == model.card.full_name == "tiny@1.0.0"
    assert model.card.window.anchor == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.onnx", "tiny"]


def test_what_was_assumed_stands_in_the_limitations(tmp_path):
    _, model = convert_network(make_look_up(), tmp_path)
    assert model.card.limitations == (
        "Made for tests. Converted from PyTorch. Assumed, as the file does not tell: alphabet ACGT, unknown bases "
        "zeros, anchor 3."
    )


def test_what_was_said_does_not_count_as_assumed(tmp_path):
    done, model = convert_network(make_look_up(), tmp_path, alphabet="ACGT", unknown="zeros", anchor=0)
    assert done.assumed == ()
    assert model.card.limitations == "Made for tests. Converted from PyTorch."
    assert model.card.window.anchor == 0


def test_the_same_file_converts_to_the_same_bytes(tmp_path):
    _, first = convert_network(make_look_up("N1CL"), tmp_path)
    (tmp_path / "tiny").rename(tmp_path / "first")
    _, second = convert_network(make_look_up("N1CL"), tmp_path)
    assert first.digest == second.digest


def test_predictions_are_of_the_one_strand_unless_the_card_says_both(tmp_path):
    _, model = convert_network(make_look_up(base=1), tmp_path, {"strand": {"average": True}})
    assert predict(model, "ACAAAAA", "ACAAAGA", "AAAAAGA") == [0.5, 1, 0.5]


def test_names_inside_the_network_may_be_those_of_the_zoo(tmp_path):
    network = make_look_up(last="Sigmoid")
    for node in network.graph.node:
        node.output[:] = [{"slice": "sequence", "flat": "prediction"}.get(name, name) for name in node.output]
        node.input[:] = [{"slice": "sequence", "flat": "prediction"}.get(name, name) for name in node.input]
    _, model = convert_network(network, tmp_path)
    assert predict(model, "AAAAAAA") == [0.5]


def test_a_network_with_a_loop_reads_what_stands_outside_it(tmp_path):
    network = make_look_up()
    state = helper.make_tensor_value_info("state", TensorProto.FLOAT, None)
    after = helper.make_tensor_value_info("after", TensorProto.FLOAT, None)
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["condition"], ["goes_on"]),
            helper.make_node("Add", ["state", "slice"], ["after"]),  # `slice` is the outer graph's
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("condition", TensorProto.BOOL, []),
            state,
        ],
        [helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []), after],
    )
    network.graph.initializer.append(numpy_helper.from_array(np.array(3, np.int64), "turns"))
    loop = helper.make_node("Loop", ["turns", "", "slice"], ["summed"], body=body)
    network.graph.node.insert(1, loop)
    network.graph.node[2].input[0] = "summed"
    _, model = convert_network(network, tmp_path)
    assert predict(model, "AAACAAA", "AAAAAAA") == [4, 0]


def test_a_network_that_would_fill_the_memory_once_its_length_is_said_is_never_run(tmp_path, monkeypatch):
    def predict_nothing(source, feed):
        raise AssertionError("it was run")

    monkeypatch.setattr(OnnxSource, "predict", predict_nothing)
    network = make_look_up(length="L")
    network.graph.initializer.append(numpy_helper.from_array(np.array([2**44]), "many"))
    network.graph.node[-1].output[0] = "base"
    network.graph.node.extend(
        [
            helper.make_node("ConstantOfShape", ["many"], ["zeros"]),
            helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
            helper.make_node("Add", ["base", "zero"], ["answer"]),
        ]
    )
    with pytest.raises(UnsafeModel, match=r"network.onnx: result 'zeros': expected at most .* bytes for a window"):
        convert_network(network, tmp_path, length=7)


def test_what_is_missing_is_listed(tmp_path):
    path = save(make_look_up(), tmp_path)
    with pytest.raises(ConversionError, match=r"give tracks .*missing in the card: license, authors, organism, assay"):
        convert(path, "tiny", output=tmp_path / "tiny")
    assert not (tmp_path / "tiny").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "tiny").mkdir()
    with pytest.raises(VersionExists, match="tiny: exists; a model never changes"):
        convert_network(make_look_up(), tmp_path)


def test_a_name_that_no_model_may_have_is_refused_at_once(tmp_path):
    with pytest.raises(CardError, match=r"field 'name': expected at most 64 lower-case letters.*found 'Tiny'"):
        convert(tmp_path / "absent.onnx", "Tiny", output=tmp_path / "tiny")


@pytest.mark.parametrize("reason", [ModelError("unsafe"), KeyboardInterrupt()])
def test_nothing_is_left_behind_after_an_error(tmp_path, monkeypatch, reason):
    def fail(folder):
        assert folder.parent == tmp_path
        raise reason

    monkeypatch.setattr(convert_module, "examine", fail)
    with pytest.raises(type(reason)):
        convert_network(make_look_up(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]


def test_a_model_that_says_something_else_is_never_written(tmp_path, monkeypatch):
    def adapt_wrongly(network, *arguments):
        changed = onnx.ModelProto()
        changed.CopyFrom(network)
        starts = next(tensor for tensor in changed.graph.initializer if tensor.name == "starts")
        ends = next(tensor for tensor in changed.graph.initializer if tensor.name == "ends")
        starts.CopyFrom(numpy_helper.from_array(np.array([2, 3]), "starts"))
        ends.CopyFrom(numpy_helper.from_array(np.array([3, 4]), "ends"))
        return adapt(changed, *arguments)

    adapt = convert_module.adapt
    monkeypatch.setattr(convert_module, "adapt", adapt_wrongly)
    with pytest.raises(ConversionError, match="of its track, 1e-05 is allowed; nothing was written"):
        convert_network(make_look_up(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]


def test_the_example_is_of_the_finished_model(tmp_path):
    done, _ = convert_network(make_look_up(), tmp_path)
    example = json.loads((done.folder / "example.json").read_text())
    expected = [[float(sequence[3] == "C")] for sequence in example["sequences"]]
    assert example["predictions"] == {"prediction": expected}


@pytest.mark.parametrize("tracks", ["sites", ["sites"]])
def test_tracks_may_be_named_beside_the_card_or_in_place_of_its_own(tmp_path, tracks):
    _, model = convert_network(make_look_up(), tmp_path, tracks=tracks)
    assert model.card.track_names == ("sites",)


def test_an_argument_that_there_is_not_is_an_error_that_names_the_nearest(tmp_path):
    with pytest.raises(TypeError, match="no argument 'anchr'; did you mean 'anchor'"):
        convert_network(make_look_up(), tmp_path, anchr=2)


def test_a_message_names_arguments_and_no_options(tmp_path):
    with pytest.raises(ConversionError, match=r"; leave out length$"):
        convert_network(make_look_up(), tmp_path, length=9)
