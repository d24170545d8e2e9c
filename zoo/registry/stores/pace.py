"""Answers that come in the end: a server that sends for ever, or a byte now and then, holds nobody up."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Protocol

from zoo.registry.stores.protocol import PIECE

HEADER_BYTES = 1 << 18
"""The most that all headers of one answer may have, those that come before the real one among them."""

HEADER_SECONDS = 60.0
"""How long they may take."""

SLOWEST = 1000
"""Bytes a second that a body must bring, on the average of each ``SPAN``; a modem brings seven times that."""

SPAN = 60.0
"""Seconds of waiting; what the reader itself needs for a piece does not count."""

WRAPPING = 10
"""How many bytes a server may send for each byte of a body: pieces have lengths, and may have notes and a trailer."""

_SPARE = 2 * PIECE  # that may have come before the reader is given any


class Unending(http.client.HTTPException):
    """An answer is too slow, or larger than what it holds."""


class PacedResponse(http.client.HTTPResponse):
    """An answer whose header and body are bounded, whatever the server does."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._paced = _PacedStream(self.fp.detach())
        self.fp = io.BufferedReader(self._paced)

    def begin(self) -> None:
        """Read the header."""
        super().begin()
        self._paced.begin_body()

    def read1(self, n: int = -1) -> bytes:
        """Give what there is of the body, at most ``n`` bytes."""
        piece = super().read1(n)
        self._paced.given += len(piece)
        return piece


class PacedConnection(http.client.HTTPConnection):
    response_class = PacedResponse


class PacedTlsConnection(http.client.HTTPSConnection):
    response_class = PacedResponse


class _Readable(Protocol):
    def readinto(self, buffer: memoryview, /) -> int | None: ...
    def close(self) -> None: ...


class _PacedStream(io.RawIOBase):
    """What comes from a server, counted and timed; ``given`` is how much of a body its reader got."""

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self._in_body = False
        self._sent = self._lately = self.given = 0
        self._waited = 0.0

    def begin_body(self) -> None:
        self._in_body = True
        self._sent = self._lately = 0
        self._waited = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # type: ignore[override]  # all that a reader hands in
        started = time.monotonic()
        count = self._stream.readinto(buffer)
        self._waited += time.monotonic() - started
        if count:  # else it has ended
            self._sent += count
            self._lately += count
            (self._check_body if self._in_body else self._check_header)()
        return count

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            super().close()

    def _check_header(self) -> None:
        if self._sent > HEADER_BYTES:
            raise Unending(f"its header has more than {HEADER_BYTES:,} bytes")
        if self._waited > HEADER_SECONDS:
            raise Unending(f"its header had not ended after {HEADER_SECONDS:g} s")

    def _check_body(self) -> None:
        if self._sent > _SPARE + WRAPPING * self.given:
            raise Unending(f"sends more than {WRAPPING} bytes for each byte of the file")
        if self._waited >= SPAN:
            if self._lately < SLOWEST * SPAN:
                raise Unending(f"too slow: {self._lately:,} bytes in {self._waited:.0f} s")
            self._lately, self._waited = 0, 0.0
