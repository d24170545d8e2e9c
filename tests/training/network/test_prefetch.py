import threading

import pytest

from zoo.training.network.prefetch import prefetch


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "zoo-prefetch"]


def test_items_come_in_their_order_and_the_thread_ends():
    with prefetch(range(100), depth=3) as items:
        assert list(items) == list(range(100))

    assert threads() == []


def test_no_more_is_made_ahead_than_was_asked_for():
    made = []

    def make():
        for number in range(100):
            made.append(number)
            yield number

    with prefetch(make(), depth=3) as items:
        assert [next(items) for _ in range(5)] == list(range(5))

    assert len(made) <= 5 + 3 + 1


def test_an_error_comes_where_its_item_would_have_come():
    def make():
        yield 1
        raise OSError("the disk is gone")

    with prefetch(make()) as items:
        assert next(items) == 1
        with pytest.raises(OSError, match="the disk is gone"):
            next(items)


def test_the_thread_ends_when_nobody_reads_on():
    def leave():
        with prefetch(iter(int, 1), depth=2) as items:
            next(items)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()

    assert threads() == []
