"""The journal of an unfinished run, ``OUT.journal``: what was to be done, and how much of ``OUT.partial`` is done.

Its first line is the run's fingerprint, each further one a checkpoint; a line ends with its own checksum, so that one
that was cut is told from one that is whole. A checkpoint also holds the checksum of the partial file up to there.
"""

from __future__ import annotations

import contextlib
import json
import re
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from zoo.errors import OutputError
from zoo.genome.bgzf import crc32
from zoo.genome.output import JOURNAL, OutputFile, refuse_special, resolve_output

_CHUNK = 1 << 20
_MOST_BYTES = 1 << 20
"""A longer journal, and longer than some checkpoints, is written anew with the last ones."""
_KEPT = 4


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A moment to go on from.

    Attributes:
        records: How many of the input's are done.
        head: Bytes of the partial file that hold the header.
        length: Bytes of the partial file, header and all.
        crc: CRC32 of these.
        state: What the caller needs to go on.
    """

    records: int
    head: int
    length: int
    crc: int
    state: dict[str, Any]


class TalliedFile:
    """Passes bytes on, and keeps their number and checksum."""

    def __init__(self, file: BinaryIO, length: int = 0, crc: int = 0) -> None:
        self._file = file
        self.length = length
        self.crc = crc

    def write(self, content: bytes) -> int:
        """Add bytes."""
        self._file.write(content)
        self.crc = crc32(content, self.crc)
        self.length += len(content)
        return len(content)

    def flush(self) -> None:
        """Hand what is waiting to the operating system."""
        self._file.flush()


class Journal:
    """The journal of one output, whose lock guards it too.

    Args:
        output: The file that is written, opened with the same ``resume``.
        fingerprint: What has to be the same for bytes to come out the same; plain values, as JSON has them.
        resume: Go on where an unfinished run stopped, if there is one, instead of starting over.

    Attributes:
        last: Where to go on, None at the beginning.

    Raises:
        OutputError: The unfinished run has another fingerprint.
    """

    def __init__(self, output: OutputFile, fingerprint: Mapping[str, object], *, resume: bool) -> None:
        self._output = output
        self._path = journal_path(output.path)
        self._fingerprint: dict[str, Any] = json.loads(json.dumps(fingerprint))
        self._file: BinaryIO | None = None
        self._kept: deque[bytes] = deque(maxlen=_KEPT)
        self.last: Checkpoint | None = None
        with output.writing():
            refuse_special(self._path, output.name)
            if resume:
                self._warn_of_finished()
                self._find_last()
            if self.last is None:
                self._path.unlink(missing_ok=True)

    def note(self, checkpoint: Checkpoint) -> None:
        """Add a checkpoint; what it counts has to be in the hands of the operating system."""
        line = _seal(asdict(checkpoint))
        with self._output.writing():
            if self._file is None:
                self._file = self._path.open("ab")
                if self._file.tell() == 0:
                    self._file.write(_seal(self._fingerprint))
            elif self._file.tell() > max(_MOST_BYTES, 2 * _KEPT * len(line)):
                self._file = self._shorten(self._file)
            self._file.write(line)
            self._file.flush()
        self._kept.append(line)
        self.last = checkpoint

    def close(self) -> None:
        """Close the file, and leave it."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk refuses the rest of a line, which then doesn't count
                self._file.close()

    def remove(self) -> None:
        """Remove the file: the run is finished."""
        self.close()
        with self._output.writing():
            self._path.unlink(missing_ok=True)

    def _shorten(self, file: BinaryIO) -> BinaryIO:
        """Leave the last checkpoints alone, and return the open file; whenever a kill comes, one journal is whole."""
        self._output.shorter.write_bytes(b"".join([_seal(self._fingerprint), *self._kept]))
        file.close()
        self._output.shorter.replace(self._path)
        return self._path.open("ab")

    def _warn_of_finished(self) -> None:
        """Tell what was killed when its file had got its name, before the journal was removed: all is done again."""
        target, partial = self._output.target, self._output.partial
        if not self._path.exists() or not target.exists() or partial.stat().st_size:
            return
        if target.stat().st_mtime >= self._path.stat().st_mtime:
            warnings.warn(
                f"{self._output.name}: was finished, it seems, when the earlier run was killed: it is newer than "
                f"{self._path}, and nothing is left to go on with; all is done again",
                UserWarning,
                stacklevel=5,
            )

    def _find_last(self) -> None:
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        lines = list(_unseal(content))
        if not lines or not isinstance(lines[0][0], dict):
            return
        differences = list(_compare(lines[0][0], self._fingerprint))
        if differences:
            more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
            raise OutputError(
                f"{self._output.name}: the unfinished run had {differences[0]}{more}; "
                "resume it with the same, or start over without --resume"
            )
        try:
            checkpoints = [(Checkpoint(**values), end) for values, end in lines[1:]]
        except TypeError:  # of another version of the zoo
            return
        count = _count_whole(self._output.partial, [checkpoint for checkpoint, _ in checkpoints])
        if count:
            self.last, end = checkpoints[count - 1]
            with self._path.open("r+b") as file:
                file.truncate(end)


_DIGEST = re.compile(r"[0-9a-f]{64}")


def journal_path(output: str | Path) -> Path:
    """Return where the journal of an output stands."""
    return Path(f"{resolve_output(output)}{JOURNAL}")


def read_fingerprint(output: str | Path) -> dict[str, Any] | None:
    """Return the fingerprint of an output's unfinished run, None where there is none that could be resumed."""
    path = journal_path(output)
    if not path.is_file():  # a pipe there would be waited for; whatever it is, it is refused when it is opened
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    found = next((values for values, _ in _unseal(content)), None)
    return found if isinstance(found, dict) else None


def _seal(values: object) -> bytes:
    text = json.dumps(values, separators=(",", ":")).encode()
    return b"%s\t%08x\n" % (text, crc32(text))


def _unseal(content: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the values of each line, and where it ends, up to the first that is not whole."""
    end = 0
    for line in content.splitlines(keepends=True):
        text, _, seal = line.rpartition(b"\t")
        if seal != b"%08x\n" % crc32(text):
            return
        end += len(line)
        yield json.loads(text), end


def _count_whole(partial: Path, checkpoints: Iterable[Checkpoint]) -> int:
    """Return how many checkpoints, from the first, count bytes that the partial file still holds."""
    crc = place = count = 0
    with partial.open("rb") as file:
        for checkpoint in checkpoints:
            while place < checkpoint.length:
                content = file.read(min(_CHUNK, checkpoint.length - place))
                if not content:
                    return count
                crc = crc32(content, crc)
                place += len(content)
            if crc != checkpoint.crc:
                return count
            count += 1
    return count


def _compare(earlier: Mapping[str, Any], now: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield what differs, in words, the models first: other things differ with them."""
    for key in sorted({*earlier, *now}, key=lambda name: (name != "models", name)):
        old, new = earlier.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            if key == "models" and set(old) != set(new):
                yield f"the models {', '.join(old)}, this one has {', '.join(new)}"
            yield from _compare(old, new, f"{above}{key} ")
        elif old != new and _is_digest(old) and _is_digest(new):
            yield f"another {above}{key}"
        elif old != new:
            yield f"{above}{key} {_short(old)}, this one has {_short(new)}"


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
