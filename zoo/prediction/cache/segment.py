"""Segments: files of kept predictions, written once and never changed.

A header, the first half of each key, then a record a window: its key, its predictions (float32, little-endian), and a
checksum of both. Header and keys have a checksum each too, so that no damaged number is ever taken for one.
"""

from __future__ import annotations

import contextlib
import stat
import struct
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.prediction.cache.keys import KEY_BYTES, Keys, Prefixes, digest_rows, take_prefixes

SEGMENT, WRITING = ".segment", ".writing"

Rows: TypeAlias = npt.NDArray[np.float32]
"""Predictions of a window side by side, all outputs and members, shape (n, W)."""

_MAGIC = b"zooseg1\n"
_HEADER = struct.Struct("<8s32sQQ")  # magic, owner, records, W
_CHECK_BYTES = 8
_GAP_BYTES = 1 << 16  # read along rather than sought over
_BLOCK_BYTES = 1 << 20  # of records that are made at a time


class DamagedSegment(Exception):
    """A segment is not what was written; it is left out, and the run goes on."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment whose header was found whole.

    Attributes:
        records: How many it holds.
        width: Numbers in each.
    """

    path: Path
    records: int
    width: int

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return segment_bytes(self.records, self.width)

    def read(self, rows: npt.NDArray[np.int64]) -> tuple[Keys, Rows]:
        """Return the keys and the predictions of some records, ascending.

        Raises:
            DamagedSegment: A record is not what was written.
            OSError: The file can't be read, or is gone.
        """
        size = _record_bytes(self.width)
        start = _offset(self.records)
        records = np.empty((len(rows), size), dtype=np.uint8)
        cuts = np.flatnonzero(np.diff(rows) * size > _GAP_BYTES + size) + 1
        with self.path.open("rb") as file:
            for first, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
                near = rows[first:end] - rows[first]
                file.seek(start + int(rows[first]) * size)
                content = file.read((int(near[-1]) + 1) * size)
                if len(content) != (int(near[-1]) + 1) * size:
                    raise DamagedSegment(f"{self.path}: is cut")
                records[first:end] = np.frombuffer(content, dtype=np.uint8).reshape(-1, size)[near]
        checks = digest_rows(records[:, :-_CHECK_BYTES], _CHECK_BYTES)
        if not np.array_equal(checks, _texts(records[:, -_CHECK_BYTES:])):
            raise DamagedSegment(f"{self.path}: a record has another checksum")
        values = np.ascontiguousarray(records[:, KEY_BYTES:-_CHECK_BYTES]).view("<f4").astype(np.float32, copy=False)
        return _texts(records[:, :KEY_BYTES]), values


def open_segment(path: Path, owner: bytes, width: int) -> tuple[Segment, Prefixes]:
    """Return a segment, and the first halves of its keys.

    Args:
        owner: The 32 bytes that it was written for.
        width: Numbers in a record.

    Raises:
        DamagedSegment: It is not what was written, or another one's.
        OSError: The file can't be read, or is gone.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
        raise DamagedSegment(f"{path}: is no file")
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
        if not _checks(header, file.read(_CHECK_BYTES)) or len(header) != _HEADER.size:
            raise DamagedSegment(f"{path}: the header has another checksum")
        magic, found, records, numbers = _HEADER.unpack(header)
        if (magic, found, numbers) != (_MAGIC, owner, width):
            raise DamagedSegment(f"{path}: is another model's or of another format")
        if path.stat().st_size != _offset(records) + records * _record_bytes(width):
            raise DamagedSegment(f"{path}: is cut")
        content = file.read(8 * records)
        if not _checks(content, file.read(_CHECK_BYTES)):
            raise DamagedSegment(f"{path}: the keys have another checksum")
    return Segment(path, records, width), np.frombuffer(content, dtype="<u8").astype(np.uint64)


def write_segment(path: Path, owner: bytes, keys: Keys, values: Rows) -> None:
    """Write records under another name first, so that ``path`` is whole whenever it is there.

    Raises:
        OSError: It can't be written; nothing is left.
    """
    writing = path.with_suffix(WRITING)
    header = _HEADER.pack(_MAGIC, owner, len(keys), values.shape[1])
    prefixes = take_prefixes(keys).astype("<u8").tobytes()
    try:
        with writing.open("xb") as file:
            file.write(header + _check(header) + prefixes + _check(prefixes))
            step = max(_BLOCK_BYTES // _record_bytes(values.shape[1]), 1)
            for first in range(0, len(keys), step):
                rows = slice(first, first + step)
                file.write(_make_records(keys[rows], values[rows]).data)
        writing.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            writing.unlink()
        raise


def segment_bytes(records: int, width: int) -> int:
    """Return how large a segment is."""
    return _offset(records) + records * _record_bytes(width)


def _make_records(keys: Keys, values: Rows) -> npt.NDArray[np.uint8]:
    records = np.empty((len(keys), _record_bytes(values.shape[1])), dtype=np.uint8)
    records[:, :KEY_BYTES] = keys.view(np.uint8).reshape(-1, KEY_BYTES)
    records[:, KEY_BYTES:-_CHECK_BYTES] = np.ascontiguousarray(values, dtype="<f4").view(np.uint8)
    checks = digest_rows(records[:, :-_CHECK_BYTES], _CHECK_BYTES)
    records[:, -_CHECK_BYTES:] = checks.view(np.uint8).reshape(-1, _CHECK_BYTES)
    return records


def _record_bytes(width: int) -> int:
    return KEY_BYTES + 4 * width + _CHECK_BYTES


def _offset(records: int) -> int:
    """Return where the first record starts."""
    return _HEADER.size + _CHECK_BYTES + 8 * records + _CHECK_BYTES


def _texts(rows: npt.NDArray[np.uint8]) -> Keys:
    """Return each row as one value."""
    return np.ascontiguousarray(rows).view(f"S{rows.shape[1]}").reshape(-1)


def _check(content: bytes) -> bytes:
    return blake2b(content, digest_size=_CHECK_BYTES).digest()


def _checks(content: bytes, check: bytes) -> bool:
    return _check(content) == check
