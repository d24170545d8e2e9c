"""Fixtures of publishing: a model, a key, an empty home, servers."""

import pytest

from tests.publishing.makers import write_key, write_model, write_trust
from zoo.testing.servers import serve_bucket


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache and a configuration of the test's own, empty but for a trust file that takes every model."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return write_trust(tmp_path / "home")


@pytest.fixture(autouse=True)
def examined(monkeypatch):
    """The folders that were examined; a process of its own for each would take most of the time of these tests."""
    folders = []
    monkeypatch.setattr("zoo.publishing.preparing.examine", folders.append)
    monkeypatch.setattr("zoo.model.probation.examine", lambda folder: None)
    return folders


@pytest.fixture
def model(tmp_path):
    """The folder of g-at-anchor 1.0.0."""
    return write_model(tmp_path / "model")


@pytest.fixture
def key(tmp_path):
    return write_key(tmp_path / "key.pem")


@pytest.fixture
def store(tmp_path):
    """Where a store will be."""
    return tmp_path / "store"


@pytest.fixture
def bucket(monkeypatch):
    """An S3 server with an empty bucket, which the environment leads to."""
    pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    with serve_bucket() as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        yield bucket
