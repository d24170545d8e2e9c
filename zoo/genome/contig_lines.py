"""What the ``##contig`` lines of a VCF say about contigs beside their length: digests and assembly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zoo.genome.build import named_build

_CONTIG = re.compile(r"^##contig=<(.*)>\s*$", re.MULTILINE)
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,]*)')
_MD5 = re.compile(r"[0-9a-f]{32}")
_REFGET = re.compile(r"(?:ga4gh:)?(SQ\.[A-Za-z0-9_-]{32})")
_GENOME_LINE = re.compile(r"^##(?:reference|assembly)=(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ContigLine:
    """A declared contig.

    Attributes:
        md5: Of the upper-cased letters, in small letters (SAM's M5).
        refget: ``SQ.`` and 32 characters.
        assembly: As it is written there.
    """

    name: str
    md5: str | None = None
    refget: str | None = None
    assembly: str | None = None


def read_contig_lines(header: str) -> dict[str, ContigLine]:
    """Return the contigs that a header declares, by name; what is no digest by its form is left out."""
    lines = {}
    for body in _CONTIG.findall(header):
        fields = {key.lower(): value.strip('"').strip() for key, value in _FIELD.findall(body)}
        if "id" not in fields:
            continue
        md5 = next((fields[key] for key in ("md5", "m5") if key in fields), "").lower().removeprefix("md5:")
        refget = next((found[1] for value in fields.values() if (found := _REFGET.fullmatch(value))), None)
        lines[fields["id"]] = ContigLine(
            fields["id"], md5 if _MD5.fullmatch(md5) else None, refget, fields.get("assembly") or None
        )
    return lines


def named_assembly(header: str) -> str | None:
    """Return the one build that a header names as its reference or as its contigs' assembly, or None."""
    texts = {*_GENOME_LINE.findall(header), *(line.assembly or "" for line in read_contig_lines(header).values())}
    builds = {build for text in texts if (build := named_build(text))}
    return builds.pop() if len(builds) == 1 else None
