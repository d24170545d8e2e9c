import http.client
import sys

import pytest

from zoo.errors import DownloadError, MissingExtra, OutputError
from zoo.testing.servers import Fault, serve
from zoo.testing.stores import check_store

pytest.importorskip("s3fs")

from zoo.registry.stores.s3 import S3Store


@pytest.fixture
def store(bucket):
    return S3Store(f"{bucket.address}/models/", idle=5)


def put(store, path, content, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(content)
    store.put(path, file)


def forward_to(address):
    """Give an application that asks another server."""

    def application(environment, start):
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environment.items()
            if name.startswith("HTTP_") and name not in {"HTTP_EXPECT", "HTTP_CONNECTION"}
        }
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=5)
        connection.request(
            environment["REQUEST_METHOD"], environment["RAW_URI"], environment["wsgi.input"].read(), headers
        )
        with connection.getresponse() as answer:
            start(f"{answer.status} {answer.reason}", answer.getheaders())
            content = answer.read()
        connection.close()
        return [content]

    return application


def test_a_bucket_keeps_the_contract(bucket):
    check_store(lambda: S3Store(f"{bucket.address}/models", idle=5))


def test_the_address_is_shown_without_the_slash_at_its_end(store):
    assert store.address == "s3://zoo/models"


def test_a_file_is_written_by_one_request_and_read_by_one(store, bucket, tmp_path):
    put(store, "large", bytes(10_000_000), tmp_path)
    assert b"".join(store.read("large", 9_999_990)) == bytes(10)
    assert [(request.method, request.path) for request in bucket.server.requests] == [
        ("PUT", "/zoo/models/large"),
        ("GET", "/zoo/models/large"),
    ]


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtra, match=r"^s3://zoo/models: needs s3fs; run pip install 'assayzoo\[s3\]'$"):
        S3Store("s3://zoo/models")


def test_a_profile_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(DownloadError, match=r"^s3://zoo: no credentials: .*nobody.*; check AWS_PROFILE and ~/\.aws$"):
        S3Store("s3://zoo")


def test_an_address_without_a_bucket_is_refused():
    with pytest.raises(DownloadError, match="expected s3://BUCKET"):
        S3Store("s3:///models")


def test_wrong_bytes_are_not_taken_for_a_registry(store, bucket):
    store.swap("r", b"content", None)
    bucket.server.faults.append(Fault(wrong=0.5, method="GET"))
    with pytest.raises(DownloadError, match=r"^s3://zoo/models/r: can't be read: "):
        store.read_tagged("r", 9)


def test_a_bucket_that_is_not_there_is_no_empty_store(bucket, tmp_path):
    store = S3Store("s3://another/models")
    message = r"^s3://another/models/a: can't be .*bucket does not exist; create the bucket, or mend the address$"
    with pytest.raises(DownloadError, match=message):
        store.read_tagged("a", 9)
    with pytest.raises(DownloadError, match=message):
        next(store.read("a"))
    with pytest.raises(OutputError, match=message):
        put(store, "a", b"", tmp_path)
    with pytest.raises(OutputError, match=message):
        store.swap("a", b"", None)


def test_who_is_not_allowed_learns_what_to_check(store, bucket):
    bucket.server.faults.append(Fault(status=403, times=2))
    with pytest.raises(DownloadError, match=r"^s3://zoo/models/a: can't be read: .*; check the credentials .*may list"):
        store.read_tagged("a", 9)
    with pytest.raises(DownloadError, match=r"^s3://zoo/models/a: can't be read: .*; check the credentials"):
        next(store.read("a"))


def test_a_fault_of_the_server_is_one_attempt_and_names_the_object(store, bucket, tmp_path):
    bucket.server.faults.extend([Fault(status=500, method="PUT"), Fault(status=503, method="GET")])
    with pytest.raises(OutputError, match=r"^s3://zoo/models/a: can't be written: "):
        put(store, "a", b"1", tmp_path)
    with pytest.raises(DownloadError, match=r"^s3://zoo/models/a: can't be read: "):
        next(store.read("a"))
    assert len(bucket.server.requests) == 2


def test_what_breaks_off_is_told_after_what_came(store, bucket, tmp_path):
    put(store, "a", bytes(3_000_000), tmp_path)
    bucket.server.faults.append(Fault(cut=0.5))
    with pytest.raises(DownloadError, match=r"^s3://zoo/models/a: can't be read: "):
        list(store.read("a"))
    bucket.server.faults.append(Fault(cut=0.5, method="GET*"))
    with pytest.raises(DownloadError, match=r"^s3://zoo/models/a: can't be read: "):
        store.read_tagged("a", 9_999_999)


def test_a_server_that_sends_no_byte_any_more_is_left(bucket, tmp_path):
    put(S3Store("s3://zoo"), "a", bytes(3_000_000), tmp_path)
    bucket.server.faults.append(Fault(stall=60))
    with pytest.raises(DownloadError, match=r"^s3://zoo/a: can't be read: "):
        list(S3Store("s3://zoo", idle=0.2).read("a"))


def test_a_swap_whose_answer_is_lost_may_have_taken_place(store, bucket):
    tag = store.swap("r", b"1", None)
    bucket.server.faults.append(Fault(status=500, done=True, method="PUT", path="*/r"))
    with pytest.raises(OutputError, match=r"^s3://zoo/models/r: can't be written: "):
        store.swap("r", b"2", tag)
    assert store.read_tagged("r", 9).content == b"2"


def test_a_server_that_heeds_no_condition_can_hold_no_registry(bucket, monkeypatch):
    def forget_conditions(environment, start):
        for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
            environment.pop(name, None)
        return application(environment, start)

    listener = bucket.server
    with serve(forget_conditions) as careless:
        application = forward_to(listener.address)
        monkeypatch.setenv("AWS_ENDPOINT_URL", careless.address)
        store = S3Store("s3://zoo")
        with pytest.raises(OutputError, match=r"^s3://zoo: its server takes no conditional writes .*: --registry$"):
            store.swap("registry.yaml", b"1", None)
        for path in ("registry.yaml", "registry.yaml.conditions"):
            assert store.read_tagged(path, 9) is None


def test_what_was_tried_with_and_can_not_be_removed_hides_no_reason(bucket, monkeypatch):
    def forget_conditions(environment, start):
        environment.pop("HTTP_IF_MATCH", None)
        return application(environment, start)

    listener = bucket.server
    with serve(forget_conditions, Fault(status=403, method="DELETE")) as careless:
        application = forward_to(listener.address)
        monkeypatch.setenv("AWS_ENDPOINT_URL", careless.address)
        message = r"takes no conditional writes .*--registry; registry\.yaml\.conditions, .*, is left there and may be"
        with pytest.raises(OutputError, match=message):
            S3Store("s3://zoo").swap("registry.yaml", b"1", None)


def test_without_credentials_a_bucket_is_read_as_anybody_may(bucket, monkeypatch, tmp_path):
    store = S3Store("s3://zoo")
    put(store, "a", b"1", tmp_path)
    store._files.call_s3("put_object_acl", Bucket="zoo", Key="a", ACL="public-read")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert b"".join(S3Store("s3://zoo").read("a")) == b"1"
    assert "authorization" in bucket.server.requests[0].headers
    assert "authorization" not in bucket.server.requests[-1].headers
