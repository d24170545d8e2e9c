"""What is wrong with a VCF that htslib refuses, as far as its text tells: htslib itself gives a number."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable

REQUIRED = ("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")

UNKNOWN_FAULT = "the file is cut there, or the record is malformed"

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def explain_header(lines: Iterable[bytes]) -> str:
    """Return what is wrong with a header, from the lines of the file."""
    remaining = iter(lines)
    start = next(remaining, b"")
    if start.startswith(_BYTE_ORDER_MARK):
        remedy = r"sed -i '1s/^\xef\xbb\xbf//'"
        return f"line 1: expected '##fileformat', found a byte-order mark before it; remove it: {remedy}"
    first = start[:200].decode("utf-8", "replace").strip()
    if not first.startswith("##fileformat=VCF"):
        return f"line 1: expected '##fileformat=VCFv4.2' or the like, or BCF, found {first[:40]!r}"
    columns = next((line for line in remaining if line.startswith(b"#CHROM")), b"").rstrip(b"\r\n").split(b"\t")
    if len(columns) < len(REQUIRED):
        return "expected a line '#CHROM POS ID REF ALT QUAL FILTER INFO', tabs between, after the ## lines"
    if len(columns) == len(REQUIRED) + 1:
        return "the line '#CHROM …': expected samples after FORMAT, found none; add them, or take FORMAT away"
    twice = [name for name, count in Counter(columns[len(REQUIRED) + 1 :]).items() if count > 1]
    if twice:
        return f"the line '#CHROM …': sample {twice[0].decode('utf-8', 'replace')!r} stands there twice; rename one"
    return "the header can't be read"


def explain_record(lines: Iterable[bytes], number: int) -> str:
    """Return what is wrong with record ``number`` (from 0), from the lines of the file."""
    remaining = iter(lines)
    header = next((line for line in remaining if line.startswith(b"#CHROM")), b"")
    text = read_record(remaining, number)
    columns = text.split("\t")
    expected = header.count(b"\t") + 1
    if len(columns) < len(REQUIRED):
        return f"expected at least {len(REQUIRED)} columns between tabs, found {len(columns)}: {text[:60]!r}"
    if not columns[1].isdecimal():
        return f"POS: expected a whole number, found {columns[1]!r}"
    if len(columns) != expected:
        return f"expected {expected} columns between tabs, as the line '#CHROM …' has, found {len(columns)}"
    genotypes = [cell.partition(":")[0] for cell in columns[9:]] if columns[8:9] and columns[8].startswith("GT") else []
    marked = next((genotype for genotype in genotypes if genotype[:1] in {"|", "/"}), None)
    if marked is not None:
        return (
            f"genotype {marked[:20]!r} begins with a mark of phase, as VCF 4.4 has it, which this htslib can't read; "
            "drop the genotypes (bcftools view -G), or write them as VCF 4.3"
        )
    return UNKNOWN_FAULT


def read_record(lines: Iterable[bytes], number: int) -> str:
    """Return the line of record ``number`` (from 0) without its end, empty where there is none."""
    records = (line for line in lines if not line.startswith(b"#"))
    return next(itertools.islice(records, number, None), b"").decode("utf-8", "replace").rstrip("\r\n")
