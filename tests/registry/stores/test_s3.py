import pytest

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
