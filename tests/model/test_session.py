import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.model.networks import draw_without_g, make_rich
from zoo.errors import CardError, DataError, DeviceError, MissingExtra, ModelError
from zoo.genome.codes import encode, one_hot
from zoo.model import session as session_module
from zoo.model.card import Card
from zoo.model.folder import load_folder
from zoo.model.graph import embed_one_hot
from zoo.model.session import Session
from zoo.testing.models import CARD, make_base_at_anchor_graph, make_model

G_AT_ANCHOR = make_model(make_base_at_anchor_graph())


def make_card(**fields):
    return Card.model_validate({**CARD, **fields})


def make_output(*tracks, **fields):
    named = [{"name": track, "assay": "none"} for track in tracks]
    return [{"name": "prediction", "tracks": named, "activation": "linear", **fields}]


def make_network(nodes, shape, constants, extra_inputs=()):
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 9, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", *shape])
    tensors = [numpy_helper.from_array(np.array(values), name) for name, values in constants.items()]
    return make_model(helper.make_graph(nodes, "test", [sequence, *extra_inputs], [prediction], tensors))


def make_channels_network(first, end):
    """Predict, in 9 bins, the one-hot channels ``first`` to ``end - 1`` themselves."""
    node = helper.make_node("Slice", ["sequence", "first", "end", "axis"], ["prediction"])
    return make_network([node], [9, end - first], {"first": [first], "end": [end], "axis": [2]})


def encode_all(*sequences):
    return np.stack([encode(sequence) for sequence in sequences])


def test_channels_are_a_c_g_t_and_an_unknown_base_is_zeros():
    session = Session(G_AT_ANCHOR, make_card(), "cpu")
    codes = encode_all("CCCCGCCCC", "GGGGAGGGG", "GGGGCGGGG", "GGGGTGGGG", "GGGGNGGGG")
    assert session.predict(codes)["prediction"].tolist() == [[1], [0], [0], [0], [0]]


def test_an_unknown_base_is_a_quarter_of_each_where_the_card_says_so():
    card = make_card(inputs=[{"name": "sequence", "shape": [9, 4], "unknown": "quarter"}])
    assert Session(G_AT_ANCHOR, card, "cpu").predict(encode_all("AAAANAAAA"))["prediction"].tolist() == [[0.25]]


def test_one_hot_inside_the_graph_changes_no_bit():
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((9, 4, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Einsum", ["sequence", "weights"], ["sums"], equation="nlc,lct->nt"),
        helper.make_node("Sigmoid", ["sums"], ["prediction"]),
    ]
    network = make_network(nodes, [3], {"weights": weights})
    codes = rng.integers(0, 5, size=(50, 9), dtype=np.uint8)
    plain = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = plain.run(["prediction"], {"sequence": one_hot(codes)})[0]
    card = make_card(outputs=make_output("a", "b", "c"))
    assert np.array_equal(Session(network, card, "cpu").predict(codes)["prediction"], expected)


@pytest.mark.parametrize("name", ["zoo_codes", "zoo_equal", "sequence_known"])
def test_a_network_may_call_its_tensors_as_those_of_the_one_hot_sequence(name):
    nodes = [
        helper.make_node("Neg", ["sequence"], [name]),
        helper.make_node("Einsum", [name], ["sums"], equation="nlc->n"),
        helper.make_node("Reshape", ["sums", "column"], ["prediction"]),
    ]
    network = make_network(nodes, [1], {"column": np.array([-1, 1])})
    card = make_card(inputs=[{"name": "sequence", "shape": [9, 4], "unknown": "quarter"}])
    assert Session(network, card, "cpu").predict(encode_all("ACGTNACGT")).popitem()[1].tolist() == [[-9]]


def test_embedding_leaves_the_given_model_alone():
    before = G_AT_ANCHOR.SerializeToString()
    assert embed_one_hot(G_AT_ANCHOR, make_card()).graph.input[0].name == "zoo_codes"
    assert G_AT_ANCHOR.SerializeToString() == before


def test_both_strands_are_averaged_and_the_raw_network_is_not():
    session = Session(G_AT_ANCHOR, make_card(strand={"average": True}), "cpu")
    codes = encode_all("AAAAGAAAA", "AAAACAAAA", "AAAATAAAA")
    assert session.predict(codes)["prediction"].tolist() == [[0.5], [0.5], [0]]
    assert session.predict_raw(codes)["prediction"].tolist() == [[1], [0], [0]]


@pytest.mark.parametrize(("reverse_bins", "bin_of_c"), [(True, 8), (False, 0)])
def test_bins_of_the_reverse_strand_are_flipped(reverse_bins, bin_of_c):
    card = make_card(
        outputs=make_output("g", kind="binned", bins=9), strand={"average": True, "reverse_bins": reverse_bins}
    )
    session = Session(make_channels_network(2, 3), card, "cpu")
    expected = np.zeros((1, 9, 1))
    expected[0, 1] = 0.5  # the G of the forward strand, second base
    expected[0, bin_of_c] = 0.5  # the C at the end: a G, the first base of the reverse strand
    assert np.array_equal(session.predict(encode_all("AGAAAAAAC"))["prediction"], expected)


def test_paired_tracks_are_swapped_on_the_reverse_strand():
    card = make_card(
        outputs=make_output("c", "g", kind="binned", bins=9), strand={"average": True, "track_pairs": [["c", "g"]]}
    )
    session = Session(make_channels_network(1, 3), card, "cpu")
    codes = encode_all("AGGTCAANC")
    # A C here is a G there, so both strands say the same once their tracks are swapped.
    assert np.array_equal(session.predict(codes)["prediction"], session.predict_raw(codes)["prediction"])


def test_paired_tracks_may_stand_in_two_outputs():
    network = make_channels_network(1, 2)
    network.graph.node.append(helper.make_node("Slice", ["sequence", "end", "three", "axis"], ["g"]))
    network.graph.initializer.append(numpy_helper.from_array(np.array([3]), "three"))
    network.graph.output.append(helper.make_tensor_value_info("g", TensorProto.FLOAT, ["N", 9, 1]))
    outputs = [
        *make_output("plus", kind="binned", bins=9),
        {**make_output("minus", kind="binned", bins=9)[0], "name": "g"},
    ]
    card = make_card(outputs=outputs, strand={"average": True, "track_pairs": [["plus", "minus"]]})
    session = Session(network, card, "cpu")
    codes = encode_all("AGGTCAANC")
    averaged, raw = session.predict(codes), session.predict_raw(codes)
    assert all(np.array_equal(averaged[name], raw[name]) for name in ("prediction", "g"))


def test_paired_tracks_of_unlike_outputs_are_refused():
    outputs = [*make_output("plus", kind="binned", bins=9), {**make_output("minus")[0], "name": "flat"}]
    card = make_card(outputs=outputs, strand={"track_pairs": [["plus", "minus"]]})
    with pytest.raises(CardError, match="'plus' and 'minus' differ in bins"):
        Session(make_channels_network(1, 2), card, "cpu")


def test_members_are_averaged_and_stand_after_n_in_the_raw_predictions():
    nodes = [
        helper.make_node("Slice", ["sequence", "starts", "ends", "axes"], ["bases"]),
        helper.make_node("Transpose", ["bases"], ["prediction"], perm=[0, 2, 1]),
    ]
    network = make_network(nodes, [2, 1], {"starts": [4, 1], "ends": [5, 3], "axes": [1, 2]})
    session = Session(network, make_card(outputs=make_output("c_or_g", members=2)), "cpu")
    codes = encode_all("AAAAGAAAA", "AAAATAAAA")
    assert session.predict(codes)["prediction"].tolist() == [[0.5], [0]]
    assert session.predict_raw(codes)["prediction"].tolist() == [[[0], [1]], [[0], [0]]]


@pytest.fixture
def scaled_network():
    nodes = [*G_AT_ANCHOR.graph.node[:1], helper.make_node("Squeeze", ["base", "channel_axis"], ["g"])]
    nodes.append(helper.make_node("Mul", ["g", "scale"], ["prediction"]))
    constants = {"starts": [4, 2], "ends": [5, 3], "axes": [1, 2], "channel_axis": [2]}
    scale = helper.make_tensor_value_info("scale", TensorProto.FLOAT, ["N", 1])
    return make_network(nodes, [1], constants, [scale])


def make_scaled_card(**fields):
    scale = {"name": "scale", "role": "context", "shape": [1], **fields}
    return make_card(inputs=[{"name": "sequence", "shape": [9, 4]}, scale])


def test_a_context_input_is_given_by_name_or_takes_its_default(scaled_network):
    session = Session(scaled_network, make_scaled_card(default=3.0), "cpu")
    codes = encode_all("AAAAGAAAA", "AAAAGAAAA")
    assert session.predict(codes)["prediction"].tolist() == [[3], [3]]
    scale = np.array([[2], [4]], dtype=np.float32)
    assert session.predict(codes, {"scale": scale})["prediction"].tolist() == [[2], [4]]


def make_numbers_network(*shape):
    """Predict the first of the numbers of the input ``features`` as they stand."""
    axes = list(range(1, len(shape) + 1))
    starts, ends = [0] * len(shape), [1] * len(shape)
    nodes = [
        helper.make_node("Slice", ["features", "starts", "ends", "axes"], ["first"]),
        helper.make_node("Reshape", ["first", "shape"], ["prediction"]),
    ]
    constants = {"starts": starts, "ends": ends, "axes": axes, "shape": [-1, 1]}
    tensors = [numpy_helper.from_array(np.array(values), name) for name, values in constants.items()]
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", *shape])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    return make_model(helper.make_graph(nodes, "test", [features], [prediction], tensors))


def test_a_network_without_a_sequence_predicts_from_numbers_alone():
    features = {"name": "features", "role": "context", "shape": [3]}
    card = make_card(inputs=[features], window=None, strand={"average": True})
    session = Session(make_numbers_network(3), card, "cpu")
    rows = np.arange(15, dtype=np.float32).reshape(5, 3)

    for codes in (None, np.empty((5, 0), dtype=np.uint8)):
        for size in (2, 8):
            found = session.predict(codes, {"features": rows}, windows_per_run=size)
            assert found["prediction"].tolist() == [[0], [3], [6], [9], [12]]
    assert session.predict_raw(None, {"features": rows})["prediction"].shape == (5, 1)
    with pytest.raises(DataError, match=r"codes: expected uint8 \(N, 0\), found uint8 \(5, 9\)"):
        session.predict(np.zeros((5, 9), dtype=np.uint8), {"features": rows})
    with pytest.raises(DataError, match="input 'features' is missing"):
        session.predict(None)


@pytest.mark.parametrize("count", [2, 6])
def test_further_inputs_have_a_row_for_each_window_whatever_the_batches(scaled_network, count):
    session = Session(scaled_network, make_scaled_card(), "cpu")
    codes = np.zeros((4, 9), dtype=np.uint8)

    for size in (2, 8):
        with pytest.raises(DataError, match=rf"extra 'scale': expected shape \(4, 1\), found \({count}, 1\)"):
            session.predict(codes, {"scale": np.ones((count, 1), np.float32)}, windows_per_run=size)


def test_a_track_along_the_sequence_turns_with_its_strand():
    features = {"name": "features", "role": "context", "shape": [9, 2]}
    rows = np.arange(18, dtype=np.float32).reshape(1, 9, 2)

    means = []
    for average in (False, True):
        card = make_card(inputs=[features], window=None, strand={"average": average})
        means.append(Session(make_numbers_network(9, 2), card, "cpu").predict(None, {"features": rows})["prediction"])

    # The first number is 0 at the start, and 16 at the end.
    assert [mean.tolist() for mean in means] == [[[0]], [[8]]]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({}, r"extra: input 'scale' is missing; expected shape \(2, 1\)"),
        ({"scale": np.ones((3, 1))}, r"extra 'scale': expected shape \(2, 1\), found \(3, 1\)"),
        ({"scael": np.ones((2, 1))}, "extra: no input 'scael'; expected scale"),
    ],
)
def test_a_wrong_context_input_is_named(scaled_network, extra, message):
    with pytest.raises(DataError, match=message):
        Session(scaled_network, make_scaled_card(), "cpu").predict(encode_all("AAAAGAAAA", "AAAAGAAAA"), extra)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 9), dtype=np.int64), r"codes: expected uint8 \(N, 9\), found int64 \(2, 9\)"),
        (np.zeros((2, 8), dtype=np.uint8), r"codes: expected uint8 \(N, 9\), found uint8 \(2, 8\)"),
        (np.zeros(9, dtype=np.uint8), r"codes: expected uint8 \(N, 9\), found uint8 \(9,\)"),
        (np.full((1, 9), 5, dtype=np.uint8), "codes: expected 0 to 4, found 5"),
    ],
)
def test_wrong_codes_are_described(codes, message):
    with pytest.raises(DataError, match=message):
        Session(G_AT_ANCHOR, make_card(), "cpu").predict(codes)


@pytest.mark.parametrize(
    ("network", "outputs", "shape"),
    [
        (G_AT_ANCHOR, make_output("g"), (0, 1)),
        (make_channels_network(1, 3), make_output("c", "g", kind="binned", bins=9), (0, 9, 2)),
    ],
)
def test_no_sequences_give_no_predictions_in_the_right_shape(network, outputs, shape):
    card = make_card(outputs=outputs, strand={"average": True})
    prediction = Session(network, card, "cpu").predict(np.empty((0, 9), dtype=np.uint8))["prediction"]
    assert (prediction.shape, prediction.dtype) == (shape, np.float32)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"outputs": make_output("g", "h")},
            r"output 'prediction': the card says shape \(N, 2\), the network has \(N, 1\)",
        ),
        ({"outputs": make_output("g", members=2)}, r"the card says shape \(N, 2, 1\), the network has \(N, 1\)"),
        (
            {"outputs": [{**make_output("g")[0], "name": "p"}]},
            "the card names the outputs p, the network has prediction",
        ),
        ({"inputs": [{"name": "dna", "shape": [9, 4]}]}, "the card names the inputs dna, the network has sequence"),
        (
            {"inputs": [{"name": "sequence", "shape": [8, 4]}], "window": {"length": 8, "anchor": 4}},
            r"input 'sequence': the card says shape \(N, 8, 4\), the network has \(N, 9, 4\)",
        ),
    ],
)
def test_a_card_that_disagrees_with_the_network_is_refused(fields, message):
    with pytest.raises(CardError, match=message):
        Session(G_AT_ANCHOR, make_card(**fields), "cpu")


def test_a_fixed_batch_axis_is_refused():
    graph = make_base_at_anchor_graph()
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(CardError, match=r"expected a free batch axis, the network has \(1, 9, 4\)"):
        Session(make_model(graph), make_card(), "cpu")


def test_a_network_of_another_number_type_is_refused():
    graph = make_base_at_anchor_graph()
    graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    with pytest.raises(CardError, match="output 'prediction': expected float32, the network has double"):
        Session(make_model(graph), make_card(), "cpu")


def test_a_network_that_the_runtime_refuses_is_one_line():
    graph = make_base_at_anchor_graph()
    graph.node[1].op_type = "NoSuchOperator"
    with pytest.raises(
        ModelError, match=r"g-at-anchor@1\.0\.0: onnxruntime can't load the network: .*NoSuchOperator"
    ) as caught:
        Session(make_model(graph), make_card(), "cpu").predict(encode_all("AAAAGAAAA"))
    assert "\n" not in str(caught.value)


def test_the_device_is_told():
    session = Session(G_AT_ANCHOR, make_card(), "cpu")
    assert (session.device, session.provider) == ("cpu", "CPUExecutionProvider")


def test_a_missing_runtime_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"^running a model needs onnxruntime: `pip install 'assayzoo\[cpu\]'` \(or"):
        Session(G_AT_ANCHOR, make_card())


class FakeRuntime:
    """A runtime that lists CUDA; ``used`` is the provider that its sessions end up with."""

    class SessionOptions(SimpleNamespace):
        def add_session_config_entry(self, name, value):
            setattr(self, name, value)

    def __init__(self, used="CPUExecutionProvider"):
        self.used = used
        self.options = None
        self.calls = []

    def get_available_providers(self):
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def preload_dlls(self):
        sys.stdout.write("Failed to load something\n")
        self.calls.append("preload_dlls")

    def InferenceSession(self, model, options, providers, enable_fallback, disabled_optimizers):  # noqa: N802 - ONNX Runtime's name
        self.calls.append(providers)
        assert not enable_fallback
        assert disabled_optimizers == ["Pad_Fusion"]
        self.options = options
        return SimpleNamespace(get_providers=lambda: [self.used])


@pytest.fixture
def use_runtime(monkeypatch):
    def use(runtime):
        monkeypatch.setattr("zoo.model.session.import_onnxruntime", lambda: runtime)
        return runtime

    return use


def test_a_silent_fall_back_to_the_cpu_is_an_error(use_runtime):
    use_runtime(FakeRuntime())
    with pytest.raises(DeviceError, match="device 'cuda' was asked for, onnxruntime fell back to CPUExecutionProvider"):
        Session(G_AT_ANCHOR, make_card(), "cuda")


def test_auto_goes_on_without_a_gpu_and_says_so(use_runtime):
    use_runtime(FakeRuntime())
    with pytest.warns(UserWarning, match="CUDA can't be used here .*: running on the CPU"):
        session = Session(G_AT_ANCHOR, make_card(), "auto")
    assert (session.device, session.provider) == ("cpu", "CPUExecutionProvider")


def test_the_libraries_of_a_gpu_are_loaded_before_its_session_and_print_nothing(use_runtime, capsys):
    runtime = use_runtime(FakeRuntime("CUDAExecutionProvider"))
    session = Session(G_AT_ANCHOR, make_card(), "auto")
    providers = [("CUDAExecutionProvider", {"use_tf32": "0"}), ("CPUExecutionProvider", {})]
    assert runtime.calls == ["preload_dlls", providers]
    assert (session.device, session.provider) == ("cuda", "CUDAExecutionProvider")
    assert capsys.readouterr().out == ""


def test_a_cpu_session_loads_no_library_of_a_gpu(use_runtime):
    runtime = use_runtime(FakeRuntime())
    session = Session(G_AT_ANCHOR, make_card(), "cpu")
    assert runtime.calls == []
    assert session._session.get_providers() == ["CPUExecutionProvider"]
    assert runtime.calls == [[("CPUExecutionProvider", {})]]


@pytest.mark.parametrize(("threads", "expected"), [(3, 3), (None, 7)])
def test_threads_are_those_asked_for_or_all_that_the_process_may_use(use_runtime, monkeypatch, threads, expected):
    use_runtime(FakeRuntime())
    started = []
    monkeypatch.setattr("zoo.model.session.ThreadPoolExecutor", lambda threads, _: started.append(threads))
    monkeypatch.setattr("zoo.model.session.available_cpus", lambda: 7)
    Session(G_AT_ANCHOR, make_card(), "cpu", threads)
    assert started == [expected]


@pytest.mark.parametrize(("budget", "shared"), [(1 << 30, 1), (1, 3)], ids=["small network", "large network"])
def test_threads_run_a_batch_each_unless_a_batch_is_too_large(use_runtime, monkeypatch, budget, shared):
    runtime = use_runtime(FakeRuntime())
    monkeypatch.setattr("zoo.model.session._LARGEST_APART", budget)
    assert Session(G_AT_ANCHOR, make_card(), "cpu", threads=3)._session is not None
    assert runtime.options.intra_op_num_threads == shared
    assert vars(runtime.options)["session.intra_op.allow_spinning"] == "0"


def test_threads_change_no_prediction(g_at_anchor_folder):
    codes = np.random.default_rng(1).integers(0, 5, (200, 9), dtype=np.uint8)
    one, four = (load_folder(g_at_anchor_folder, "cpu", threads).session for threads in (1, 4))
    np.testing.assert_array_equal(
        one.predict(codes, windows_per_run=3)["prediction"], four.predict(codes, windows_per_run=3)["prediction"]
    )


def test_no_threads_are_refused():
    with pytest.raises(ValueError, match="threads: expected at least 1, found 0"):
        Session(G_AT_ANCHOR, make_card(), "cpu", threads=0)


def test_batches_change_nothing_but_their_number(g_at_anchor_folder):
    session = load_folder(g_at_anchor_folder).session
    codes = np.random.default_rng(0).integers(0, 5, (50, 9), dtype=np.uint8)

    whole = session.predict(codes, windows_per_run=50)
    parts = session.predict(codes, windows_per_run=7)

    np.testing.assert_array_equal(whole["prediction"], parts["prediction"])
    assert whole["prediction"].shape == (50, 1)


def test_wider_networks_get_smaller_batches(monkeypatch):
    def wide(channels):
        kernel = numpy_helper.from_array(np.zeros((channels, 4, 1), np.float32), "kernel")
        nodes = [
            helper.make_node("Transpose", ["sequence"], ["turned"], perm=[0, 2, 1]),
            helper.make_node("Conv", ["turned", "kernel"], ["hidden"]),
            helper.make_node("ReduceMean", ["hidden", "axes"], ["prediction"], keepdims=0),
        ]
        axes = numpy_helper.from_array(np.array([1, 2]), "axes")
        nodes[-1].input[:] = ["hidden", "axes"]
        graph = helper.make_graph(
            [*nodes, helper.make_node("Unsqueeze", ["prediction", "last"], ["y"])],
            "wide",
            [helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 9, 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 1])],
            [kernel, axes, numpy_helper.from_array(np.array([1]), "last")],
        )
        output = {"name": "y", "tracks": [{"name": "g", "assay": "none"}], "activation": "linear"}
        return Session(make_model(graph), make_card(outputs=[output]), "cpu").windows_per_run

    # 9 positions of 4-byte numbers in 2 MiB; never below 16, unless these take more than a run may.
    assert wide(1000) == (2 << 20) // (9 * 1000 * 4) == 58
    assert wide(10_000) == 16
    monkeypatch.setattr("zoo.model.session._LARGEST_RUN", 7 * 9 * 10_000 * 4)
    assert wide(10_000) == 7
    assert wide(1000) == 58
    assert wide(100_000) == 1


def test_layers_within_a_branch_count_where_windows_are_run_together():
    kernel = numpy_helper.from_array(np.zeros((4, 10_000), np.float32), "kernel")
    halves = {
        name: helper.make_graph(
            [helper.make_node("MatMul", ["sequence", "kernel"], [f"wide_{name}"]),
             helper.make_node("ReduceMax", [f"wide_{name}"], [name], axes=[1], keepdims=0)],
            name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
        )
        for name in ("then_branch", "else_branch")
    }  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("If", ["yes"], ["row"], **halves),
         helper.make_node("ReduceMax", ["row"], ["y"], axes=[1], keepdims=1)],
        "choice",
        [helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 9, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 1])],
        [kernel, numpy_helper.from_array(np.array(True), "yes")],
    )  # fmt: skip
    output = {"name": "y", "tracks": [{"name": "g", "assay": "none"}], "activation": "linear"}
    model = make_model(graph)
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", 13))
    # 9 positions of 10,000 numbers of 4 bytes: six of them make 2 MiB, of which 16 windows are run at least.
    assert Session(model, make_card(outputs=[output]), "cpu").windows_per_run == 16


def test_zeros_before_a_pool_are_read_by_it():
    """ONNX Runtime's fusion of a Pad with the pool behind it makes the pool skip them."""
    nodes = [
        helper.make_node("Neg", ["sequence"], ["negative"]),
        helper.make_node("Sub", ["negative", "one"], ["below"]),
        helper.make_node("Transpose", ["below"], ["channels"], perm=[0, 2, 1]),
        helper.make_node("Pad", ["channels", "padding", "zero"], ["padded"]),
        helper.make_node("MaxPool", ["padded"], ["pooled"], kernel_shape=[3]),
        helper.make_node("ReduceMax", ["pooled", "axis"], ["prediction"], keepdims=0),
    ]
    constants = {
        "one": np.float32(1), "zero": np.float32(0), "padding": np.array([0, 0, 1, 0, 0, 1]), "axis": np.array([2]),
    }  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "pad",
        [helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 9, 4])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 4])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    tracks = [{"name": letter, "assay": "none"} for letter in "acgt"]
    card = make_card(outputs=[{"name": "prediction", "tracks": tracks, "activation": "linear"}])
    found = Session(make_model(graph), card, "cpu").predict(encode_all("AAAACAAAA"))["prediction"]
    assert found.tolist() == [[0.0] * 4]


def make_convolution(axes=1, **attributes):
    """Predict the largest of 8 positions of a convolution of 2 bases, in two tracks."""
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((2, 4, *[1] * (axes - 1), 2)).astype(np.float32)
    nodes = [helper.make_node("Transpose", ["sequence"], ["turned"], perm=[0, 2, 1])]
    name = "turned"
    if axes == 2:
        nodes.append(helper.make_node("Unsqueeze", ["turned", "axis"], ["wide"]))
        name = "wide"
    nodes += [
        helper.make_node("Conv", [name, "kernel"], ["convolved"]),
        helper.make_node("ReduceMax", ["convolved", "positions"], ["prediction"], keepdims=0),
    ]
    positions = [2] if axes == 1 else [2, 3]
    return make_network(nodes, [2], {"kernel": kernel, "axis": [2], "positions": positions}, **attributes)


TWO_TRACKS = {"outputs": make_output("a", "b")}


@pytest.fixture
def graphs(monkeypatch):
    """Return what graphs sessions open and which they run, by their names, in their order."""
    names = {"opened": [], "ran": []}
    by_session = {}
    really_open, really_run = Session.open, Session.run

    def open_graph(own, graph):
        opened = really_open(own, graph)
        name = getattr(graph, "model", graph).graph.name
        by_session[id(opened)] = name
        names["opened"].append(name)
        return opened

    def run(own, opened, *given):
        names["ran"].append(by_session[id(opened)])
        return really_run(own, opened, *given)

    monkeypatch.setattr(Session, "open", open_graph)
    monkeypatch.setattr(Session, "run", run)
    return names


def predict_plainly(network, codes):
    plain = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    return {"prediction": plain.run(["prediction"], {"sequence": one_hot(codes)})[0]}


@pytest.mark.parametrize(
    ("axes", "known", "opened"),
    [
        pytest.param(1, True, ["zoo"], id="its predictions are known"),
        # Else the network itself is opened too, to compare with.
        pytest.param(1, False, ["zoo", "test"], id="they are not"),
        pytest.param(2, True, ["test"], id="nothing is gained"),
    ],
)
def test_a_convolution_of_one_axis_runs_rewritten_once_that_gives_the_same(graphs, axes, known, opened):
    network = make_convolution(axes)
    codes = np.random.default_rng(1).integers(0, 5, (20, 9), dtype=np.uint8)
    expected = predict_plainly(network, codes)

    session = Session(network, make_card(**TWO_TRACKS), "cpu", example=lambda: (codes, expected if known else None))
    assert graphs["opened"] == []
    for _ in range(2):
        found = session.predict(codes)["prediction"]

    np.testing.assert_allclose(found, expected["prediction"], rtol=1e-5, atol=1e-6)
    assert graphs["opened"] == opened
    assert graphs["ran"][-2:] == [opened[0]] * 2


def test_a_network_that_differs_from_what_was_published_is_compared_with_itself(graphs):
    # What it says on this machine counts: `zoo test` tells of the rest.
    network = make_convolution()
    codes = np.random.default_rng(1).integers(0, 5, (4, 9), dtype=np.uint8)
    other = {"prediction": predict_plainly(network, codes)["prediction"] + 1}

    session = Session(network, make_card(**TWO_TRACKS), "cpu", example=lambda: (codes, other))

    np.testing.assert_allclose(session.predict(codes)["prediction"], other["prediction"] - 1, rtol=1e-5, atol=1e-5)
    assert graphs["opened"] == ["zoo", "test"]
    assert graphs["ran"][-1] == "zoo"


def test_a_rewriting_is_tried_on_further_windows_where_the_example_tells_nothing(monkeypatch, graphs):
    # Half of what a filter says shows only where much of it is said.
    network, codes = make_rich(), draw_without_g()
    real = session_module.write_graph
    for factor, ran in ((np.float32(1), "zoo"), (np.float32(0.5), "test")):

        def write(found, factor=factor):
            first = found.trunk[0]
            return real(replace(found, trunk=(replace(first, weights=first.weights * factor), *found.trunk[1:])))

        monkeypatch.setattr(session_module, "write_graph", write)
        nothing = {"prediction": np.zeros((4, 1), dtype=np.float32)}
        for expected in (None, nothing):
            session = Session(network, make_card(), "cpu", example=lambda expected=expected: (codes, expected))

            assert not session.predict(codes)["prediction"].any()
            assert graphs["ran"][-1] == ran
            assert session.predict(encode_all("GGGGGGGGG"))["prediction"] == pytest.approx(3)


@pytest.mark.parametrize(
    "fault", ["predicts otherwise", "predicts no number", "fails", "is refused", "has another shape"]
)
def test_a_network_whose_rewriting_is_not_the_same_runs_as_it_was_published(monkeypatch, graphs, fault):
    network = make_convolution()
    codes = np.random.default_rng(1).integers(0, 5, (20, 9), dtype=np.uint8)
    expected = predict_plainly(network, codes)["prediction"]
    real = session_module.write_graph
    asked = []

    def write(found):
        asked.append(fault)
        factor = {"predicts otherwise": 1.01, "predicts no number": np.nan}.get(fault, 1)
        first = found.trunk[0]
        graph = real(replace(found, trunk=(replace(first, weights=first.weights * np.float32(factor)),)))
        if fault == "is refused":
            graph.model.graph.node[0].op_type = "NoSuchOperator"
        elif fault == "fails":
            graph.model.graph.input[0].name = "other"
            for node in graph.model.graph.node:
                node.input[:] = ["other" if name == "zoo_codes" else name for name in node.input]
        elif fault == "has another shape":
            (reduced,) = (node for node in graph.model.graph.node if node.op_type == "ReduceMax")
            (keeps,) = (one for one in reduced.attribute if one.name == "keepdims")
            keeps.i = 1
            del graph.model.graph.output[0].type.tensor_type.shape.dim[:]
            graph.model.graph.output[0].type.tensor_type.ClearField("shape")
        return graph

    monkeypatch.setattr(session_module, "write_graph", write)
    session = Session(network, make_card(**TWO_TRACKS), "cpu")

    np.testing.assert_allclose(session.predict(codes)["prediction"], expected, rtol=1e-6)
    assert asked == [fault]
    assert graphs["ran"][-1] == "test"


def test_a_network_that_can_not_be_read_runs_as_it_was_published(monkeypatch, graphs):
    def refuse(*_):
        raise ModelError("expected a network of opset 13 or newer")

    monkeypatch.setattr(session_module, "read_network", refuse)

    session = Session(make_convolution(), make_card(**TWO_TRACKS), "cpu")

    assert session.network is None
    assert session.predict(encode_all("ACGTACGTA"))["prediction"].shape == (1, 2)
    assert graphs["opened"] == ["test"]


@pytest.mark.parametrize("threads", [1, 3])
def test_parts_are_walked_in_their_order(threads):
    session = Session(G_AT_ANCHOR, make_card(), "cpu", threads)

    assert session.walk(lambda part: part * part, range(50)) == [part * part for part in range(50)]


def test_a_graph_of_other_rows_than_are_told_is_refused():
    session = Session(G_AT_ANCHOR, make_card(), "cpu")
    feed = {"zoo_codes": np.zeros((3, 9), dtype=np.uint8)}

    with pytest.raises(CardError, match=r"output 'prediction' has shape \(3, 1\), the card says \(4, 1\)"):
        session.run(session.open(embed_one_hot(G_AT_ANCHOR, make_card())), feed, 4)


def test_threads_that_start_together_open_the_network_once(monkeypatch):
    opened = []
    really_open = Session.open
    monkeypatch.setattr(
        Session, "open", lambda own, graph: opened.append(threading.current_thread()) or really_open(own, graph)
    )
    codes = np.zeros((40, 9), dtype=np.uint8)

    Session(G_AT_ANCHOR, make_card(), "cpu", threads=4).predict(codes, windows_per_run=2)

    assert opened == [threading.main_thread()]
