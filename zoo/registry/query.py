"""What is searched for among models, and which of them are that: whole words, letters of either case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.errors import UnknownModel, near_match

_SYNONYMS: tuple[tuple[str, ...], ...] = (
    ("human", "Homo sapiens"),
    ("mouse", "Mus musculus"),
    ("rat", "Rattus norvegicus"),
    ("yeast", "baker's yeast", "Saccharomyces cerevisiae"),
    ("fission yeast", "Schizosaccharomyces pombe"),
    ("fly", "fruit fly", "Drosophila melanogaster"),
    ("worm", "Caenorhabditis elegans"),
    ("zebrafish", "Danio rerio"),
    ("chicken", "Gallus gallus"),
    ("pig", "Sus scrofa"),
    ("cow", "Bos taurus"),
    ("frog", "Xenopus tropicalis"),
    ("arabidopsis", "thale cress", "Arabidopsis thaliana"),
    ("maize", "corn", "Zea mays"),
    ("rice", "Oryza sativa"),
    ("hg19", "GRCh37"),
    ("hg38", "GRCh38"),
    ("mm9", "NCBI37"),
    ("mm10", "GRCm38"),
    ("mm39", "GRCm39"),
)
"""Names of one organism or genome build: who asks for one means all."""

_FIELDS: dict[str, tuple[str, ...]] = {
    # No card calls its assay CTCF: that is a track of a TF ChIP-seq, or stands in the model's name.
    "assay": ("assay", "tracks", "name"),
    "biosample": ("biosample",),
    "organism": ("organism",),
    "genome": ("genome",),
}
"""What is asked → the fields in which its words may stand."""

_TEXT = ("name", "assay", "biosample", "organism", "genome", "license", "summary", "tracks")
_COLUMNS = ("name", "assay", "biosample", "organism", "genome", "license")
_LESS_IS_BETTER = {"mse", "rmse", "mae", "calibration_error", "brier", "loss", "log_loss"}
_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Query:
    """What a model must be to be found; what is empty is not asked.

    Attributes:
        text: Words that all stand somewhere, also inside another word.
        assay: Words that stand in a row, whole, in the assay, in a track's name or in the model's.
        biosample: Likewise, in the biosample.
        organism: Likewise; ``human`` is ``Homo sapiens``.
        genome: Likewise; ``hg19`` is ``GRCh37``.
        sort: A metric, the best first, or a column; models without it come last.
        every: Every version, not only the one that a bare name stands for.
    """

    text: str = ""
    assay: str = ""
    biosample: str = ""
    organism: str = ""
    genome: str = ""
    sort: str = ""
    every: bool = False


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is asked: one of ``spellings`` stands in one of ``fields``, as whole words or anywhere."""

    asked: str
    label: str
    spellings: tuple[str, ...]
    fields: tuple[str, ...]
    whole: bool

    @property
    def needle(self) -> bytes:
        """The longest run of ASCII letters and digits that every hit holds, in small letters; empty if none is sure.

        Only of hits in ASCII: what is small to Python may be another letter (``K``, the sign of kelvin).
        """
        if len(self.spellings) > 1:
            return b""
        return max(re.findall(rb"[a-z0-9]+", self.spellings[0].encode(errors="surrogatepass")), key=len, default=b"")

    def admits(self, row: dict[str, Any]) -> bool:
        """Return whether a row is what is asked."""
        for field in self.fields:
            held = row.get(field, "")
            for text in held if isinstance(held, list) else (held,):
                found = split_words(str(text)) if self.whole else str(text).casefold()
                if found.strip() and any(spelling in found for spelling in self.spellings):
                    return True
        return False


def split_words(text: str) -> str:
    """Return the words of a text, each between spaces, small: ``' h1 hesc '`` of ``H1-hESC``; none are two spaces."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def list_terms(text: str) -> list[str]:
    """Return the words of a text as they are written, ``TF`` and ``ChIP-seq``, without the signs around them."""
    return _TERM.findall(text)


def list_criteria(query: Query) -> list[Criterion]:
    """Return all that a query asks; a model must fulfil every one."""
    found = [
        Criterion(asked, label, tuple(map(split_words, _spell(asked))), fields, whole=True)
        for label, fields in _FIELDS.items()
        if (asked := getattr(query, label).strip())
    ]
    found += [
        Criterion(word, "text", tuple(map(str.casefold, _spell(word))), _TEXT, whole=False)
        for word in query.text.split()
    ]
    return found


def choose_needle(criteria: Sequence[Criterion]) -> bytes:
    """Return what every hit holds, as long as can be; empty if nothing is sure."""
    return max((criterion.needle for criterion in criteria), key=len, default=b"")


def is_column(sort: str) -> bool:
    """Return whether rows are sorted by a column of text, not by a metric."""
    return sort in _COLUMNS


def check_sort(rows: Sequence[dict[str, Any]], sort: str, list_metrics: Callable[[], Iterable[str]]) -> None:
    """Refuse what no row can be sorted by.

    Args:
        rows: What was found.
        sort: A column, or the metric of some model.
        list_metrics: Gives those of all models; called where no row has it.

    Raises:
        UnknownModel: There is no such column, and no model has such a metric.
    """
    if is_column(sort) or any(sort in row.get("metrics", {}) for row in rows):
        return
    known = set(list_metrics())
    if sort not in known:
        raise UnknownModel(f"no model has the metric {sort!r}{near_match(sort, known | set(_COLUMNS))}")


def sort_rows(rows: Sequence[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Return rows by a column, or by a metric with the best first; those without it come last, in their order."""

    def find_column(row: dict[str, Any]) -> tuple[bool, str]:
        text = str(row.get(sort, "")).casefold()
        return not text, text

    def find_metric(row: dict[str, Any]) -> tuple[bool, float]:
        value = row.get("metrics", {}).get(sort)
        if not isinstance(value, int | float):
            return True, 0.0
        return False, value if sort in _LESS_IS_BETTER else -value

    return sorted(rows, key=find_column if is_column(sort) else find_metric)


def _spell(asked: str) -> tuple[str, ...]:
    """Return what is asked, and the other names of the same."""
    words = split_words(asked)
    for names in _SYNONYMS:
        if words in map(split_words, names):
            return names
    return (asked,)
