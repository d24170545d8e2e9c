"""Servers on this machine that fail as they are told to: a folder's files, or any WSGI application, over HTTP.

::

    with serve_folder(folder, Fault(cut=0.5), Fault(status=503, times=3)) as server:
        zoo.pull("a-model", registry=f"{server.address}/registry.yaml")

The first request that a fault fits has it, ``times`` often. Nothing here waits but ``stall``.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import http.client
import http.server
import io
import re
import socketserver
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any, TypeAlias

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""What WSGI calls an application."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and with which requests.

    Attributes:
        cut: The share of the body, 0 to 1, after which the connection is closed.
        wrong: The share of the body at which one byte is another one.
        status: The status that is sent instead of an answer, 500 for instance.
        done: With ``status``: the request is carried out all the same, so that only its answer is lost.
        stall: Seconds without a byte, in the middle of the body.
        whole: A range that was asked for is not heeded: the whole file is sent.
        redirect: The address that the client is sent to, 302; ``{path}`` in it is the path that was asked for.
        method: The requests that it fits, by method, and
        path: by path, as a shell would match it.
        times: How many of them.
    """

    cut: float | None = None
    wrong: float | None = None
    status: int | None = None
    done: bool = False
    stall: float = 0.0
    whole: bool = False
    redirect: str | None = None
    method: str = "*"
    path: str = "*"
    times: int = 1


ALWAYS = 1 << 62
"""For ``Fault.times``: every request."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a server was asked; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass(slots=True)
class Server:
    """A server that runs.

    Attributes:
        address: ``http://127.0.0.1:PORT``.
        requests: What it was asked so far, in order.
        faults: What is to go wrong from now on; a fault may be added while it runs.
        met: The faults that a request has had.
    """

    address: str
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    met: list[Fault] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Request) -> Fault | None:
        """Note a request, and return the fault that it is to have."""
        with self._lock:
            self.requests.append(request)
            for fault in self.faults:
                fits = fnmatch.fnmatchcase(request.method, fault.method) and fnmatch.fnmatchcase(
                    request.path, fault.path
                )
                if fits and self.met.count(fault) < fault.times:
                    self.met.append(fault)
                    return fault
        return None


@contextlib.contextmanager
def serve_folder(folder: Path, *faults: Fault) -> Iterator[Server]:
    """Serve the files of a folder, with ETag, ``If-None-Match`` and ranges, as a static web server does."""
    with serve(_Folder(folder), *faults) as server:
        yield server


@contextlib.contextmanager
def serve(application: Application, *faults: Fault) -> Iterator[Server]:
    """Serve a WSGI application, one request at a time, on a port of this machine that was free."""
    with _Listener(("127.0.0.1", 0), _Handler) as listener:
        listener.application = application
        listener.state = Server(f"http://127.0.0.1:{listener.server_address[1]}", list(faults))
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield listener.state
        finally:
            listener.state.stopped.set()
            listener.shutdown()
            thread.join()


class _Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    # Threads are waited for at the end: none may write into a folder that a test has removed.
    daemon_threads = False
    request_queue_size = 64
    application: Application
    state: Server

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.turn = threading.Lock()

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's asks for the machine's name, which may take seconds
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that leaves early is part of what is tested."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener
    timeout = 30

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        self.close_connection = True
        body = self._read_body()
        request = Request(
            self.command,
            urllib.parse.unquote(urllib.parse.urlsplit(self.path).path),
            {name.lower(): value for name, value in self.headers.items()},
        )
        fault = self.server.state.take(request) or _NO_FAULT
        if fault.redirect is not None:
            self._send(302, [("Location", fault.redirect.format(path=request.path))], b"", _NO_FAULT)
            return
        if fault.status is not None and not fault.done:
            self._send(fault.status, [], b"it failed, as it was told to\n", _NO_FAULT)
            return
        status, headers, content = self._call(request, body, whole=fault.whole)
        if fault.status is not None:
            self._send(fault.status, [], b"it failed after all was done\n", _NO_FAULT)
        else:
            self._send(status, headers, content, fault)

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while length := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(length))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def _call(self, request: Request, body: bytes, *, whole: bool) -> tuple[int, list[tuple[str, str]], bytes]:
        path, _, query = self.path.partition("?")
        environment: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": urllib.parse.unquote(path, "latin-1"),
            "RAW_URI": self.path,
            "REQUEST_URI": self.path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.protocol_version,
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            if name == "content-type":
                environment["CONTENT_TYPE"] = value
            elif name not in {"content-length", "transfer-encoding"} and not (whole and name == "range"):
                environment[f"HTTP_{name.upper().replace('-', '_')}"] = value
        started: list[Any] = []
        with self.server.turn:
            pieces = self.server.application(environment, lambda *arguments: started.append(arguments))
            try:
                content = b"".join(pieces)
            finally:
                if callable(close := getattr(pieces, "close", None)):
                    close()
        status, headers, *_ = started[-1]
        return int(status.split()[0]), list(headers), content

    def _send(self, status: int, headers: Iterable[tuple[str, str]], content: bytes, fault: Fault) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in {"connection", "date", "server", "transfer-encoding"} and not (
                name.lower() == "content-length" and self.command != "HEAD"
            ):
                self.send_header(name, value)
        if self.command != "HEAD" and status not in {204, 304}:
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault.wrong is not None and content:
            at = min(int(len(content) * fault.wrong), len(content) - 1)
            content = content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]
        if fault.cut is not None:
            content = content[: int(len(content) * fault.cut)]
        if fault.stall:
            middle = len(content) // 2
            self.wfile.write(content[:middle])
            self.wfile.flush()
            self.server.state.stopped.wait(fault.stall)
            content = content[middle:]
        self.wfile.write(content)


_NO_FAULT = Fault()


class _Folder:
    """A WSGI application that gives the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environment["PATH_INFO"].encode("latin-1").decode().lstrip("/")
        file = (self._folder / path).resolve()
        if environment["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start("405 Method Not Allowed", [])
            return []
        if not file.is_relative_to(self._folder) or not file.is_file():
            start("404 Not Found", [])
            return [b"no such file\n"]
        content = file.read_bytes()
        headers = [
            ("ETag", f'"{hashlib.sha256(content).hexdigest()[:32]}"'),
            ("Last-Modified", formatdate(file.stat().st_mtime, usegmt=True)),
            ("Accept-Ranges", "bytes"),
        ]
        if environment.get("HTTP_IF_NONE_MATCH") == headers[0][1]:
            start("304 Not Modified", headers)
            return []
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", environment.get("HTTP_RANGE", ""))
        if asked is None:
            start("200 OK", [*headers, ("Content-Length", str(len(content)))])
            return [content] if environment["REQUEST_METHOD"] == "GET" else []
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if first > last:
            start("416 Range Not Satisfiable", [*headers, ("Content-Range", f"bytes */{len(content)}")])
            return []
        start("206 Partial Content", [*headers, ("Content-Range", f"bytes {first}-{last}/{len(content)}")])
        return [content[first : last + 1]]


@dataclass(frozen=True, slots=True)
class Bucket:
    """An S3 server with one empty bucket.

    Attributes:
        address: ``s3://NAME``.
        environment: The variables that lead a client to it.
        server: Where requests are counted and faults are added.
    """

    address: str
    environment: dict[str, str]
    server: Server


@contextlib.contextmanager
def serve_bucket(name: str = "zoo", *faults: Fault) -> Iterator[Bucket]:
    """Serve S3 out of memory by moto, ``assayzoo[dev]``; one a process, as moto keeps all buckets in one place."""
    from moto.server import DomainDispatcherApplication, create_backend_app

    # One request at a time, as `serve` has it: moto looks at If-Match and then writes, without a lock between.
    with serve(DomainDispatcherApplication(create_backend_app)) as server:
        for method, path in (("POST", "moto-api/reset"), ("PUT", name)):
            _send_request(method, f"{server.address}/{path}")
        server.requests.clear()
        server.faults.extend(faults)
        yield Bucket(
            f"s3://{name}",
            {
                "AWS_ENDPOINT_URL": server.address,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            server,
        )


def _send_request(method: str, url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, parts.path, headers={"Host": "s3.us-east-1.amazonaws.com"})
        answer = connection.getresponse()
        if answer.status >= 400:
            raise AssertionError(f"{method} {url}: {answer.status} {answer.read()!r}")
        answer.read()
