"""Names and lengths of contigs in the builds of the human genome, and which names mean the same contig.

Lengths and accessions are those of the assembly reports of GRCh37 (GCF_000001405.13), GRCh38 (GCF_000001405.26) and
T2T-CHM13v2.0 (GCF_009914755.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAMES = (*(str(number) for number in range(1, 23)), "X", "Y")

_LENGTHS = {
    "GRCh37 (hg19)": (
        249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
        135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520,
        48129895, 51304566, 155270560, 59373566,
    ),
    "GRCh38 (hg38)": (
        248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422,
        135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167,
        46709983, 50818468, 156040895, 57227415,
    ),
    "T2T-CHM13v2.0": (
        248387328, 242696752, 201105948, 193574945, 182045439, 172126628, 160567428, 146259331, 150617247, 134758134,
        135127769, 133324548, 113566686, 101161492, 99753195, 96330374, 84276897, 80542538, 61707364, 66210255,
        45090682, 51324926, 154259566, 62460029,
    ),
}  # fmt: skip

_ACCESSION_VERSIONS = {
    "GRCh37 (hg19)": (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9),
    "GRCh38 (hg38)": (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10),
}

_ACCESSIONS = {
    f"NC_{number:06d}.{version}": (_NAMES[number - 1], _LENGTHS[build][number - 1])
    for build, versions in _ACCESSION_VERSIONS.items()
    for number, version in enumerate(versions, start=1)
} | {
    f"NC_{60924 + number:06d}.1": (name, _LENGTHS["T2T-CHM13v2.0"][number - 1])
    for number, name in enumerate(_NAMES, start=1)
}
_ACCESSIONS["NC_012920.1"] = ("MT", 16569)

_MITOCHONDRION = frozenset({"MT", "M"})


def contig_key(name: str) -> str:
    """Return what names of one contig have in common: ``chr1``, ``1`` and ``NC_000001.10`` give ``1``."""
    if name in _ACCESSIONS:
        return _ACCESSIONS[name][0]
    bare = re.sub(r"^chr", "", name, flags=re.IGNORECASE)
    return "MT" if bare in _MITOCHONDRION else bare


def find_alias(name: str, length: int | None, known: Mapping[str, int]) -> str | None:
    """Return the contig of a reference that a name stands for, or None.

    Args:
        name: The contig's name in a VCF or BED file.
        length: Its length there, None where the file does not say.
        known: The reference's contigs and their lengths.

    A name counts, its own included, only where the lengths agree as far as they are known. Without a length the
    mitochondrion has no alias: hg19's chrM and GRCh37's MT are different sequences.
    """
    if length is None and name in _ACCESSIONS:
        length = _ACCESSIONS[name][1]
    if name in known:
        return name if length is None or known[name] == length else None
    key = contig_key(name)
    if key == "MT" and length is None:
        return None
    for candidate, candidate_length in known.items():
        if contig_key(candidate) != key:
            continue
        declared = _ACCESSIONS.get(candidate)
        if declared is not None and declared[1] != candidate_length:
            continue
        if length is None or candidate_length == length:
            return candidate
    return None


def likely_build(lengths: Mapping[str, int | None]) -> str | None:
    """Return the human build whose contig lengths these are, or None where none or several fit."""
    fitting = {
        build
        for name, length in lengths.items()
        for build, build_lengths in _LENGTHS.items()
        if contig_key(name) in _NAMES and length == build_lengths[_NAMES.index(contig_key(name))]
    }
    return fitting.pop() if len(fitting) == 1 else None
