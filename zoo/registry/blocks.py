"""The text of ``registry.yaml`` as a head and a block for each model, so that one can change and the rest stays.

Everything that YAML allows may stand in a registry that people write, and only a parser finds its way there. What the
zoo writes is simpler: a model's key stands alone on its line, two spaces from the left, and nothing else stands as far
left. A text is cut only where that is certain. What could carry a line to the left of where it belongs (quotes,
brackets, and line ends that only YAML knows), or tie two blocks together (anchors), is looked at by a parser, block by
block; where anything is left in doubt there are no blocks, and who asks has to read the whole text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import BinaryIO

import yaml

_COMMENT = r"(?: +#[^\n]*)?"
_EMPTY = r"(?: *(?:#[^\n]*)?\r?\n)*"
_HEAD = re.compile(
    rf"{_EMPTY}(?:--- *\r?\n{_EMPTY})?"
    rf"schema_version: +(?P<schema>[0-9]+){_COMMENT} *\r?\n{_EMPTY}models:{_COMMENT} *\r?\n{_EMPTY}"
)
_SHALLOW = re.compile(r"^ {0,2}[^ \r\n#][^\n]*", re.MULTILINE)
_KEY = re.compile(rf"  (?P<quote>['\"]?)(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)(?P=quote):{_COMMENT} *\r?")
_DOUBTFUL = re.compile("[\"'\\[{&*]")
_STRANGE = re.compile("[\t\x85\u2028\u2029\ufeff]|\r(?!\n)")
_BESIDE = re.compile(r" {0,2}(?:#[^\n]*)?\r?\n?")  # a line that belongs to no block: empty, or a comment between blocks
_NEXT = re.compile(rb"^ {0,2}[^ \r\n#]", re.MULTILINE)
_PART = 1 << 16  # bytes that are looked through at once: of more, most of the time goes into getting memory
_LONGEST = 1 << 20  # bytes of a block that is looked for
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = yaml.SafeLoader("")


@dataclass(frozen=True, slots=True)
class Block:
    """One model: its lines are ``text[start:end]``; empty lines and comments to the left of it are not its own."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """A text that is cut: ``schema`` is where the number of its schema version stands."""

    text: str
    schema: tuple[int, int]
    blocks: tuple[Block, ...]

    @property
    def line_end(self) -> str:
        """How lines end, as they do above the first model."""
        return "\r\n" if "\r\n" in self.text[: self.blocks[0].start] else "\n"

    def find(self, name: str) -> Block | None:
        """Return the block of a model; None where it has none."""
        return next((block for block in self.blocks if block.name == name), None)

    def replace(self, name: str, lines: str) -> str:
        """Return the text with ``lines`` as the block of a model, in its place or before the next name."""
        found = self.find(name)
        if found is not None:
            return self.text[: found.start] + lines + self.text[found.end :]
        place = self._find_place(name)
        before = self.text[:place]
        return before + ("" if before.endswith("\n") else self.line_end) + lines + self.text[place:]

    def _find_place(self, name: str) -> int:
        """Return where a new block goes: above the comments that stand directly above the next name."""
        names = [block.name for block in self.blocks]
        number = bisect_left(names, name)
        if number == len(names):
            return len(self.text)
        place = self.blocks[number].start
        first = self.blocks[number - 1].end if number else place
        while (above := self.text.rfind("\n", 0, place - 1) + 1) >= first:
            if not re.match(r" {0,2}#", self.text[above:place]):
                break
            place = above
        return place


def cut(text: str) -> Blocks | None:
    """Return the blocks of a text; None where it is not certain where they begin and end."""
    head = _HEAD.match(text)
    if head is None or _STRANGE.search(text):
        return None
    starts = _find_starts(text, head.end())
    # What stands before the first name belongs to none, and no name stands twice.
    if not starts or starts[0][1] != head.end() or len({name for name, _ in starts}) != len(starts):
        return None
    if not text.endswith("\n") and re.search("[|>]", text[starts[-1][1] :]):
        return None  # a text to whose last line even a line end is a change
    ends = [start for _, start in starts[1:]] + [len(text)]
    blocks = []
    for (name, start), limit in zip(starts, ends, strict=True):
        end = _find_end(text, start, limit)
        # Up to there: what looks like a comment behind it may stand within quotes.
        if _DOUBTFUL.search(text, start, limit) and not _stands_alone(text[start:end]):
            return None
        blocks.append(Block(name, start, end))
    return Blocks(text, head.span("schema"), tuple(blocks))


def find_block(stream: BinaryIO, name: str) -> str | None:
    """Return the first lines that look like the block of a model, and are not certain to be it; None if there are none.

    Only what comes before is read, a part at a time: a hundredth of the time that it takes to cut the text.
    """
    key = b"\n  %b" % yaml.safe_dump({name: 0}).removesuffix(" 0\n").encode()
    text = b""
    while part := stream.read(_PART):
        text = text[-len(key) :] + part
        if (start := text.find(key)) >= 0:
            break
    else:
        return None
    text = text[start + 1 :]
    while (end := _NEXT.search(text, len(key))) is None and (part := stream.read(_PART)):
        if len(text) > _LONGEST:
            return None
        text += part
    return text[: end.start() if end else len(text)].decode(errors="replace")


def _find_starts(text: str, first: int) -> list[tuple[str, int]]:
    """Return each model's name and where its block begins; none where something else stands as far left."""
    starts = []
    for line in _SHALLOW.finditer(text, first):
        key = _KEY.fullmatch(line.group())
        if key is None or not _is_text(key["name"], quoted=bool(key["quote"])):
            return []
        starts.append((key["name"], line.start()))
    return starts


def _find_end(text: str, start: int, end: int) -> int:
    """Return the end of the last line that is a block's own."""
    while True:
        last = text.rfind("\n", start, end - 1) + 1
        if last <= start or not _BESIDE.fullmatch(text, last, end):
            return end
        end = last


def _is_text(name: str, *, quoted: bool) -> bool:
    """Return whether YAML takes a key for text: it would read ``no`` as false and ``2001-01-01`` as a date."""
    if quoted:
        return True
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, name, (True, False))  # type: ignore[no-untyped-call]  # has no types
    return tag == "tag:yaml.org,2002:str"


def _stands_alone(text: str) -> bool:
    """Return whether all that a block opens is closed within it, and none of it is tied to another one."""
    try:
        # An alias is an event with an anchor, too: that of another value.
        return all(getattr(event, "anchor", None) is None for event in yaml.parse(text, Loader=_LOADER))
    except (yaml.YAMLError, ValueError):
        return False
