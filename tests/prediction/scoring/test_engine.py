from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.components import Config, Scorer
from zoo.errors import ModelError, ScorerMismatch, UnknownName
from zoo.genome.codes import encode
from zoo.genome.variant import Reason
from zoo.model.folder import load_folder
from zoo.plugins import discover
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.scoring.engine import Engine, ScoredModel, pair_with_scorers
from zoo.testing.models import make_model, write_model_folder

GENOME = "GATTACAGATTGGACCGTACACGTACGTTACATNCATTCA"
VARIANTS = [
    (position, GENOME[position - 1 : position - 1 + length], alt)
    for position in range(1, 39)
    for length, alt in ((1, "A"), (1, "G"), (2, "G"), (1, "CTT"), (3, "AGGT"))
    if "N" not in GENOME[position - 1 : position - 1 + length]
]


def weigh_bases(length=9, anchor=4, **card):
    """A network that adds up a weight for each base of the window: every base, place and strand matters."""
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(1).normal(size=(length * 4, 2)).astype(np.float32)
    constants = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([0, length * 4]), "shape")]
    nodes = [
        helper.make_node("Reshape", ["sequence", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["prediction"]),
    ]
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", length, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 2])
    tracks = [{"name": name, "assay": "none"} for name in ("one", "two")]
    overrides = {
        "name": "weigher",
        "inputs": [{"name": "sequence", "shape": [length, 4]}],
        "window": {"length": length, "anchor": anchor},
        "outputs": [{"name": "prediction", "tracks": tracks, "activation": "linear"}],
    }
    return make_model(helper.make_graph(nodes, "weigher", [sequence], [prediction], constants)), overrides | card


@pytest.fixture(scope="module")
def load_weigher(tmp_path_factory):
    def load(**options):
        folder = tmp_path_factory.mktemp("model")
        return load_folder(write_model_folder(folder, *weigh_bases(**options)), device="cpu", threads=1)

    return load


@pytest.fixture(scope="module")
def models(load_weigher):
    """Two that read one window, one of which averages strands, and one that reads another."""
    loaded = [
        load_weigher(strand={"average": True}),
        load_weigher(name="forward"),
        load_weigher(name="wide", length=14, anchor=3),
    ]
    return pair_with_scorers(loaded, None, discover())


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    from zoo.genome.reference import Reference

    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">chr1\n{GENOME}\n>chr2\n{GENOME[::-1]}\n")
    with Reference(path) as opened:
        yield opened


def score(models, reference, variants, batch_size=None, contig="chr1"):
    positions, refs, alts = zip(*variants, strict=True)
    batch = build_alleles([contig] * len(variants), positions, refs, alts, reference)
    return Engine(models, reference, batch_size).score(batch)


def same(one, other):
    return (
        np.allclose(one.scores, other.scores, rtol=0, atol=1e-5, equal_nan=True) and (one.reason == other.reason).all()
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(st.permutations(range(len(VARIANTS))), st.sampled_from([1, 2, 7, 64, None]))
def test_the_order_of_records_and_the_batch_size_change_nothing(models, reference, order, batch_size):
    expected = score(models, reference, VARIANTS)
    found = score(models, reference, [VARIANTS[place] for place in order], batch_size)
    for one, other in zip(expected, found, strict=True):
        assert np.allclose(one.scores[list(order)], other.scores, rtol=0, atol=1e-5, equal_nan=True)
        assert (one.reason[list(order)] == other.reason).all()


def test_models_together_score_as_each_alone(models, reference):
    together = score(models, reference, VARIANTS)
    for number, model in enumerate(models):
        assert same(together[number], score([model], reference, VARIANTS)[0])
    turned = score(models[::-1], reference, VARIANTS)
    assert all(same(one, other) for one, other in zip(together, turned[::-1], strict=True))


def test_contigs_together_score_as_each_alone(models, reference):
    positions, refs, alts = zip(*VARIANTS, strict=True)
    contigs = ["chr2" if number % 2 else "chr1" for number in range(len(VARIANTS))]
    both = Engine(models, reference, 5).score(build_alleles(contigs, positions, refs, alts, reference))
    alone = {contig: score(models, reference, VARIANTS, contig=contig) for contig in ("chr1", "chr2")}
    for number in range(len(models)):
        for row, contig in enumerate(contigs):
            assert np.allclose(both[number].scores[row], alone[contig][number].scores[row], atol=1e-5, equal_nan=True)
    assert (both[0].reason == Reason.REF_MISMATCH).any()


def test_a_score_is_the_difference_of_the_predictions_of_both_windows(models, reference):
    (found,) = score([models[1]], reference, [(5, "A", "C")])
    window = GENOME[0:4], GENOME[5:9]
    codes = np.stack([encode(base.join(window)) for base in "AC"])
    ref, alt = models[1].model.session.predict(codes)["prediction"]
    assert np.allclose(found.scores[0], alt - ref, atol=1e-6)
    assert found.scores.dtype == np.float32


def test_an_allele_that_equals_ref_scores_0(models, reference):
    equal = [
        (position, GENOME[position - 1 : position + 1], GENOME[position - 1 : position + 1])
        for position in range(1, 30)
    ]
    for model in score(models, reference, equal):
        assert (model.reason == Reason.OK).all()
        assert np.abs(model.scores).max() < 1e-5


def test_averaged_strands_score_a_variant_and_its_reverse_complement_alike(load_weigher, tmp_path):
    from zoo.genome.reference import Reference

    complement = str.maketrans("ACGTN", "TGCAN")
    other = GENOME.translate(complement)[::-1]
    (tmp_path / "both.fa").write_text(f">chr1\n{GENOME}\n>turned\n{other}\n")
    variants = [(position, GENOME[position - 1], "A") for position in range(6, 30)]
    turned = [
        (len(GENOME) + 1 - position, ref.translate(complement), alt.translate(complement))
        for position, ref, alt in variants
    ]
    scored = pair_with_scorers([load_weigher(strand={"average": True}), load_weigher()], None, discover())
    with Reference(tmp_path / "both.fa") as both:
        forward = score(scored, both, variants)
        reverse = score(scored, both, turned, contig="turned")
    assert np.allclose(forward[0].scores, reverse[0].scores, atol=1e-5)
    assert not np.allclose(forward[1].scores, reverse[1].scores, atol=1e-5)


def test_skipped_alleles_have_no_number_and_others_always_one(models, reference):
    variants = [(1, "G", "<DEL>"), (1, "G", "A"), (5, "A", "A" + "C" * 7), (34, "N", "A"), (2, "C", "A")]
    narrow, _, wide = score(models, reference, variants)
    expected = [Reason.SYMBOLIC, Reason.OK, Reason.TOO_LONG, Reason.OK, Reason.REF_MISMATCH]
    assert [Reason(reason) for reason in narrow.reason] == expected
    assert Reason(wide.reason[2]) is Reason.OK  # it has room for eleven
    for model in (narrow, wide):
        assert (np.isnan(model.scores).all(axis=1) == (model.reason != Reason.OK)).all()


def test_a_window_that_is_mostly_unknown_is_skipped(models, tmp_path):
    from zoo.genome.reference import Reference

    (tmp_path / "n.fa").write_text(">chr1\nNNNNNNNNNNACGTACGT\n")
    with Reference(tmp_path / "n.fa") as opened:
        found = score(models[:1], opened, [(10, "N", "A"), (11, "A", "C"), (12, "C", "A")], 1)[0]
    assert [Reason(reason) for reason in found.reason] == [Reason.UNKNOWN_BASES, Reason.OK, Reason.OK]


def test_explaining_gives_the_reasons_of_scoring_and_runs_no_network(models, reference, monkeypatch):
    positions, refs, alts = zip(*VARIANTS, strict=True)
    batch = build_alleles(["chr1"] * len(VARIANTS), positions, refs, alts, reference)
    expected = Engine(models, reference).score(batch)
    for model in models:
        monkeypatch.setattr(model.model.session, "predict", None)
    explained = Engine(models, reference).explain(batch)
    assert all((one.reason == other.reason).all() for one, other in zip(expected, explained, strict=True))
    assert np.isnan(explained[0].scores).all()


class Nothing(Config):
    pass


def scorer_of(function, takes=frozenset({"flat"})):
    return Scorer("mine", "made for a test", Nothing, function, takes=takes)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda c, ref, alt: alt["prediction"][:, :1],
            ScorerMismatch,
            r"'mine': expected scores of shape \(1, 2\), found \(1, 1\)",
        ),
        (
            lambda c, ref, alt: alt["prediction"] * np.nan,
            ModelError,
            r"'mine' gave a score that is no finite number; run: zoo test",
        ),
    ],
)
def test_a_scorer_that_gives_no_scores_is_an_error(models, reference, function, error, message):
    scored = [ScoredModel(models[0].model, scorer_of(function), Nothing())]
    with pytest.raises(error, match=message):
        score(scored, reference, [(5, "A", "C")])


def test_the_scorer_of_the_card_is_taken_unless_another_is_named(load_weigher):
    model = load_weigher(scorer={"name": "weighted_difference"})
    assert pair_with_scorers([model], None, discover())[0].scorer.name == "weighted_difference"
    assert pair_with_scorers([model], "difference", discover())[0].scorer.name == "difference"
    with pytest.raises(UnknownName, match=r"'diference'.*did you mean 'difference'\?"):
        pair_with_scorers([model], "diference", discover())


def test_a_scorer_that_does_not_take_the_output_stops_before_the_first_record(load_weigher):
    plugins = SimpleNamespace(scorer=lambda _: scorer_of(None, frozenset({"binned"})))
    with pytest.raises(
        ScorerMismatch, match=r"scorer 'mine' takes binned outputs, weigher@1\.0\.0 gives flat ones; choose"
    ):
        pair_with_scorers([load_weigher()], "mine", plugins)
