"""Changes values in the text of a YAML document; comments and layout stay where they can."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from zoo.errors import RecipeError, near_match


def place(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a document with values at their dotted paths; a number in a path counts a list's items from 0.

    Fields on the way that are missing are made.

    Raises:
        RecipeError: A path leads into something that holds no fields, or past the end of a list.
    """
    placed: dict[str, Any] = copy.deepcopy(dict(document))
    for path, value in values.items():
        keys = path.split(".")
        holder: Any = placed
        for depth, (key, following) in enumerate(itertools.pairwise(keys)):
            inner = _look_up(holder, key, path, keys[:depth])
            if inner is None:
                if following.isdecimal():
                    raise RecipeError(f"{path!r}: the recipe has no list {'.'.join(keys[: depth + 1])}; write it out")
                inner = {}
                _put(holder, key, inner)
            holder = inner
        _look_up(holder, keys[-1], path, keys[:-1])
        _put(holder, keys[-1], copy.deepcopy(value))
    return placed


def rewrite(text: str, values: Mapping[str, Any], without: str | None = None) -> str:
    """Return the text of a document with other values at dotted paths, and without one of its top fields if asked.

    Where the text can't be changed in place, because values share an anchor say, it is written anew, in the order that
    it had and without its comments.
    """
    document = yaml.safe_load(text)
    expected = place({key: value for key, value in document.items() if key != without}, values)
    try:
        changed = text if without is None else _remove(text, without)
        for path, value in values.items():
            changed = _set(changed, path.split("."), value)
        if yaml.safe_load(changed) == expected:
            return changed
    except (yaml.YAMLError, AttributeError, LookupError):  # the next line writes what no edit could
        pass
    return yaml.safe_dump(expected, sort_keys=False, allow_unicode=True)


def _look_up(holder: Any, key: str, path: str, way: Sequence[str]) -> Any:
    """Return what stands under a key, or None."""
    where = ".".join(way)
    if isinstance(holder, dict):
        return holder.get(key)
    if not isinstance(holder, list):
        raise RecipeError(f"{path!r}: {where} is {holder!r}, which has no fields")
    if not key.isdecimal():
        raise RecipeError(f"{path!r}: {where} is a list; expected the number of an item, from 0, found {key!r}")
    if int(key) >= len(holder):
        raise RecipeError(f"{path!r}: {where} has {len(holder)} items{near_match(key, map(str, range(len(holder))))}")
    return holder[int(key)]


def _put(holder: Any, key: str, value: Any) -> None:
    holder[int(key) if isinstance(holder, list) else key] = value


def _remove(text: str, field: str) -> str:
    """Cut a top field out, with the comment that stands right above it."""
    lines = text.splitlines(keepends=True)
    document: Any = yaml.compose(text, yaml.SafeLoader)
    for key, value in document.value:
        if key.value == field:
            first = key.start_mark.line
            last = text.count("\n", 0, _find_end(value))
            while first and lines[first - 1].startswith("#"):
                first -= 1
            return "".join(lines[:first] + lines[last + 1 :])
    return text


def _set(text: str, path: Sequence[str], value: Any) -> str:
    node: Any = yaml.compose(text, yaml.SafeLoader)
    for depth, key in enumerate(path):
        inner = _find_child(node, key)
        if inner is None:
            nested = value
            for outer in reversed(path[depth + 1 :]):
                nested = {outer: nested}
            return _insert(text, node, key, nested)
        node = inner
    return _replace(text, node, value)


def _find_child(node: Any, key: str) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return node.value[int(key)]
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    return None


def _replace(text: str, node: Any, value: Any) -> str:
    start, end = node.start_mark.index, _find_end(node)
    gap = " " if start == end else ""  # nothing stands there but the colon before it
    return f"{text[:start]}{gap}{_dump(value)}{text[end:]}"


def _insert(text: str, node: Any, key: str, value: Any) -> str:
    """Add a field to a mapping, as its last one."""
    if isinstance(node, yaml.ScalarNode):
        return _replace(text, node, {key: value})
    if node.flow_style:
        end = node.end_mark.index - 1
        before = text[:end].rstrip()
        comma = ", " if node.value else ""
        return f"{before}{comma}{_dump({key: value})[1:-1]}{text[end:]}"
    end = _find_end(node)
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    indent = " " * node.value[0][0].start_mark.column
    return f"{text[:line_end]}\n{indent}{_dump({key: value})[1:-1]}{text[line_end:]}"


def _find_end(node: Any) -> int:
    """Return where a node's last letter stands; PyYAML's own mark of a block lies behind the comments after it."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _find_end(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.index)


def _dump(value: Any) -> str:
    written = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=1_000_000)
    return str(written).removesuffix("\n").removesuffix("\n...")
