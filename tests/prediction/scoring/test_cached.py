"""Predictions from a cache are those that were computed, and nothing is computed twice."""

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.cli import main
from zoo.errors import OutputError
from zoo.model.folder import load_folder
from zoo.prediction import resuming
from zoo.prediction.annotation import annotate, preview
from zoo.prediction.scoring import cached as cached_module
from zoo.prediction.scoring.cached import CachedPredictor
from zoo.prediction.scoring.predicting import FullPredictor, PairPredictions
from zoo.prediction.scoring.settings import ScoringSettings
from zoo.prediction.windows.placement import WindowBatch
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

LENGTH = 4


@dataclass
class Ones:
    """Predicts from each window's codes, in two outputs, one of them of three members and two bins.

    With noise no two calls agree in the last digits, as batches of different sizes may not.
    """

    noise: float = 0.0
    calls: list[WindowBatch] = field(default_factory=list)

    def predict(self, windows):
        self.calls.append(windows)
        return PairPredictions(self._predict(windows.ref), self._predict(windows.alt))

    def _predict(self, codes):
        sums = (codes * [1.0, 0.1, 0.01, 0.001]).sum(axis=1) + self.noise * len(self.calls)
        return {
            "flat": np.stack([sums, -sums], axis=1).astype(np.float32)[:, np.newaxis],
            "binned": (sums[:, np.newaxis] * np.arange(1, 7)).astype(np.float32).reshape(-1, 3, 2, 1),
        }


class Others(Ones):
    """As it, by another way."""


def make_card(**changes):
    def make_output(name, tracks, members, bins):
        return SimpleNamespace(name=name, tracks=[None] * tracks, members=members, bins=bins)

    outputs = [make_output("flat", 2, 1, None), make_output("binned", 1, 3, 2)]
    return SimpleNamespace(**{"name": "ones", "version": "1.0.0", "outputs": outputs} | changes)


def make_stub(digest="0" * 64, device="cpu", network="0" * 64):
    return SimpleNamespace(
        card=make_card(), digest=digest, session=SimpleNamespace(device=device), network_digest=network
    )


def make_windows(refs, pairs):
    """Build the windows of pairs (row of REF, ALT); windows are numbers whose digits are codes."""

    def spell(windows):
        return np.array([[window // 10**place % 10 for place in range(LENGTH)] for window in windows], np.uint8)

    zeros = np.zeros(len(pairs), dtype=np.int64)
    return WindowBatch(
        spell(refs).reshape(-1, LENGTH), np.array([row for row, _ in pairs], dtype=np.int64),
        spell([alt for _, alt in pairs]).reshape(-1, LENGTH), zeros, zeros + 1, zeros + 2, zeros + 3,
    )  # fmt: skip


def wrap(inner, folder, model=None, **options):
    return CachedPredictor(inner, model or make_stub(), ScoringSettings(cache=folder, **options))


def flatten(predictions, windows):
    """Return both alleles' predictions of each pair, as bits."""
    parts = [predictions.spread_ref(windows.ref_of), predictions.alt]
    return [values.view(np.uint32).tolist() for part in parts for values in part.values()]


window = st.integers(0, 11).map(lambda number: number // 4 * 10 + number % 4)


@st.composite
def batches(draw):
    refs = draw(st.lists(window, min_size=1, max_size=4))
    rows = st.integers(0, len(refs) - 1)
    return make_windows(refs, draw(st.lists(st.tuples(rows, window), max_size=6)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.one_of(batches(), st.just("reopen")), max_size=6))
def test_any_mix_of_hits_and_misses_gives_what_the_inner_predictor_gives(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("cache")
    inner = Ones()
    predictor = wrap(inner, folder)
    for windows in parts:
        if windows == "reopen":
            predictor.finish()
            predictor = wrap(inner, folder)
            continue
        found, expected = predictor.predict(windows), Ones().predict(windows)
        assert flatten(found, windows) == flatten(expected, windows)
        for name, values in expected.alt.items():
            assert found.alt[name].shape == values.shape
            assert found.ref[name].shape == expected.ref[name].shape
            assert found.alt[name].dtype == np.float32
    predicted = [tuple(row) for part in inner.calls for row in [*part.alt.tolist(), *part.ref.tolist()]]
    asked = {tuple(row) for part in parts if part != "reopen" for row in part.alt.tolist()}
    assert asked <= set(predicted)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(batches(), max_size=5))
def test_a_second_run_gives_the_first_one_s_bits_though_a_network_would_not(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("cache")
    predictor = wrap(Ones(noise=1e-6), folder)
    first = [flatten(predictor.predict(windows), windows) for windows in parts]
    predictor.finish()
    again = Ones(noise=1e-3)
    predictor = wrap(again, folder)
    assert [flatten(predictor.predict(windows), windows) for windows in parts] == first
    assert again.calls == []


def test_only_pairs_of_which_a_window_is_missing_are_predicted(tmp_path):
    inner = Ones()
    predictor = wrap(inner, tmp_path / "cache")
    predictor.predict(make_windows([1, 2], [(0, 11), (1, 12)]))
    predictor.predict(make_windows([3, 1, 2], [(1, 11), (1, 13), (2, 12), (0, 12), (2, 11)]))
    part = inner.calls[1]
    assert len(inner.calls) == 2
    assert part.ref[:, 0].tolist() == [3, 1]
    assert part.ref_of.tolist() == [1, 0]
    assert part.alt[:, 0].tolist() == [3, 2]
    assert (part.alt_length - part.ref_start).tolist() == [3, 3]
    assert predictor.counts == cached_module.CacheCounts(windows=4 + 6, found=4)


def test_a_ref_window_that_no_pair_reads_is_not_predicted(tmp_path):
    inner = Ones()
    found = wrap(inner, tmp_path / "cache").predict(make_windows([1, 2], [(1, 12)]))
    assert inner.calls[0].ref[:, 0].tolist() == [2]
    assert np.isnan(found.ref["flat"][0]).all()
    assert found.ref["flat"][1].tolist() == [[2, -2]]


def test_a_network_that_has_nothing_to_do_is_not_run(tmp_path, g_at_anchor_folder):
    options = ScoringSettings(cache=tmp_path / "cache")
    model = load_folder(g_at_anchor_folder, device="cpu")
    codes = np.array([[0, 0, 0, 0, 2, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0, 0]], dtype=np.uint8)
    ones = np.ones(1, dtype=np.int64)
    windows = WindowBatch(codes[:1], ones - 1, codes[1:], ones * 4, ones * 4, ones, ones)
    predictor = CachedPredictor(FullPredictor(model), model, options)
    assert predictor.predict(windows).ref["prediction"].tolist() == [[[1]]]
    predictor.finish()
    again = CachedPredictor(FullPredictor(model), model, options)
    model.session.predict = None
    assert again.predict(windows).ref["prediction"].tolist() == [[[1]]]
    assert again.predict(windows).alt["prediction"].tolist() == [[[0]]]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda folder, patch: wrap(Ones(), folder, make_stub(digest="1" * 64)), id="model"),
        pytest.param(lambda folder, patch: wrap(Ones(), folder, make_stub(device="cuda")), id="device"),
        pytest.param(lambda folder, patch: wrap(Ones(), folder, precision="float16"), id="precision"),
        pytest.param(lambda folder, patch: wrap(Others(), folder), id="engine"),
        pytest.param(
            lambda folder, patch: patch.setattr(cached_module, "__version__", "9.9") or wrap(Ones(), folder), id="zoo"
        ),
        pytest.param(
            lambda folder, patch: (
                patch.setattr(cached_module, "find_runtimes", lambda: ["onnxruntime 9.9"]) or wrap(Ones(), folder)
            ),
            id="runtime",
        ),
    ],
)
def test_predictions_made_otherwise_share_nothing(tmp_path, monkeypatch, other):
    windows = make_windows([1], [(0, 11)])
    predictor = wrap(Ones(), tmp_path / "cache")
    predictor.predict(windows)
    predictor.finish()
    same = wrap(Ones(), tmp_path / "cache", batch_size=7, spread=True, cache_size=10**6)
    same.predict(windows)
    assert same.counts.found == 2
    another = other(tmp_path / "cache", monkeypatch)
    another.predict(windows)
    assert another.counts.found == 0


def test_networks_lowered_on_different_genomes_share_nothing(tmp_path):
    windows = make_windows([1], [(0, 11)])
    for network, found in (("1" * 64, 0), ("2" * 64, 0), ("1" * 64, 2)):
        predictor = wrap(Ones(), tmp_path / "cache", make_stub(network=network), precision="int8")
        predictor.predict(windows)
        assert predictor.finish().found == found


def test_a_cache_smaller_than_a_segment_is_refused():
    with pytest.raises(ValueError, match=r"^cache_size: expected at least 1,000,000 bytes, found 999,999$"):
        ScoringSettings(cache_size=999_999)


def test_a_cache_without_a_name_is_not_the_folder_that_one_stands_in():
    with pytest.raises(ValueError, match=r"^cache: expected a folder, found an empty name; name one, or leave it out$"):
        ScoringSettings(cache="")
    assert ScoringSettings(cache=".").cache == "."


def test_what_is_no_cache_is_refused_before_anything_is_predicted(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(OutputError, match=r"expected a cache or an empty folder, found 'notes\.txt'"):
        wrap(Ones(), tmp_path)


@pytest.fixture
def files(tmp_path):
    """A model, a genome that repeats itself every 10 bases, and a VCF of 60 SNVs: 10 windows of each allele."""
    letters = "ACGTTGCAAC" * 10
    records = [(place, letters[place - 1]) for place in [*range(10, 68), 20, 20]]
    lines = [f"chr1\t{place}\t.\t{ref}\t{'A' if ref == 'G' else 'G'}\t.\t.\t.\n" for place, ref in records]
    header = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (tmp_path / "in.vcf").write_text(header + "".join(lines))
    (tmp_path / "genome.fa").write_text(f">chr1\n{letters}\n")
    write_model_folder(tmp_path / "model", make_base_at_anchor_graph())
    return SimpleNamespace(
        vcf=tmp_path / "in.vcf", genome=tmp_path / "genome.fa", models=tmp_path / "model", cache=tmp_path / "cache"
    )


def test_an_annotation_with_a_cache_is_that_without(files, tmp_path):
    inputs = files.vcf, files.genome, files.models
    plain = annotate(*inputs, tmp_path / "a.vcf")
    first = annotate(*inputs, tmp_path / "b.vcf", cache=files.cache)
    second = annotate(*inputs, tmp_path / "c.vcf", cache=files.cache, cache_size=10**9)
    assert plain.cached == {}
    assert first.cached["g-at-anchor@1.0.0"]["found"] == 0
    windows = first.cached["g-at-anchor@1.0.0"]["windows"]
    assert second.cached == {"g-at-anchor@1.0.0": {"windows": windows, "found": windows}}
    assert second.as_dict()["cached"] == second.cached
    texts = [(tmp_path / name).read_text().splitlines() for name in ("a.vcf", "b.vcf", "c.vcf")]
    assert texts[0] == texts[1] == texts[2]


def test_a_run_may_be_resumed_with_another_cache():
    other = ScoringSettings(cache="kept", cache_size=10**6)
    assert resuming._describe_settings(other) == resuming._describe_settings(ScoringSettings())


def test_looking_makes_no_cache(files):
    preview(files.vcf, files.genome, files.models, cache=files.cache)
    assert not files.cache.exists()


def test_an_annotation_that_the_disk_has_no_room_for_goes_on_without_keeping(files, tmp_path, monkeypatch):
    def fill_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zoo.prediction.cache.store.write_segment", fill_disk)
    inputs = files.vcf, files.genome, files.models
    annotate(*inputs, tmp_path / "a.vcf")
    with pytest.warns(UserWarning, match="no more predictions are kept: No space left on device; the run goes on"):
        annotate(*inputs, tmp_path / "b.vcf", cache=files.cache)
    assert (tmp_path / "a.vcf").read_text() == (tmp_path / "b.vcf").read_text()


@pytest.fixture
def run(files, tmp_path, monkeypatch, capsys):
    """Annotate from the command line; return the status and what was told."""

    def run_command(*more, cache=files.cache):
        arguments = ["annotate", files.vcf, "-f", files.genome, "-m", files.models, "-o", tmp_path / "out.vcf", *more]
        arguments = [*map(str, arguments), "--cache", str(cache)]
        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        return main(arguments), capsys.readouterr().err

    return run_command


def test_the_command_tells_what_came_from_the_cache(run):
    _, first = run()
    _, second = run("--cache-size", "0.5")
    assert "  from the cache: 0 of 20 windows of g-at-anchor@1.0.0\n" in first
    assert "  from the cache: 20 of 20 windows of g-at-anchor@1.0.0\n" in second


def test_the_size_of_no_cache_is_wrong_usage(files, tmp_path, capsys):
    arguments = ["annotate", files.vcf, "-f", files.genome, "-m", files.models, "-o", tmp_path / "out.vcf"]
    assert main([*map(str, arguments), "--cache-size", "1"]) == 2
    assert "--cache-size: is the size of a cache: name its folder, --cache DIR" in capsys.readouterr().err


def test_the_command_tells_what_is_no_cache_in_one_line(run, files):
    status, told = run(cache=files.vcf)
    assert (status, told) == (
        1, f"zoo: error: {files.vcf}: expected a folder for the cache, found a file; name another folder\n",
    )  # fmt: skip


@pytest.mark.filterwarnings("default")
def test_a_damaged_cache_changes_no_byte(run, files, tmp_path):
    run()
    expected = (tmp_path / "out.vcf").read_bytes()
    [segment] = files.cache.rglob("*.segment")
    content = segment.read_bytes()
    segment.write_bytes(content[:-10] + bytes([content[-10] ^ 4]) + content[-9:])
    status, told = run()
    assert status == 0
    assert told.startswith(f"zoo: warning: {segment}: a record has another checksum; it is left out of the cache")
    assert (tmp_path / "out.vcf").read_bytes() == expected
    assert "from the cache: 0 of" in told
    assert "warning" not in run()[1]
