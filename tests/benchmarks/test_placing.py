import pandas as pd
import pytest

from benchmarks.measured import EffectSet
from benchmarks.placing import count_gc, find_inside, score_set
from zoo.model.card import Window
from zoo.model.folder import load_folder
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

CONTIG = "ACGTAACCGGTT"


def make_set(*alleles, region=(0, 12)):
    variants = pd.DataFrame(alleles, columns=["position", "ref", "alt"])
    variants.insert(0, "contig", "one")
    variants["region_start"], variants["region_end"] = region
    return EffectSet("made", {"one": CONTIG}, variants)


@pytest.fixture
def score(tmp_path):
    """Score a set with a model that reads 9 bases and tells whether one of them is a G: the anchor by default."""

    def score_with(effects, place, base=4, **window):
        folder = tmp_path / f"model-{len(list(tmp_path.iterdir()))}"
        card = {"window": {"length": 9, "anchor": 4, **window}}
        write_model_folder(folder, make_base_at_anchor_graph(anchor=base), card)
        return score_set(load_folder(folder, "cpu", 1), effects, place, "difference", tmp_path)[:, 0].tolist()

    return score_with


def test_a_centred_window_stands_around_each_variant(score):
    effects = make_set((1, "A", "G"), (3, "G", "T"), (5, "A", "C"), (12, "T", "G"))
    assert score(effects, "centred") == [1, -1, 0, 1]


def test_the_padding_base_of_an_indel_stands_at_the_anchor(score):
    effects = make_set((8, "CGG", "C"), (4, "T", "TG"))
    assert score(effects, "centred") == [0, 0]
    assert score(effects, "centred", base=5) == [-1, 1]


def test_a_window_of_a_region_stands_over_its_middle_and_leaves_out_what_it_does_not_hold(score):
    # Middle 8, so that base 9 (G) is at 4; the window holds bases 5 to 13.
    effects = make_set((9, "G", "T"), (10, "G", "T"), (5, "A", "G"), (4, "T", "G"), region=(4, 12))
    assert str(score(effects, "region")) == str([-1.0, 0.0, 0.0, float("nan")])


def test_an_insert_between_flanks_is_laid_around_each_variant(score):
    flanks = {"mode": "fixed", "fixed_end": "end", "prefix": "AA", "suffix": ""}
    # The insert of 7 bases has the variant at 3, and thus the window at 5: base 4 is the one left of it.
    effects = make_set((4, "T", "A"), (5, "A", "G"), (1, "A", "G"))
    assert score(effects, "centred", **flanks) == [0, 0, 0]
    flanks["prefix"], flanks["suffix"] = "A", "A"
    assert score(effects, "centred", **flanks) == [0, 1, 1]


@pytest.mark.parametrize(
    ("window", "inside"),
    [
        (Window(length=5, anchor=2), [False, True, True, False]),
        (Window(length=5, anchor=1), [True, True, False, False]),
        (Window(length=7, anchor=3, mode="fixed", fixed_end="end", prefix="A", suffix="A"), [False, True, True, False]),
    ],
)
def test_windows_inside_the_sequence(window, inside):
    effects = make_set((2, "C", "A"), (3, "G", "T"), (10, "G", "T"), (11, "T", "G"))
    assert find_inside(effects, window).tolist() == inside


def test_a_deletion_counts_where_its_normal_form_starts():
    # One of two As: the padding base is the T left of both.
    window = Window(length=5, anchor=4)
    assert find_inside(make_set((5, "AA", "A")), window).tolist() == [False]
    assert find_inside(make_set((5, "A", "C")), window).tolist() == [True]


def test_gained_bases_g_and_c():
    alleles = pd.DataFrame({"ref": ["A", "G", "AT", "GA"], "alt": ["G", "C", "GC", "A"]})
    assert count_gc(alleles).tolist() == [1, 0, 2, -1]
