"""Where annotated records go: text, BCF or Parquet, under the output's name when it is whole, to be resumed before."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from zoo.errors import OutputError
from zoo.genome.bgzf import BgzfSink, pack
from zoo.genome.output import STANDARD_OUTPUT, OutputFile, holding_signals
from zoo.prediction.output.bcf import convert_to_bcf
from zoo.prediction.output.formats import ColumnTypes, Format, choose_format, refuse_index
from zoo.prediction.output.index import INDEX_SUFFIXES, OrderCheck, index_bcf, index_vcf
from zoo.prediction.output.journal import Checkpoint, Journal, TalliedFile
from zoo.prediction.output.parquet import convert_to_parquet, pack_rows
from zoo.prediction.output.rows import Rows

_SPOOL_LEVEL = 1  # of text that is converted at the end: read once, then removed


class Sink(Protocol):
    """Takes a header and bodies, then gives the file its name.

    Attributes:
        resumed: How far an unfinished run came, whose header and bodies are not to be written again.
        last: From where the run can be resumed if it breaks off now.
    """

    resumed: Checkpoint | None
    last: Checkpoint | None

    def write_header(self, header: str) -> None:
        """Write the header, before any body."""

    def write(self, body: str | Rows) -> None:
        """Add lines, or rows of a table."""

    def note(self, records: int, state: dict[str, Any]) -> None:
        """Note that so many records are done, and what is needed to go on behind them.

        It ends a BGZF block, so two runs write the same bytes only where they take note of the same records.
        """

    def finish(self, header: str) -> None:
        """End the file, with a header that may have grown since it was written, and give it its name."""

    def discard(self) -> None:
        """Leave nothing to be resumed: what is done is no good."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None: ...


def open_sink(
    path: str | Path,
    form: Format | None = None,
    *,
    types: ColumnTypes | None = None,
    origin: str = "",
    index: bool = False,
    fingerprint: Mapping[str, object] | None = None,
    resume: bool = False,
) -> Sink:
    """Return a sink for a path; ``-`` is standard output.

    Args:
        form: By default the one that the path's suffix asks for.
        types: Of a table's columns, for formats that have types.
        origin: What the rows were made of and by what, for formats of tables that have a place for it.
        index: Write an index beside the file.
        fingerprint: What decides the bytes, in plain values. A run that has one keeps a journal, and what is done
            stays when it breaks off, from the first note on.
        resume: Go on where a run of the same fingerprint broke off, where there is one.

    Raises:
        OutputError: The suffix is unknown, the file can't be written, the format has no index, or the unfinished run
            had another fingerprint.
    """
    form = form or choose_format(path)
    if index:
        refuse_index(path, form)
    if str(path) != STANDARD_OUTPUT:
        return FileSink(path, form, types or {}, origin, index=index, fingerprint=fingerprint, resume=resume)
    if resume:
        raise OutputError("standard output: what went there can't be resumed; name a file, or leave --resume out")
    return _ConvertedPipe(form, types or {}, origin) if form.converted else FileSink(path, form, types or {})


class FileSink:
    """A file of any format, or text on standard output; errors call it ``name``, where that is not ``path``."""

    resumed: Checkpoint | None
    last: Checkpoint | None

    def __init__(
        self,
        path: str | Path,
        form: Format,
        types: ColumnTypes,
        origin: str = "",
        *,
        index: bool = False,
        fingerprint: Mapping[str, object] | None = None,
        resume: bool = False,
        name: str | None = None,
    ) -> None:
        self._form = form
        self._types = types
        self._origin = origin
        self._order = OrderCheck(str(path)) if index else None
        self._header = ""
        self._head = 0
        self._journal: Journal | None = None
        self.resumed = self.last = None
        if (form.converted and not form.table) or index:
            _refuse_other_names(path)
        self._output = OutputFile(path, name, resumed=resume)
        self._is_pipe = self._output.path == STANDARD_OUTPUT
        try:
            if fingerprint is not None and not self._is_pipe:
                self._journal = Journal(self._output, fingerprint, resume=resume)
                self.resumed = self.last = self._journal.last
            if resume:
                self._go_on()
        except BaseException:
            self._output.__exit__(None, None, None)
            raise
        length, crc = (self.resumed.length, self.resumed.crc) if self.resumed else (0, 0)
        self._file = TalliedFile(self._output.file, length, crc)
        level = [_SPOOL_LEVEL] if form.converted else []
        self._bgzf = BgzfSink(self._file, *level) if form.kept == "packed text" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if self._journal is not None:
            self._journal.close()
        self._output.__exit__(kind, value, trace)

    def write_header(self, header: str) -> None:
        """Write the header, in blocks of its own."""
        self._header = header
        self._write(header.encode("utf-8", "surrogateescape"))
        self._end_block()
        self._head = self._file.length

    def write(self, body: str | Rows) -> None:
        """Add lines, or rows of a table."""
        if self._form.columnar:
            names = self._header.rstrip("\n").split("\t")
            rows = body if isinstance(body, Rows) else Rows.split(body, names)
            content = pack_rows(rows, self._types, self._output.name)
        else:
            text = body.spell() if isinstance(body, Rows) else body
            if self._order is not None:
                self._order.check(text)
            content = text.encode("utf-8", "surrogateescape")
        self._write(content)

    def _write(self, content: bytes) -> None:
        with self._output.writing():
            (self._file if self._bgzf is None else self._bgzf).write(content)

    def note(self, records: int, state: dict[str, Any]) -> None:
        """End a block, and add a checkpoint to the journal, where there is one."""
        self._end_block()
        if self._journal is None:
            return
        with self._output.writing():
            self._file.flush()
        checkpoint = Checkpoint(records, self._head, self._file.length, self._file.crc, state)
        self._journal.note(checkpoint)
        self._output.keeps = True
        self.last = checkpoint

    def finish(self, header: str) -> None:
        """End the text, make of it what was asked for, and give that its name."""
        with self._output.writing():
            if self._bgzf is None:
                self._file.flush()
            else:
                self._bgzf.finish()
        made = False
        if not self._is_pipe:
            made = self._make_whole(header)
            self._replace_index(self._output.whole if made else self._output.partial)
        with holding_signals():
            self._output.commit(whole=made)
            self.last = None  # from here on there is nothing to go on with
            if self._order is not None:
                with self._output.writing():
                    self._output.index.replace(f"{self._output.target}{self._order.suffix}")
            if self._journal is not None:
                self._journal.remove()

    def discard(self) -> None:
        """Remove the journal, and the partial file on leaving."""
        self.last = None
        self._output.keeps = False
        if self._journal is not None:
            self._journal.remove()

    def _go_on(self) -> None:
        self._output.cut(self.resumed.length if self.resumed else 0)
        self._output.keeps = self.resumed is not None
        if self.resumed is not None:
            self._head = self.resumed.head
            self._header = self._read_header()

    def _read_header(self) -> str:
        with self._output.writing(), self._output.partial.open("rb") as file:
            content = file.read(self._head)
        if self._form.kept == "packed text":
            content = gzip.decompress(content)
        return content.decode("utf-8", "surrogateescape")

    def _end_block(self) -> None:
        if self._bgzf is not None:
            with self._output.writing():
                self._bgzf.flush()

    def _make_whole(self, header: str) -> bool:
        """Make the second file where the partial one is not what was asked for, and tell whether it was made."""
        output, text = self._output, self._output.partial
        if header != self._header:
            text = output.text if self._form.converted else output.whole
            self._copy_under(header, text)
        if self._form.converted:
            if self._form.table:
                convert_to_parquet(text, output, self._types, self._origin)
            else:
                convert_to_bcf(text, output)
        return self._form.converted or text != output.partial

    def _copy_under(self, header: str, copy: Path) -> None:
        """Copy the body under another header."""
        content = header.encode("utf-8", "surrogateescape")
        with self._output.writing(), copy.open("xb") as target, self._output.partial.open("rb") as source:
            target.write(content if self._bgzf is None else pack(content))
            source.seek(self._head)
            shutil.copyfileobj(source, target, 1 << 20)

    def _replace_index(self, whole: Path) -> None:
        """Make the index, if one is asked for, and remove those of an earlier file: they fit no longer."""
        if self._order is not None:
            make = index_bcf if self._form.converted else index_vcf
            self._order.suffix = make(whole, self._output)
        with self._output.writing():
            for suffix in INDEX_SUFFIXES if self._form.indexed else ():
                Path(f"{self._output.target}{suffix}").unlink(missing_ok=True)


def _refuse_other_names(path: str | Path) -> None:
    """Refuse a name that htslib can't open, before hours of work."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = str(path).encode("utf-8", "backslashreplace").decode()
        raise OutputError(f"{shown}: BCF and indexes need a name in UTF-8; choose another one") from error


class _ConvertedPipe:
    """A format that is made at the end, by way of temporary files, for standard output."""

    def __init__(self, form: Format, types: ColumnTypes, origin: str) -> None:
        self.resumed: Checkpoint | None = None
        self.last: Checkpoint | None = None
        self._output = OutputFile(STANDARD_OUTPUT)
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="zoo-output-")
            name = f"standard output, by way of {self._folder.name} (set TMPDIR to a folder with room, or name a file)"
            self._path = Path(self._folder.name, "output")
            self._sink = FileSink(self._path, form, types, origin, name=name)
        except OSError as error:
            raise OutputError(
                f"standard output: no temporary folder can be made: {error.strerror or error}; set TMPDIR, "
                "or name a file"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._sink.__exit__(kind, value, trace)
        with contextlib.suppress(OSError):  # what can't be removed hides no earlier error
            self._folder.cleanup()
        self._output.__exit__(kind, value, trace)

    def write_header(self, header: str) -> None:
        """Write the header."""
        self._sink.write_header(header)

    def write(self, body: str | Rows) -> None:
        """Add lines, or rows of a table."""
        self._sink.write(body)

    def note(self, records: int, state: dict[str, Any]) -> None:
        """End a block; there is no journal."""
        self._sink.note(records, state)

    def discard(self) -> None:
        """Do nothing: nothing can be resumed."""

    def finish(self, header: str) -> None:
        """Convert, and copy the result."""
        self._sink.finish(header)
        with self._output.writing(), self._path.open("rb") as source:
            shutil.copyfileobj(source, self._output.file, 1 << 20)
        self._output.commit()
