import numpy as np
import pytest

pytest.importorskip("sklearn")

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from zoo.components import ExampleSet
from zoo.genome.codes import decode, encode, reverse_complement
from zoo.training.data.checks import check_data, measure_gc
from zoo.training.data.examples import LoadedExamples
from zoo.training.data.kmers import NO_WORD, find_canonical_words, hold_marked, list_words, mark_words
from zoo.training.data.parts import SplitIndices

SEEDS = st.integers(0, 10_000)


def draw_codes(count, length, seed=0, letters=4):
    return np.random.default_rng(seed).integers(0, letters, (count, length), dtype=np.uint8)


def make_examples(codes, targets, **changes):
    targets = np.asarray(targets, np.float32)
    columns = targets[:, None] if targets.ndim == 1 else targets
    tracks = tuple(f"track{number}" for number in range(columns.shape[-1]))
    return LoadedExamples(ExampleSet(codes, columns, tracks, **changes))


def split_in_order(train, validation, test):
    ends = np.cumsum([train, validation, test])
    return SplitIndices(
        *(np.arange(end - size, end) for end, size in zip(ends, (train, validation, test), strict=True))
    )


def find_track(checks, part, track="track0"):
    return next(check for check in checks.tracks if (check.part, check.track) == (part, track))


@given(SEEDS, st.integers(1, 31))
def test_words_are_those_of_their_letters(seed, k):
    codes = draw_codes(3, 33, seed)
    codes[1, 20] = 4

    words = find_canonical_words(codes, k)

    for row, start in ((0, 0), (0, 33 - k), (2, (33 - k) // 2)):
        word = codes[row, start : start + k]
        numbers = [
            sum(int(code) << (2 * (k - 1 - place)) for place, code in enumerate(strand))
            for strand in (word, reverse_complement(word))
        ]
        assert int(words[row, start]) == min(numbers)
    unknown = np.array([20 in range(start, start + k) for start in range(34 - k)])
    assert np.array_equal(words[1] == NO_WORD, unknown)


@given(SEEDS)
def test_both_strands_have_the_same_words(seed):
    codes = draw_codes(4, 40, seed, letters=5)

    assert np.array_equal(find_canonical_words(reverse_complement(codes), 7), find_canonical_words(codes, 7)[:, ::-1])


@given(SEEDS)
def test_sharers_are_those_that_a_search_for_letters_finds(seed):
    first, second = draw_codes(12, 14, seed, letters=5), draw_codes(12, 14, seed + 1, letters=5)
    k = 5

    words = list_words([first[:5], first[5:]], k)
    found = hold_marked(first, words, mark_words(words, [second[:7], second[7:]], k), k)

    others = " ".join(decode(strand) for codes in second for strand in (codes, reverse_complement(codes)))
    texts = [decode(codes) for codes in first]
    expected = [
        any("N" not in text[start : start + k] and text[start : start + k] in others for start in range(10))
        for text in texts
    ]
    assert found.tolist() == expected


def test_words_without_a_match_mark_nothing():
    codes = np.full((2, 40), 4, np.uint8)

    words = list_words([codes], 31)

    assert len(words) == 0
    assert not hold_marked(codes, words, mark_words(words, [codes], 31), 31).any()


def test_gc_is_of_the_known_bases():
    assert measure_gc(np.stack([encode("GCAN"), encode("NNNN"), encode("AATT")])).tolist() == [2 / 3, 0, 0]


def test_classes_that_gc_tells_apart_are_warned_of():
    codes = draw_codes(600, 40)
    targets = np.tile([0.0, 1.0], 300)
    rich = np.random.default_rng(1).integers(1, 3, codes.shape, dtype=np.uint8)
    codes = np.where((targets[:, None] == 1) & (np.arange(40) < 10), rich, codes)

    checks = check_data(make_examples(codes, targets), split_in_order(400, 100, 100), classes=True)

    train = find_track(checks, "train")
    gc = measure_gc(codes[:400])
    assert train.gc_ks == pytest.approx(ks_2samp(gc[::2], gc[1::2]).statistic)
    assert train.gc_auroc > 0.8
    assert [group.count for group in train.groups] == [200, 200]
    assert train.groups[1].gc.mean == pytest.approx(gc[1::2].mean())
    assert train.groups[0].gc.median == pytest.approx(np.median(gc[::2]))
    (warning,) = checks.list_warnings()
    assert warning.startswith("GC content alone tells the classes of track0 apart")


def test_matched_classes_are_not_warned_of():
    checks = check_data(
        make_examples(draw_codes(600, 40), np.tile([0.0, 1.0], 300), repeats=np.zeros(600, np.float32)),
        split_in_order(400, 100, 100),
        classes=True,
    )

    assert checks.list_warnings() == ()
    assert find_track(checks, "train").repeats_ks == 0.0


def test_repeats_that_tell_the_classes_apart_are_warned_of():
    targets = np.tile([0.0, 1.0], 300)

    checks = check_data(
        make_examples(draw_codes(600, 40), targets, repeats=(targets / 2).astype(np.float32)),
        split_in_order(400, 100, 100),
        classes=True,
    )

    (warning,) = checks.list_warnings()
    assert warning.startswith("The share of repeats alone tells the classes of track0 apart")
    assert find_track(checks, "test").groups[1].repeats.mean == 0.5
    assert checks.to_numbers()["track0"]["repeats_auroc"] == 1.0


def test_a_difference_that_is_certain_but_small_is_not_warned_of():
    targets = np.tile([0.0, 1.0], 1300)
    repeats = np.zeros(2600, np.float32)
    repeats[1:2000:24] = 1  # in 8 % of class 1: more than chance, less than what a network could learn much from

    checks = check_data(
        make_examples(draw_codes(2600, 20), targets, repeats=repeats), split_in_order(2000, 300, 300), classes=True
    )

    train = find_track(checks, "train")
    assert train.repeats_ks > train.noise
    assert checks.list_warnings() == ()


def test_duplicates_on_either_strand_are_counted_within_and_between_classes():
    codes, targets = draw_codes(30, 20), np.tile([0.0, 1.0], 15)
    codes[2] = codes[0]  # class 0 twice
    codes[4] = reverse_complement(codes[0])  # and once more
    codes[3] = reverse_complement(codes[6])  # in both classes

    checks = check_data(make_examples(codes, targets), split_in_order(10, 10, 10), classes=True)

    train = find_track(checks, "train")
    assert [group.duplicates for group in train.groups] == [2, 0]
    assert train.conflicts == 1
    assert find_track(checks, "test").conflicts == 0
    assert any("stand in both classes of track0" in warning for warning in checks.list_warnings())


def test_leaks_and_sharers_are_counted():
    codes, targets = draw_codes(40, 50), np.tile([0.0, 1.0], 20)
    codes[30] = codes[4] = codes[0]  # the same sequence, twice in training and once in the test part, class 0
    codes[31, :31] = reverse_complement(codes[1, 19:])  # 31 bases shared, on the other strand, class 1
    codes[33, :30] = codes[3, :30]  # 30 bases are not enough
    codes[25] = codes[34]  # the same in validation and test
    for row, base in ((33, 30), (31, 31)):  # what follows differs
        codes[row, base] = (codes[row, base] + 1) % 4
    codes[33, 30] = (codes[3, 30] + 1) % 4

    checks = check_data(make_examples(codes, targets), split_in_order(20, 10, 10), classes=True)

    assert checks.word_length == 31
    assert np.flatnonzero(checks.sharers).tolist() == [0, 1]
    assert [(leak.earlier, leak.later, leak.count) for leak in checks.leaks] == [
        ("train", "validation", 0),
        ("train", "test", 1),
        ("validation", "test", 1),
    ]
    assert [(row.label, row.count, row.sharers) for row in checks.sharing] == [("0", 5, 1), ("1", 5, 1)]
    assert checks.to_numbers()["track0"]["sharers"] == {"0": 1, "1": 1}
    assert "2 of 10 test examples share a word of 31 bases" in checks.list_warnings()[-1]


def test_short_sequences_share_only_whole():
    codes = draw_codes(30, 12)
    codes[20] = reverse_complement(codes[0])
    codes[21, 1:] = codes[1, 1:]
    codes[21, 0] = (codes[1, 0] + 1) % 4

    checks = check_data(make_examples(codes, np.tile([0.0, 1.0], 15)), split_in_order(10, 10, 10), classes=True)

    assert checks.word_length == 12
    assert np.flatnonzero(checks.sharers).tolist() == [0]


def test_missing_labels_belong_to_no_class():
    targets = np.tile([[0.0, np.nan], [1.0, 0.0], [np.nan, 1.0]], (10, 1))

    checks = check_data(make_examples(draw_codes(30, 20), targets), split_in_order(12, 9, 9), classes=True)

    assert [group.count for group in find_track(checks, "train", "track0").groups] == [4, 4]
    assert [row.count for row in checks.sharing] == [3, 3, 3, 3]


def test_values_are_correlated_with_gc():
    codes = draw_codes(90, 20)

    checks = check_data(make_examples(codes, measure_gc(codes)), split_in_order(30, 30, 30), classes=False)

    train = find_track(checks, "train")
    assert train.gc_pearson == pytest.approx(1.0)
    assert train.gc_ks is None
    assert [(group.label, group.count) for group in train.groups] == [("all", 30)]


def test_bins_and_features_have_their_checks_too():
    binned = make_examples(draw_codes(30, 20), np.ones((30, 5, 2), np.float32))
    numbers = {"age": np.arange(30, dtype=np.float32)[:, None] // 2}
    features = make_examples(np.empty((30, 0), np.uint8), np.tile([0.0, 1.0], 15), extra=numbers)
    split = split_in_order(11, 10, 9)

    assert find_track(check_data(binned, split, classes=False), "test", "track1").gc_pearson is None
    checks = check_data(features, split, classes=True)
    assert checks.word_length is None
    assert not checks.sharers.any()
    assert [leak.count for leak in checks.leaks] == [1, 0, 1]
    assert find_track(checks, "train").gc_ks is None
