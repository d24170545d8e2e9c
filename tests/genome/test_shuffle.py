import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.genome.codes import decode, encode
from zoo.genome.shuffle import shuffle_dinucleotides

SEEDS = st.integers(0, 2**31 - 1)


def count_steps(word):
    return Counter(itertools.pairwise(word))


def list_orders(word):
    """All sequences with the dinucleotide counts of a word, by trying every order of its letters."""
    inner = {"".join(letters) for letters in itertools.permutations(word[1:-1])}
    return {
        order for letters in inner if count_steps(order := word[0] + letters + word[-1]) == count_steps(word)
    }  # fmt: skip


@given(st.lists(st.text("ACGTN", min_size=40, max_size=40), min_size=1, max_size=8), SEEDS)
def test_a_shuffle_keeps_every_dinucleotide_count_and_both_ends(words, seed):
    shuffled = shuffle_dinucleotides(np.stack([encode(word) for word in words]), np.random.default_rng(seed))

    for word, other in zip(words, map(decode, shuffled), strict=True):
        assert count_steps(other) == count_steps(word)
        assert (other[0], other[-1]) == (word[0], word[-1])


@given(st.text("AC", max_size=60), SEEDS)
def test_words_of_two_letters_of_any_length_keep_their_counts(word, seed):
    assert count_steps(decode(shuffle_dinucleotides(encode(word), np.random.default_rng(seed)))) == count_steps(word)


@pytest.mark.parametrize("word", ["AACAGATC", "ACAGTATCA", "ANACGNATA", "AACCAACAA", "ACACACGAT", "GAGACAGCTAT"])
def test_every_order_is_drawn_equally_often(word):
    orders = list_orders(word)
    draws = 400 * len(orders)

    shuffled = shuffle_dinucleotides(np.repeat(encode(word)[None], draws, axis=0), np.random.default_rng(1))

    counts = Counter(map(decode, shuffled))
    assert len(orders) > 2
    assert counts.keys() == orders
    # Chi-square: its mean is the number of orders less one, its standard deviation the root of twice that.
    freedom = len(orders) - 1
    assert sum((count - 400) ** 2 / 400 for count in counts.values()) < freedom + 4 * (2 * freedom) ** 0.5


def test_a_word_with_one_order_is_returned_as_it_is():
    for word in ("", "A", "ACG", "AAAAAAAA", "AAACCCGGGT", "ACACACACAC"):
        assert decode(shuffle_dinucleotides(encode(word), np.random.default_rng(2))) == word


def test_a_tree_that_is_nearly_never_drawn_by_chance_is_found():
    word = "A" * 2000 + "C" * 2000 + "G" * 2000 + "TATCTG"

    shuffled = decode(shuffle_dinucleotides(encode(word), np.random.default_rng(3)))

    assert count_steps(shuffled) == count_steps(word)
    assert shuffled != word


def test_the_seed_decides_and_the_codes_stay_as_they_are():
    codes = np.random.default_rng(4).integers(0, 4, (20, 50)).astype(np.uint8)
    before = codes.copy()

    first, again, other = (shuffle_dinucleotides(codes, np.random.default_rng(seed)) for seed in (5, 5, 6))

    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(codes, before)
    assert not np.array_equal(first, other)
    assert first.shape == codes.shape
    assert first.dtype == np.uint8
