"""How many parts a protocol buffer has, counted before it is built: two bytes of a file can take 150 of memory."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message

_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5  # how a field is written
_AS_LONG_AS_NEEDED = frozenset({3, 4, 5, 8, 13, 14, 17, 18})  # of the types of fields: int64 … bool … enum … sint64
_LONGEST = 70  # bits of a number: ten bytes
_PACKED_BYTES = 16  # of numbers in a row that count as a part: each of them takes 8 of memory, a part 150


def has_more_parts(content: bytes, kind: type[Message], most: int) -> bool:
    """Return whether a message holds more than so many fields, with those of the messages within it, or a group.

    Whole numbers that are packed into one field, a byte each and 8 of memory, count by their bytes.

    Args:
        content: The message, as it is written. Where it is broken, it is for who reads it to say.
        kind: Its type.
        most: Fields.
    """
    waiting: list[tuple[int, int, Any]] = [(0, len(content), kind.DESCRIPTOR)]
    count = 0
    while waiting:
        at, end, descriptor = waiting.pop()
        inner, packed = _find_messages(descriptor), _find_numbers(descriptor)
        with contextlib.suppress(IndexError):  # it breaks off: what waits was built by then
            while at < end:
                key, at = _read_number(content, at)
                how = key & 7
                if how == _VARINT:
                    _, at = _read_number(content, at)
                elif how == _COUNTED:
                    size, at = _read_number(content, at)
                    if key >> 3 in inner:
                        waiting.append((at, min(at + size, end), inner[key >> 3]))
                    elif key >> 3 in packed:
                        count += min(size, end - at) // _PACKED_BYTES
                    at += size
                elif how in {_EIGHT_BYTES, _FOUR_BYTES}:
                    at += 8 if how == _EIGHT_BYTES else 4
                else:
                    return True  # a group, which ONNX has none of: readers go on behind it
                count += 1
                if count > most:
                    return True
    return False


def _read_number(content: bytes, at: int) -> tuple[int, int]:
    """Return the number that stands at a place, in groups of seven bits, and the place after it."""
    value = shift = 0
    while shift < _LONGEST:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise IndexError("a number without end")


@functools.cache
def _find_messages(descriptor: Any) -> dict[int, Any]:
    """Return the types of those fields that are messages, by their number."""
    return {field.number: field.message_type for field in descriptor.fields if field.message_type is not None}


@functools.cache
def _find_numbers(descriptor: Any) -> frozenset[int]:
    """Return the numbers of those fields that are whole numbers, as long as they have to be."""
    return frozenset(field.number for field in descriptor.fields if field.type in _AS_LONG_AS_NEEDED)
