"""Addresses of stores and of files in them: their parts, and what of them may be shown."""

from __future__ import annotations

import posixpath
import re
import urllib.parse
from pathlib import Path

_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/]*@)?([^\s?#'\"]*)[^\s'\"]*")
"""A password may hold quotes and ``@``, of which the last one before a slash stands before the server's name."""

_QUERY = re.compile(r"\?[^\s'\"?]*=[^\s'\"]*")


def split_address(address: str) -> tuple[str, str]:
    """Return the store that a file's address lies in, and its name there; a query stays with the store."""
    if "://" not in address:
        path = Path(address)
        return str(path.parent), path.name
    parts = urllib.parse.urlsplit(address)
    folder, name = posixpath.split(parts.path)
    return parts._replace(path=folder.rstrip("/")).geturl(), urllib.parse.unquote(name)


def hide_secrets(text: str) -> str:
    """Return an address, or a message that holds some, without users, passwords and queries, which may be signed."""
    return _QUERY.sub("", _URL.sub(r"\1\2", text))
