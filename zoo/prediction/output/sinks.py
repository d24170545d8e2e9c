"""Where annotated records go: VCF, BGZF-compressed VCF, BCF or a table, whole or not at all."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from zoo.errors import OutputError
from zoo.genome.bgzf import BgzfSink, ends_with_marker
from zoo.genome.output import STANDARD_OUTPUT, OutputFile

SUFFIXES = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf", ".tsv")


class Sink(Protocol):
    """Takes a header and bodies as text, then gives the file its name."""

    def write_header(self, header: str) -> None:
        """Write the header, before any body."""

    def write(self, body: str) -> None:
        """Add lines."""

    def finish(self, header: str) -> None:
        """End the file, with a header that may have grown since it was written, and give it its name."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None: ...


def open_sink(path: str | Path) -> Sink:
    """Return the sink that a path's suffix asks for; ``-`` is VCF on standard output.

    Raises:
        OutputError: The suffix is unknown, or the file can't be written.
    """
    name = str(path)
    check_suffix(name)
    return BcfSink(name) if name.endswith(".bcf") else TextSink(name, packed=name.endswith((".gz", ".bgz")))


def check_suffix(name: str) -> None:
    """Raise OutputError where no format is known for a file of that name."""
    if name != STANDARD_OUTPUT and not name.endswith(SUFFIXES):
        raise OutputError(f"{name}: expected a name that ends with {', '.join(SUFFIXES)}, or - for standard output")


class TextSink:
    """Text, plain or BGZF; errors call it ``name``, where that is not ``path``."""

    def __init__(self, path: str, *, packed: bool, name: str | None = None) -> None:
        self._output = OutputFile(path, name)
        self._bgzf = BgzfSink(self._output.file) if packed else None
        self._header = ""
        self._header_length = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._output.__exit__(kind, value, trace)

    def write_header(self, header: str) -> None:
        """Write the header, in blocks of its own."""
        self._header = header
        self.write(header)
        if self._output.path == STANDARD_OUTPUT:
            return
        with self._output.writing():
            if self._bgzf is not None:
                self._bgzf.flush()
            self._output.file.flush()
            self._header_length = self._output.file.tell()

    def write(self, body: str) -> None:
        """Add lines."""
        content = body.encode("utf-8", "surrogateescape")
        with self._output.writing():
            (self._output.file if self._bgzf is None else self._bgzf).write(content)

    def finish(self, header: str) -> None:
        """Write what is left, and give the file its name."""
        self.complete(header)
        self._output.commit()

    def complete(self, header: str) -> None:
        """Write what is left; where the header has grown, put the new one in place of the old."""
        with self._output.writing():
            if self._bgzf is not None:
                self._bgzf.finish()
        if header != self._header and self._output.path != STANDARD_OUTPUT:
            self._output.replace_head(
                self._header_length,
                _pack(header) if self._bgzf is not None else header.encode("utf-8", "surrogateescape"),
            )
        with self._output.writing():
            self._output.file.flush()


class BcfSink:
    """BCF, made by htslib from the finished text; undeclared INFO, FORMAT and FILTER are declared on the way."""

    def __init__(self, path: str) -> None:
        self._output = OutputFile(path)
        try:
            self._text = TextSink(f"{self._output.target}.text", packed=False, name=path)
        except BaseException:
            self._output.__exit__(None, None, None)
            raise
        self._text_path = Path(f"{self._output.target}.text.partial")  # never given a name of its own

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._text.__exit__(kind, value, trace)
        self._output.__exit__(kind, value, trace)

    def write_header(self, header: str) -> None:
        """Write the header."""
        self._text.write_header(header)

    def write(self, body: str) -> None:
        """Add lines."""
        self._text.write(body)

    def finish(self, header: str) -> None:
        """Convert the text, look that every record has arrived, and give the file its name."""
        self._text.complete(header)
        partial = self._output.partial
        with self._output.writing():
            try:
                written = _convert(self._text_path, partial)
            except OSError:
                raise
            except Exception as error:  # cyvcf2 raises a bare Exception
                reason = " ".join(str(error).split())
                raise OutputError(
                    f"{self._output.path}: htslib can't write these records as BCF ({reason}); write .vcf.gz instead"
                ) from error
        # htslib's writer keeps silent about a full disk; what can be read again tells.
        with self._output.writing():
            whole = ends_with_marker(partial) and _count(partial, self._output.name) == written
        if not whole:
            raise OutputError(
                f"{self._output.path}: can't be written whole; is the disk full? or a record none for BCF: try .vcf.gz"
            )
        self._output.commit()


def _convert(text: Path, bcf: Path) -> int:
    from cyvcf2 import VCF, Writer

    # Reading all of it teaches htslib the undeclared tags, with the types that it assumes for them.
    reader = VCF(str(text))
    for _ in reader:
        pass
    declared: str = reader.raw_header
    reader.close()
    reader = VCF(str(text))
    known = set(reader.raw_header.split("\n"))
    for line in declared.split("\n"):
        if line.startswith("##") and line not in known:
            reader.add_to_header(line)
    writer = Writer(str(bcf), reader, mode="wb")
    writer.write_header()
    count = 0
    for record in reader:
        writer.write_record(record)
        count += 1
    writer.close()
    reader.close()
    return count


def _count(path: Path, name: str) -> int:
    from cyvcf2 import VCF

    try:
        with contextlib.closing(VCF(str(path))) as reader:
            return sum(1 for _ in reader)
    except Exception as error:  # cyvcf2 raises a bare Exception
        raise OutputError(f"{name}: what was written can't be read again; is the disk full?") from error


def _pack(text: str) -> bytes:
    import io

    buffer = io.BytesIO()
    packed = BgzfSink(buffer)
    packed.write(text.encode("utf-8", "surrogateescape"))
    packed.flush()
    return buffer.getvalue()
