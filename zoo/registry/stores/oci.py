"""A registry of container images as a store of blobs, by its HTTP API (OCI distribution specification 1.1).

Each blob is listed in a manifest of its own, whose tag is the blob's digest: what no manifest lists is swept away.
There is no way to change a file only if nobody else did, so an index of models has to stand elsewhere.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, NoReturn

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores.addresses import hide_secrets, show
from zoo.registry.stores.connection import Connection, ask_range, explain_status, make_basic, split_credentials
from zoo.registry.stores.pieces import read_whole
from zoo.registry.stores.protocol import IDLE, Missing, Tag, Tagged

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_KIND = "application/vnd.assayzoo.blob.v1"
_NOTHING = b"{}"  # the configuration that the specification has for what is no image
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
_MOST_TOKEN = 1 << 20


class OciStore:
    """Blobs in the repository ``oci://HOST/REPOSITORY``.

    User and password are those of ``docker login`` (``$DOCKER_CONFIG/config.json``), or of the address. Only a registry
    on this machine is asked without TLS.
    """

    def __init__(self, address: str, *, idle: float = IDLE) -> None:
        url, self._basic = split_credentials("https" + address[address.index("://") :])
        parts = urllib.parse.urlsplit(url)
        self.address = hide_secrets(address).rstrip("/")
        repository = parts.path.strip("/")
        if not repository:
            raise DownloadError(f"{self.address}: expected oci://HOST/REPOSITORY, such as oci://ghcr.io/lab/models")
        scheme = "http" if parts.netloc.rpartition(":")[0] in _HERE or parts.netloc in _HERE else "https"
        self._root = f"{scheme}://{parts.netloc}/v2/{urllib.parse.quote(repository)}"
        self._basic = self._basic or _find_login(parts.netloc)
        self._token: dict[str, str] = {}
        self._connection = Connection(idle)

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See ``Reader.read``; only blobs can be there."""
        digest = _find_digest(path)
        where = f"{self.address}/{path}"
        if digest is None:
            raise Missing(f"{where}: no such file; a registry of images holds blobs alone")
        with self._ask("GET", f"/blobs/{digest}", ask_range(start)) as answer:
            yield from self._connection.read_from(answer, start, where, "no such blob")

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """See ``Reader.read_tagged``; a blob's tag is its digest.

        Raises:
            DownloadError: Besides, it is asked for what is no blob: an index of models can't be there.
        """
        digest = _find_digest(path)
        if digest is None:
            raise DownloadError(self._refuse(path))
        try:
            content = read_whole(self.read(path), limit, f"{self.address}/{path}")
        except Missing:
            return None
        return Tagged(None if digest == known else content, digest)

    def put(self, path: str, file: Path, *, replace: bool = False) -> None:
        """See ``Writer.put``; the name has to be that of a blob.

        What is to be replaced is sent again, but many registries keep what they have: it has to be read back.
        """
        digest = _find_digest(path)
        if digest is None:
            raise OutputError(self._refuse(path))
        where = f"{self.address}/{path}"
        try:
            if not replace and self._has(f"/manifests/{_make_tag(digest)}", {"Accept": _MANIFEST}):
                return
            with file.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                if replace or not self._has(f"/blobs/{digest}"):
                    self._upload(where, digest, stream, size)
            nothing = f"sha256:{hashlib.sha256(_NOTHING).hexdigest()}"
            if not self._has(f"/blobs/{nothing}"):
                self._upload(where, nothing, _NOTHING, len(_NOTHING))
            manifest = {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "artifactType": _KIND,
                "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": nothing, "size": len(_NOTHING)},
                "layers": [{"mediaType": _KIND, "digest": digest, "size": size}],
            }
            content = json.dumps(manifest, separators=(",", ":")).encode()
            with self._ask("PUT", f"/manifests/{_make_tag(digest)}", {"Content-Type": _MANIFEST}, content) as answer:
                if answer.status != 201:
                    raise OutputError(f"{where}: its manifest is not taken: {explain_status(answer)}")
        except OSError as error:
            raise OutputError(f"{where}: can't be written: {error.strerror or error}") from error
        except DownloadError as error:
            raise OutputError(f"{where}: can't be written: {error}") from error

    def swap(self, path: str, content: bytes, expected: Tag | None) -> NoReturn:  # noqa: ARG002 - the protocol has them
        """Refuse: see the head of this module.

        Raises:
            OutputError: Always.
        """
        raise OutputError(self._refuse(path))

    def _refuse(self, path: str) -> str:
        return (
            f"{self.address}: a registry of images holds blobs alone, and not {path!r}: two who publish at once could "
            "lose an entry; keep the index in another store: --registry"
        )

    def _has(self, path: str, headers: Mapping[str, str] | None = None) -> bool:
        with self._ask("HEAD", path, headers) as answer:
            return answer.status == 200

    def _upload(self, where: str, digest: str, body: bytes | IO[bytes], size: int) -> None:
        with self._ask("POST", "/blobs/uploads/", {"Content-Length": "0"}) as answer:
            place = answer.headers.get("Location")
            if answer.status != 202 or place is None:
                raise OutputError(f"{where}: can't be written: {explain_status(answer)}")
            try:
                place = urllib.parse.urljoin(f"{self._root}/blobs/uploads/", place)
                urllib.parse.urlsplit(place)
            except ValueError as error:
                raise OutputError(f"{where}: is to be sent to what is no address") from error
        if self._root.startswith("https:") and not place.startswith("https:"):
            raise OutputError(f"{where}: is to be sent to {show(hide_secrets(place))}; expected an address with https")
        place += ("&" if "?" in place else "?") + urllib.parse.urlencode({"digest": digest})
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._ask("PUT", place, headers, body) as answer:
            if answer.status != 201:
                raise OutputError(f"{where}: can't be written: {explain_status(answer)}")

    @contextlib.contextmanager
    def _ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | IO[bytes] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask, and once more with a token where the server says who gives one."""
        url = path if "://" in path else self._root + path
        own = urllib.parse.urlsplit(url).netloc == urllib.parse.urlsplit(self._root).netloc
        for known in (True, False):
            sent = {**(headers or {}), **((self._token or self._basic) if own else {})}
            with self._connection.ask(url, sent, method=method, body=body) as answer:
                wish = answer.headers.get("WWW-Authenticate", "")
                if not (known and own and answer.status == 401 and wish.lower().startswith("bearer ")):
                    yield answer
                    return
            self._token = self._fetch_token(wish, "pull" if method in {"GET", "HEAD"} else "pull,push")
            if not isinstance(body, (bytes, type(None))):
                body.seek(0)

    def _fetch_token(self, wish: str, actions: str) -> dict[str, str]:
        fields = {name.lower(): value for name, value in re.findall(r'(\w+)="([^"]*)"', wish)}
        try:
            realm = urllib.parse.urlsplit(fields.get("realm", ""))
        except ValueError as error:
            raise DownloadError(f"{self.address}: names no server that gives tokens") from error
        if realm.scheme != "https" and not (realm.scheme == "http" and self._root.startswith("http:")):
            raise DownloadError(f"{self.address}: names no server that gives tokens over https")
        place = show(realm.netloc.rpartition("@")[2])
        repository = urllib.parse.unquote(self._root.partition("/v2/")[2])
        asked = {"service": fields.get("service", ""), "scope": f"repository:{repository}:{actions}"}
        url = realm._replace(query="&".join(filter(None, [realm.query, urllib.parse.urlencode(asked)]))).geturl()
        with self._connection.ask(url, self._basic) as answer:
            if answer.status != 200:
                raise DownloadError(f"{self.address}: no token of {place}: {explain_status(answer)}")
            where = f"{self.address}: a token of {place}"
            content = read_whole(self._connection.read_pieces(answer, where), _MOST_TOKEN, where)
        try:
            given = json.loads(content)
            return {"Authorization": f"Bearer {given.get('token') or given['access_token']}"}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DownloadError(f"{self.address}: what {place} sends is no token") from error


def _find_digest(path: str) -> str | None:
    found = _BLOB.fullmatch(path)
    return f"sha256:{found[2]}" if found else None


def _make_tag(digest: str) -> str:
    return digest.replace(":", "-")


def _find_login(host: str) -> dict[str, str]:
    """Return what ``docker login`` has kept in its file; programs that keep passwords are not asked."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"))  # noqa: PTH111 - knows no home, too
    try:
        logins = json.loads((folder / "config.json").read_text(encoding="utf-8"))["auths"]
        given = logins.get(host) or logins.get(f"https://{host}") or {}
        return make_basic(base64.b64decode(given["auth"], validate=True).decode()) if given.get("auth") else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
