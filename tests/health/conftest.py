"""Fixtures of checks: a registry to publish to."""

import pytest

from zoo.model.checksums import write_checksums
from zoo.publishing.registering import register
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """List models in a registry, the only one that is asked; ``change`` does what it likes to the folder before."""
    path = tmp_path / "registry.yaml"
    monkeypatch.setenv("ZOO_REGISTRY", str(path))

    def publish_one(name, version="1.0.0", change=None):
        folder = tmp_path / "models" / name / version
        write_model_folder(folder, make_base_at_anchor_graph(), {"name": name, "version": version})
        if change is not None:
            change(folder)
            write_checksums(folder)
        register(folder, path)
        return folder

    return publish_one
