from pathlib import Path

import numpy as np
import pytest

from zoo.components import ExampleSet
from zoo.errors import DataError
from zoo.genome.codes import reverse_complement
from zoo.genome.regions import Regions
from zoo.training.choices import DataChoice, DinucleotideShuffle, OtherPeaks
from zoo.training.negatives import add_negatives

OTHER = OtherPeaks(method="other_peaks", data=(DataChoice(loader="any"),))


def draw_codes(count, length, seed):
    return np.random.default_rng(seed).integers(0, 4, (count, length)).astype(np.uint8)


def make_set(count=6, length=20, seed=1, *, name="p", contigs=("chr1", "chr2"), **fields):
    return ExampleSet(
        draw_codes(count, length, seed),
        np.ones((count, 1), dtype=np.float32),
        ("a",),
        **{
            "ids": tuple(f"{name}{row}" for row in range(count)),
            "groups": np.array([contigs[row % len(contigs)] for row in range(count)]),
            "complete": False,
            **fields,
        },
    )


def add(positives, others, choice=OTHER, seed=1):
    return add_negatives(positives, (choice,), None, seed, lambda _: others, Path(), "r.yaml")


def test_each_positive_gets_a_peak_of_its_own_contig():
    positives, others = make_set(), make_set(20, seed=2, name="q")

    found = add(positives, others)

    names = [name.split("/other ") for name in found.ids[6:]]
    assert [positive for positive, _ in names] == list(positives.ids)
    rows = [int(other[1:]) for _, other in names]
    assert len(set(rows)) == 6
    np.testing.assert_array_equal(found.sequences[6:], others.sequences[rows])
    np.testing.assert_array_equal(found.groups[6:], positives.groups)
    np.testing.assert_array_equal(others.groups[rows], positives.groups)
    assert not found.targets[6:].any()
    assert found.notes == ("6 negatives are other peaks, drawn from 20",)


def test_a_peak_of_another_contig_keeps_its_own():
    found = add(make_set(contigs=("chr1", "chr2", "chr2")), make_set(6, seed=2, contigs=("chr1",)))

    assert found.groups[6:].tolist() == ["chr1"] * 6
    assert found.notes[1] == "4 of the other peaks are of another contig or label than their positive"


def test_peaks_without_contigs_of_the_positives_inherit_them():
    positives = make_set()

    for others in (make_set(seed=2, groups=None), make_set(seed=2, contigs=("train", "test"))):
        np.testing.assert_array_equal(add(positives, others).groups[6:], positives.groups)


def test_longer_peaks_are_cut_to_their_centre():
    others = make_set(
        6, length=25, seed=2, regions=Regions(np.full(6, "chr9"), np.arange(6) * 100, np.arange(6) * 100 + 25)
    )
    positives = make_set(regions=Regions(np.full(6, "chr1"), np.arange(6) * 50, np.arange(6) * 50 + 20))

    found = add(positives, others)

    rows = [int(name[-1]) for name in found.ids[6:]]
    np.testing.assert_array_equal(found.sequences[6:], others.sequences[rows, 2:22])
    np.testing.assert_array_equal(found.regions.starts[6:], others.regions.starts[rows] + 2)
    np.testing.assert_array_equal(found.regions.ends - found.regions.starts, 20)


def test_shorter_peaks_are_an_error():
    with pytest.raises(DataError, match=r"negatives\.0, data\.0: expected sequences of 20 bases or more, .* found 19"):
        add(make_set(), make_set(length=19, seed=2))


def test_peaks_that_are_examples_on_either_strand_or_stand_twice_are_left_out():
    positives, others = make_set(), make_set(10, seed=2, name="q")
    others.sequences[0] = positives.sequences[0]
    others.sequences[1] = reverse_complement(positives.sequences[1])
    others.sequences[2] = reverse_complement(others.sequences[3])

    found = add(positives, others)

    assert found.notes[:2] == (
        "6 negatives are other peaks, drawn from 7",
        "3 other peaks were left out: they are sequences that occur already",
    )
    assert not {"q0", "q1", "q3"} & {name.split("/other ")[1] for name in found.ids[6:]}


def test_peaks_that_overlap_a_peak_of_the_data_are_left_out():
    starts = np.arange(10) * 100
    others = make_set(10, seed=2, name="q", regions=Regions(np.full(10, "chr1"), starts, starts + 20))
    avoid = Regions(np.array(["chr1", "chr2"]), np.array([119, 0]), np.array([301, 1000]))

    found = add(make_set(avoid=avoid), others)

    assert found.notes[1] == "3 other peaks were left out: they overlap a peak of the data"
    assert {"q1", "q2", "q3"}.isdisjoint(name.split("/other ")[1] for name in found.ids[6:])
    assert found.regions is None


def test_peaks_of_too_many_unknown_bases_are_left_out():
    others = make_set(10, seed=2, name="q")
    others.sequences[:4, :11] = 4
    others.sequences[4, :10] = 4

    found = add(make_set(), others)

    assert found.notes[1] == "4 other peaks were left out: they hold too many unknown bases"


def test_only_positives_of_the_other_data_are_peaks():
    others = make_set(12, seed=2, name="q", complete=True)
    others.targets[:6] = 0

    found = add(make_set(), others)

    assert sorted(name.split("/other ")[1] for name in found.ids[6:]) == sorted(f"q{row}" for row in range(6, 12))


def test_too_few_peaks_are_an_error_that_counts_them():
    others = make_set(6, seed=2)
    others.sequences[0] = make_set().sequences[0]

    with pytest.raises(DataError, match=r"asked for 6 negatives, found 5 other peaks .*\(1 other peaks were left out"):
        add(make_set(), others)


def test_the_seed_decides():
    positives, others = make_set(), make_set(50, seed=2)
    first, again, other = (add(positives, others, seed=seed).ids for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_further_inputs_come_from_the_other_loader():
    positives = make_set(extra={"signal": np.ones((6, 20, 1), dtype=np.float32)})
    others = make_set(8, length=24, seed=2, extra={"signal": np.arange(192, dtype=np.float32).reshape(8, 24, 1)})

    found = add(positives, others)

    rows = [int(name[-1]) for name in found.ids[6:]]
    np.testing.assert_array_equal(found.extra["signal"][6:], others.extra["signal"][rows, 2:22])
    with pytest.raises(DataError, match="expected the input 'signal'"):
        add(positives, make_set(8, seed=2))


def test_several_methods_make_a_mixture():
    shuffle = DinucleotideShuffle(method="dinucleotide_shuffle", per_positive=0.5)
    choices = (OTHER.model_copy(update={"per_positive": 2.0}), shuffle)

    found = add_negatives(make_set(), choices, None, 1, lambda _: make_set(20, seed=2), Path(), "r.yaml")

    assert sum("/other " in name for name in found.ids) == 12
    assert sum("/shuffled" in name for name in found.ids) == 3
    assert len(found) == 21


def test_no_peak_is_drawn_twice_by_two_entries():
    found = add_negatives(make_set(), (OTHER, OTHER), None, 1, lambda _: make_set(12, seed=2), Path(), "r.yaml")

    assert len({row.tobytes() for row in found.sequences}) == 18
