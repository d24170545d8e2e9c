"""Small files that come in pieces, of which no more is kept than is allowed."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.errors import DownloadError


def read_whole(pieces: Iterable[bytes], limit: int, where: str) -> bytes:
    """Return all that comes.

    Args:
        pieces: A file's bytes, in order.
        limit: The most bytes that it may have.
        where: What the message calls it.

    Raises:
        DownloadError: There are more; the rest is not asked for.
    """
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > limit:
            raise DownloadError(f"{where}: expected at most {limit:,} bytes, found more")
    return bytes(content)
