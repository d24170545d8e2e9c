"""Addresses of stores and of files in them: their parts, and what of them may be shown."""

from __future__ import annotations

import posixpath
import re
import urllib.parse
from pathlib import Path

from zoo.errors import DownloadError

_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/]*@)?([^\s?#'\"]*)[^\s'\"]*")
"""A password may hold quotes and ``@``, of which the last one before a slash stands before the server's name."""

_QUERY = re.compile(r"\?[^\s'\"?]*=[^\s'\"]*")
_WITH_QUERY = ("http", "https")
_MOST_SHOWN = 200  # letters


def check_address(address: str) -> None:
    """Refuse an address that names no server or bucket, or of which a part would be passed over; a path is none.

    Raises:
        ValueError: What was expected, without the address, which may hold a password.
    """
    scheme, separator, _ = address.partition("://")
    if not separator:
        return
    try:
        address.encode()
    except UnicodeEncodeError:
        raise ValueError("expected an address in UTF-8") from None
    for letter in "#" if scheme.lower() in _WITH_QUERY else "?#":
        if letter in address:
            raise ValueError(f"expected an address without {letter!r}")
    try:
        named = urllib.parse.urlsplit(address).hostname
    except ValueError:
        named = None
    if not named:
        raise ValueError(f"expected an address with the name of a server or bucket behind {scheme}://")


def split_address(address: str) -> tuple[str, str]:
    """Return the store that a file's address lies in, and its name there; a query stays with the store.

    Raises:
        DownloadError: It is no address.
    """
    if "://" not in address:
        path = Path(address)
        return str(path.parent), path.name
    try:
        check_address(address)
    except ValueError as error:
        raise DownloadError(f"{hide_secrets(address)}: {error}") from error
    parts = urllib.parse.urlsplit(address)
    folder, name = posixpath.split(parts.path)
    return parts._replace(path=folder.rstrip("/")).geturl(), urllib.parse.unquote(name)


def hide_secrets(text: str) -> str:
    """Return an address, or a message that holds some, without users, passwords and queries, which may be signed."""
    return _QUERY.sub("", _URL.sub(r"\1\2", text))


def show(text: str) -> str:
    """Return what a server said as one short line, of which no character moves a terminal's cursor."""
    line = "".join(character if character.isprintable() else "?" for character in text)
    return line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}…"
