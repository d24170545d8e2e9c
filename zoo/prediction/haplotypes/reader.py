"""Reads the records of one sample: htslib parses that sample's column and no other, which tells in large cohorts."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.errors import VcfError, near_match
from zoo.genome.vcf import ALT, POS, REF, VcfReader

FORMAT = 8
"""The column that holds, in records of this reader, FORMAT and the sample's values, a tab between."""

_VERSION = re.compile(r"##fileformat=VCFv4\.([0-9]+)")
_LEADING_PHASE = 4  # the minor version since which a genotype may start with | or /


class SampleReader(VcfReader):
    """A VCF or BCF file of which only one sample is read.

    Args:
        path: The file; ``-`` for standard input.
        sample: The sample's name.

    Raises:
        VcfError: The file can't be read, has no samples, or not that one.
    """

    def __init__(self, path: str | Path, sample: str) -> None:
        self.sample = sample
        self._index = 0
        super().__init__(path)

    def _open(self) -> Any:
        vcf = super()._open()
        samples = list(vcf.samples)
        if self.sample not in samples:
            vcf.close()
            if not samples:
                raise VcfError(f"{self.name}: expected genotypes of sample {self.sample!r}, found no samples at all")
            raise VcfError(f"{self.name}: no sample {self.sample!r}{near_match(self.sample, samples)}")
        self._index = samples.index(self.sample)
        vcf.set_samples([self.sample])
        return vcf

    def _lines(self) -> Iterator[str]:
        version = _VERSION.match(self.header)
        if self._is_text() and version is not None and int(version[1]) >= _LEADING_PHASE:
            # htslib before 1.22 refuses the genotypes |0|1 and /0/1 of these versions.
            return self._text_lines()
        return super()._lines()

    def _text_lines(self) -> Iterator[str]:
        """Yield the records as they stand in the file, without the other samples."""
        column = FORMAT + 1 + self._index
        number = 0
        try:
            with self._open_bytes() as lines:
                for line in lines:
                    if line.startswith(b"#"):
                        continue
                    number += 1
                    columns = line.decode("utf-8", "replace").rstrip("\r\n").split("\t", column + 1)
                    self._check_columns(columns, column, number)
                    yield "\t".join((*columns[: FORMAT + 1], columns[column]))
        except (OSError, EOFError, zlib.error) as error:
            raise VcfError(
                f"{self.name}, record {number + 1}: the file is cut or damaged there; copy or compress it again"
            ) from error

    def _check_columns(self, columns: list[str], column: int, number: int) -> None:
        where = f"{self.name}, record {number}"
        if len(columns) <= column:
            raise VcfError(f"{where}: expected at least {column + 1} columns between tabs, found {len(columns)}")
        if not (columns[POS].isascii() and columns[POS].isdigit()):
            raise VcfError(f"{where}: POS: expected a whole number, found {columns[POS][:40]!r}")
        if not columns[REF] or not columns[ALT]:
            raise VcfError(f"{where}: expected REF and ALT, found an empty column")
