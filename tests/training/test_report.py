import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

from zoo.components import ExampleSet, OutputSpec
from zoo.errors import OutputError
from zoo.model.card import Card, Track
from zoo.training.data.checks import check_data
from zoo.training.data.examples import LoadedExamples
from zoo.training.data.parts import SplitIndices
from zoo.training.data.targets import Task
from zoo.training.findings import Findings
from zoo.training.metrics.evaluate import choose_thresholds, compare, evaluate, evaluate_without
from zoo.training.network.history import Epoch
from zoo.training.report import write_report
from zoo.training.report.canvas import MAX_POINTS, thin
from zoo.training.report.data import write_checks
from zoo.training.report.page import write_page
from zoo.training.report.plots import draw_monitor
from zoo.training.report.results import write_headline

LENGTH, TRAIN, HELD_OUT = 60, 200, 100


def make_card(tracks, bins, metrics):
    return Card.model_validate(
        {
            "schema_version": 1,
            "name": "tiny",
            "version": "1.0.0",
            "summary": "Is A < B & C?",
            "license": "CC0-1.0",
            "authors": ["The assayzoo authors"],
            "assay": "simulation",
            "organism": "none",
            "limitations": "Made for tests.",
            "inputs": [{"name": "sequence", "shape": [LENGTH, 4]}],
            "window": {"length": LENGTH, "anchor": LENGTH // 2},
            "outputs": [
                {
                    "name": "y",
                    "tracks": [track.model_dump() for track in tracks],
                    "kind": "flat" if bins is None else "binned",
                    "activation": "sigmoid",
                    "bins": bins,
                }
            ],
            "architecture": {"name": "multilayer_cnn"},
            "data": {"loader": "fasta", "sources": [{"name": "a.fa", "sha256": "0" * 64}]},
            "split": {"method": "hash", "train": TRAIN, "validation": HELD_OUT, "test": HELD_OUT},
            "training": {"seed": 1, "epochs": 5, "versions": {"numpy": "2.4.6"}},
            "metrics": metrics,
        }
    )


def make_findings(*, classes=True, names=("CTCF",), bins=None, missing=0.0, baseline=True, count=HELD_OUT, seed=0):
    """Draw a run: predictions that follow the targets, and a baseline that follows them less."""
    generator = np.random.default_rng(seed)
    tracks = tuple(Track(name=name, assay="simulation") for name in names)
    shape = (TRAIN + 2 * count, len(names)) if bins is None else (TRAIN + 2 * count, bins, len(names))
    targets = generator.gamma(2, 1, shape).astype(np.float32)
    if classes:
        targets = (targets > 1.7).astype(np.float32)
    near, far = (targets + generator.normal(0, spread, shape) for spread in (0.4, 1.0))
    if classes:
        near, far = (1 / (1 + np.exp(2 - 4 * values)) for values in (near, far))
    targets[generator.random(shape) < missing] = np.nan
    rows = {"validation": slice(TRAIN, TRAIN + count), "test": slice(TRAIN + count, None)}
    observed, predicted, other = (
        {part: values[chosen].astype(np.float32) for part, chosen in rows.items()} for values in (targets, near, far)
    )
    output = OutputSpec("y", names, "sigmoid", bins)
    evaluated = tuple(range(len(names)))
    task = Task(tracks, evaluated, "mse", classes, output, output, evaluated)
    thresholds = choose_thresholds(task, observed["validation"], predicted["validation"])
    metrics = {part: evaluate(task, observed[part], predicted[part], thresholds, 1) for part in ("test", "validation")}
    left_out = np.arange(count) % 3 == 0
    rest = evaluate_without(task, observed["test"], predicted["test"], left_out, 1)
    ahead = compare(task, observed["test"], predicted["test"], other["test"], 1)
    for name in names:
        metrics["test"][name]["without_sharers"] = rest[name]
        if baseline:
            metrics["test"][name]["baseline"] = ahead[name]
    codes = generator.integers(0, 4, (len(targets), LENGTH), dtype=np.uint8)
    examples = LoadedExamples(ExampleSet(codes, targets, names, repeats=generator.random(len(codes), np.float32)))
    split = SplitIndices(*(np.arange(len(codes))[chosen] for chosen in (slice(TRAIN), *rows.values())))
    history = tuple(Epoch(number, 1 / number, 1.1 / number, 1 - 0.5 / number, 1e-3, 1.0) for number in range(1, 6))
    return Findings(
        recipe="name: tiny  # <b>bold</b>\n",
        card=make_card(tracks, bins, metrics),
        targets=observed,
        predictions=predicted,
        evaluated=evaluated,
        classes=classes,
        checks=check_data(examples, split, classes=classes),
        history=(("network", history),),
        monitor="auroc" if classes else "loss",
        baseline="kmer_logistic" if baseline else None,
        baseline_predictions=other if baseline else {},
        notes=("3 examples without any target were left out",),
        parameters=12345,
    )


class Outline(HTMLParser):
    """Checks that tags close in order, and keeps headings, tags and the text."""

    VOID = frozenset({"meta", "br", "path", "use", "rect", "image", "line"})

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.headings, self.words = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if self.open and self.open[-1] not in {"style", "pre"}:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture(scope="module")
def classes():
    return make_findings(count=300)


@pytest.fixture(scope="module")
def page_of_classes(classes):
    return write_page(classes)


def test_a_report_of_classes_shows_every_part_of_the_run(page_of_classes):
    page = Outline(page_of_classes)

    assert page.headings == [
        "Tracks", "Test part", "Without the sharers", "Learning", "Data and split", "Checks of the data",
        "Limitations", "Notes", "Recipe", "Versions",
    ]  # fmt: skip
    assert page.count("svg") == 5  # ROC, precision and recall, calibration, two of learning
    for words in ("Confusion matrix", "prevalence", "kmer_logistic", "12,345", "numpy 2.4.6", "3 examples without any"):
        assert words in page.text, words


def test_the_figures_of_the_page_are_those_of_the_card(classes, page_of_classes):
    text = Outline(page_of_classes).text
    metrics = classes.card.metrics["test"]["CTCF"]
    compared = metrics["baseline"]["auroc"]

    for value in (metrics["auroc"], *metrics["auroc_interval"], compared["baseline"], metrics["calibration_error"]):
        assert f"{value:.4f}" in text
    low, high = compared["difference_interval"]
    assert f"{compared['difference']:+.4f} difference [{low:.4f}, {high:.4f}]" in text
    assert f"{metrics['confusion']['true_positive']:,}" in text
    assert f"{metrics['without_sharers']['auroc']:.4f}" in text
    assert f"for a share of positives of {metrics['prevalence']:.3f}" in text


def test_a_report_needs_nothing_beside_it_and_stays_small(classes, tmp_path):
    write_report(classes, tmp_path / "report.html")

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 150_000
    outline = Outline(page)
    assert not {"script", "link", "iframe", "img"} & {tag for tag, _ in outline.tags}
    addresses = [
        value for _, attrs in outline.tags for name, value in attrs.items() if name in {"href", "src", "xlink:href"}
    ]
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "url(http" not in page


def test_the_same_findings_give_the_same_file(page_of_classes):
    assert write_page(make_findings(count=300)) == page_of_classes


def test_text_is_escaped(classes):
    card = classes.card.model_copy(update={"limitations": "<script>alert(1)</script>"})
    page = write_page(replace(classes, card=card, notes=("<img src=x>",), baseline="<i>k</i>"))

    assert "Is A &lt; B &amp; C?" in page
    assert "# &lt;b&gt;bold&lt;/b&gt;" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<(script|img|i)\b", page)


def test_labels_of_axes_keep_their_digits(classes):
    drawn = Outline(draw_monitor(classes.history, "AUROC"))

    assert {"0.55", "0.65", "0.75", "0.85"} <= set(drawn.words)


def test_a_network_ahead_of_its_baseline_is_told_from_one_that_is_not(classes, page_of_classes):
    same = replace(classes, card=classes.card.model_copy(deep=True))
    same.card.metrics["test"]["CTCF"]["baseline"]["auroc"]["difference_interval"] = [-0.01, 0.02]

    assert "The network is ahead of kmer_logistic: the interval" in Outline(page_of_classes).text
    assert "The network is not shown to be ahead of kmer_logistic" in Outline(write_headline(same)).text
    assert "the baseline is better" not in Outline(write_headline(same)).text
    same.card.metrics["test"]["CTCF"]["baseline"]["auroc"]["difference_interval"] = [-0.03, -0.01]
    assert "lies below it on CTCF: there the baseline is better" in Outline(write_headline(same)).text


def test_a_report_without_a_baseline_says_so():
    text = Outline(write_page(make_findings(baseline=False))).text

    assert "No baseline was trained beside the network" in text
    assert "kmer_logistic" not in text
    assert "difference [" not in text


def test_warnings_of_the_data_stand_in_the_report(classes):
    sharers = np.ones_like(classes.checks.sharers)

    text = Outline(write_checks(replace(classes.checks, sharers=sharers))).text

    assert "300 of 300 test examples share a word of 31 bases" in text
    assert "Nothing suspicious was found" not in text


def test_a_report_of_several_tracks_has_a_row_and_plots_for_each():
    names = ("CTCF", "DNase", "H3K4me3", "empty")
    findings = make_findings(names=names, missing=0.4)
    findings.card.metrics["test"]["empty"] = {"n": 0}

    page = Outline(write_page(findings))

    assert [heading for heading in page.headings if heading in names] == ["CTCF", "DNase", "H3K4me3"]
    assert "mean AUROC of 3 tracks" in page.text
    assert "3 of 3 tracks ahead of kmer_logistic" in page.text


def test_of_many_tracks_the_first_are_plotted():
    page = Outline(write_page(make_findings(names=tuple(f"track {number}" for number in range(8)), count=30)))

    assert sum(heading.startswith("track ") for heading in page.headings) == 6
    assert "Plots are of the first 6 tracks of 8" in page.text
    assert "track 7" in page.text


@pytest.mark.parametrize("count", [pytest.param(100, id="dots"), pytest.param(450, id="hexagons")])
def test_a_report_of_values_shows_scatter_and_residuals(count):
    page = Outline(write_page(make_findings(classes=False, count=count)))

    assert "Pearson r" in page.text
    assert "Predicted and measured" in page.text
    assert "Residuals" in page.text
    assert page.count("svg") == 3
    assert "Confusion" not in page.text


def test_a_report_of_bins_shows_profiles():
    page = Outline(
        write_page(make_findings(classes=False, names=("plus", "minus"), bins=300, count=20, baseline=False))
    )

    assert "r of totals" in page.text
    assert page.text.count("along its bins") == 6
    assert page.count("svg") == 9


def test_a_track_of_one_class_has_no_curves():
    findings = make_findings(count=40)
    findings.targets["test"][:] = 1

    assert "no curve is defined" in Outline(write_page(findings)).text


def test_weights_that_were_solved_for_have_no_learning_curve(classes):
    assert "Learning" not in Outline(write_page(replace(classes, history=()))).headings


def test_networks_of_an_ensemble_are_counted(classes):
    ((_, epochs),) = classes.history

    text = Outline(write_page(replace(classes, history=(("fold 1", epochs), ("fold 2", epochs[:3]))))).text

    assert "2 networks, a line each. Epochs: 5, 3." in text


def test_a_report_that_can_not_be_written_is_one_clear_line(classes, tmp_path):
    with pytest.raises(OutputError, match=r"report\.html: can't be written: No such file"):
        write_report(classes, tmp_path / "missing" / "report.html")


def test_a_thinned_curve_keeps_its_ends_and_its_shape():
    x = np.linspace(0, 1, 5000)

    first, second = thin(x, x**3)

    assert len(first) <= MAX_POINTS
    assert (first[0], first[-1]) == (0, 1)
    assert np.abs(np.interp(x, first, second) - x**3).max() < 1e-3
