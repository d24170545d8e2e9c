"""BCF, made by htslib from finished VCF text; undeclared INFO, FORMAT and FILTER are declared on the way."""

from __future__ import annotations

import contextlib
from pathlib import Path

from zoo.errors import OutputError
from zoo.genome.bgzf import ends_with_marker
from zoo.genome.output import OutputFile


def convert_to_bcf(text: Path, output: OutputFile) -> None:
    """Write ``output.whole``, and look that every record has arrived.

    Raises:
        OutputError: htslib refuses a record, or the disk is full.
    """
    with output.writing():
        try:
            written = _convert(text, output.whole)
        except OSError:
            raise
        except Exception as error:  # cyvcf2 raises a bare Exception
            reason = " ".join(str(error).split())
            raise OutputError(
                f"{output.name}: htslib can't write these records as BCF ({reason}); write .vcf.gz instead"
            ) from error
        # htslib's writer keeps silent about a full disk; what can be read again tells.
        whole = ends_with_marker(output.whole) and _count(output.whole, output.name) == written
    if not whole:
        raise OutputError(
            f"{output.name}: can't be written whole; is the disk full? or a record none for BCF: try .vcf.gz"
        )


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
