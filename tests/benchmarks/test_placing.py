import numpy as np
import pandas as pd
import pytest

from benchmarks.measured import EffectSet
from benchmarks.placing import count_gc, place_windows
from zoo.genome.codes import decode, encode
from zoo.model.card import Window

CENTRED = Window(length=5, anchor=2)
INSERTS = Window(length=8, anchor=4, mode="fixed", fixed_end="end", prefix="TT", suffix="C")
CONTIG = "ACGTAACCGGTT"


def make_set(*alleles, region=(0, 12)):
    variants = pd.DataFrame(alleles, columns=["position", "ref", "alt"])
    variants.insert(0, "contig", "one")
    variants["region_start"], variants["region_end"] = region
    return EffectSet("made", {"one": CONTIG}, variants)


def spell(codes):
    return decode(codes).replace("X", "N")


@pytest.mark.parametrize(
    ("window", "place", "allele", "ref", "alt", "fits"),
    [
        pytest.param(CENTRED, "centred", (5, "A", "T"), "GTAAC", "GTTAC", True, id="the allele at the anchor"),
        pytest.param(CENTRED, "centred", (1, "A", "T"), "NNACG", "NNTCG", False, id="unknown beyond the sequence"),
        pytest.param(CENTRED, "centred", (4, "TA", "T"), "CGTAA", "CGTAC", True, id="a deletion draws bases in"),
        pytest.param(CENTRED, "region", (5, "A", "T"), "AACCG", "TACCG", True, id="over the middle of the region"),
        pytest.param(INSERTS, "centred", (5, "A", "T"), "TTGTAACC", "TTGTTACC", True, id="between constant flanks"),
        pytest.param(INSERTS, "region", (5, "A", "T"), "TTAACCGC", "TTTACCGC", True, id="an insert over the middle"),
    ],
)
def test_windows_of_both_alleles(window, place, allele, ref, alt, fits):
    placed = place_windows(make_set(allele), window, place)
    assert ([spell(placed.ref[0])], [spell(placed.alt[0])]) == ([ref], [alt])
    assert placed.fits.tolist() == [fits]


def test_a_variant_that_the_window_of_a_region_does_not_hold_is_left_out():
    placed = place_windows(make_set((4, "T", "A"), (5, "A", "T"), (9, "G", "T"), (10, "G", "T")), CENTRED, "region")
    assert placed.rows.tolist() == [1, 2]
    assert place_windows(make_set((1, "A", "T")), CENTRED, "region").ref.shape == (0, 5)


def test_the_model_reads_the_windows_that_annotation_reads(tmp_path, g_at_anchor_folder):
    from zoo.model.folder import load_folder
    from zoo.prediction import score_variants

    effects = make_set((5, "A", "G"), (6, "AC", "A"), (7, "C", "CG"), (9, "G", "T"), (3, "GTA", "G"))
    (tmp_path / "genome.fa").write_text(f">one\n{CONTIG}\n")
    model = load_folder(g_at_anchor_folder, "cpu", 1)
    placed = place_windows(effects, model.card.sequence_window, "centred")
    table = score_variants(effects.variants[["contig", "position", "ref", "alt"]], tmp_path / "genome.fa", model)
    ours = model.predict_table(placed.alt) - model.predict_table(placed.ref)
    np.testing.assert_array_equal(ours[:, 0], table["ZOO_G_AT_ANCHOR"].to_numpy())
    assert set(ours[:, 0]) == {-1, 0, 1}


def test_gained_bases_g_and_c():
    alleles = pd.DataFrame({"ref": ["A", "G", "AT", "GA"], "alt": ["G", "C", "GC", "A"]})
    assert count_gc(alleles).tolist() == [1, 0, 2, -1]


def test_codes_are_those_of_the_letters():
    assert encode("ACGTN").tolist() == [0, 1, 2, 3, 4]
