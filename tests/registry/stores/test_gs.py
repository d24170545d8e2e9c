"""Google's own library against a stub of the JSON API: objects, generations, and conditions on them."""

import base64
import json
import re
import sys
import urllib.parse

import pytest

from zoo.errors import DownloadError, MissingExtra, OutputError
from zoo.registry.stores.protocol import Changed
from zoo.testing.servers import Fault, serve
from zoo.testing.stores import check_store

pytest.importorskip("google.cloud.storage")

import google_crc32c

from zoo.registry.stores.gs import GsStore

OBJECTS = "*/b/zoo/o*"
"""What is asked of objects: the library also asks for the bucket, in a thread of its own."""


class Objects:
    """One bucket, ``zoo``: contents and generations by name."""

    def __init__(self):
        self.objects = {}
        self.generation = 0
        self.uploads = {}

    def __call__(self, environment, start):
        status, headers, content = self.answer(environment)
        start(status, headers)
        return [content]

    def answer(self, environment):
        method, path = environment["REQUEST_METHOD"], environment["RAW_URI"].partition("?")[0]
        query = {name: values[0] for name, values in urllib.parse.parse_qs(environment["QUERY_STRING"]).items()}
        if path.startswith("/upload/"):
            return self.take(method, query, environment)
        found = re.fullmatch(r"(/download)?/storage/v1/b/zoo/o/([^/]+)", path)
        name = urllib.parse.unquote(found[2]) if found else ""
        if name not in self.objects:
            return "404 Not Found", [], b"{}"
        if not self.agrees(name, query):
            return "412 Precondition Failed", [], b"{}"
        if query.get("alt") == "media":
            return self.give(self.objects[name][0], environment.get("HTTP_RANGE", ""))
        return "200 OK", [("Content-Type", "application/json")], self.describe(name)

    def take(self, method, query, environment):
        body = environment["wsgi.input"].read()
        if method == "POST" and query["uploadType"] == "multipart":
            boundary = re.search(r"boundary=['\"]?([^'\";]+)", environment["CONTENT_TYPE"])[1].encode()
            _, described, content, _ = body.split(b"--" + boundary, 3)
            name = json.loads(described.partition(b"\r\n\r\n")[2])["name"]
            return self.write(name, content.partition(b"\r\n\r\n")[2][:-2], query)
        if method == "POST":
            self.uploads["1"] = (json.loads(body)["name"], query)
            place = f"http://{environment['HTTP_HOST']}{environment['PATH_INFO']}?uploadType=resumable&upload_id=1"
            return "200 OK", [("Location", place)], b"{}"
        name, asked = self.uploads.pop(query["upload_id"])
        return self.write(name, body, asked)

    def agrees(self, name, query):
        wanted = query.get("ifGenerationMatch")
        return wanted is None or int(wanted) == self.objects.get(name, (b"", 0))[1]

    def write(self, name, content, query):
        if not self.agrees(name, query):
            return "412 Precondition Failed", [("Content-Type", "application/json")], b"{}"
        self.generation += 1
        self.objects[name] = (content, self.generation)
        return "200 OK", [("Content-Type", "application/json")], self.describe(name)

    def describe(self, name):
        content, generation = self.objects[name]
        described = {
            "name": name,
            "bucket": "zoo",
            "size": str(len(content)),
            "generation": str(generation),
            "crc32c": base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode(),
        }
        return json.dumps(described).encode()

    @staticmethod
    def give(content, wanted):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        if asked is None:
            return "200 OK", [], content
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if first > last:
            return "416 Range Not Satisfiable", [], b""
        return (
            "206 Partial Content",
            [("Content-Range", f"bytes {first}-{last}/{len(content)}")],
            content[first : last + 1],
        )


@pytest.fixture
def objects():
    return Objects()


@pytest.fixture
def server(objects, monkeypatch):
    with serve(objects) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
        yield server


@pytest.fixture
def store(server):
    return GsStore("gs://zoo/models/", idle=5)


def test_a_bucket_keeps_the_contract(server):
    check_store(lambda: GsStore("gs://zoo/models", idle=5))


def put(store, path, content, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(content)
    store.put(path, file)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)
    message = r"^gs://zoo/models: needs google-cloud-storage; run pip install 'assayzoo\[gs\]'$"
    with pytest.raises(MissingExtra, match=message):
        GsStore("gs://zoo/models")


def test_an_address_without_a_bucket_is_refused():
    with pytest.raises(DownloadError, match="expected gs://BUCKET"):
        GsStore("gs:///models")


def test_a_file_of_several_pieces_is_whole(store, tmp_path):
    content = bytes(range(256)) * 80_000
    put(store, "large", content, tmp_path)
    assert b"".join(store.read("large", 3)) == content[3:]


def test_what_stands_under_a_name_stays(store, objects, tmp_path):
    put(store, "a", b"first", tmp_path)
    put(store, "a", b"second", tmp_path)
    assert objects.objects == {"models/a": (b"first", 1)}


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(store, objects, server):
    store.swap("r", b"old", None)

    class Replaced(Objects):
        def answer(self, environment):
            answer = super().answer(environment)
            if "alt=media" not in environment["QUERY_STRING"] and self.generation == 1:
                self.write("models/r", b"new", {})
            return answer

    objects.__class__ = Replaced
    assert store.read_tagged("r", 9) == (b"new", "2")


def test_a_tag_of_another_kind_of_store_is_never_the_state(store):
    with pytest.raises(Changed):
        store.swap("r", b"1", '"52aa"')


def test_who_is_not_allowed_learns_what_to_check(store, server, tmp_path):
    server.faults.append(Fault(status=403, times=2, path=OBJECTS))
    with pytest.raises(DownloadError, match=r"^gs://zoo/models/a: can't be read: .*; check the credentials: gcloud"):
        list(store.read("a"))
    with pytest.raises(OutputError, match=r"^gs://zoo/models/a: can't be written: .*; check the credentials: gcloud"):
        put(store, "a", b"", tmp_path)


def test_a_fault_of_the_server_is_one_attempt(store, server, tmp_path):
    put(store, "a", b"content", tmp_path)
    for fault in (Fault(status=503, path=OBJECTS), Fault(cut=0.5, path=OBJECTS)):
        server.faults[:], server.requests[:] = [fault], []
        with pytest.raises(DownloadError, match=r"^gs://zoo/models/a: can't be read: "):
            list(store.read("a"))
        assert sum("/o/" in request.path for request in server.requests) == 1
