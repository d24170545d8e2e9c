import contextlib
import itertools
import socket
import threading

import pytest

from zoo.errors import DownloadError
from zoo.registry.stores import pace
from zoo.registry.stores.http import HttpStore
from zoo.registry.stores.protocol import PIECE

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@contextlib.contextmanager
def answer_with(pieces, wait=0.0):
    """A server that sends these to whoever asks first, with a wait before each, until that one leaves."""
    left = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(PIECE)
                for piece in pieces:
                    if left.wait(wait):
                        break
                    connection.sendall(piece)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield HttpStore(f"http://127.0.0.1:{listener.getsockname()[1]}", idle=5)
        finally:
            left.set()
            thread.join()


def read(store):
    return b"".join(store.read("file"))


def give_bytes(content):
    return (bytes([byte]) for byte in itertools.cycle(content))


@pytest.mark.parametrize(
    "pieces",
    [
        itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
        itertools.repeat(b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" * 1000),
        itertools.chain([OK], (b"A%d: %b\r\n" % (number, b"a" * 60_000) for number in itertools.count())),
    ],
    ids=["continue", "continue, many at once", "long lines"],
)
def test_a_header_without_an_end_is_left(pieces):
    with answer_with(pieces) as store, pytest.raises(DownloadError, match="its header has more than 262,144 bytes"):
        read(store)


def test_a_header_that_comes_too_slowly_is_left(monkeypatch):
    monkeypatch.setattr(pace, "HEADER_SECONDS", 0.1)
    pieces = itertools.chain([OK], give_bytes(b"A: b\r\n"))
    with (
        answer_with(pieces, wait=0.02) as store,
        pytest.raises(DownloadError, match=r"file: can't be reached: its header had not ended after 0\.1 s; check"),
    ):
        read(store)


@pytest.mark.parametrize(
    "pieces",
    [
        [CHUNKED + b"1\r\na\r\n0\r\n", itertools.repeat(b"A: b\r\n" * 1000)],
        [CHUNKED, itertools.repeat(b"1;%b\r\na\r\n" % (b"a" * 60_000))],
    ],
    ids=["trailers", "notes"],
)
def test_what_is_sent_around_a_body_may_be_some_times_its_size(pieces):
    sent = itertools.chain([pieces[0]], pieces[1])
    with answer_with(sent) as store, pytest.raises(DownloadError, match="sends more than 10 bytes for each byte of"):
        read(store)


def test_pieces_of_one_byte_are_taken(monkeypatch):
    monkeypatch.setattr(pace, "_SPARE", 20_000)  # more than is read ahead
    with answer_with([CHUNKED, b"1\r\nb\r\n" * 10_000, b"0\r\n\r\n"]) as store:
        assert read(store) == b"b" * 10_000


def test_a_body_that_comes_too_slowly_is_left(monkeypatch):
    monkeypatch.setattr(pace, "SPAN", 0.1)
    pieces = itertools.chain([OK + b"Content-Length: 9999\r\n\r\n"], give_bytes(b"a"))
    with (
        answer_with(pieces, wait=0.02) as store,
        pytest.raises(DownloadError, match=r"file: broke off after \d+ bytes: too slow: \d+ bytes in "),
    ):
        read(store)


class Dripping:
    """A stream that gives some bytes each time, and lets some seconds pass on a clock of its own."""

    def __init__(self, count, seconds):
        self.count, self.seconds, self.now = count, seconds, 0.0

    def monotonic(self):
        return self.now

    def readinto(self, buffer):
        self.now += self.seconds
        return self.count

    def close(self):
        pass


@pytest.mark.parametrize(("count", "enough"), [(60_000, True), (59_999, False)])
def test_a_minute_of_waiting_brings_a_thousand_bytes_a_second(count, enough, monkeypatch):
    dripping = Dripping(count, 60)
    monkeypatch.setattr(pace, "time", dripping)
    stream = pace._PacedStream(dripping)
    stream.begin_body()
    if enough:
        stream.readinto(bytearray())
        stream.readinto(bytearray())
    else:
        with pytest.raises(pace.Unending, match=r"^too slow: 59,999 bytes in 60 s$"):
            stream.readinto(bytearray())


def test_what_the_reader_takes_its_time_for_is_no_waiting(monkeypatch):
    dripping = Dripping(1, 0.1)
    monkeypatch.setattr(pace, "time", dripping)
    stream = pace._PacedStream(dripping)
    stream.begin_body()
    for _ in range(100):
        stream.readinto(bytearray())
        dripping.now += 3600
