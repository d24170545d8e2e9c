import base64
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import sys
import threading
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from zoo.errors import DownloadError
from zoo.registry.stores.http import HttpStore
from zoo.registry.stores.protocol import PIECE, Missing
from zoo.testing.servers import ALWAYS, Fault, serve, serve_folder
from zoo.testing.stores import check_reader

LARGE = bytes(range(256)) * (PIECE // 256) * 3 + b"the end"


@pytest.fixture
def store(server, folder):
    (folder / "large").write_bytes(LARGE)
    (folder / "registry.yaml").write_bytes(b"schema_version: 2\n")
    return HttpStore(server.address, idle=5)


def read(store, path="large", start=0):
    return b"".join(store.read(path, start))


def gather(pieces, found):
    for piece in pieces:
        found.append(piece)


def answer_always(status="200 OK", headers=(), content=b""):
    def application(environment, start):
        start(status, list(headers))
        return [content]

    return application


def test_a_static_server_keeps_the_contract(server, folder):
    files = {"blobs/sha256/52/52aa": b"a blob", "a name+of%20ours~é#?": b"other", "large": LARGE}
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    check_reader(HttpStore(server.address + "/", idle=5), files)


def test_a_file_from_the_middle_on_is_one_request_for_a_range(store, server):
    assert read(store, start=len(LARGE) - 3) == b"end"
    assert [request.headers.get("range") for request in server.requests] == [f"bytes={len(LARGE) - 3}-"]


def test_a_server_without_ranges_gives_the_same_bytes(store, server):
    server.faults.append(Fault(whole=True, times=ALWAYS))
    assert read(store, start=PIECE + 1) == LARGE[PIECE + 1 :]
    assert read(store, start=len(LARGE) + 1) == b""


def test_a_range_that_begins_elsewhere_is_refused():
    headers = [("Content-Range", "bytes 0-9/10"), ("Content-Length", "10")]
    with (
        serve(answer_always("206 Partial Content", headers, b"0123456789")) as server,
        pytest.raises(DownloadError, match=r"asked for the bytes from 3 on, the server sends 'bytes 0-9/10'"),
    ):
        read(HttpStore(server.address), "file", 3)


def test_what_came_before_a_cut_is_given_and_then_the_cut_is_told(store, server):
    server.faults.append(Fault(cut=0.5))
    found = []
    half = len(LARGE) // 2
    with pytest.raises(DownloadError, match=rf"large: broke off: expected {len(LARGE):,} bytes, found {half:,}$"):
        gather(store.read("large"), found)
    assert b"".join(found) == LARGE[:half]
    assert len(server.requests) == 1  # asking again is the caller's


def test_a_server_that_sends_no_byte_any_more_is_left(server, store):
    server.faults.append(Fault(stall=60))
    with pytest.raises(DownloadError, match=r"large: broke off after [\d,]+ bytes: no byte came for 0\.1 s$"):
        read(HttpStore(server.address, idle=0.1))


def test_a_slow_server_is_waited_for(server, store):
    server.faults.append(Fault(stall=0.2))
    assert read(store) == LARGE


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"denies access \(401 Unauthorized\); check the credentials"),
        (403, r"denies access \(403 Forbidden\)"),
        (418, r"the server answers 418"),
        (429, r"the server answers 429 Too Many Requests; try again later, or from a mirror"),
        (503, r"the server answers 503 Service Unavailable; try again later, or from a mirror"),
        (500, r"the server answers 500 Internal Server Error; try again later"),
    ],
)
def test_a_status_is_told_with_what_to_do(store, server, status, message):
    server.faults.append(Fault(status=status, times=2))
    with pytest.raises(DownloadError, match=message):
        read(store)
    with pytest.raises(DownloadError, match=message):
        store.read_tagged("registry.yaml", 99)


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_not_there_is_missing(store, server, status):
    server.faults.append(Fault(status=status, times=2))
    with pytest.raises(Missing, match="large: no such file"):
        read(store)
    assert store.read_tagged("registry.yaml", 99) is None


def test_a_file_that_did_not_change_is_not_sent_again(store, server):
    content, tag = store.read_tagged("registry.yaml", 99)
    assert content == b"schema_version: 2\n"
    assert store.read_tagged("registry.yaml", 99, tag) == (None, tag)
    assert server.requests[-1].headers["if-none-match"] == tag


def test_without_an_etag_the_content_is_the_tag():
    with serve(answer_always(content=b"content")) as server:
        store = HttpStore(server.address)
        content, tag = store.read_tagged("registry.yaml", 99)
        assert content == b"content"
        assert store.read_tagged("registry.yaml", 99, tag) == (None, tag)
        assert "if-none-match" not in server.requests[-1].headers


def test_a_registry_that_breaks_off_is_no_registry(store, server):
    server.faults.append(Fault(cut=0.5))
    with pytest.raises(DownloadError, match=r"registry\.yaml: broke off: expected 18 bytes, found 9"):
        store.read_tagged("registry.yaml", 99)


def test_more_than_the_limit_is_not_read(store, server):
    with pytest.raises(DownloadError, match=r"large: expected at most 99 bytes, found 3,145,735"):
        store.read_tagged("large", 99)


def test_a_compressed_answer_is_refused():
    with (
        serve(answer_always(headers=[("Content-Encoding", "gzip")], content=b"\x1f\x8b")) as server,
        pytest.raises(DownloadError, match=r"found them in the encoding 'gzip'; have the server not compress"),
    ):
        read(HttpStore(server.address), "file")


@contextlib.contextmanager
def answer_once(content):
    """A server that says this to whoever asks first, and leaves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(PIECE)
                connection.sendall(content)

        thread = threading.Thread(target=answer)
        thread.start()
        yield HttpStore(f"http://127.0.0.1:{listener.getsockname()[1]}", idle=5)
        thread.join()


@contextlib.contextmanager
def serve_tls(folder, content=b""):
    """A server whose certificate, ``server.pem``, nobody but itself vouches for; it says this to whoever asks first."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(place, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with contextlib.suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(PIECE)
                secure.sendall(content)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_length_that_nobody_tells_could_hide_a_cut():
    with (
        answer_once(b"HTTP/1.1 200 OK\r\n\r\nhalf") as store,
        pytest.raises(DownloadError, match=r"tells no Content-Length, so a cut could not be noticed"),
    ):
        read(store, "file")


def test_pieces_that_tell_their_lengths_are_put_together():
    with answer_once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n") as store:
        assert read(store, "file") == b"abc"


def test_a_last_piece_that_does_not_come_is_a_cut():
    with (
        answer_once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n") as store,
        pytest.raises(DownloadError, match=r"file: broke off after 2 bytes: "),
    ):
        read(store, "file")


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n0\r\n\r\n",
    ],
    ids=["told at first", "found at last"],
)
def test_more_than_the_limit_is_refused_however_it_comes(content):
    with (
        answer_once(content) as store,
        pytest.raises(DownloadError, match=r"file: expected at most 8 bytes, found (999,999|more)$"),
    ):
        store.read_tagged("file", 8)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_speaks_no_http_is_an_error_that_names_it(said):
    with answer_once(said) as store, pytest.raises(DownloadError, match=r"^http://127\.0\.0\.1:\d+/file: "):
        read(store, "file")


def test_up_to_five_redirects_are_followed(store, server):
    server.faults.extend(Fault(redirect=f"/{step}" if step else "/large", path=f"/{step + 1}") for step in range(5))
    assert read(store, "5") == LARGE
    server.met.clear()
    server.faults.append(Fault(redirect="/5", path="/6"))
    with pytest.raises(DownloadError, match="/6: leads from one address to the next more than 5 times"):
        read(store, "6")


def test_a_redirect_may_have_a_space_as_some_servers_send_it(store, server, folder):
    (folder / "a file").write_bytes(b"1")
    server.faults.append(Fault(redirect="/a file", path="/large"))
    assert read(store) == b"1"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/large", "data:,text"])
def test_a_redirect_to_what_is_no_web_server_is_refused(store, server, target):
    server.faults.append(Fault(redirect=target))
    with pytest.raises(DownloadError, match="expected an address that begins with http or https"):
        read(store)


@pytest.mark.parametrize("target", ["http://[::1", "//[", "http://[x]/"])
def test_a_redirect_to_what_is_no_address_is_refused(store, server, target):
    server.faults.append(Fault(redirect=target))
    with pytest.raises(DownloadError, match=r"/large: leads to what is no address$"):
        read(store)


def test_a_range_whose_first_byte_is_a_number_of_no_size_is_refused():
    headers = [("Content-Range", f"bytes {'9' * 5000}-/*"), ("Content-Length", "1")]
    with (
        serve(answer_always("206 Partial Content", headers, b"0")) as server,
        pytest.raises(DownloadError, match=r"asked for the bytes from 3 on, the server sends 'bytes 9{194}…'$"),
    ):
        read(HttpStore(server.address), "file", 3)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 500 \x1b]0;title\x07no\r\nContent-Length: 0\r\n\r\n",
        b"\x1b[2J\x07\r\n\r\n",
        b"HTTP/1.1 302 -\r\nLocation: http://\x1b[2J/\r\n\r\n",
    ],
)
def test_what_a_server_says_is_told_without_what_a_terminal_would_do(said):
    with answer_once(said) as store, pytest.raises(DownloadError) as caught:
        read(store, "file")
    assert str(caught.value).isprintable()


def test_a_redirect_from_https_to_http_is_refused(store, server, monkeypatch):
    # The first answer is made up: a server with TLS would need a certificate that the system trusts.
    answer = SimpleNamespace(status=302, headers={"Location": f"{server.address}/large"}, close=lambda: None)
    secure = HttpStore("https://localhost/zoo")
    monkeypatch.setattr(secure._connection, "_open", lambda request: answer)
    with pytest.raises(DownloadError, match=r"^https://localhost/zoo/large: leads to .* that begins with https$"):
        read(secure)
    assert server.requests == []


def test_credentials_are_sent_and_stay_with_their_server(server, folder, store):
    (folder / "large").write_bytes(b"1")
    with serve_folder(folder, Fault(redirect=f"{server.address}/large")) as first:
        place = first.address.removeprefix("http://")
        assert read(HttpStore(f"http://me:s%40cret@{place}?signature=5ecret")) == b"1"
        assert first.requests[0].headers["authorization"] == "Basic " + base64.b64encode(b"me:s@cret").decode()
    assert "authorization" not in server.requests[0].headers


def test_a_query_is_sent_with_every_file(store, server):
    asked = []

    def application(environment, start):
        asked.append((environment["PATH_INFO"], environment["QUERY_STRING"]))
        start("200 OK", [])
        return [b"1"]

    with serve(application) as other:
        read(HttpStore(f"{other.address}/zoo/?signature=5ecret"), "blobs/a")
    assert asked == [("/zoo/blobs/a", "signature=5ecret")]


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(status=404), Fault(cut=0.5), Fault(redirect="ftp://a:b@c/d?e=f")]
)
def test_no_message_shows_a_secret(store, server, fault):
    server.faults.append(fault)
    place = server.address.removeprefix("http://")
    secret = HttpStore(f"http://me:s3cret@{place}?signature=5ecret")
    assert secret.address == server.address
    with pytest.raises(DownloadError) as caught:
        read(secret)
    assert not [word for word in ("me:", "s3cret", "signature", "5ecret", "a:b", "e=f") if word in str(caught.value)]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:1", "Connection refused"),
        ("http://me:s3cret@127.0.0.1:1/?signature=5ecret", "Connection refused"),
        ("http://me:s3cret@127.0.0.1:1?5e cret", "Connection refused"),
    ],
)
def test_a_server_that_is_not_there_is_named(address, message):
    expected = rf"^http://127\.0\.0\.1:1/large: can't be reached: {message}; check the address and the network$"
    with pytest.raises(DownloadError, match=expected):
        read(HttpStore(address))


def test_a_proxy_of_another_kind_is_an_error_that_names_it(monkeypatch):
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(DownloadError, match=r"^http://zoo\.org/large: can't be reached: unknown url type: socks5; "):
        read(HttpStore("http://zoo.org"))


def test_a_certificate_of_ones_own_making_is_refused_with_what_to_do(tmp_path):
    message = r"its certificate is not trusted \(self.signed certificate; .* named by SSL_CERT_FILE\)"
    with serve_tls(tmp_path) as address, pytest.raises(DownloadError, match=message):
        read(HttpStore(address))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own list of certificates counts")
def test_a_certificate_that_the_user_vouches_for_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with serve_tls(tmp_path, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") as address:
        assert read(HttpStore(address, idle=5), "file") == b"abc"


def test_a_server_that_does_not_hang_up_is_not_waited_for():
    held = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            held.append(listener.accept()[0])
            held[0].recv(PIECE)
            held[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")

        thread = threading.Thread(target=answer)
        thread.start()
        assert read(HttpStore(f"http://127.0.0.1:{listener.getsockname()[1]}", idle=5), "file") == b"abc"
        thread.join()
    held[0].close()


@pytest.mark.parametrize(
    "address", ["http://", "http:///zoo", "http://me:s3cret@a:port/zoo", "ftp://a/b", "http://[::1"]
)
def test_what_is_no_address_is_refused_at_once(address):
    with pytest.raises(DownloadError) as caught:
        HttpStore(address)
    assert "s3cret" not in str(caught.value)
