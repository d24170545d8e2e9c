"""Positive and negative sequences from FASTA files, plain or gzip: two a target, or positives alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from zoo import Codes, Config, DataError, DataLoader, ExampleSet, GenomeSource, encode, read_fasta


class FastaSet(Config):
    """The examples of one target: 1 for a positive, 0 for a negative.

    Args:
        negatives: Left out where there are none: the recipe then says how to draw them.
        target: The name of the track.
    """

    positives: str
    negatives: str | None = None
    target: str = Field(default="target", min_length=1)


class FastaConfig(Config):
    """Files, relative to the data root: of one target, or ``sets`` of several.

    Args:
        sets: A set for each target. A sequence of one set has no value for the targets of the others.
        contig_pattern: Its first group is the contig, searched in the first word of a header. The default reads
            ``chr14_1``, ``chr1:100-300``, ``chr1:100-300(+)`` and ``name::chr1:100-300``.
        drop_duplicates: Keep only the first of several equal sequences of one class.
        on_conflict: What becomes of a sequence that stands in both classes: an error, or all its copies are left out.
    """

    positives: str | None = None
    negatives: str | None = None
    target: str = Field(default="target", min_length=1)
    sets: tuple[FastaSet, ...] = ()
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

    @model_validator(mode="after")
    def _names_files_once(self) -> FastaConfig:
        if (self.positives is None) == (not self.sets):
            raise ValueError("either positives, or sets, must be given")
        if self.sets and (self.negatives is not None or "target" in self.model_fields_set):
            raise ValueError("negatives and target belong into each of the sets")
        names = [item.target for item in self.sets]
        if len(set(names)) != len(names):
            raise ValueError("two of the sets have one target")
        return self

    def list_sets(self) -> tuple[FastaSet, ...]:
        """Return the sets, one where the files stand alone."""
        if self.positives is None:
            return self.sets
        return (FastaSet(positives=self.positives, negatives=self.negatives, target=self.target),)


@dataclass(frozen=True, slots=True)
class _Record:
    path: Path
    name: str
    codes: Codes
    masked: float

    def __str__(self) -> str:
        return f"{self.path}, record {self.name!r}"


def load_fasta(config: FastaConfig, reference: GenomeSource | None, seed: int, base_folder: Path) -> ExampleSet:  # noqa: ARG001 - the signature of every loader
    """Read all sets, one after the other; in each the positives come first.

    ``groups`` is the contig of each record, empty where the pattern finds none, and None where it finds none at all;
    ``repeats`` the share of lower-case letters, None where files are of one case.

    Raises:
        DataError: A record is longer or shorter than the first, or a sequence stands in both classes.
        FastaError: A file is missing or no FASTA.
    """
    notes: list[str] = []
    records: list[_Record] = []
    sets = config.list_sets()
    targets, complete = [], []
    for column, files in enumerate(sets):
        classes = _read_classes(config, files, base_folder, notes)
        for label, group in zip((1, 0), classes, strict=True):
            values = np.full((len(group), len(sets)), np.nan, dtype=np.float32)
            values[:, column] = label
            targets.append(values)
            complete.append(np.full(len(group), files.negatives is not None))
            records.extend(group)
    _check_lengths(records)
    contigs = [_find_contig(config.contig_pattern, record.name) for record in records]
    masked = np.array([record.masked for record in records], dtype=np.float32)
    return ExampleSet(
        sequences=np.stack([record.codes for record in records]),
        targets=np.concatenate(targets),
        tracks=tuple(files.target for files in sets),
        ids=tuple(record.name for record in records),
        groups=np.array(contigs, dtype=np.str_) if any(contigs) else None,
        complete=np.concatenate(complete),
        # All upper or all lower case says nothing of repeats.
        repeats=masked if 0 < masked.mean() < 1 else None,
        notes=tuple(notes),
    )


def _read_classes(config: FastaConfig, files: FastaSet, base_folder: Path, notes: list[str]) -> list[list[_Record]]:
    """Return the positives and the negatives of one set."""
    classes = [[] if name is None else _read_records(base_folder / name) for name in (files.positives, files.negatives)]
    named = f" of {files.target}" if config.sets else ""
    if config.drop_duplicates:
        for index, label in enumerate(("positives", "negatives")):
            classes[index], dropped = _drop_duplicates(classes[index])
            if dropped:
                notes.append(f"{dropped} duplicates among the {label}{named} were left out")
    classes, conflicts = _drop_conflicts(classes, config.on_conflict)
    if conflicts:
        notes.append(f"{conflicts} sequences that stand in both classes{named} were left out")
    if not any(classes):
        raise DataError(f"{base_folder / files.positives}: every sequence stands in both classes, none is left")
    return classes


def _read_records(path: Path) -> list[_Record]:
    return [
        _Record(path, (header.split() or [""])[0], encode(letters), _share_masked(letters))
        for header, letters in read_fasta(path)
    ]


def _share_masked(letters: str) -> float:
    """Return the share of lower-case letters: repeats, by convention."""
    return float((np.frombuffer(letters.encode("latin-1", "replace"), dtype=np.uint8) >= ord("a")).mean())


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
    summary="positive and negative sequences from FASTA files, of one target or several",
    config=FastaConfig,
    load=load_fasta,
)
