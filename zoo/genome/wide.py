"""Reading VCF of many samples faster: htslib parses the first eight columns, plain genotypes are passed on as they are.

htslib takes genotypes apart and puts them together again, which for thousands of samples is nearly all of the work.
Where each is one or two alleles of one digit, or missing, it prints what it has read. Everything else is left to it.
"""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from zoo.genome.bgzf import is_bgzf, is_gzip, read_blocks

MIN_SAMPLES = 100
"""With fewer, reading twice takes longer than what it saves."""

_CHUNK = 1 << 16
_TO_SHAPE = bytes.maketrans(b"123456789./", b"0000000000|")
_ONE_ALLELE, _TWO_ALLELES = b"0", b"0|0"


class WideReader:
    """The records of a text VCF from its start on, as far as this way of reading goes.

    Attributes:
        raw_header: The header without samples, with what htslib has added while reading.
    """

    def __init__(self, path: Path, samples: int) -> None:
        import cyvcf2

        self._path = path
        self._samples = samples
        self._usual = b"GT" + (b"\t" + _TWO_ALLELES) * samples
        self._sites: Any = cyvcf2.VCF(str(path), samples=[])
        self._is_whole = False

    @property
    def raw_header(self) -> str:
        header: str = self._sites.raw_header
        return header

    @property
    def is_whole(self) -> bool:
        """Whether the last record of the file was yielded."""
        return self._is_whole

    def close(self) -> None:
        """Close the file."""
        self._sites.close()

    def columns(self, contigs: Iterable[str]) -> Iterator[list[str]]:
        """Yield the nine columns of each record, up to the first that is not as simple as that.

        Args:
            contigs: Those that are declared; another one ends the reading.
        """
        known = set(contigs)
        # Whatever is wrong, the other way of reading finds it again, and says it.
        with contextlib.suppress(Exception), contextlib.closing(self._lines()) as lines:
            sites = iter(self._sites)
            for line in lines:
                record = next(sites, None)
                if record is None or record.CHROM not in known:
                    return
                *raw, genotypes = line.split(b"\t", 8)
                columns = str(record)[:-1].split("\t")
                if columns[0].encode() != raw[0] or columns[1].encode() != raw[1] or not self._is_plain(genotypes):
                    return
                columns.append(genotypes.decode("ascii"))
                yield columns
            self._is_whole = next(sites, None) is None

    def _is_plain(self, genotypes: bytes) -> bool:
        shape = genotypes.translate(_TO_SHAPE)
        if shape == self._usual:
            return True
        cells = shape.split(b"\t")
        return (
            len(cells) == self._samples + 1 and cells[0] == b"GT" and {_ONE_ALLELE, _TWO_ALLELES}.issuperset(cells[1:])
        )

    def _lines(self) -> Generator[bytes]:
        """Yield the lines behind the header, without their ends."""
        waiting: list[bytes] = []
        with contextlib.closing(self._texts()) as texts:
            for text in texts:
                *lines, rest = text.split(b"\n")
                for line in lines:
                    whole = b"".join([*waiting, line]) if waiting else line
                    waiting = []
                    if not whole.startswith(b"#"):
                        yield whole.removesuffix(b"\r")
                waiting.append(rest)
            if last := b"".join(waiting):
                yield last.removesuffix(b"\r")

    def _texts(self) -> Generator[bytes]:
        if is_bgzf(self._path):
            with self._path.open("rb") as file:
                yield from (text for *_, text in read_blocks(file))
            return
        with gzip.open(self._path) if is_gzip(self._path) else self._path.open("rb") as file:
            while text := file.read(_CHUNK):
                yield text
