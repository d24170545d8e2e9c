import http.client
from contextlib import closing

import pytest

from zoo.testing.servers import ALWAYS, Fault, serve, serve_folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a").write_bytes(b"0123456789")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "served"


def ask(server, path="/a", method="GET", body=None, timeout=5, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=timeout)) as connection:
        connection.request(method, path, body, headers)
        with connection.getresponse() as answer:
            return answer.status, answer.read(), answer.headers


def test_a_folder_is_served_as_by_a_static_server(folder):
    with serve_folder(folder) as server:
        status, content, headers = ask(server)
        assert (status, content, headers["Content-Length"]) == (200, b"0123456789", "10")
        assert ask(server, If_None_Match=headers["ETag"])[:2] == (304, b"")
        status, content, headers = ask(server, Range="bytes=7-")
        assert (status, content, headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")
        assert ask(server, Range="bytes=2-3")[:2] == (206, b"23")
        assert ask(server, Range="bytes=10-")[0] == 416
        status, content, headers = ask(server, method="HEAD")
        assert (status, content, headers["Content-Length"]) == (200, b"", "10")
        assert ask(server, method="PUT", body=b"1")[0] == 405


@pytest.mark.parametrize("path", ["/b", "/", "/../secret", "/%2e%2e/secret", "//etc/passwd"])
def test_nothing_but_the_folder_is_served(folder, path):
    with serve_folder(folder) as server:
        assert ask(server, path)[0] == 404


def test_a_fault_is_met_as_often_as_it_was_asked_for(folder):
    with serve_folder(folder, Fault(status=503, times=2)) as server:
        assert [ask(server)[0] for _ in range(3)] == [503, 503, 200]
        assert server.met == [Fault(status=503, times=2)] * 2


def test_a_fault_fits_by_method_and_path(folder):
    with serve_folder(folder, Fault(status=500, method="HEAD", path="/a*", times=ALWAYS)) as server:
        assert [ask(server)[0], ask(server, method="HEAD")[0], ask(server, "/b", method="HEAD")[0]] == [200, 500, 404]
        assert [(request.method, request.path) for request in server.requests] == [
            ("GET", "/a"),
            ("HEAD", "/a"),
            ("HEAD", "/b"),
        ]


def test_a_cut_leaves_the_share_that_was_asked_for(folder):
    with serve_folder(folder, Fault(cut=0.3)) as server:
        with pytest.raises(http.client.IncompleteRead) as caught:
            ask(server)
        assert (caught.value.partial, caught.value.expected) == (b"012", 7)


def test_one_byte_is_wrong(folder):
    with serve_folder(folder, Fault(wrong=0.3), Fault(wrong=1.0)) as server:
        assert ask(server)[1] == b"012" + bytes([ord("3") ^ 0xFF]) + b"456789"
        assert ask(server)[1] == b"012345678" + bytes([ord("9") ^ 0xFF])


def test_a_range_is_not_heeded(folder):
    with serve_folder(folder, Fault(whole=True)) as server:
        assert ask(server, Range="bytes=7-")[:2] == (200, b"0123456789")


def test_a_redirect_keeps_the_path(folder):
    with serve_folder(folder, Fault(redirect="https://zoo.org{path}")) as server:
        status, _, headers = ask(server)
        assert (status, headers["Location"]) == (302, "https://zoo.org/a")


def test_a_stall_is_longer_than_who_does_not_wait_and_shorter_than_who_does(folder):
    with serve_folder(folder, Fault(stall=60), Fault(stall=0.1)) as server:
        with pytest.raises(TimeoutError):
            ask(server, timeout=0.05)
        assert ask(server)[1] == b"0123456789"


def test_an_application_sees_the_request_and_a_lost_answer_is_one_of_what_was_done():
    seen = []

    def application(environment, start):
        seen.append((environment["REQUEST_METHOD"], environment["PATH_INFO"], environment["wsgi.input"].read()))
        start("201 Created", [("X-Name", "value")])
        return [b"it ", b"is done"]

    with serve(application, Fault(status=500, done=True), Fault(status=500)) as server:
        assert [ask(server, "/b?c=d", "PUT", b"body")[0] for _ in range(3)] == [500, 500, 201]
        assert ask(server, "/e", "POST", iter([b"in ", b"pieces"]))[1] == b"it is done"
    assert seen == [("PUT", "/b", b"body"), ("PUT", "/b", b"body"), ("POST", "/e", b"in pieces")]
