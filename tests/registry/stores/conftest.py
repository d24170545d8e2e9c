"""Servers for the tests of stores."""

import pytest

from zoo.testing.servers import serve_bucket, serve_folder


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Servers of this machine are asked directly, whatever the environment says."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def server(folder):
    """A static web server of the folder; faults are added to ``server.faults``."""
    with serve_folder(folder) as server:
        yield server


@pytest.fixture
def bucket(monkeypatch):
    """An S3 server with an empty bucket, which the environment leads to."""
    pytest.importorskip("moto.server")
    with serve_bucket() as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        yield bucket
