"""HTTP with what Python brings along, as stores need it: bounded waits, few redirects, messages without secrets."""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import IO

from zoo.errors import DownloadError
from zoo.registry.stores.addresses import hide_secrets, show
from zoo.registry.stores.pace import PacedConnection, PacedTlsConnection
from zoo.registry.stores.protocol import IDLE, PIECE, Missing

REDIRECTS = 5
"""How often a server may name another address for one file."""

ABSENT = frozenset({404, 410})
"""What a server answers about a file that is not there."""

_MOVED = frozenset({301, 302, 303, 307, 308})
_BEGINS = re.compile(r"\s*bytes\s+(\d{1,19})-")  # no file has more bytes, and Python reads no number of any length


class Connection:
    """Asks servers, one request a connection, and gives their answers whatever their status is.

    Proxies are taken from the environment (``https_proxy``, ``no_proxy``), certificates from the system.

    Attributes:
        idle: Seconds without a byte after which a connection counts as broken.
    """

    def __init__(self, idle: float = IDLE) -> None:
        self.idle = idle
        # Put together by hand: the usual opener also reads files and FTP, and raises for an answer like 304.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            _HttpHandler(),
            _HttpsHandler(),
        ):
            self._opener.add_handler(handler)

    @contextlib.contextmanager
    def ask(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | IO[bytes] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request and give the answer, whose body is not read yet; it is closed at the end.

        Redirects of GET and HEAD are followed, from https to https only. ``Authorization`` stays with the server that
        it was meant for.

        Raises:
            DownloadError: There is no answer, or it leads elsewhere too often or to an address that is not allowed.
        """
        sent = {"User-Agent": "assayzoo", "Accept-Encoding": "identity", **(headers or {})}
        answer = self._follow(url, sent, method, body)
        with answer:
            yield answer

    def read_pieces(self, answer: http.client.HTTPResponse, where: str) -> Iterator[bytes]:
        """Give a body as it comes in.

        Raises:
            DownloadError: It broke off, came too slowly, is compressed, or its end can't be known.
        """
        coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in {"", "identity"}:
            raise DownloadError(
                f"{where}: expected the bytes as they are, found them in the encoding {show(coding)!r}; "
                "have the server not compress this folder"
            )
        expected = answer.length
        if expected is None and not answer.chunked:
            raise DownloadError(f"{where}: the server tells no Content-Length, so a cut could not be noticed")
        found = 0
        while expected is None or found < expected:  # not until the server hangs up: some take their time
            try:
                piece = answer.read1(PIECE if expected is None else min(PIECE, expected - found))
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise DownloadError(f"{where}: broke off after {found:,} bytes: {self._explain(error)}") from error
            if not piece:
                break
            found += len(piece)
            yield piece
        if expected is not None and found < expected:
            raise DownloadError(f"{where}: broke off: expected {expected:,} bytes, found {found:,}")

    def read_from(
        self, answer: http.client.HTTPResponse, start: int, where: str, absent: str = "no such file"
    ) -> Iterator[bytes]:
        """Give a file from a byte on; of a server that sends the whole all the same, the first bytes are dropped.

        Args:
            answer: What came of a request with ``ask_range(start)``.
            start: The first byte that is wanted, 0-based.
            where: What messages call the file.
            absent: What they say where it is not there.

        Raises:
            Missing: It is not there.
            DownloadError: It can't be had, or it broke off.
        """
        if answer.status in ABSENT:
            raise Missing(f"{where}: {absent}")
        if start and answer.status == 416:
            return  # it ends before
        if answer.status not in {200, 206} or (answer.status == 206 and not start):
            raise DownloadError(f"{where}: {explain_status(answer)}")
        sent = answer.headers.get("Content-Range", "")
        begins = _BEGINS.match(sent)
        if answer.status == 206 and (begins is None or int(begins[1]) != start):
            given = repr(show(sent)) if sent else "others"
            raise DownloadError(f"{where}: asked for the bytes from {start} on, the server sends {given}")
        skip = start if answer.status == 200 else 0
        for piece in self.read_pieces(answer, where):
            if kept := piece[skip:]:
                yield kept
            skip = max(0, skip - len(piece))

    def _follow(
        self, url: str, headers: Mapping[str, str], method: str, body: bytes | IO[bytes] | None
    ) -> http.client.HTTPResponse:
        first, sent = url, dict(headers)
        for _ in range(REDIRECTS + 1):
            answer = self._open(urllib.request.Request(url, body, sent, method=method))  # noqa: S310 - http(s) only
            target = answer.headers.get("Location")
            if answer.status not in _MOVED or target is None or method not in {"GET", "HEAD"}:
                return answer
            answer.close()
            try:
                target = urllib.parse.urljoin(url, target).replace(" ", "%20")
                old, new = urllib.parse.urlsplit(url), urllib.parse.urlsplit(target)
            except ValueError as error:
                raise DownloadError(f"{hide_secrets(first)}: leads to what is no address") from error
            if new.scheme not in {"http", "https"} or (old.scheme, new.scheme) == ("https", "http"):
                raise DownloadError(
                    f"{hide_secrets(first)}: leads to {show(hide_secrets(target))}; expected an address that begins "
                    f"with {'https' if old.scheme == 'https' else 'http or https'}"
                )
            if (old.scheme, old.netloc) != (new.scheme, new.netloc):
                sent = {name: value for name, value in sent.items() if name.lower() != "authorization"}
            url = target
        raise DownloadError(f"{hide_secrets(first)}: leads from one address to the next more than {REDIRECTS} times")

    def _open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        try:
            answer: http.client.HTTPResponse = self._opener.open(request, timeout=self.idle)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DownloadError(
                f"{show(hide_secrets(request.full_url))}: can't be reached: {self._explain(error)}; check the address "
                "and the network"
            ) from error
        return answer

    def _explain(self, error: Exception) -> str:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            return f"no byte came for {self.idle:g} s"
        if isinstance(reason, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted ({reason.verify_message}; the file of those that are may be named by "
                "SSL_CERT_FILE)"
            )
        if isinstance(error, http.client.InvalidURL) or not isinstance(error, (OSError, http.client.HTTPException)):
            return "no address that a server could be asked for"  # its own message may hold a password
        if isinstance(reason, http.client.IncompleteRead):
            return "the rest is missing"
        text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
        return show(hide_secrets(text)) or type(reason).__name__


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(PacedConnection, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(PacedTlsConnection, req)


def ask_range(start: int) -> dict[str, str]:
    """Return the header that asks for a file from a byte on."""
    return {"Range": f"bytes={start}-"} if start else {}


def explain_status(answer: http.client.HTTPResponse) -> str:
    """Return what an answer without the file says, and what to do about it."""
    status = f"{answer.status} {show(answer.reason)}".strip()
    if answer.status in {401, 403, 407}:
        return f"the server denies access ({status}); check the credentials, and whether the file is there"
    if answer.status == 429 or answer.status >= 500:
        return f"the server answers {status}; try again later, or from a mirror"
    return f"the server answers {status}"


def split_credentials(url: str) -> tuple[str, dict[str, str]]:
    """Return an address without ``user:password@``, and the header that stands for it.

    Raises:
        DownloadError: The address names no server, or its port is no number.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise DownloadError(f"{hide_secrets(url)}: no address of a server: {hide_secrets(str(error))}") from error
    if not parts.hostname:
        raise DownloadError(f"{hide_secrets(url)}: expected an address with the name of a server")
    user, separator, place = parts.netloc.rpartition("@")
    if not separator:
        return url, {}
    return parts._replace(netloc=place).geturl(), make_basic(urllib.parse.unquote(user))


def make_basic(credentials: str) -> dict[str, str]:
    """Return the header for ``user:password``."""
    return {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}
