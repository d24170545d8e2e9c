"""Stores of blobs with a registry, as publishing leaves them, and readers of them with faults."""

import hashlib
from pathlib import Path

from zoo.errors import DownloadError
from zoo.model.card import read_card
from zoo.model.checksums import CHECKSUMS, hash_file
from zoo.registry.index import Entry, Index, Versions, read_registry, sort_key
from zoo.registry.names import blob_path
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.protocol import Missing
from zoo.registry.writing import format_registry
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


def write_model(path, name="g-at-anchor", version="1.0.0", base="G"):
    return write_model_folder(path, make_base_at_anchor_graph(base), {"name": name, "version": version})


def store_model(folder, store, **fields):
    """Put a model folder's files into a store as blobs, and list it; return its listing."""
    store = Path(store)
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        LocalStore(store).put(blob_path(hash_file(path)), path)
    card = read_card(folder / "model.yaml")
    size = sum(path.stat().st_size for path in files)
    described = {"assay": card.assay, "summary": card.summary, "size": size, "blobs": "."}
    entry = Entry(sha256sums=hash_file(folder / CHECKSUMS), **{**described, **fields})
    path = store / "registry.yaml"
    models = dict(read_registry(path).index.models) if path.exists() else {}
    versions = {**(models[card.name].versions if card.name in models else {}), card.version: entry}
    models[card.name] = Versions(latest=max(versions, key=sort_key), versions=versions)
    index = Index(schema_version=2, models=models)
    path.write_text(format_registry(index), encoding="utf-8")
    return index.models[card.name].find(card.full_name)


def find_blob(store, folder, name):
    return Path(store) / blob_path(hash_file(folder / name))


class Faulty:
    """A reader of a dictionary, whose answers break as a plan says: one entry for each time it is asked.

    An entry is None (all is well), a number of bytes after which the connection breaks off, ``silent`` and a number
    after which it ends as if that were all, an exception, or other bytes to give.
    """

    address = "stub://store"

    def __init__(self, files, *plan, piece=1000):
        self.files, self.plan, self.piece = files, list(plan), piece
        self.asked = []

    def read(self, path, start=0):
        fault = self.plan.pop(0) if self.plan else None
        self.asked.append((path, start))
        if isinstance(fault, Exception):
            raise fault
        if path not in self.files:
            raise Missing(f"{path}: no such file")
        content = fault if isinstance(fault, bytes) else self.files[path]
        content = content[start:]
        end = fault[1] if isinstance(fault, tuple) else fault if isinstance(fault, int) else len(content)
        for begin in range(0, min(end, len(content)), self.piece):
            yield content[begin : min(begin + self.piece, end)]
        if isinstance(fault, int):
            raise DownloadError(f"{path}: connection lost")

    def read_tagged(self, path, limit, known=None):
        raise NotImplementedError


def digest_of(content):
    return hashlib.sha256(content).hexdigest()
