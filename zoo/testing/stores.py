"""The contract of a store: what it reads is what was put, and no change of a registry is ever lost."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from zoo.errors import DownloadError
from zoo.registry.stores.protocol import PIECE, Changed, Missing, Reader, Writer
from zoo.testing.expectations import expect

_OUTSIDE = ("../a", "a/../../b", "/a", "", ".", "a//b", "a\\b", "a\0b")
_WRITERS, _CHANGES = 3, 3


def check_reader(reader: Reader, files: Mapping[str, bytes]) -> None:
    """Check a store that holds some files.

    Args:
        reader: The store; ``nothing`` must not be in it.
        files: Names and contents, at least one of more than two bytes.

    Raises:
        AssertionError: It breaks the contract; the message says where.
    """
    where = reader.address
    expect(where and not where.endswith("/"), f"{where}: expected an address without a slash at the end")
    for path, content in files.items():
        size = len(content)
        for start in sorted({0, 1, size // 2, max(0, size - 1), size, size + 9}):
            found = b"".join(reader.read(path, start))
            expect(
                found == content[start:],
                f"{where}: {path} from byte {start} on: expected {size - start} bytes, found {len(found)} or others",
            )
        abandoned = reader.read(path)
        next(abandoned, b"")
        if callable(close := getattr(abandoned, "close", None)):
            close()
        tagged = reader.read_tagged(path, size)
        expect(tagged is not None and tagged.content == content, f"{where}: read_tagged({path!r}) gives other bytes")
        if tagged is not None:
            again = reader.read_tagged(path, size, tagged.tag)
            expect(again == (None, tagged.tag), f"{where}: read_tagged({path!r}) with its own tag gives {again}")
            other = reader.read_tagged(path, size, "another")
            expect(other == tagged, f"{where}: read_tagged({path!r}) with another tag gives other bytes or another tag")
        try:
            reader.read_tagged(path, size - 1)
        except DownloadError:
            pass
        else:
            raise AssertionError(f"{where}: read_tagged({path!r}) gives more than the limit")
    for path in ("nothing", "no/such/file", *_OUTSIDE):
        try:
            found = b"".join(reader.read(path))
        except Missing:
            pass
        else:
            raise AssertionError(f"{where}: read({path!r}): expected Missing, found {len(found)} bytes")
        expect(reader.read_tagged(path, 1000) is None, f"{where}: read_tagged({path!r}): expected None")


def check_store(make_store: Callable[[], Writer], *, swaps: bool = True) -> None:
    """Check a store that can be written.

    Args:
        make_store: Gives one more connection to one and the same store, which is empty at first.
        swaps: Whether it can hold a registry.

    Raises:
        AssertionError: It breaks the contract; the message says where.
    """
    store = make_store()
    where = store.address
    large = bytes(range(256)) * (PIECE // 256) * 3 + b"the end"
    files = {"blobs/sha256/00/short": b"short", "blobs/sha256/01/a name+of%20ours~é": b"other", "large": large}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        for path, content in files.items():
            file.write_bytes(content)
            store.put(path, file)
            store.put(path, file)  # once more, as after a run that broke off
            expect(file.read_bytes() == content, f"{where}: put({path!r}) changed the file")
        damaged = "blobs/sha256/01/a name+of%20ours~é"
        files[damaged] = b"what it should have been"
        file.write_bytes(files[damaged])
        store.put(damaged, file, replace=True)
        found = b"".join(make_store().read(damaged))
        expect(found == files[damaged], f"{where}: put({damaged!r}, replace=True) left what was damaged")
    check_reader(make_store(), files)
    if swaps:
        _check_swaps(make_store)


def _check_swaps(make_store: Callable[[], Writer]) -> None:
    store, other, path = make_store(), make_store(), "registry.yaml"
    where = f"{store.address}: swap"
    expect(store.read_tagged(path, 9) is None, f"{where}: expected an empty store")
    first = store.swap(path, b"1", None)
    expect(other.read_tagged(path, 9) == (b"1", first), f"{where}: another connection reads another content or tag")
    _expect_changed(other, path, None, f"{where}: a file that is there was replaced as if it were not")
    second = other.swap(path, b"2", first)
    expect(second != first, f"{where}: two contents have one tag")
    _expect_changed(store, path, first, f"{where}: a newer content was replaced")
    _expect_changed(store, "no-registry.yaml", first, f"{where}: a file that is not there was replaced")
    expect(store.read_tagged(path, 9) == (b"2", second), f"{where}: a swap that was refused changed the file")
    long = b"3" * (PIECE + 7)
    third = store.swap(path, long, second)
    expect(other.read_tagged(path, len(long)) == (long, third), f"{where}: another connection reads something else")
    other.swap(path, b"", third)
    _check_race(make_store, path)


def _check_race(make_store: Callable[[], Writer], path: str) -> None:
    failures: list[BaseException] = []

    def add(letter: bytes) -> None:
        try:
            store = make_store()
            for _ in range(_CHANGES):
                while True:
                    tagged = store.read_tagged(path, 1000)
                    expect(tagged is not None and tagged.content is not None, f"{store.address}: {path} is gone")
                    try:
                        store.swap(path, (tagged.content or b"") + letter, tagged.tag)  # type: ignore[union-attr]
                        break
                    except Changed:
                        continue
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is seen
            failures.append(error)

    letters = [bytes([ord("a") + number]) for number in range(_WRITERS)]
    threads = [threading.Thread(target=add, args=[letter]) for letter in letters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    store = make_store()
    tagged = store.read_tagged(path, 1000)
    found = sorted(tagged.content or b"") if tagged is not None else []
    expect(
        found == sorted(b"".join(letters) * _CHANGES),
        f"{store.address}: {_WRITERS} writers made {_CHANGES} changes each at once, {len(found)} of them are there",
    )


def _expect_changed(store: Writer, path: str, expected: str | None, message: str) -> None:
    try:
        store.swap(path, b"lost", expected)
    except Changed:
        return
    raise AssertionError(message)
