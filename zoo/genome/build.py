"""Names and lengths of contigs in known genome builds, and which names mean the same contig.

Lengths and accessions (RefSeq and GenBank) are those of the assembly reports of GRCh37 (GCF_000001405.13), GRCh38
(GCF_000001405.26), T2T-CHM13v2.0 (GCF_009914755.1) and the yeast S288C R64 (GCF_000146045.2, UCSC's sacCer3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

GRCH37, GRCH38, T2T, YEAST = "GRCh37", "GRCh38 (hg38)", "T2T-CHM13v2.0 (hs1)", "sacCer3 (R64)"
HG19 = "hg19"
"""GRCh37 with UCSC's names, and in its first form with another mitochondrion."""

_HUMAN = (*(str(number) for number in range(1, 23)), "X", "Y")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI")

_LENGTHS: dict[str, dict[str, int]] = {
    GRCH37: dict(zip(_HUMAN, (
        249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
        135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520,
        48129895, 51304566, 155270560, 59373566,
    ), strict=True)),
    GRCH38: dict(zip(_HUMAN, (
        248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422,
        135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167,
        46709983, 50818468, 156040895, 57227415,
    ), strict=True)),
    T2T: dict(zip(_HUMAN, (
        248387328, 242696752, 201105948, 193574945, 182045439, 172126628, 160567428, 146259331, 150617247, 134758134,
        135127769, 133324548, 113566686, 101161492, 99753195, 96330374, 84276897, 80542538, 61707364, 66210255,
        45090682, 51324926, 154259566, 62460029,
    ), strict=True)),
    YEAST: dict(zip(_ROMAN, (
        230218, 813184, 316620, 1531933, 576874, 270161, 1090940, 562643, 439888, 745751, 666816, 1078177, 924431,
        784333, 1091291, 948066,
    ), strict=True)),
}  # fmt: skip

_MITOCHONDRION = "MT"
_MITOCHONDRIA = frozenset({"m", "mt", "mito", "mtdna"})
_HG19_MITOCHONDRION = 16571

_REFSEQ_VERSIONS = {
    GRCH37: (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9),
    GRCH38: (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10),
}
# The third version of XIV; VIII has the first number.
_YEAST_GENBANK = tuple(
    f"BK{number:06d}.{3 if number == 6947 else 2}"
    for number in (6935, 6936, 6937, 6938, 6939, 6940, 6941, 6934, *range(6942, 6950))
)
_YEAST_REFSEQ = (
    "NC_001133.9", "NC_001134.8", "NC_001135.5", "NC_001136.10", "NC_001137.3", "NC_001138.5", "NC_001139.9",
    "NC_001140.6", "NC_001141.2", "NC_001142.9", "NC_001143.9", "NC_001144.5", "NC_001145.3", "NC_001146.8",
    "NC_001147.6", "NC_001148.4",
)  # fmt: skip

_ACCESSIONS: dict[str, tuple[str, int]] = {
    "NC_012920.1": (_MITOCHONDRION, 16569),
    "J01415.2": (_MITOCHONDRION, 16569),
    "NC_001807.4": (_MITOCHONDRION, _HG19_MITOCHONDRION),
    "CP068254.1": (_MITOCHONDRION, 16569),
    "NC_001224.1": (_MITOCHONDRION, 85779),
    "AJ011856.1": (_MITOCHONDRION, 85779),
}
"""What an accession stands for: the key of its contig, and the length."""


def _add(build: str, accessions: tuple[str, ...]) -> None:
    _ACCESSIONS.update(zip(accessions, _LENGTHS[build].items(), strict=True))


for _build, _versions in _REFSEQ_VERSIONS.items():
    _add(_build, tuple(f"NC_{number:06d}.{version}" for number, version in enumerate(_versions, start=1)))
_add(GRCH37, tuple(f"CM{number:06d}.1" for number in range(663, 687)))
_add(GRCH38, tuple(f"CM{number:06d}.2" for number in range(663, 687)))
_add(T2T, tuple(f"NC_{number:06d}.1" for number in range(60925, 60949)))
_add(T2T, (*(f"CP{number:06d}.2" for number in range(68277, 68254, -1)), "CP086569.2"))
_add(YEAST, _YEAST_REFSEQ)
_add(YEAST, _YEAST_GENBANK)

_NAMES = {
    GRCH37: re.compile(r"hg19|grch37|b37\b|hs37|g1k_?v37|GCF_000001405\.(1[3-9]|2[0-5])\b", re.IGNORECASE),
    GRCH38: re.compile(r"hg38|grch38|b38\b|hs38|GCF_000001405\.(2[6-9]|[34]\d)\b", re.IGNORECASE),
    T2T: re.compile(r"chm13|\bt2t|\bhs1\b|GCF_009914755", re.IGNORECASE),
    YEAST: re.compile(r"saccer3|\br64|GCF_000146045\.2", re.IGNORECASE),
}


def contig_key(name: str) -> str:
    """Return what names of one contig have in common: ``chr1``, ``1`` and ``NC_000001.10`` give ``1``."""
    if name in _ACCESSIONS:
        return _ACCESSIONS[name][0]
    bare = name[3:] if name[:3].lower() == "chr" else name
    return _MITOCHONDRION if bare.lower() in _MITOCHONDRIA else bare


class ContigIndex:
    """Finds contigs by any of their names, in a time that does not grow with their number.

    Args:
        known: The contigs and their lengths.
    """

    def __init__(self, known: Mapping[str, int]) -> None:
        self._known = known
        self._by_key: dict[str, list[str]] | None = None

    def find(self, name: str, length: int | None) -> str | None:
        """Return the contig that a name stands for, or None; see ``find_alias``."""
        if length is None and name in _ACCESSIONS:
            length = _ACCESSIONS[name][1]
        if name in self._known:
            return name if length is None or self._known[name] == length else None
        key = contig_key(name)
        if key == _MITOCHONDRION and length is None:
            return None
        if self._by_key is None:
            self._by_key = self._index()
        candidates = self._by_key.get(key, ())
        return next((found for found in candidates if length is None or self._known[found] == length), None)

    def _index(self) -> dict[str, list[str]]:
        """Return the contigs by what names of one contig have in common, those left out that lie about their length."""
        index: dict[str, list[str]] = {}
        for name, length in self._known.items():
            declared = _ACCESSIONS.get(name)
            if declared is None or declared[1] == length:
                index.setdefault(contig_key(name), []).append(name)
        return index


def find_alias(name: str, length: int | None, known: Mapping[str, int]) -> str | None:
    """Return the contig of a reference that a name stands for, or None.

    Args:
        name: The contig's name in a VCF or BED file.
        length: Its length there, None where the file does not say.
        known: The reference's contigs and their lengths.

    A name counts, its own included, only where the lengths agree as far as they are known. Without a length the
    mitochondrion has no alias: hg19's chrM and GRCh37's MT are different sequences.
    """
    return ContigIndex(known).find(name, length)


def likely_build(lengths: Mapping[str, int | None]) -> str | None:
    """Return the build whose contig lengths these are, or None where none or several fit.

    GRCh37 is called hg19 where its contigs are named chr1 and so on, or its mitochondrion is hg19's.
    """
    fitting: set[str] = set()
    first_37 = False
    for name, length in lengths.items():
        key = contig_key(name)
        if key == _MITOCHONDRION and length == _HG19_MITOCHONDRION:
            fitting.add(GRCH37)
            first_37 = True
        for build, known in _LENGTHS.items():
            if length is not None and known.get(key) == length:
                fitting.add(build)
                first_37 |= name.lower().startswith("chr")
    if len(fitting) != 1:
        return None
    build = fitting.pop()
    return HG19 if build == GRCH37 and first_37 else build


def named_build(text: str) -> str | None:
    """Return the build that a text names, as ``likely_build`` would; None where it names none or several.

    ``hg19``, ``b37`` and ``hs37d5`` are all GRCh37 here: the same contigs but for the mitochondrion.
    """
    named = [build for build, pattern in _NAMES.items() if pattern.search(text)]
    return named[0] if len(named) == 1 else None


def contigs_of_build(text: str) -> frozenset[str] | None:
    """Return what ``contig_key`` makes of the contigs of the build that a text names; None where it names none."""
    build = named_build(text)
    return None if build is None else frozenset(_LENGTHS[build]) | {_MITOCHONDRION}


def contradicting_build(text: str, lengths: Mapping[str, int | None]) -> str | None:
    """Return the build that contigs look like, where a text names another; None where they agree or can't be told."""
    likely, named = likely_build(lengths), named_build(text)
    if likely is None or named is None:
        return None
    return likely if named_build(likely) != named else None
