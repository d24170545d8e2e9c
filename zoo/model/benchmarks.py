"""How a model's scores agree with measured effects, found after it was published: a file beside its folder.

The folder ``models/NAME/1.0.0`` never changes, so this stands in ``models/NAME/1.0.0.benchmarks.yaml`` and names the
digest of the folder that was measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, model_validator

from zoo.errors import CardError, ChecksumMismatch
from zoo.model.card import Name, Sha256, Text, Version
from zoo.model.document import Document, read_document

SUFFIX = ".benchmarks.yaml"


class Figure(Document):
    """A value with its 95% interval, absent where the value, or the interval, is not defined."""

    value: float | None
    interval: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _interval_in_order(self) -> Figure:
        if self.interval is not None and self.interval[0] > self.interval[1]:
            raise ValueError(f"interval: expected the lower end first, found {list(self.interval)}")
        return self


class Benchmark(Document):
    """The scores of one track against one set of measured effects, or a part of it.

    Args:
        effects: The set, such as ``asb-ctcf``.
        part: What of it: ``all``, contigs, an element.
        windows: Where the model's window lay.
        n: Effects that were scored.
        figures: By name: ``spearman``, ``pearson``, ``concordance``.
    """

    effects: Text
    part: Text
    track: Text
    scorer: Text
    windows: Text
    n: int = Field(ge=0)
    figures: dict[str, Figure]

    @model_validator(mode="after")
    def _figures_of_something(self) -> Benchmark:
        if not self.figures:
            raise ValueError("figures: expected at least one")
        return self


class Benchmarks(Document):
    """The document, schema version 1; ``digest`` is the sha256 of the folder's SHA256SUMS."""

    schema_version: Literal[1] = 1
    name: Name
    version: Version
    digest: Sha256
    benchmarks: tuple[Benchmark, ...]


def place_benchmarks(folder: Path) -> Path:
    """Return where the benchmarks of a model's folder stand: beside it."""
    resolved = folder.resolve()
    return resolved.with_name(resolved.name + SUFFIX)


def read_benchmarks(folder: Path, digest: str) -> Benchmarks | None:
    """Return the benchmarks of a model's folder, None where there are none.

    Args:
        folder: The model's folder.
        digest: The sha256 of its SHA256SUMS, as ``verify_checksums`` returns it.

    Raises:
        CardError: A field is missing, unknown or wrong.
        ChecksumMismatch: They are those of another folder.
    """
    path = place_benchmarks(folder)
    if not path.is_file():
        return None
    found = read_document(path, Benchmarks, CardError)
    if found.digest != digest:
        raise ChecksumMismatch(
            f"{path}: expected benchmarks of the digest {digest}, found those of {found.digest}; "
            "measure this model, or remove the file"
        )
    return found


def write_benchmarks(benchmarks: Benchmarks, folder: Path) -> Path:
    """Write benchmarks beside a model's folder, and return the file."""
    path = place_benchmarks(folder)
    document = benchmarks.model_dump(mode="json")
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=120, default_flow_style=None), encoding="utf-8")
    return path
