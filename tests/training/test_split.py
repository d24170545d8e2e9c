import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from zoo.components import ExampleSet
from zoo.errors import EmptySplit, SplitLeak
from zoo.genome.codes import encode, reverse_complement
from zoo.training.choices import FractionSplit, GroupSplit
from zoo.training.split import split_at_random, split_by_hash, split_examples

SEQUENCES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.just(6)), elements=st.integers(0, 4))
FRACTIONS = st.floats(0.05, 0.45)


def make_examples(sequences, targets, groups=None):
    return ExampleSet(
        sequences=np.stack([encode(letters) for letters in sequences]),
        targets=np.array(targets, dtype=np.float32)[:, np.newaxis],
        tracks=("peak",),
        ids=tuple(f"id{number}" for number in range(len(sequences))),
        groups=None if groups is None else np.array(groups),
    )


BY_CONTIG = GroupSplit(method="contig", test=("chr1",), validation=("chr2",))
CONTIGS = ["chr1", "chr1", "chr2", "chr2", "chr3", "chr3"]
CLASSES = [0, 1, 0, 1, 0, 1]
DISTINCT = ["AAAA", "AAAC", "AAAG", "AACA", "AACC", "AACG"]


def test_contigs_go_whole_to_their_part():
    split = split_examples(make_examples(DISTINCT, CLASSES, CONTIGS), BY_CONTIG, 0, classes=True)

    assert {name: rows.tolist() for name, rows in split} == {"train": [4, 5], "validation": [2, 3], "test": [0, 1]}
    assert split.notes == ()


@given(SEQUENCES, FRACTIONS, FRACTIONS)
def test_a_hash_keeps_both_strands_together(sequences, test, validation):
    forward = split_by_hash(sequences, test, validation)
    reverse = split_by_hash(reverse_complement(sequences), test, validation)

    assert forward.tolist() == reverse.tolist()


@given(SEQUENCES, FRACTIONS, FRACTIONS)
def test_a_hash_does_not_depend_on_the_other_sequences(sequences, test, validation):
    together = split_by_hash(sequences, test, validation)

    assert together.tolist() == [split_by_hash(row[np.newaxis], test, validation)[0] for row in sequences]


def test_a_hash_gives_about_the_shares_asked_for():
    sequences = np.random.default_rng(0).integers(0, 4, (4000, 30), dtype=np.uint8)

    shares = np.bincount(split_by_hash(sequences, test=0.2, validation=0.1)) / 4000

    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.03)


@given(st.integers(0, 2**31 - 1), st.integers(10, 60), st.integers(10, 60))
def test_each_stratum_gives_its_share(seed, first, second):
    strata = np.repeat([0, 1], [first, second])

    parts = split_at_random(strata, 0.2, 0.1, seed)

    for stratum, count in ((0, first), (1, second)):
        chosen = parts[strata == stratum]
        assert (chosen == 2).sum() == round(count * 0.2)
        assert (chosen == 1).sum() == round(count * 0.1)


def test_a_random_split_is_that_of_its_seed():
    strata = np.zeros(50, dtype=np.int64)

    first, again, other = (split_at_random(strata, 0.2, 0.2, seed).tolist() for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_a_stratified_split_draws_within_classes():
    generator = np.random.default_rng(0)
    sequences = ["".join(row) for row in generator.choice(list("ACGT"), (100, 12))]
    examples = make_examples(sequences, [1] * 10 + [0] * 90)
    choice = FractionSplit(method="stratified", test=0.2, validation=0.1)

    split = split_examples(examples, choice, 0, classes=True)

    assert examples.targets is not None
    assert {name: int(examples.targets[rows].sum()) for name, rows in split} == {"train": 7, "validation": 1, "test": 2}


@pytest.mark.parametrize("twin", ["CCGA", "TCGG"], ids=["same strand", "other strand"])
def test_a_sequence_in_two_parts_is_an_error(twin):
    examples = make_examples([*DISTINCT[:4], "CCGA", "AACG", twin], [*CLASSES, 0], [*CONTIGS, "chr1"])

    with pytest.raises(
        SplitLeak,
        match=r"1 sequences \(1 of the train part\) .*: 'id4' in train is 'id6' in test; set split\.on_leak to drop",
    ):
        split_examples(examples, BY_CONTIG, 0, classes=True)


def test_leaks_can_be_dropped_from_the_earlier_part_and_are_counted():
    examples = make_examples([*DISTINCT, "AACC", "AAAG"], [*CLASSES, 0, 1], [*CONTIGS, "chr2", "chr1"])
    choice = BY_CONTIG.model_copy(update={"on_leak": "drop"})

    split = split_examples(examples, choice, 0, classes=False)

    assert {name: rows.tolist() for name, rows in split} == {"train": [5], "validation": [3, 6], "test": [0, 1, 7]}
    assert len(split.notes) == 1
    assert split.notes[0].startswith("1 of the train part and 1 of the validation part were left out: they stand")


def test_leaks_can_be_kept_and_are_told():
    examples = make_examples([*DISTINCT, "AACC"], [*CLASSES, 0], [*CONTIGS, "chr1"])
    choice = BY_CONTIG.model_copy(update={"on_leak": "keep"})

    split = split_examples(examples, choice, 0, classes=True)

    assert sum(len(rows) for _, rows in split) == 7
    assert split.notes[0].startswith("1 of the train part are sequences that stand")


@pytest.mark.parametrize(
    ("targets", "groups", "message"),
    [
        (CLASSES, None, "split.method contig needs the contig of each example, and the data give none"),
        (CLASSES, ["chrl", *CONTIGS[2:], "chr3"], "split.test: no example is of contig 'chr1'; did you mean 'chrl'?"),
        (CLASSES, [*CONTIGS[:5], ""], "example 'id5' has no contig"),
        ([1, 1, 0, 1, 0, 1], CONTIGS, "the test part of the split (2 examples) holds only 1 of target 'peak'"),
        (
            CLASSES,
            ["chr1", "chr1", "chr2", "chr2", "chr2", "chr1"],
            "the train part of the split holds no example of 6",
        ),
    ],
)
def test_a_part_without_examples_of_both_classes_is_refused(targets, groups, message):
    with pytest.raises(EmptySplit) as error:
        split_examples(make_examples(DISTINCT, targets, groups), BY_CONTIG, 0, classes=True)

    assert message in str(error.value)


def test_one_value_is_enough_for_regression():
    split = split_examples(make_examples(DISTINCT, [1] * 6, CONTIGS), BY_CONTIG, 0, classes=False)

    assert len(split.test) == 2
