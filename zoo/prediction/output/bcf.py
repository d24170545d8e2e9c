"""BCF, made by htslib from finished VCF text; undeclared INFO, FORMAT and FILTER are declared on the way."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

from zoo.errors import OutputError
from zoo.genome.bgzf import BgzfSink, ends_with_marker, is_gzip
from zoo.genome.output import OutputFile
from zoo.genome.vcf import INFO


def convert_to_bcf(text: Path, output: OutputFile) -> None:
    """Write ``output.whole``, and look that every record has arrived.

    Raises:
        OutputError: htslib refuses a record, or the disk is full.
    """
    with output.writing():
        try:
            written = _convert(text, output.whole, output.padded)
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


def _convert(text: Path, bcf: Path, padded: Path) -> int:
    from cyvcf2 import VCF

    # Reading all of it teaches htslib the undeclared tags, with the types that it assumes for them.
    with contextlib.closing(VCF(str(text))) as reader:
        samples = len(reader.samples)
        lacking = sum(1 for record in reader if samples and not record.FORMAT)
        declared: str = reader.raw_header
    if not lacking:
        return _write(text, declared, bcf)
    _add_missing_samples(text, samples, padded)
    return _write(padded, declared, bcf)


def _write(text: Path, declared: str, bcf: Path) -> int:
    from cyvcf2 import VCF, Writer

    with contextlib.closing(VCF(str(text))) as reader:
        known = set(reader.raw_header.split("\n"))
        for line in declared.split("\n"):
            if line.startswith("##") and line not in known:
                reader.add_to_header(line)
        with contextlib.closing(Writer(str(bcf), reader, mode="wb")) as writer:
            writer.write_header()
            count = 0
            for record in reader:
                writer.write_record(record)
                count += 1
    return count


def _add_missing_samples(text: Path, samples: int, padded: Path) -> None:
    """Copy text with ``.`` for FORMAT and the samples in records that end with INFO: BCF has none without them."""
    with gzip.open(text) if is_gzip(text) else text.open("rb") as lines, padded.open("wb") as file:
        target = BgzfSink(file)
        for line in lines:
            ends_with_info = not line.startswith(b"#") and line.count(b"\t") == INFO
            target.write(line.rstrip(b"\n") + b"\t." * (samples + 1) + b"\n" if ends_with_info else line)
        target.finish()


def _count(path: Path, name: str) -> int:
    from cyvcf2 import VCF

    try:
        with contextlib.closing(VCF(str(path))) as reader:
            return sum(1 for _ in reader)
    except Exception as error:  # cyvcf2 raises a bare Exception
        raise OutputError(f"{name}: what was written can't be read again; is the disk full?") from error
