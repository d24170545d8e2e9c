"""Names of blobs in a store."""

from __future__ import annotations


def blob_path(digest: str) -> str:
    """Return where a store keeps the file of this sha256."""
    return f"blobs/sha256/{digest[:2]}/{digest}"
