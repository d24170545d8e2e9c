"""huggingface_hub against a stub of the hub: commits on top of each other, and files at each of them."""

import base64
import hashlib
import json
import re
import sys
import urllib.parse

import pytest

from zoo.errors import DownloadError, MissingExtra, OutputError
from zoo.registry.stores.protocol import Changed, Missing
from zoo.testing.servers import Fault, serve
from zoo.testing.stores import check_store

pytest.importorskip("huggingface_hub")

from zoo.registry.stores.hf import HfStore


class Hub:
    """One repository, ``lab/zoo``: the files at each commit, the last commit at last."""

    def __init__(self):
        self.commits = {"0" * 40: {}}
        self.large = {}

    def __call__(self, environment, start):
        status, headers, content = self.answer(environment)
        start(status, headers)
        return [content]

    def answer(self, environment):
        path = environment["PATH_INFO"].encode("latin-1").decode()
        body = environment["wsgi.input"].read()
        if api := re.fullmatch(r"/api/models/lab/zoo/([a-z-]+)/([^/]+)", path):
            return self.answer_api(api[1], api[2], body, environment["HTTP_HOST"])
        found = re.fullmatch(r"/lab/zoo/resolve/([^/]+)/(.*)", path)
        files = self.commits[self.find(found[1])] if found else {}
        if found is None or found[2] not in files:
            return "404 Not Found", [("X-Error-Code", "EntryNotFound")], b""
        content = files[found[2]]
        asked = re.fullmatch(r"bytes=(\d+)-", environment.get("HTTP_RANGE", ""))
        if asked and int(asked[1]) >= len(content):
            return "416 Range Not Satisfiable", [], b""
        if asked:
            return "206 Partial Content", [("Content-Range", f"bytes {asked[1]}-")], content[int(asked[1]) :]
        return "200 OK", [], content

    def answer_api(self, what, revision, body, host):
        if what == "revision":
            return self.give_json({"id": "lab/zoo", "sha": self.find(revision)})
        if what == "paths-info":
            files = self.commits[self.find(revision)]
            described = [
                {"type": "file", "path": name, "size": len(files[name]), "oid": find_hash(files[name])}
                for name in find_paths(body)
                if name in files
            ]
            return self.give_json(described)
        if what == "preupload":
            named = [file["path"] for file in json.loads(body)["files"]]
            modes = [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in named]
            return self.give_json({"files": modes})
        return self.commit(host, [json.loads(line) for line in body.splitlines()])

    def find(self, revision):
        return [*self.commits][-1] if revision == "main" else revision

    def commit(self, host, lines):
        (head,) = (line["value"] for line in lines if line["key"] == "header")
        last = self.find("main")
        if head.get("parentCommit", last) != last:
            return (
                "412 Precondition Failed",
                [],
                b'{"error": "A commit has happened since. Please refresh and try again."}',
            )
        files = {
            line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
        }
        commit = hashlib.sha256(f"{last}{sorted(files.items())}".encode()).hexdigest()[:40]
        self.commits[commit] = {**self.commits[last], **files}
        return self.give_json(
            {"commitUrl": f"http://{host}/lab/zoo/commit/{commit}", "commitOid": commit, "success": True}
        )

    @staticmethod
    def give_json(answer):
        return "200 OK", [("Content-Type", "application/json")], json.dumps(answer).encode()


def find_paths(body):
    if body.startswith(b"{"):
        return json.loads(body)["paths"]
    return urllib.parse.parse_qs(body.decode())["paths"]


def find_hash(content):
    return hashlib.sha256(content).hexdigest()[:40]


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def server(hub, monkeypatch):
    with serve(hub) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
        monkeypatch.setenv("HF_TOKEN", "hf_s3cret")
        yield server


def test_a_repository_keeps_the_contract(server):
    check_store(lambda: HfStore("hf://lab/zoo/models", idle=5))


def put(store, path, content, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(content)
    store.put(path, file)


@pytest.fixture
def store(server):
    return HfStore("hf://lab/zoo", idle=5)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"^hf://lab/zoo: needs huggingface_hub; run pip install 'assayzoo\[hf\]'$"):
        HfStore("hf://lab/zoo")


def test_a_swap_is_one_commit_on_top_of_the_one_that_was_compared(store, hub, server):
    store.swap("registry.yaml", b"1", None)
    assert [*hub.commits.values()] == [{}, {"registry.yaml": b"1"}]


def test_a_commit_of_another_file_in_between_is_no_conflict(store, hub, server):
    tag = store.swap("registry.yaml", b"1", None)
    server.faults.append(Fault(status=412, method="POST", path="*/commit/*"))
    store.swap("registry.yaml", b"2", tag)
    assert store.read_tagged("registry.yaml", 9).content == b"2"


def test_a_registry_that_others_write_again_and_again_is_a_conflict(store, server):
    server.faults.append(Fault(status=412, method="POST", path="*/commit/*", times=99))
    with pytest.raises(Changed):
        store.swap("registry.yaml", b"1", None)


def test_a_folder_and_a_revision_are_part_of_the_address(hub, server, tmp_path):
    (first,) = hub.commits
    put(HfStore("hf://lab/zoo/models"), "a", b"1", tmp_path)
    assert [*hub.commits.values()][-1] == {"models/a": b"1"}
    assert HfStore("hf://lab/zoo@main/models").read_tagged("a", 9).content == b"1"
    assert HfStore(f"hf://lab/zoo@{first}/models").read_tagged("a", 9) is None


def test_the_token_is_sent_and_not_to_where_the_hub_keeps_its_files(store, server, hub, tmp_path):
    put(store, "a", b"1", tmp_path)
    with serve(hub) as elsewhere:
        server.faults.append(Fault(redirect=elsewhere.address + "{path}", method="GET", path="*/resolve/*"))
        assert b"".join(store.read("a")) == b"1"
        assert "authorization" not in elsewhere.requests[-1].headers
    assert server.requests[-1].headers["authorization"] == "Bearer hf_s3cret"


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_allowed_learns_what_to_check(store, server, status, tmp_path):
    server.faults.append(Fault(status=status, times=99))
    with pytest.raises(DownloadError, match=r"^hf://lab/zoo/a: .*check the credentials"):
        list(store.read("a"))
    with pytest.raises(DownloadError, match=r"^hf://lab/zoo/a: can't be read: .*; check the name, and the token: hf"):
        store.read_tagged("a", 9)
    with pytest.raises(OutputError, match=r"^hf://lab/zoo/a: can't be written: .*hf auth login, HF_TOKEN$") as caught:
        put(store, "a", b"", tmp_path)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("address", ["hf://lab", "hf://datasets/lab", "hf://lab//models"])
def test_an_address_without_a_repository_is_refused(address):
    with pytest.raises(DownloadError, match=r"expected hf://OWNER/NAME"):
        HfStore(address)


def test_a_data_set_has_addresses_of_its_own(server):
    with pytest.raises(Missing):
        list(HfStore("hf://datasets/lab/zoo").read("a"))
    assert server.requests[-1].path == "/datasets/lab/zoo/resolve/main/a"
