"""A static web server as a store: anything that serves the files of a folder is enough."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import urllib.parse
from collections.abc import Iterator

from zoo.errors import DownloadError
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.stores.connection import ABSENT, Connection, ask_range, explain_status, split_credentials
from zoo.registry.stores.pieces import read_whole
from zoo.registry.stores.protocol import IDLE, Missing, Tag, Tagged, leads_out

_OWN_TAG = "sha256:"
_PLAIN = "/%?:@!$&'()*+,;=~"  # what may stand in an address as it is


class HttpStore:
    """Files below one address; a tag is the server's ETag, or the sha256 of the content where it gives none.

    ``user:password@`` in the address is sent as basic authentication, a query (a signature, say) with every file; no
    message shows them.
    """

    def __init__(self, address: str, *, idle: float = IDLE) -> None:
        url, self._headers = split_credentials(address)
        parts = urllib.parse.urlsplit(url)
        if parts.scheme.lower() not in {"http", "https"}:
            raise DownloadError(f"{hide_secrets(address)}: expected an address that begins with http or https")
        self.address = hide_secrets(address).rstrip("/")
        path, query = (urllib.parse.quote(part, safe=_PLAIN) for part in (parts.path.rstrip("/"), parts.query))
        self._parts = parts._replace(path=path, query=query, fragment="")
        self._connection = Connection(idle)

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See ``Reader.read``; of a server that knows no ranges the first bytes are read and dropped."""
        with self._ask(path, ask_range(start)) as answer:
            yield from self._connection.read_from(answer, start, f"{self.address}/{path}")

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """See ``Reader.read_tagged``."""
        asked = {"If-None-Match": known} if known and not known.startswith(_OWN_TAG) else {}
        try:
            with self._ask(path, {"Cache-Control": "no-cache", **asked}) as answer:
                where = f"{self.address}/{path}"
                if answer.status in ABSENT:
                    return None
                if answer.status == 304 and known is not None and asked:
                    return Tagged(None, known)
                if answer.status != 200:
                    raise DownloadError(f"{where}: {explain_status(answer)}")
                if (answer.length or 0) > limit:
                    raise DownloadError(f"{where}: expected at most {limit:,} bytes, found {answer.length:,}")
                content = read_whole(self._connection.read_pieces(answer, where), limit, where)
                tag = answer.headers.get("ETag") or _OWN_TAG + hashlib.sha256(content).hexdigest()
        except Missing:
            return None
        return Tagged(None if tag == known else content, tag)

    @contextlib.contextmanager
    def _ask(self, path: str, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
        if leads_out(path):
            raise Missing(f"{self.address}: {path!r} leads out of the store")
        url = self._parts._replace(path=f"{self._parts.path}/{urllib.parse.quote(path)}").geturl()
        with self._connection.ask(url, {**self._headers, **headers}) as answer:
            yield answer
