"""An index finds what a dictionary would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zoo.prediction.cache.index import KeyIndex

prefix = st.integers(0, 9).map(lambda number: number * 2**60)
steps = st.lists(st.one_of(st.lists(prefix, max_size=5), st.sampled_from(["settle", "find"])), max_size=12)


def find(index, prefixes):
    return index.find(np.array(prefixes, dtype=np.uint64)).tolist()


@given(steps)
def test_the_first_place_of_a_key_is_found_however_it_was_added(steps):
    index, expected, end = KeyIndex(), {}, 0
    for step in steps:
        if step == "settle":
            index.settle()
        elif step == "find":
            find(index, [0])
        else:
            index.add(np.array(step, dtype=np.uint64), end)
            for place, key in enumerate(step, end):
                expected.setdefault(key, place)
            end += len(step)
    keys = [number * 2**60 for number in range(10)]
    assert find(index, keys) == [expected.get(key, -1) for key in keys]
    assert len(index) == end


@given(st.permutations(["add", "find", "settle"]))
def test_places_that_are_dropped_are_found_no_more(order):
    index = KeyIndex()
    for step in order:
        {
            "add": lambda: index.add(np.array([7, 5, 6], dtype=np.uint64), 10),
            "find": lambda: find(index, [5]),
            "settle": index.settle,
        }[step]()
    index.drop(11, 12)
    assert find(index, [7, 5, 6]) == [10, -1, 12]


def test_what_an_index_has_no_room_for_is_not_found():
    index = KeyIndex(most=3)
    index.add(np.array([1, 2], dtype=np.uint64), 0)
    index.add(np.array([3, 4], dtype=np.uint64), 2)
    index.add(np.array([5], dtype=np.uint64), 4)
    assert find(index, [1, 2, 3, 4, 5]) == [0, 1, 2, -1, -1]
