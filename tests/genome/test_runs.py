import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zoo.genome.runs import concatenate_runs


def test_runs_follow_one_another_and_empty_ones_leave_nothing():
    assert concatenate_runs(np.array([5, 9, 2]), np.array([2, 0, 3])).tolist() == [5, 6, 2, 3, 4]
    assert concatenate_runs(np.array([], dtype=np.int64), np.array([], dtype=np.int64)).tolist() == []


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 6)), max_size=9))
def test_runs_are_those_of_a_loop(runs):
    first, counts = np.array(runs, dtype=np.int64).reshape(-1, 2).T
    expected = [number for begin, count in runs for number in range(begin, begin + count)]
    assert concatenate_runs(first, counts).tolist() == expected
