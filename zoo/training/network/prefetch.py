"""Prepares what comes next in a thread of its own while the device computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

_Item = TypeVar("_Item")

_DEPTH = 8
_PATIENCE = 0.1
"""Seconds between two looks at whether anybody still waits."""

_END = object()


@contextmanager
def prefetch(items: Iterable[_Item], depth: int = _DEPTH) -> Iterator[Iterator[_Item]]:
    """Give an iterator over ``items``, at most ``depth`` of which are made ahead of need.

    An error of ``items`` is raised where its item would have come. The thread has ended when the block is left.
    """
    producer = _Producer(items, depth)
    producer.start()
    try:
        yield producer.consume()
    finally:
        producer.stop()


class _Producer(Generic[_Item]):
    def __init__(self, items: Iterable[_Item], depth: int) -> None:
        self._items = items
        self._ready: queue.Queue[Any] = queue.Queue(depth)
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._produce, name="zoo-prefetch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def consume(self) -> Iterator[_Item]:
        while (item := self._ready.get()) is not _END:
            yield item
        if self._failure is not None:
            raise self._failure

    def _produce(self) -> None:
        try:
            for item in self._items:
                self._put(item)
                if self._stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            self._failure = error
        self._put(_END)

    def _put(self, item: object) -> None:
        while not self._stopped.is_set():
            try:
                self._ready.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue
            return
