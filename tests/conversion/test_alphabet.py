import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.conversion.networks import CARD, save
from zoo.conversion.alphabet import Alphabet, find_auroc
from zoo.conversion.convert import Conversion, convert
from zoo.conversion.given import Given
from zoo.conversion.probe import Wishes
from zoo.errors import ConversionError, DataError
from zoo.model.card import read_card

SHARES = {"T": 700, "C": 200, "A": 70, "G": 30}
"""How often each base stands in the middle of 1,000 positives; in negatives G and T, A and C are exchanged."""


def make_ranked(length=7):
    """A network that says 3, 2, 1 or 0 where the first, second, third or fourth channel is 1 in the middle."""
    kernel = np.zeros((1, 4, length), np.float32)
    kernel[0, :, length // 2] = [3, 2, 1, 0]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "kernel"], ["map"]), helper.make_node("Flatten", ["map"], ["answer"])],
        "ranked",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 4, length])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", 1])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.fixture
def examples(tmp_path):
    """FASTA files of sequences two bases longer than a window, whose middles differ as ``SHARES`` says."""
    turned = dict(zip("GACT", SHARES.values(), strict=True))
    for name, shares in (("pos.fa", SHARES), ("neg.fa", turned)):
        bases = "".join(base * count for base, count in shares.items())
        (tmp_path / name).write_text("".join(f">{number}\nGGGG{base}GGGG\n" for number, base in enumerate(bases)))
    return tmp_path / "pos.fa", tmp_path / "neg.fa"


@pytest.fixture
def ranked(tmp_path):
    return save(make_ranked(), tmp_path)


def test_the_order_that_separates_the_examples_is_taken(tmp_path, ranked, examples):
    done = convert(ranked, "tiny", output=tmp_path / "tiny", card=CARD, examples=examples)
    card = read_card(tmp_path / "tiny" / "model.yaml")
    assert card.architecture.config["alphabet"] == "TCAG"
    assert done.assumed == ("unknown bases zeros", "anchor 3")
    assert "with TCAG on 2,000 examples" in card.limitations


def test_an_order_that_examples_speak_against_is_refused(tmp_path, ranked, examples):
    with pytest.raises(ConversionError, match=r"alphabet ACGT: AUROC .* with TCAG .*; leave out alphabet, or exam"):
        convert(ranked, "tiny", output=tmp_path / "tiny", card=CARD, examples=examples, alphabet="ACGT")


def test_an_order_that_examples_confirm_is_kept(tmp_path, ranked, examples):
    done = convert(ranked, "tiny", output=tmp_path / "tiny", card=CARD, examples=examples, alphabet="TCAG")
    assert "alphabet" not in " ".join(done.assumed)


def test_both_aurocs_are_those_of_all_pairs(ranked, examples):
    conversion = Conversion(ranked, "tiny")
    conversion.ask(Wishes(), Given())
    conversion.measure_alphabet(Wishes(), *examples)
    # Of 1,000,000 pairs: won + half of those that tie.
    positive = np.array([700, 200, 70, 30])
    negative = np.array([30, 70, 200, 700])

    def reckon(order):
        high, low = positive[order], negative[order]
        return sum(high[i] * (low[i + 1 :].sum() + low[i] / 2) for i in range(4)) / 1e6

    assert conversion.alphabet.auroc == pytest.approx(reckon([0, 1, 2, 3]))
    # Exchanging C and A costs least: 200 x 200 - 70 x 70 pairs.
    assert conversion.alphabet.next_letters == "TACG"
    assert conversion.alphabet.next_auroc == pytest.approx(reckon([0, 2, 1, 3]))


def test_sequences_shorter_than_a_window_are_named(tmp_path, ranked, examples):
    examples[1].write_text(">long\nAAAAAAA\n>short\nAAAAAA\n")
    with pytest.raises(DataError, match=r"neg.fa: 'short' has 6 bases, the network reads 7"):
        convert(ranked, "tiny", output=tmp_path / "tiny", card=CARD, examples=examples)


def test_a_network_that_reads_more_than_a_sequence_is_not_judged_by_sequences(tmp_path, examples):
    model = make_ranked()
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["N", 1]))
    model.graph.node[-1].output[0] = "flat"
    model.graph.node.append(helper.make_node("Add", ["flat", "more"], ["answer"]))
    onnx.checker.check_model(model)
    with pytest.raises(ConversionError, match="reads more than a sequence"):
        convert(save(model, tmp_path), "tiny", output=tmp_path / "tiny", card=CARD, examples=examples)


@pytest.mark.parametrize(("count", "clear"), [(1000, True), (20, False)])
def test_a_difference_counts_by_how_many_examples_stand_behind_it(count, clear):
    found = Alphabet("ACGT", 0.95, "TCGA", 0.91, 0.95, count, count)
    assert found.clear is clear
    assert not found.contradicts_said


@given(
    positives=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    negatives=st.lists(st.integers(0, 5), min_size=1, max_size=12),
)
def test_the_auroc_is_the_share_of_pairs_in_order(positives, negatives):
    pairs = [(high > low) + (high == low) / 2 for high in positives for low in negatives]
    labels = np.array([True] * len(positives) + [False] * len(negatives))
    found = find_auroc(labels, np.array(positives + negatives, np.float32))
    assert found == pytest.approx(sum(pairs) / len(pairs))
