from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.components import Config, Scorer
from zoo.errors import ModelError, PluginError, ScorerMismatch, UnknownName
from zoo.genome.codes import encode
from zoo.genome.variant import Reason
from zoo.model.folder import load_folder
from zoo.plugins import discover
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.scoring.engine import Engine
from zoo.prediction.scoring.pairing import ScoredModel, pair_with_scorers
from zoo.prediction.scoring.settings import ScoringSettings
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


@dataclass
class Dense:
    """Scores with a row for every allele, NaN where it has none."""

    scores: np.ndarray
    reason: np.ndarray
    rows: object


def spread_out(found):
    return Dense(found.column_of(found.scores, found.strongest()), found.reason, found)


def score(models, reference, variants, batch_size=None, contig="chr1", **options):
    positions, refs, alts = zip(*variants, strict=True)
    batch = build_alleles([contig] * len(variants), positions, refs, alts, reference)
    engine = Engine(models, reference, ScoringSettings(batch_size=batch_size, **options))
    return [spread_out(found) for found in engine.score(batch)]


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
    batch = build_alleles(contigs, positions, refs, alts, reference)
    both = [spread_out(found) for found in Engine(models, reference, ScoringSettings(batch_size=5)).score(batch)]
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
    expected = [Reason.SYMBOLIC, Reason.OK, Reason.TOO_LONG, Reason.UNKNOWN_BASES, Reason.REF_MISMATCH]
    assert [Reason(reason) for reason in narrow.reason] == expected
    assert Reason(wide.reason[2]) is Reason.OK  # it has room for eleven
    for model in (narrow, wide):
        assert (np.isnan(model.scores).all(axis=1) == (model.reason != Reason.OK)).all()


def test_a_window_that_is_mostly_unknown_is_skipped(models, tmp_path):
    from zoo.genome.reference import Reference

    (tmp_path / "n.fa").write_text(">chr1\nNNNNNNNNNNACGTACGT\n")
    with Reference(tmp_path / "n.fa") as opened:
        variants = [(10, "N", "A"), (11, "A", "C"), (12, "C", "A")]
        found = score(models[:1], opened, variants, 1)[0]
        strict = score(models[:1], opened, variants, 1, max_unknown=0.4)[0]
        lax = score(models[:1], opened, variants, 1, max_unknown=1)[0]
    # The first holds an unknown base itself; 4 of the 9 bases of the second's window are unknown, 3 of the third's.
    unknown, fine = Reason.UNKNOWN_BASES, Reason.OK
    assert [Reason(reason) for reason in found.reason] == [unknown, fine, fine]
    assert [Reason(reason) for reason in strict.reason] == [unknown, unknown, fine]
    assert [Reason(reason) for reason in lax.reason] == [unknown, fine, fine]


def test_explaining_gives_the_reasons_of_scoring_and_runs_no_network(models, reference, monkeypatch):
    positions, refs, alts = zip(*VARIANTS, strict=True)
    batch = build_alleles(["chr1"] * len(VARIANTS), positions, refs, alts, reference)
    expected = Engine(models, reference).score(batch)
    for model in models:
        monkeypatch.setattr(model.model.session, "predict", None)
    explained = Engine(models, reference).explain(batch)
    assert all((one.reason == other.reason).all() for one, other in zip(expected, explained, strict=True))
    assert all(np.isnan(found.scores).all() for found in explained)
    assert all((one.allele == other.allele).all() for one, other in zip(expected, explained, strict=True))


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
            r"'mine' gave a score that is no finite number, for [ACGT]+\[[ACGT]+>[ACGT]+\][ACGT]+; the model can't be",
        ),
        (
            lambda c, ref, alt: np.ma.masked_all((1, 2)),
            ScorerMismatch,
            r"'mine': expected an array of numbers, found MaskedArray of float64",
        ),
        (
            lambda c, ref, alt: alt["prediction"] + 1j,
            ScorerMismatch,
            r"expected an array of numbers, found ndarray of c",
        ),
    ],
)
def test_a_scorer_that_gives_no_scores_is_an_error(models, reference, function, error, message):
    scored = [ScoredModel(models[0].model, scorer_of(function), Nothing(), (0, 1))]
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


def test_an_option_goes_to_the_scorer_and_one_that_it_lacks_is_an_error(load_weigher):
    plugins = discover()
    model = load_weigher()
    (scored,) = pair_with_scorers([model], "logit_difference", plugins, {"epsilon": 0.25})
    assert scored.scorer_text == "logit_difference(epsilon=0.25)"
    with pytest.raises(PluginError, match=r"scorer 'logit_difference': option.*epsilom"):
        pair_with_scorers([model], "logit_difference", plugins, {"epsilom": 0.25})


def test_chosen_tracks_are_scored_alone_and_unknown_ones_get_a_near_match(models, reference, load_weigher):
    both = score(models[:1], reference, [(5, "A", "C")])[0]
    for name in ("two", "weigher:two", "weigher@1.0.0:two"):
        chosen = pair_with_scorers([models[0].model], None, discover(), None, [name])
        found = score(chosen, reference, [(5, "A", "C")])[0]
        assert chosen[0].tracks == ("two",)
        assert np.array_equal(found.scores, both.scores[:, 1:])
    with pytest.raises(UnknownName, match="track 'twoo': no model of this run has it; did you mean 'two'"):
        pair_with_scorers([models[0].model], None, discover(), None, ["twoo"])
    both_models = [models[0].model, models[1].model]
    found = pair_with_scorers(both_models, None, discover(), None, ["weigher:two"])
    assert [each.tracks for each in found] == [("two",), ("one", "two")]


def test_shifts_are_averaged_on_predictions_before_scoring(models, reference):
    (plain,) = score(models[1:2], reference, [(16, "C", "A")], shifts=(0,))
    moved = [score(models[1:2], reference, [(16, "C", "A")], shifts=(shift,))[0].scores for shift in (-1, 1)]
    (found,) = score(models[1:2], reference, [(16, "C", "A")], shifts=(-1, 0, 1))
    # The network is linear, so that the score of the averages is the average of the scores.
    assert np.allclose(found.scores, (moved[0] + moved[1] + plain.scores) / 3, atol=1e-5)
    assert not np.allclose(found.scores, plain.scores, atol=1e-3)


def test_the_order_of_shifts_changes_nothing_where_bins_are_aligned_too(reference, tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(2).normal(size=(12, 1)).astype(np.float32)
    constants = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([0, 3, 12]), "bins")]
    nodes = [
        helper.make_node("Reshape", ["sequence", "bins"], ["binned"]),
        helper.make_node("MatMul", ["binned", "w"], ["prediction"]),
    ]
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 9, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 3, 1])
    graph = helper.make_graph(nodes, "bins", [sequence], [prediction], constants)
    output = {
        "name": "prediction", "tracks": [{"name": "g", "assay": "none"}], "activation": "linear", "kind": "binned",
        "bins": 3,
    }  # fmt: skip
    folder = write_model_folder(tmp_path / "m", make_model(graph), {"outputs": [output], "scorer": {"name": "l1"}})
    models = pair_with_scorers([load_folder(folder, device="cpu", threads=1)], None, discover())
    variants = [variant for variant in VARIANTS if len(variant[1]) != len(variant[2])]
    one, other = (score(models, reference, variants, shifts=shifts)[0] for shifts in ((-2, 0, 1), (1, 0, -2)))
    assert np.array_equal(one.scores, other.scores, equal_nan=True)
    assert np.nanmax(one.scores) > 0


def test_shifts_that_move_the_allele_out_of_its_window_are_an_error(models, reference):
    for shift in (5, -5):
        with pytest.raises(ModelError, match="move the allele out of its window of 9 bases, anchor 4; choose smaller"):
            score(models[:1], reference, [(16, "C", "A")], shifts=(shift,))


def test_an_indel_of_more_bases_than_asked_for_is_too_long(models, reference):
    variants = [(5, "A", "AC"), (5, "A", "ACC"), (2, "ATT", "A"), (2, "ATT", "CGA")]
    found = score(models[:1], reference, variants, max_indel=1)[0]
    assert [Reason(reason) for reason in found.reason] == [Reason.OK, Reason.TOO_LONG, Reason.TOO_LONG, Reason.OK]


def test_alleles_outside_the_regions_that_are_asked_for_get_no_region(models, reference, tmp_path):
    regions = tmp_path / "regions.bed"
    regions.write_text("chr1\t4\t6\nchr2\t0\t40\n")
    found = score(models[:1], reference, [(4, "T", "A"), (5, "A", "C"), (6, "C", "A"), (7, "A", "C")], regions=regions)
    assert [Reason(reason) for reason in found[0].reason] == [Reason.NO_REGION, Reason.OK, Reason.OK, Reason.NO_REGION]


def make_ensemble(folder, weights):
    """Networks that each give another multiple of what stands at the anchor: 1 for a G."""
    from onnx import TensorProto, helper, numpy_helper

    kernel = np.zeros((36, len(weights)), dtype=np.float32)
    kernel[4 * 4 + 2] = weights
    constants = [
        numpy_helper.from_array(kernel, "w"),
        numpy_helper.from_array(np.array([0, 36]), "flat"),
        numpy_helper.from_array(np.array([0, len(weights), 1]), "members"),
    ]
    nodes = [
        helper.make_node("Reshape", ["sequence", "flat"], ["letters"]),
        helper.make_node("MatMul", ["letters", "w"], ["side_by_side"]),
        helper.make_node("Reshape", ["side_by_side", "members"], ["prediction"]),
    ]
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 9, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", len(weights), 1])
    tracks = [{"name": "g", "assay": "none"}]
    output = {"name": "prediction", "tracks": tracks, "activation": "linear", "members": len(weights)}
    graph = helper.make_graph(nodes, "ensemble", [sequence], [prediction], constants)
    return load_folder(write_model_folder(folder, make_model(graph), {"outputs": [output]}), device="cpu", threads=1)


@pytest.mark.parametrize(("weights", "disagree"), [((1, 2, 3), False), ((-1, 2, 5), True), ((0, 1, 2), False)])
def test_the_spread_is_the_standard_deviation_of_the_members_scores(reference, tmp_path, weights, disagree):
    models = pair_with_scorers([make_ensemble(tmp_path / "model", weights)], None, discover())
    found = score(models, reference, [(5, "A", "G")], spread=True)[0].rows
    assert np.allclose(found.scores, np.mean(weights))
    assert np.allclose(found.spread, np.std(weights, ddof=1))
    assert found.disagree.tolist() == [[disagree]]
    assert score(models, reference, [(5, "A", "G")])[0].rows.spread is None


def test_a_network_alone_has_no_spread(models, reference):
    found = score(models[:1], reference, [(5, "A", "C")], spread=True)[0].rows
    assert np.isnan(found.spread).all()
    assert not np.isnan(found.scores).any()


def test_a_model_of_fixed_windows_needs_regions(load_weigher, reference):
    window = {"length": 9, "anchor": 4, "mode": "fixed", "prefix": "AC"}
    scored = pair_with_scorers([load_weigher(window=window)], None, discover())
    with pytest.raises(
        ModelError, match="reads fixed windows of 7 bases; name the regions where they stand: --windows"
    ):
        Engine(scored, reference)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected at least 1, found 0"),
        ({"max_indel": -1}, "max_indel: expected at least 0"),
        ({"max_unknown": 1.5}, "max_unknown: expected a share from 0 to 1"),
        ({"shifts": ()}, "shifts: expected different whole numbers"),
        ({"shifts": (1, 1)}, "shifts: expected different whole numbers"),
        ({"shifts": (1,), "windows": "a.bed"}, "shifts: windows at regions don't move"),
    ],
)
def test_settings_out_of_range_are_a_slip(option, message):
    with pytest.raises(ValueError, match=message):
        ScoringSettings(**option)
