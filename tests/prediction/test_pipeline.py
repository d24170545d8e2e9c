import itertools
import threading

import pytest

from zoo.prediction import pipeline
from zoo.prediction.pipeline import WriteBehind, read_ahead, work_ahead


def test_items_come_in_order_and_all():
    assert list(read_ahead(range(100))) == list(range(100))
    assert list(read_ahead([])) == []


def test_an_error_of_the_source_comes_after_the_items_before_it():
    def items():
        yield 1
        raise KeyError("two")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="two"):
        next(ahead)


def test_closing_ends_the_thread_that_reads():
    ahead = read_ahead(iter(int, 1))  # endless
    next(ahead)
    ahead.close()
    assert not any(thread.name == "zoo-reader" for thread in threading.enumerate())


def test_writing_keeps_the_order_and_is_done_on_leaving():
    written = []
    with WriteBehind(written.append) as writer:
        for number in range(100):
            writer.put(number)
    assert written == list(range(100))


def test_an_error_of_writing_reaches_the_loop_and_nothing_more_is_written():
    written = []

    def write(item):
        if item == 3:
            raise OSError("full")
        written.append(item)

    def run(items):
        with WriteBehind(write) as writer:
            for item in items:
                writer.put(item)

    with pytest.raises(OSError, match="full"):
        run(range(1000))
    with pytest.raises(OSError, match="full"):
        run([3])
    assert written == [0, 1, 2]


def test_an_error_of_the_loop_stops_the_writing():
    gate = threading.Event()
    written = []

    def write(item):
        gate.wait()
        written.append(item)

    def run():
        with WriteBehind(write) as writer:
            writer.put(1)
            writer.put(2)
            threading.Timer(0.05, gate.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert written in ([], [1])


@pytest.mark.parametrize("waiting", [1, 3])
def test_a_writer_that_is_held_for_ever_does_not_hold_a_run_that_breaks_off(monkeypatch, waiting):
    monkeypatch.setattr(pipeline, "_FAREWELL", 0.05)
    gate = threading.Event()

    def run():
        with WriteBehind(lambda _: gate.wait()) as writer:
            for number in range(waiting):
                writer.put(number)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    gate.set()


def test_work_goes_on_so_far_ahead_and_comes_in_order():
    drawn, started = [], threading.Barrier(2, timeout=10)

    def draw():
        for number in range(6):
            drawn.append(number)
            yield number

    def run(number):
        started.wait()  # two at a time, or never
        return number * 10

    found = work_ahead(run, draw(), workers=2)
    assert next(found) == 0
    assert len(drawn) == 3
    assert list(found) == [10, 20, 30, 40, 50]


def test_an_error_of_work_ahead_comes_where_its_result_would_and_ends_the_rest():
    ran = []

    def run(number):
        ran.append(number)
        if number == 2:
            raise ValueError("two")
        return number

    found = work_ahead(run, itertools.count())
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(found)
    assert list(found) == []
    assert max(ran) <= 4


def test_work_ahead_that_is_left_ends_by_itself():
    going_on = threading.Event()

    def run(number):
        if number:
            going_on.wait(10)
        return number

    found = work_ahead(run, itertools.count())
    assert next(found) == 0
    found.close()
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("zoo-worker")]
    assert workers
    going_on.set()
    for worker in workers:
        worker.join(10)
        assert not worker.is_alive()


def test_who_interrupts_the_work_does_not_wait_for_the_rest():
    going_on = threading.Event()

    def run(number):
        if number == 0:
            raise KeyboardInterrupt
        going_on.wait(10)

    with pytest.raises(KeyboardInterrupt):
        next(work_ahead(run, itertools.count()))
    assert not going_on.is_set()
    going_on.set()
