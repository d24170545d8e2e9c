"""One FASTA file whose headers say it all: ``id|label|training`` or ``id|label|testing``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from zoo import Codes, Config, DataError, DataLoader, ExampleSet, GenomeSource, encode, read_fasta
from zoo_loaders.pieces import PIECE
from zoo_loaders.tables import read_number

_PARTS = ("training", "testing")


class LabelledFastaConfig(Config):
    """A FASTA file, plain or gzip, relative to the data root; its groups are ``training`` and ``testing``.

    Args:
        target: The name of the one track, whose value is the label, a number.
        classes: Names of two or more classes that exclude each other, a track each; a label is then one of these names,
            or its number, counted from ``first_class``. Labels 0 and 1 need none.
        first_class: The label of the first of the classes.
    """

    path: str
    target: str = Field(default="target", min_length=1)
    classes: tuple[str, ...] | None = Field(default=None, min_length=2)
    first_class: Literal[0, 1] = 0

    @model_validator(mode="after")
    def _tracks_are_clear(self) -> LabelledFastaConfig:
        if self.classes is not None and "target" in self.model_fields_set:
            raise ValueError("target names the track of numbers; leave it out beside classes")
        if self.classes is not None and len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: two have one name")
        return self


def load_labelled_fasta(
    config: LabelledFastaConfig, reference: GenomeSource | None, seed: int, base_folder: Path
) -> ExampleSet:
    """Read all records, in their order.

    Raises:
        DataError: A header or label is not what it should be, or a sequence has another length than the first.
        FastaError: The file is missing or no FASTA.
    """
    return ExampleSet.join(stream_labelled_fasta(config, reference, seed, base_folder))


def stream_labelled_fasta(
    config: LabelledFastaConfig,
    reference: GenomeSource | None,  # noqa: ARG001 - the signature of every loader
    seed: int,  # noqa: ARG001 - likewise
    base_folder: Path,
) -> Iterator[ExampleSet]:
    """Yield the records a few thousand at a time."""
    path = base_folder / config.path
    classes = _number_classes(config)
    names: list[str] = []
    rows: list[list[float]] = []
    groups: list[str] = []
    sequences: list[Codes] = []
    length: int | None = None
    for number, (header, letters) in enumerate(read_fasta(path), start=1):
        where = f"{path}, record {number}"
        name, label, group = _split_header(header, where)
        codes = encode(letters)
        length = len(codes) if length is None else length
        if len(codes) != length:
            raise DataError(
                f"{where} ({name}): expected {length} bases as in record 1, found {len(codes)}; "
                "all sequences must have one length"
            )
        if len(names) == PIECE:
            yield _make_examples(config, sequences, rows, names, groups)
            names, rows, groups, sequences = [], [], [], []
        names.append(name)
        rows.append(_read_label(config, classes, label, where))
        groups.append(group)
        sequences.append(codes)
    yield _make_examples(config, sequences, rows, names, groups)


def _split_header(header: str, where: str) -> tuple[str, str, str]:
    # An id may hold the sign itself, as those of NCBI do.
    parts = [part.strip() for part in header.rsplit("|", 2)]
    if len(parts) != 3 or not all(parts):
        raise DataError(f"{where}: expected a header id|label|training or id|label|testing, found {header[:60]!r}")
    if parts[2] not in _PARTS:
        raise DataError(f"{where} ({parts[0]}): expected 'training' or 'testing' after the last |, found {parts[2]!r}")
    return parts[0], parts[1], parts[2]


def _number_classes(config: LabelledFastaConfig) -> dict[str, int]:
    """Return where each class stands, by its label and by its name."""
    names = config.classes or ()
    labels = {str(config.first_class + place): place for place in range(len(names))}
    return labels | {name: place for place, name in enumerate(names)}


def _read_label(config: LabelledFastaConfig, classes: dict[str, int], label: str, where: str) -> list[float]:
    if config.classes is None:
        value = read_number(label)
        if math.isnan(value):
            raise DataError(f"{where}: expected a number as label, found {label!r}; name the classes for others")
        return [value]
    if label not in classes:
        last = config.first_class + len(config.classes) - 1
        raise DataError(
            f"{where}: expected a label of {', '.join(config.classes)}, or {config.first_class} to {last}, "
            f"found {label!r}"
        )
    return [float(place == classes[label]) for place in range(len(config.classes))]


def _make_examples(
    config: LabelledFastaConfig, sequences: list[Codes], rows: list[list[float]], names: list[str], groups: list[str]
) -> ExampleSet:
    targets: npt.NDArray[np.float32] = np.array(rows, dtype=np.float32)
    return ExampleSet(
        sequences=np.stack(sequences),
        targets=targets,
        tracks=config.classes or (config.target,),
        ids=tuple(names),
        groups=np.array(groups, dtype=np.str_),
    )


LABELLED_FASTA = DataLoader(
    name="labelled_fasta",
    summary="one FASTA file with headers id|label|training or id|label|testing",
    config=LabelledFastaConfig,
    load=load_labelled_fasta,
    stream=stream_labelled_fasta,
)
