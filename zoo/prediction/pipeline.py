"""Threads around a loop: that read ahead of it, work ahead of it, or write behind it. Their errors reach the loop."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_PATIENCE = 0.1  # seconds between looks at whether the other side has stopped
_FAREWELL = 2.0  # seconds that a broken run waits for its writer


def read_ahead(items: Iterable[T], depth: int = 2) -> Generator[T]:  # noqa: C901 - the two sides of one queue read best together
    """Yield the items of an iterable that a thread of its own draws, at most ``depth`` ahead."""
    buffer: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(entry: tuple[T | None, BaseException | None]) -> bool:
        while not stopped.is_set():
            try:
                buffer.put(entry, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    def draw() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that asked
            put((None, error))
        else:
            put((None, StopIteration()))

    thread = threading.Thread(target=draw, name="zoo-reader", daemon=True)
    thread.start()
    try:
        while True:
            item, error = buffer.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # an entry without error holds an item
    finally:
        stopped.set()
        thread.join()


def work_ahead(run: Callable[[T], R], items: Iterable[T], workers: int = 2) -> Generator[R]:
    """Yield what ``run`` returns for each item, in their order, so many at a time in threads of their own.

    Items are drawn by the thread that asks; no more of them than there are workers are ahead of it. Who leaves before
    the end does not wait for those under way, which may take a minute each: their threads end by themselves.
    """
    remaining = iter(items)
    pool = ThreadPoolExecutor(workers, "zoo-worker")
    under_way: deque[Future[R]] = deque()
    left = False
    try:
        for item in itertools.islice(remaining, workers):
            under_way.append(pool.submit(run, item))
        while under_way:
            found = under_way.popleft().result()
            for item in itertools.islice(remaining, 1):
                under_way.append(pool.submit(run, item))
            yield found
    except (KeyboardInterrupt, GeneratorExit):
        left = True
        raise
    finally:
        pool.shutdown(wait=not left, cancel_futures=True)


class WriteBehind(Generic[T]):
    """Calls ``write`` for each item in a thread of its own, at most ``depth`` behind.

    An error of ``write`` is raised by the next ``put``, or on leaving the context.
    """

    def __init__(self, write: Callable[[T], None], depth: int = 2) -> None:
        self._write = write
        self._buffer: queue.Queue[T | None] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._drain, name="zoo-writer", daemon=True)

    def __enter__(self) -> WriteBehind[T]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if kind is None:
            self._buffer.put(None)
            self._thread.join()
            self._raise()
            return
        if self._error is None:
            self._error = InterruptedError()  # nothing more is to be written
        # A pipe that nobody reads from may hold the thread for ever; Ctrl-C ends the run all the same.
        with contextlib.suppress(queue.Full):
            self._buffer.put(None, timeout=_FAREWELL)
        self._thread.join(_FAREWELL)

    def put(self, item: T) -> None:
        """Hand over an item; waits while the writer is behind."""
        self._raise()
        self._buffer.put(item)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _drain(self) -> None:
        while (item := self._buffer.get()) is not None:
            if self._error is not None:
                continue  # keep emptying the queue, so that nobody waits for a place in it
            try:
                self._write(item)
            except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that writes
                self._error = error
