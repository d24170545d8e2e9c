"""Annotates files one by one in a process of its own, which a crash may end; paths come on standard input.

Arguments: a model's folder and a folder to work in. A line of input is a JSON object: ``path``, the ``outputs`` to
write, and ``known``, which contigs the genome shall have: ``all``, ``every second`` or ``none``; or ``read``, to have
the file read by htslib alone. A line of output tells what came of it. The genome is a FASTA file made to fit: the
contigs of the records in their declared lengths, random bases, and each REF laid in where it stands.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import re
import sys
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.genome.codes import IUPAC

MOST_BASES = 600_000_000
"""Of a contig: what htslib's indexes reach, and a little more; records beyond have no genome."""

_TILE = np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(1).integers(0, 4, 1_000_003)].tobytes()
_LETTERS = "".join(IUPAC) + "".join(IUPAC).lower()
_CONTIG = re.compile(r"^##contig=<(?:.*,)?ID=([^,>]+)(?:.*?,length=(\d+))?", re.MULTILINE)


def read_with_htslib(path: str) -> dict[str, Any]:
    """Return what htslib, as cyvcf2 carries it, makes of a file: its records as it prints them, or its error."""
    import cyvcf2
    from cyvcf2.cyvcf2 import set_htslib_log_level

    set_htslib_log_level(0)
    try:
        with contextlib.closing(cyvcf2.VCF(path)) as reader:
            contigs = dict.fromkeys(record.CHROM for record in reader)
        with contextlib.closing(cyvcf2.VCF(path)) as reader:
            known = set(reader.seqnames) if reader.raw_header.count("##contig") else set()
            for name in contigs:
                if name and name not in known:  # else printing may crash
                    reader.add_to_header(f"##contig=<ID={name}>")
            lines = [str(record)[:-1] for record in reader]
    except Exception as error:  # noqa: BLE001 - cyvcf2 raises a bare Exception
        return {"error": " ".join(str(error).split()) or type(error).__name__}
    return {"lines": lines}


def write_fitting_genome(path: str, lines: list[str] | None, genome: Path, known: str, most_bases: float) -> bool:
    """Write a genome that holds the REF of each record, and its index; return whether it has at most so many bases.

    Args:
        lines: The records as htslib prints them; None where it does not read them, the text is looked at then.
    """
    header, text = _split(path)
    declared = {name: int(length) for name, length in reversed(_CONTIG.findall(header)) if length}  # the first counts
    refs: dict[str, list[tuple[int, str]]] = {}
    for contig, start, ref in _places(lines if lines is not None else text.split("\n")):
        refs.setdefault(contig, []).append((start, ref))
    names = [name for name in refs if name and not re.search(r"\s", name)]
    names = {"all": names, "every second": names[::2], "none": []}[known]
    lengths = {name: _length(refs.get(name, []), declared.get(name)) for name in names or ["elsewhere"]}
    if sum(lengths.values()) > most_bases:
        return False
    offset = 0
    index = []
    with genome.open("wb") as file:
        for name, length in lengths.items():
            body = _lay(refs.get(name, []), length)
            head = f">{name}\n".encode("utf-8", "surrogateescape")
            file.write(head + body + b"\n")
            index.append(f"{name}\t{len(body)}\t{offset + len(head)}\t{len(body)}\t{len(body) + 1}\n")
            offset += len(head) + len(body) + 1
    Path(f"{genome}.fai").write_text("".join(index), encoding="utf-8", errors="surrogateescape")
    return True


def _length(refs: list[tuple[int, str]], declared: int | None) -> int:
    end = max((start + len(ref) for start, ref in refs if 0 <= start < MOST_BASES), default=0)
    return max(1, min(end + 100 if declared is None else declared, MOST_BASES))


def _lay(refs: list[tuple[int, str]], length: int) -> bytearray:
    body = bytearray(_TILE * (length // len(_TILE) + 1))[:length]
    taken = 0
    for start, ref in sorted(refs, key=lambda place: place[0]):
        if taken <= start and start + len(ref) <= length:  # the first of those that overlap
            letters = "".join(letter if letter in _LETTERS else "N" for letter in ref)
            body[start : start + len(ref)] = letters.encode()
            taken = start + len(ref)
    return body


def _places(lines: list[str]) -> Iterator[tuple[str, int, str]]:
    for line in lines:
        columns = line.split("\t", 5)
        if not line.startswith("#") and len(columns) > 4 and columns[1].isdecimal():
            yield columns[0], int(columns[1]) - 1, columns[3]


def _split(path: str) -> tuple[str, str]:
    try:
        content = Path(path).read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error):
        content = b""
    text = content.decode("utf-8", "surrogateescape")
    place = text.find("\n", max(text.find("#CHROM"), 0)) + 1
    return text[:place], text[place:]


def annotate_with(model: Any, path: str, genome: Path, output: str) -> dict[str, Any]:
    """Return what came of one annotation."""
    from zoo import annotate

    try:
        summary = annotate(path, genome, model, output)
    except ZooError as error:
        return {"error": f"{type(error).__name__}: {error}"}
    except Exception:  # noqa: BLE001 - told, not hidden
        return {"traceback": traceback.format_exc()}
    return {"records": summary.records, "scored": summary.scored, "skipped": summary.skipped}


def main() -> None:
    from zoo.registry import load

    model, folder = load(sys.argv[1], threads=1), Path(sys.argv[2])
    genome = folder / "genome.fa"
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        path = asked["path"]
        if asked.get("read"):
            found = read_with_htslib(path)
        else:
            most = asked.get("most_bases") or math.inf
            found = {"fits": write_fitting_genome(path, asked.get("lines"), genome, asked["known"], most)}
            if found["fits"]:
                found |= {output: annotate_with(model, path, genome, output) for output in asked["outputs"]}
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
