"""Scores of common variants, sorted: what a score is ranked among.

The file is an ``.npz`` of two entries, neither compressed nor pickled: ``scores.npy``, and ``document.json``, which
says what was scored and how. The same scores make the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from zoo.components import Scores
from zoo.errors import DataError
from zoo.model.document import Document, validate

SUFFIX = ".npz"
MIN_ALLELES = 100
"""Of fewer the smallest p-value would be above 0.01."""

_SCORES, _DOCUMENT = "scores.npy", "document.json"
_DIGEST = r"^[0-9a-f]{64}$"
_REMAKE = "make it again with zoo background"
_FAULTS = (
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What zipfile, json and NumPy raise for bytes that are not theirs."""


class BackgroundDocument(Document):
    """What a background is of. ``genome`` is the digest of its contigs' names and lengths, ``vcf`` a file's name."""

    schema_version: Literal[1] = 1
    model: str
    digest: str = Field(pattern=_DIGEST)
    scorer: str
    config: dict[str, Any]
    signed: bool
    tracks: tuple[str, ...] = Field(min_length=1)
    settings: dict[str, Any]
    alleles: int = Field(ge=MIN_ALLELES)
    genome: str
    vcf: str
    vcf_sha256: str = Field(pattern=_DIGEST)


@dataclass(frozen=True, slots=True)
class Background:
    """The scores of common variants by one model, T tracks.

    Attributes:
        scores: Finite, ascending in each track, shape (T, n).
        document: What they are of.
        source: What messages call it.
    """

    scores: Scores
    document: BackgroundDocument
    source: str = "background"

    @property
    def signed(self) -> bool:
        """Whether the sign of a score says a direction."""
        return self.document.signed

    def digest(self) -> str:
        """Return a checksum of the scores and of what they are of."""
        digest = hashlib.sha256(self.document.model_dump_json().encode())
        digest.update(self.scores.tobytes())
        return digest.hexdigest()

    def take(self, columns: Sequence[int]) -> Background:
        """Return the background of some tracks, by their indices into the card's."""
        tracks = tuple(self.document.tracks[column] for column in columns)
        return replace(
            self, scores=self.scores[list(columns)], document=self.document.model_copy(update={"tracks": tracks})
        )

    def percentile(self, scores: Scores) -> Scores:
        """Return how many per cent of the background lie below each score, half of its equals included.

        Args:
            scores: Shape (R, T); NaN stays NaN.

        Returns:
            From 0 to 100, shape (R, T).
        """
        return self._rank(scores, lambda below, up_to, _, n: 50 * (below + up_to) / n)

    def empirical_p(self, scores: Scores) -> Scores:
        """Return (1 + k) / (n + 1), where k of n background scores are at least as extreme as each score.

        Unsigned: those that are as large or larger. Signed: those as far out on the score's own side of 0; all of
        them for a score of 0.

        Source: North, Curtis and Sham 2002, doi:10.1086/341527.

        Args:
            scores: Shape (R, T); NaN stays NaN.

        Returns:
            Above 0, at most 1, shape (R, T).
        """

        def rank(
            below: npt.NDArray[np.int64], up_to: npt.NDArray[np.int64], asked: Scores, n: int
        ) -> npt.NDArray[np.float64]:
            extreme = n - below
            if self.signed:
                extreme = np.where(asked < 0, up_to, np.where(asked > 0, extreme, n))
            return (1 + extreme) / (n + 1)

        return self._rank(scores, rank)

    def _rank(self, scores: Scores, rank: Callable[..., npt.NDArray[np.float64]]) -> Scores:
        if scores.ndim != 2 or scores.shape[1] != len(self.scores):
            raise ValueError(f"expected scores of {len(self.scores)} tracks, found shape {scores.shape}")
        ranked = np.empty(scores.shape, dtype=np.float32)
        for column, known in enumerate(self.scores):
            asked = scores[:, column].astype(np.float32, copy=False)
            below, up_to = known.searchsorted(asked, "left"), known.searchsorted(asked, "right")
            ranked[:, column] = rank(below, up_to, asked, len(known))
        ranked[np.isnan(scores)] = np.nan
        return ranked


def read_background(path: str | Path) -> Background:
    """Read and check a background.

    Raises:
        DataError: The file is missing, or not as ``write_background`` makes it.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise DataError(f"{path}: expected a background, found a folder, pipe or device; {_REMAKE}")
    try:
        with zipfile.ZipFile(path) as archive:
            fields, scores = _read_entries(archive)
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror or error}") from error
    except _FAULTS as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"{path}: expected a background, found a broken or another file ({reason}); {_REMAKE}"
        ) from error
    document = validate(BackgroundDocument, fields, f"{path}: {_DOCUMENT}", DataError)
    fault = _find_fault(scores, document)
    if fault:
        raise DataError(f"{path}: {_SCORES}: {fault}; {_REMAKE}")
    return Background(scores, document, str(path))


def write_background(background: Background, file: IO[bytes]) -> None:
    """Write a background into a file that is open at its start."""
    text = json.dumps(background.document.model_dump(mode="json"), indent=2, sort_keys=True, allow_nan=False) + "\n"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(_entry(_SCORES), "w", force_zip64=True) as entry:
            np.lib.format.write_array(entry, np.ascontiguousarray(background.scores), (1, 0), allow_pickle=False)
        archive.writestr(_entry(_DOCUMENT), text.encode())


def _read_entries(archive: zipfile.ZipFile) -> tuple[dict[str, Any], npt.NDArray[Any]]:
    if sorted(archive.namelist()) != sorted([_SCORES, _DOCUMENT]):
        raise ValueError(f"expected the entries {_SCORES} and {_DOCUMENT}, found {archive.namelist()[:5]}")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
        raise ValueError("expected entries that are not compressed")  # of which a small file could hold any amount
    fields = json.loads(archive.read(_DOCUMENT), parse_constant=_refuse_constant)
    if not isinstance(fields, dict):
        raise TypeError(f"{_DOCUMENT}: expected fields, found a {type(fields).__name__}")
    with archive.open(_SCORES) as entry:
        return fields, np.lib.format.read_array(entry, allow_pickle=False)


def _find_fault(scores: npt.NDArray[Any], document: BackgroundDocument) -> str | None:
    if scores.dtype != np.float32 or scores.ndim != 2 or len(scores) != len(document.tracks):
        return f"expected float32 of {len(document.tracks)} tracks, found {scores.dtype} of shape {scores.shape}"
    if scores.shape[1] < document.alleles:
        return f"expected a score of each of {document.alleles} alleles, found {scores.shape[1]}"
    if not np.isfinite(scores).all():
        return "expected finite scores, found others"
    if (scores[:, 1:] < scores[:, :-1]).any():
        return "expected ascending scores in each track, found others"
    return None


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix, wherever it is written
    return entry


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{_DOCUMENT}: expected numbers, found {name}")
