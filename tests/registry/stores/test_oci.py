import base64
import contextlib
import hashlib
import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores.oci import OciStore
from zoo.registry.stores.protocol import PIECE, Missing
from zoo.testing.oci import ImageRegistry
from zoo.testing.servers import Fault, serve

LARGE = bytes(range(256)) * (PIECE // 256) * 3 + b"the end"
SHORT = b"a blob"


@pytest.fixture(autouse=True)
def no_login_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def images():
    return ImageRegistry()


@pytest.fixture
def server(images):
    with serve(images) as server:
        yield server


@pytest.fixture
def store(server):
    return OciStore(find_address(server), idle=5)


def find_address(server, credentials=""):
    return f"oci://{credentials}{server.address.removeprefix('http://')}/lab/models"


def find_path(content):
    digest = hashlib.sha256(content).hexdigest()
    return f"blobs/sha256/{digest[:2]}/{digest}"


def put(store, content, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(content)
    store.put(find_path(content), file)


def read(store, path, start=0):
    return b"".join(store.read(path, start))


@contextlib.contextmanager
def serve_images_for_real(folder):
    """Run the reference implementation, where the machine has it, on a port that was free."""
    program = shutil.which("docker-registry") or pytest.skip("docker-registry is not installed")
    configuration = folder / "config.yml"
    configuration.write_text(
        "version: 0.1\nlog: {level: info, formatter: json}\nhttp: {addr: '127.0.0.1:0'}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'storage'}}}}}\n"
    )
    with subprocess.Popen([program, "serve", str(configuration)], stderr=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stderr:
                if found := re.search(r"listening on (127\.0\.0\.1:\d+)", line):
                    yield f"oci://{found[1]}/lab/models"
                    break
        finally:
            process.terminate()
            process.communicate()


def check_blobs(address, tmp_path):
    for content in (SHORT, LARGE):
        put(OciStore(address), content, tmp_path)
        put(OciStore(address), content, tmp_path)
    store = OciStore(address)
    for content in (SHORT, LARGE):
        for start in (0, 1, len(content) - 1, len(content), len(content) + 9):
            assert read(store, find_path(content), start) == content[start:]
    for path in (find_path(b"another"), "registry.yaml", "../file", "blobs/sha256/52/..", ""):
        with pytest.raises(Missing):
            read(store, path)
    content, tag = store.read_tagged(find_path(SHORT), 99)
    assert content == SHORT
    assert store.read_tagged(find_path(SHORT), 99, tag) == (None, tag)
    assert store.read_tagged(find_path(b"another"), 99) is None


def test_a_blob_is_read_as_it_was_put(server, tmp_path):
    check_blobs(find_address(server), tmp_path)


def test_the_reference_implementation_keeps_blobs_just_so(tmp_path):
    with serve_images_for_real(tmp_path) as address:
        check_blobs(address, tmp_path)


def test_a_manifest_lists_each_blob_so_that_none_is_swept_away(store, images, tmp_path):
    put(store, SHORT, tmp_path)
    digest = hashlib.sha256(SHORT).hexdigest()
    (tag, manifest) = images.manifests.popitem()
    assert tag == f"sha256-{digest}"
    assert [(layer["digest"], layer["size"]) for layer in json.loads(manifest)["layers"]] == [(f"sha256:{digest}", 6)]


def test_what_is_listed_already_is_not_sent_again(store, server, tmp_path):
    put(store, SHORT, tmp_path)
    sent = len(server.requests)
    put(store, SHORT, tmp_path)
    assert [request.method for request in server.requests[sent:]] == ["HEAD"]


def test_an_index_of_models_is_refused_naming_the_option(store, tmp_path):
    message = r"/lab/models: a registry of images holds blobs alone, and not 'registry\.yaml': .* --registry$"
    with pytest.raises(DownloadError, match=message):
        store.read_tagged("registry.yaml", 99)
    with pytest.raises(OutputError, match=message):
        store.swap("registry.yaml", b"", None)
    with pytest.raises(OutputError, match=message):
        store.put("registry.yaml", tmp_path)


def test_other_bytes_than_the_digest_says_are_not_kept(store, images, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"other")
    with pytest.raises(OutputError, match=r"can't be written: the server answers 400 Bad Request$"):
        store.put(find_path(SHORT), file)
    assert images.blobs == {}


def test_a_token_is_fetched_where_the_server_asks_for_one(images, server, tmp_path):
    images.token, images.login = "t0ken", base64.b64encode(b"me:s3cret").decode()
    store = OciStore(find_address(server, "me:s3cret@"))
    assert store.address == find_address(server)
    put(store, LARGE, tmp_path)
    assert read(store, find_path(LARGE)) == LARGE
    assert sum(request.path == "/token" for request in server.requests) == 2  # one to look, one to write


def test_the_login_of_docker_is_used(images, server, tmp_path):
    images.token, images.login = "t0ken", base64.b64encode(b"me:s3cret").decode()
    put_login = {"auths": {server.address.removeprefix("http://"): {"auth": images.login}}}
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(json.dumps(put_login))
    put(OciStore(find_address(server)), SHORT, tmp_path)
    assert SHORT in images.blobs.values()


def test_a_wrong_login_is_told_without_the_password(images, server):
    images.token, images.login = "t0ken", base64.b64encode(b"me:s3cret").decode()
    with pytest.raises(DownloadError, match=r"no token of .*: the server denies access \(401 Unauthorized\)") as caught:
        read(OciStore(find_address(server, "me:wr0ng@")), find_path(SHORT))
    assert "wr0ng" not in str(caught.value)


def test_a_blob_elsewhere_is_fetched_without_the_token(images, server, tmp_path):
    images.token = "t0ken"  # noqa: S105 - of a server made up here
    put(OciStore(find_address(server)), SHORT, tmp_path)
    open_images = ImageRegistry(blobs=images.blobs)
    with serve(open_images) as other:
        server.faults.append(Fault(redirect=other.address + "{path}", path="*/blobs/*", method="GET"))
        store = OciStore(find_address(server))
        assert read(store, find_path(SHORT)) == SHORT
        assert [request.headers.get("authorization") for request in other.requests] == [None]


@pytest.mark.parametrize(
    "fault", [Fault(status=500, method="POST"), Fault(status=500, method="PUT", path="*/manifests/*")]
)
def test_a_server_that_fails_is_named(store, server, tmp_path, fault):
    server.faults.append(fault)
    with pytest.raises(OutputError, match=r"/lab/models/blobs/sha256/.*the server answers 500 Internal Server Error"):
        put(store, SHORT, tmp_path)
    put(store, SHORT, tmp_path)


def test_a_blob_that_breaks_off_is_told(store, server, tmp_path):
    put(store, LARGE, tmp_path)
    server.faults.append(Fault(cut=0.5, method="GET"))
    with pytest.raises(DownloadError, match="broke off: expected"):
        read(store, find_path(LARGE))


class Forgets(ImageRegistry):
    """Takes no token any more that it gave, from the first file on that is sent to it."""

    def __call__(self, environment, start):
        if environment["REQUEST_METHOD"] == "PUT" and self.token == "t0ken":  # noqa: S105 - of a server made up here
            self.token = "another"  # noqa: S105 - as above
        return super().__call__(environment, start)


def test_a_token_that_runs_out_is_replaced_and_the_file_sent_from_its_start(tmp_path):
    with serve(Forgets(token="t0ken")) as server:  # noqa: S106 - as above
        store = OciStore(find_address(server), idle=5)
        put(store, LARGE, tmp_path)
        assert read(store, find_path(LARGE)) == LARGE


def test_a_place_elsewhere_is_sent_the_file_without_the_token(images, server, tmp_path):
    images.token = "t0ken"  # noqa: S105 - of a server made up here
    with serve(ImageRegistry(blobs=images.blobs)) as other:
        place = ("202 Accepted", [("Location", f"{other.address}/v2/lab/models/blobs/uploads/1")], b"")
        images.elsewhere = place
        put(OciStore(find_address(server)), SHORT, tmp_path)
        assert SHORT in images.blobs.values()
        assert {request.headers.get("authorization") for request in other.requests} == {None}


def test_a_place_that_is_no_address_is_refused(store, images, tmp_path):
    images.elsewhere = ("202 Accepted", [("Location", "http://[::1")], b"")
    with pytest.raises(OutputError, match=r"/lab/models/blobs/sha256/.*: is to be sent to what is no address$"):
        put(store, SHORT, tmp_path)


def ask_for_token(realm, given):
    """A server that sends whoever asks to a place for tokens, where it gives this."""

    def application(environment, start):
        if environment["PATH_INFO"] == "/token":
            start("200 OK", [])
            return [given]
        start("401 Unauthorized", [("WWW-Authenticate", f'Bearer realm="{realm}"')])
        return []

    return application


@pytest.mark.parametrize("realm", ["http://[", "ftp://zoo.org/token", "/token"])
def test_a_place_for_tokens_that_is_none_is_refused(realm):
    with (
        serve(ask_for_token(realm, b"")) as server,
        pytest.raises(DownloadError, match=r"/lab/models: names no server that gives tokens"),
    ):
        read(OciStore(find_address(server)), find_path(SHORT))


@pytest.mark.parametrize("given", [b"[" * 500_000, b"[]", b"{}", b"not JSON"], ids=["nested", "list", "empty", "text"])
def test_a_token_that_is_none_is_refused(given, images):
    with serve(ask_for_token("", given)) as tokens:
        realm = f"{tokens.address}/token"
        with (
            serve(ask_for_token(realm, b"")) as server,
            pytest.raises(DownloadError, match=r"/lab/models: what 127\.0\.0\.1:\d+ sends is no token$"),
        ):
            read(OciStore(find_address(server)), find_path(SHORT))


def test_a_file_is_never_sent_in_the_clear_by_a_server_that_is_asked_with_tls(monkeypatch, tmp_path):
    # The answers are made up: a server with TLS would need a certificate that the system trusts.
    answers = iter([(404, {}), (404, {}), (202, {"Location": "http://zoo.org/upload?signature=5ecret"})])

    @contextlib.contextmanager
    def ask(url, headers, **_):
        status, given = next(answers)
        yield SimpleNamespace(status=status, headers=given)

    store = OciStore("oci://zoo.org/lab/models")
    monkeypatch.setattr(store._connection, "ask", ask)
    with pytest.raises(OutputError, match=r"is to be sent to http://zoo\.org/upload; expected an address with https$"):
        put(store, SHORT, tmp_path)


@pytest.mark.parametrize("address", ["oci://ghcr.io", "oci://ghcr.io/", "oci:///lab"])
def test_an_address_without_a_repository_is_refused(address):
    with pytest.raises(DownloadError, match="expected"):
        OciStore(address)
