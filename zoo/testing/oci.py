"""A small registry of container images in memory, as a WSGI application: what the OCI distribution API asks of one."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

_PATH = re.compile(r"/v2/(?P<repository>.+?)/(?P<kind>blobs|manifests)/(?P<name>.*)")


@dataclass(slots=True)
class ImageRegistry:
    """Keeps blobs and manifests, each of any repository.

    Attributes:
        token: How bearer tokens begin, which ``/token`` gives to who knows ``login``; None asks for nothing.
        login: The basic authentication that ``/token`` wants, ``user:password`` in base 64.
        keeps: Whether a blob that is there stays, whatever is sent under its digest, as the reference has it.
        elsewhere: What is answered instead to who wants to send a blob.
        blobs: By digest.
        manifests: By tag.
    """

    token: str | None = None
    login: str | None = None
    keeps: bool = True
    elsewhere: tuple[str, list[tuple[str, str]], bytes] | None = None
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        status, headers, content = self._answer(environment)
        start(status, [*headers, ("Content-Length", str(len(content)))])
        return [] if environment["REQUEST_METHOD"] == "HEAD" else [content]

    def _answer(self, environment: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        if self.token is not None and (refused := self._ask_who(environment)):
            return refused
        found = _PATH.fullmatch(environment["PATH_INFO"])
        if found is None:
            return "404 Not Found", [], b"{}"
        method, body = environment["REQUEST_METHOD"], environment["wsgi.input"].read()
        if found["kind"] == "manifests":
            return self._answer_manifest(method, found["name"], body)
        if method in {"POST", "PUT"}:
            return self._take_blob(method, environment, body)
        return self._give_blob(found["name"], environment.get("HTTP_RANGE", ""))

    def _ask_who(self, environment: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes] | None:
        """Give a token, ask for one, or return None: the request may be answered."""
        sent = environment.get("HTTP_AUTHORIZATION")
        if environment["PATH_INFO"] == "/token":
            if self.login is not None and sent != f"Basic {self.login}":
                return "401 Unauthorized", [], b"{}"
            scope = urllib.parse.parse_qs(environment["QUERY_STRING"])["scope"][0]
            return "200 OK", [], json.dumps({"token": f"{self.token}" + scope.rpartition(":")[2]}).encode()
        actions = ["pull,push"] if environment["REQUEST_METHOD"] in {"POST", "PUT"} else ["pull", "pull,push"]
        if sent in [f"Bearer {self.token}{given}" for given in actions]:
            return None
        realm = f"http://{environment['HTTP_HOST']}/token"
        return "401 Unauthorized", [("WWW-Authenticate", f'Bearer realm="{realm}",service="test"')], b"{}"

    def _answer_manifest(self, method: str, name: str, body: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
        if method == "PUT":
            parts = json.loads(body)
            for part in (parts["config"], *parts["layers"]):
                if len(self.blobs.get(part["digest"], b"")) != part["size"]:
                    return "400 Bad Request", [], b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}'
            self.manifests[name] = body
            return "201 Created", [], b""
        if name not in self.manifests:
            return "404 Not Found", [], b"{}"
        return "200 OK", [], self.manifests[name]

    def _take_blob(
        self, method: str, environment: dict[str, Any], body: bytes
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        if method == "POST":
            if self.elsewhere is not None:
                return self.elsewhere
            return "202 Accepted", [("Location", f"{environment['PATH_INFO']}1?state=open")], b""
        digest = urllib.parse.parse_qs(environment["QUERY_STRING"]).get("digest", [""])[0]
        if digest != f"sha256:{hashlib.sha256(body).hexdigest()}":
            return "400 Bad Request", [], b'{"errors":[{"code":"DIGEST_INVALID"}]}'
        if not self.keeps or digest not in self.blobs:
            self.blobs[digest] = body
        return "201 Created", [], b""

    def _give_blob(self, digest: str, wanted: str) -> tuple[str, list[tuple[str, str]], bytes]:
        if digest not in self.blobs:
            return "404 Not Found", [], b"{}"
        content = self.blobs[digest]
        asked = re.fullmatch(r"bytes=(\d+)-", wanted)
        if asked is None:
            return "200 OK", [], content
        first = int(asked[1])
        if first >= len(content):
            return "416 Range Not Satisfiable", [], b""
        return (
            "206 Partial Content",
            [("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")],
            content[first:],
        )
