"""Positive and negative sequences from two FASTA files, plain or gzip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from zoo import Codes, Config, DataError, DataLoader, ExampleSet, GenomeSource, encode, read_fasta


class FastaConfig(Config):
    """Two files, relative to the data root.

    Args:
        target: The name of the one track: 1 for a positive, 0 for a negative.
        contig_pattern: Its first group is the contig, searched in the first word of a header. The default reads
            ``chr14_1``, ``chr1:100-300``, ``chr1:100-300(+)`` and ``name::chr1:100-300``.
        drop_duplicates: Keep only the first of several equal sequences of one class.
        on_conflict: What becomes of a sequence that stands in both classes: an error, or all its copies are left out.
    """

    positives: str
    negatives: str
    target: str = Field(default="target", min_length=1)
    contig_pattern: str = r"^(?:.*::)?(.+?)(?::\d+-\d+.*|_\d+)$"
    drop_duplicates: bool = True
    on_conflict: Literal["error", "drop"] = "error"

    @field_validator("contig_pattern")
    @classmethod
    def _has_a_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        if groups < 1:
            raise ValueError("a group in parentheses is needed, it is the contig")
        return pattern


@dataclass(frozen=True, slots=True)
class _Record:
    path: Path
    name: str
    codes: Codes

    def __str__(self) -> str:
        return f"{self.path}, record {self.name!r}"


def load_fasta_pair(config: FastaConfig, reference: GenomeSource | None, seed: int, base_folder: Path) -> ExampleSet:  # noqa: ARG001 - the signature of every loader
    """Read both files; positives come first.

    ``groups`` is the contig of each record, empty where the pattern finds none, and None where it finds none at all.

    Raises:
        DataError: A record is longer or shorter than the first, or a sequence stands in both classes.
        FastaError: A file is missing or no FASTA.
    """
    notes: list[str] = []
    classes = [_read_records(base_folder / name) for name in (config.positives, config.negatives)]
    _check_lengths([record for records in classes for record in records])
    if config.drop_duplicates:
        for index, label in enumerate(("positives", "negatives")):
            classes[index], dropped = _drop_duplicates(classes[index])
            if dropped:
                notes.append(f"{dropped} duplicates among the {label} were left out")
    classes, conflicts = _drop_conflicts(classes, config.on_conflict)
    if conflicts:
        notes.append(f"{conflicts} sequences that stand in both classes were left out")
    records = [record for group in classes for record in group]
    if not records:
        raise DataError(f"{base_folder / config.positives}: every sequence stands in both classes, none is left")
    targets = np.repeat(np.array([1, 0], dtype=np.float32), [len(group) for group in classes])
    contigs = [_find_contig(config.contig_pattern, record.name) for record in records]
    return ExampleSet(
        sequences=np.stack([record.codes for record in records]),
        targets=targets[:, np.newaxis],
        tracks=(config.target,),
        ids=tuple(record.name for record in records),
        groups=np.array(contigs, dtype=np.str_) if any(contigs) else None,
        notes=tuple(notes),
    )


def _read_records(path: Path) -> list[_Record]:
    return [_Record(path, (header.split() or [""])[0], encode(letters)) for header, letters in read_fasta(path)]


def _check_lengths(records: list[_Record]) -> None:
    length = len(records[0].codes)
    for record in records:
        if len(record.codes) != length:
            raise DataError(
                f"{record}: expected {length} bases as in record {records[0].name!r}, found {len(record.codes)}; "
                "all sequences must have one length"
            )


def _drop_duplicates(records: list[_Record]) -> tuple[list[_Record], int]:
    first: dict[bytes, _Record] = {}
    for record in records:
        first.setdefault(record.codes.tobytes(), record)
    return list(first.values()), len(records) - len(first)


def _drop_conflicts(classes: list[list[_Record]], on_conflict: str) -> tuple[list[list[_Record]], int]:
    positives = {record.codes.tobytes(): record for record in classes[0]}
    shared = {record.codes.tobytes(): record for record in classes[1] if record.codes.tobytes() in positives}
    if shared and on_conflict == "error":
        key, negative = next(iter(shared.items()))
        more = f" (and {len(shared) - 1} more)" if len(shared) > 1 else ""
        raise DataError(
            f"{negative}: expected a negative, found the sequence of the positive {positives[key].name!r}{more}; "
            "set on_conflict: drop to leave such sequences out"
        )
    kept = [[record for record in group if record.codes.tobytes() not in shared] for group in classes]
    return kept, len(shared)


def _find_contig(pattern: str, name: str) -> str:
    found = re.search(pattern, name)
    return (found.group(1) or "") if found else ""


FASTA = DataLoader(
    name="fasta",
    summary="positive and negative sequences from two FASTA files",
    config=FastaConfig,
    load=load_fasta_pair,
)
