"""What a journal says of an annotation: what decides its bytes, and where it stands between two batches."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo import __version__
from zoo.errors import OutputError, ZooError
from zoo.genome.vcf import RecordBatch
from zoo.prediction.output.journal import Checkpoint
from zoo.prediction.output.sinks import Sink
from zoo.prediction.run import Run
from zoo.prediction.scoring.settings import ScoringSettings

_FILES = ("windows", "regions", "percentile_files")


def fingerprint_run(run: Run, *, threads: int, command: str, **others: object) -> dict[str, object]:
    """Return what has to be the same for an annotation to be resumed, in plain values.

    Of the input it holds the header alone: that the records are the same is found out when they are read again, so
    one that could not be read may have been mended.

    Args:
        threads: Processors that the networks use; sums may depend on it.
        others: What else decides the bytes.
    """
    return {
        "zoo": __version__,
        "command": command,
        "threads": threads,
        "input": {"header": _digest(run.reader.header.encode("utf-8", "surrogateescape"))},
        "genome": {"contigs": run.agreement.reference.name_length_digest},
        "models": {scored.model.card.full_name: scored.model.digest for scored in run.engine.models},
        "devices": run.summary.devices,
        "scorers": run.summary.scorers,
        "options": _describe_settings(run.settings),
        **others,
    }


class InputDigest:
    """A checksum of the records that were read so far."""

    def __init__(self) -> None:
        self.records = self.characters = 0
        self._crc = 0

    def add(self, batch: RecordBatch) -> None:
        """Add a batch, before anything is changed in it."""
        text = "\n".join(["\t".join(record) for record in batch.columns])
        self._crc = zlib.crc32(text.encode("utf-8", "surrogateescape"), self._crc)
        self.records += len(batch)
        self.characters += batch.characters

    def as_text(self) -> str:
        """Return it as it stands in a journal."""
        return f"{self._crc:08x}"


def describe_state(run: Run, read: InputDigest) -> dict[str, Any]:
    """Return what is needed to go on behind the records that were read, and to know them again."""
    reference = run.agreement.reference
    digests = {name: reference.digest(name) for name in run.agreement.found}
    return {"input": read.as_text(), "genome": digests, "run": run.state()}


def restore_state(run: Run, checkpoint: Checkpoint) -> None:
    """Bring a run to where an earlier one was.

    Raises:
        OutputError: The genome has changed since.
    """
    run.restore(checkpoint.state["run"])
    reference = run.agreement.reference
    for name, digest in checkpoint.state["genome"].items():
        if reference.digest(name) != digest:
            raise OutputError(
                f"{run.summary.output}: {reference.path} holds another sequence of {name} than the unfinished run "
                "read; give the same genome, or start over without --resume"
            )


def check_records(run: Run, checkpoint: Checkpoint, read: InputDigest) -> None:
    """Raise OutputError where what was read up to a checkpoint is not what the earlier run had read there."""
    if read.records != checkpoint.records or read.as_text() != checkpoint.state["input"]:
        raise OutputError(
            f"{run.summary.output}: the first {checkpoint.records:,} records of {run.reader.name} are not those that "
            "the unfinished run read; give the same input, or start over without --resume"
        )


@contextmanager
def telling_how_to_resume(sink: Sink) -> Iterator[None]:
    """Add to an error how much is done and stays, and how to go on."""
    try:
        yield
    except (ZooError, KeyboardInterrupt) as error:
        if sink.last is None:
            raise
        done = f"{sink.last.records:,} records are done and kept; go on with --resume"
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"interrupted; {done}") from error
        raise type(error)(f"{error}; {done}") from error


@contextmanager
def discarding(sink: Sink) -> Iterator[None]:
    """Leave nothing to be resumed after an error: it is about the whole input, and going on would not mend it."""
    try:
        yield
    except ZooError:
        sink.discard()
        raise


def _describe_settings(settings: ScoringSettings) -> dict[str, object]:
    """Return the settings, with the contents' digests in place of files."""
    values: dict[str, Any] = asdict(settings)
    for name in _FILES:
        files = values[name]
        if isinstance(files, str | Path):
            values[name] = _digest(Path(files).read_bytes())
        elif files is not None:
            values[name] = [_digest(Path(file).read_bytes()) for file in files]
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    """Return a value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
