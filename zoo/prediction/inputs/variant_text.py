"""Variants written as one text: ``chr1:100:A:G``, gnomAD's ``1-100-A-G``, GTEx' ``chr1_100_A_G_b38``; 1-based."""

from __future__ import annotations

import re

_ALLELE = r"[A-Za-z]+|<[^<>\s]+>|[-.*]"

# The contig ends as early as a position and two alleles can follow: names hold every separator that there is.
_VARIANT = re.compile(
    r"(?P<contig>\S*?[^\s:_\-])[:_\-\s](?P<position>\d+)[:_\-\s]"
    rf"(?P<ref>{_ALLELE})[:_\-\s/>|](?P<alt>(?:{_ALLELE})(?:,(?:{_ALLELE}))*)"
    r"(?:[_:\-](?P<build>[bB]3[78]|hg19|hg38|GRCh3[78]))?",
    re.ASCII,
)

BUILDS = {"b37": "GRCh37", "hg19": "hg19", "grch37": "GRCh37", "b38": "GRCh38", "hg38": "hg38", "grch38": "GRCh38"}
"""The builds that a text may end with, in small letters."""


def split_variant(text: str) -> tuple[str, str, str, str, str | None] | None:
    """Return contig, position, REF, ALT and build of a text, or None where it is no variant."""
    found = _VARIANT.fullmatch(text)
    if found is None:
        return None
    contig, position, ref, alt, build = found.groups()
    return contig, position, ref, alt, build and BUILDS[build.lower()]


_PLACE = re.compile(r"(?P<contig>\S*?[^\s:_\-])[:_\-](?P<position>\d+)", re.ASCII)


def split_place(text: str) -> tuple[str, str] | None:
    """Return contig and position of a text such as ``20:1000072``, or None where it is none."""
    found = _PLACE.fullmatch(text)
    return None if found is None else (found["contig"], found["position"])
