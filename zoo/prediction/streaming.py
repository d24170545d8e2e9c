"""The flow of a run: batches of records are read, scored and written, and what is done is noted after each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, Protocol

from zoo.errors import ZooError
from zoo.genome.vcf import RecordBatch
from zoo.prediction.alleles.batch import AlleleBatch
from zoo.prediction.inputs.source import RECORDS_A_BATCH
from zoo.prediction.output.journal import Checkpoint
from zoo.prediction.output.rows import Rows
from zoo.prediction.output.sinks import Sink
from zoo.prediction.pipeline import WriteBehind, read_ahead
from zoo.prediction.resuming import InputDigest, check_records, describe_state, digest_input, restore_state
from zoo.prediction.run import Run
from zoo.prediction.scoring.scores import ModelScores
from zoo.prediction.summary import Progress


class BatchWriter(Protocol):
    """Makes text of what was found."""

    def header(self, digests: Mapping[str, str] | None = None) -> str:
        """Return what stands before all batches."""

    def format(self, batch: RecordBatch, alleles: AlleleBatch, scores: list[ModelScores]) -> str | Rows:
        """Return the lines of a batch, or its rows of a table."""


def stream(run: Run, writer: BatchWriter, sink: Sink, report: Callable[[Progress], None] | None) -> None:
    """Read, score and write batch after batch, with reading, and formatting and writing, in threads of their own.

    Records that an unfinished run has done are read again, and passed over.

    Raises:
        OutputError: They are not those that it read.
    """

    def write(item: tuple[RecordBatch, AlleleBatch, list[ModelScores], int, dict[str, Any]]) -> None:
        batch, alleles, scores, records, state = item
        sink.write(writer.format(batch, alleles, scores))
        sink.note(records, state)

    total = run.reader.text_length()
    headed = sink.resumed is not None
    fault: ZooError | None = None
    with (
        WriteBehind(write) as behind,
        contextlib.closing(read_ahead(digest_input(run.reader.batches(RECORDS_A_BATCH)))) as batches,
        contextlib.closing(_pass_over_done(run, batches, sink.resumed)) as remaining,
    ):
        try:
            for batch, read in remaining:
                if not headed:
                    # Only now does the reader know whether the first records stand on undeclared contigs.
                    sink.write_header(writer.header())
                    headed = True
                behind.put((batch, *run.score(batch), read.records, describe_state(run, read)))
                if report is not None:
                    report(Progress(run.summary.alleles, min(1.0, read.characters / total) if total else None))
        except ZooError as error:
            fault = error  # raised when all that was scored before it is written, for the run to be resumed behind that
    if fault is not None:
        raise fault
    if not headed:
        sink.write_header(writer.header())


def _pass_over_done(
    run: Run, batches: Iterable[tuple[RecordBatch, InputDigest]], done: Checkpoint | None
) -> Generator[tuple[RecordBatch, InputDigest]]:
    """Yield the batches behind a checkpoint, once what stands before it is known to be what the earlier run read."""
    if done is None:
        yield from batches
        return
    restore_state(run, done)
    read = InputDigest()
    for batch, read in batches:
        if batch.first >= done.records:
            yield batch, read
        elif read.records >= done.records:
            check_records(run, done, read)
    if read.records < done.records:
        check_records(run, done, read)
