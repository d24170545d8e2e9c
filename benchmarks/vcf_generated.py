"""Writes odd but legal VCF files, and some broken ones, from a seed: what test suites of others lack.

Every kind of ALT, VCF 4.0 to 4.4, any ploidy, phased or not, no samples or many, undeclared contigs, INFO, FORMAT and
FILTER, floats in every spelling, percent-encoding, UTF-8, CRLF, no records, plain, gzip, BGZF or BCF. Files whose names
start with ``broken`` are none that can be read to their end.
"""

from __future__ import annotations

import gzip
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from zoo.genome.bgzf import EOF_MARKER, BgzfSink

VERSIONS = ("4.0", "4.1", "4.2", "4.3", "4.4")
SYMBOLS = (
    "<DEL>", "<DEL:ME:ALU>", "<DUP>", "<DUP:TANDEM>", "<INV>", "<INS>", "<INS:ME:L1>", "<CNV>", "<CNV:TR>", "<CN0>",
    "<CN2>", "<NON_REF>", "<*>", "*", "G]17:198982]", "]13:123456]T", "C[2:321682[", "[<ctg1>:7[A", "G.", ".G",
    "C<ctg1>", "N", "R", "acgt",
)  # fmt: skip
_LENGTH = 5000
FLOATS = (
    "0",
    "-0",
    "1e-300",
    "1E+10",
    ".5",
    "5.",
    "3.40282e+38",
    "1e-45",
    "0.1234567890123",
    "nan",
    "inf",
    "-inf",
    ".",
)
TEXTS = ("a", "100%25", "x%3By%3Dz", "caf\u00e9", "\u67d3\u8272\u4f53", "'quoted'", "a|b|c", "(x)/[y]", "-", "~", "")
_KEYS = (
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth, with \\"quotes\\" and, commas">',
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency = share">',
    '##INFO=<ID=R,Number=R,Type=Float,Description="One for each allele">',
    '##INFO=<ID=FLAG,Number=0,Type=Flag,Description="A flag">',
    '##INFO=<ID=TEXT,Number=.,Type=String,Description="Text; any">',
    '##INFO=<ID=END,Number=1,Type=Integer,Description="End">',
    '##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Length">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=GQ,Number=1,Type=Float,Description="Quality">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depth of each allele">',
    '##FILTER=<ID=q10,Description="Below 10">',
)


def write_generated(folder: Path, count: int, seed: int) -> list[Path]:
    """Write ``count`` files, a tenth of them broken, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        rng = random.Random(f"{seed}:{number}")
        text = make_text(rng)
        paths.append(_break(rng, text, folder, number) if number % 10 == 9 else _write(rng, text, folder, number))
    return paths


def make_text(rng: random.Random) -> str:
    """Return one file's text."""
    contigs = rng.sample(
        ["chr1", "1", "chrX", "chrUn_KI270742v1", "HLA-A*01:01:01:01", "scaffold.7", "MT"], rng.randint(1, 4)
    )
    samples = [f"sample {n}" if n == 2 else f"S{n}" for n in range(rng.choice([0, 0, 1, 3, 40, 130]))]
    version = rng.choice(VERSIONS)
    lines = [f"##fileformat=VCFv{version}", "##source=made=up,for \u00abtests\u00bb"]
    declared = rng.random()
    if declared < 0.7:
        lengths = [rng.choice(["", f",length={_LENGTH}"]) for _ in contigs]
        lines += [f"##contig=<ID={contig}{length}>" for contig, length in zip(contigs, lengths, strict=True)]
    lines += [line for line in _KEYS if rng.random() < 0.8 or declared < 0.5]
    if rng.random() < 0.3:
        lines += ['##ALT=<ID=DEL,Description="Gone">', "##META=<ID=Tissue,Type=String,Number=.,Values=[Blood, Skin]>"]
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    lines.append("\t".join([*columns, *(["FORMAT", *samples] if samples else [])]))
    for contig in contigs:
        bases = "".join(rng.choice("ACGTACGTACGTACGTACGTacgtN") for _ in range(_LENGTH))
        positions = [rng.randint(1, _LENGTH - 10) for _ in range(rng.choice([0, 1, 5, 40]))]
        if rng.random() < 0.8:
            positions.sort()
        lines += [_make_record(rng, contig, position, bases, len(samples)) for position in positions]
    return "\n".join(lines) + "\n"


def _make_record(rng: random.Random, contig: str, position: int, bases: str, samples: int) -> str:
    ref = bases[position - 1 : position - 1 + rng.choice([1, 1, 1, 2, 7, 300])]
    if rng.random() < 0.02:
        position, ref = rng.choice([0, _LENGTH + 1]), "N"
    alts = [_make_alt(rng, ref) for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 9]))]
    alts = list(dict.fromkeys(alts))
    info = _make_info(rng, position, len(alts))
    record = [
        contig, str(position), rng.choice([".", "rs1", "rs1;x_2"]), ref, ",".join(alts) or ".",
        rng.choice([".", "0", "30", "29.5", "1e3", "-10", "inf", "3.14159265358979"]),
        rng.choice([".", "PASS", "q10", "q10;s50", "undeclared", "PASS;q10"]), info,
    ]  # fmt: skip
    if samples:
        if rng.random() < 0.03:
            return "\t".join(record)  # without FORMAT: htslib reads it
        keys = (
            ["GT"]
            if samples > 100 and rng.random() < 0.9
            else ["GT", *rng.sample(["GQ", "AD", "XX"], rng.randint(0, 3))]
        )
        record.append(":".join(keys))
        record += [_make_sample(rng, keys, len(alts)) for _ in range(samples)]
    return "\t".join(record)


def _make_alt(rng: random.Random, ref: str) -> str:
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(SYMBOLS)
    if kind < 0.45:
        return ref + "".join(rng.choice("ACGT") for _ in range(rng.randint(1, 6)))
    if kind < 0.6:
        return ref[0]
    return "".join(rng.choice("ACGT") for _ in range(rng.choice([1, 1, 2, 5])))


def _make_info(rng: random.Random, position: int, alts: int) -> str:
    made: dict[str, Callable[[], str]] = {
        "DP": lambda: f"DP={rng.choice(['0', '12', '-3', '.'])}",
        "AF": lambda: "AF=" + ",".join(rng.choice(FLOATS) for _ in range(max(1, alts))),
        "R": lambda: "R=" + ",".join(rng.choice(FLOATS) for _ in range(alts + 1)),
        "FLAG": lambda: "FLAG",
        "TEXT": lambda: "TEXT=" + ",".join(rng.choice(TEXTS) for _ in range(rng.randint(1, 3))),
        "END": lambda: f"END={position + rng.randint(1, 90)}",
        "SVLEN": lambda: "SVLEN=" + ",".join(str(rng.choice([-9, 9, 200])) for _ in range(max(1, alts))),
        "NEW": lambda: rng.choice(["NEW=1", "NEW=a%3Ab", "NEWFLAG", "NEW.x=2.5", "DB;DB", "DP=3;DP=4", "=5", "FLAG=1"]),
        "LONG": lambda: "LONG=" + "x" * rng.choice([1, 300, 70_000]) if rng.random() < 0.02 else "LONG=x",
    }
    return ";".join(make() for key, make in made.items() if rng.random() < 0.35) or "."


def _make_sample(rng: random.Random, keys: list[str], alts: int) -> str:
    if rng.random() < 0.05:
        return "."
    ploidy = rng.choice([1, 2, 2, 2, 3])
    genotype = rng.choice("/|").join(rng.choice([".", *map(str, range(alts + 1))]) for _ in range(ploidy))
    values = {
        "GT": genotype,
        "GQ": rng.choice(["99", "0.5", ".", "1e2"]),
        "AD": ",".join(str(rng.randint(0, 40)) for _ in range(alts + 1)),
        "XX": rng.choice(["a", "1", "."]),
    }
    kept = keys if rng.random() < 0.8 else keys[: rng.randint(1, len(keys))]  # trailing fields may be left out
    return ":".join(values[key] for key in kept)


def _write(rng: random.Random, text: str, folder: Path, number: int) -> Path:
    form = rng.choice(["plain", "plain", "crlf", "gzip", "bgzf", "bcf", "odd suffix", "no last newline"])
    path = folder / f"made{number:04}{_SUFFIXES.get(form, '.vcf')}"
    content = text.encode()
    if form == "crlf":
        content = text.replace("\n", "\r\n").encode()
    elif form == "no last newline":
        content = content[:-1]
    elif form == "gzip":
        content = gzip.compress(content, mtime=0)
    if form != "bgzf":
        path.write_bytes(content)
    if form == "bgzf":
        with path.open("wb") as file:
            sink = BgzfSink(file)
            sink.write(content)
            sink.finish()
    if form == "bcf" and shutil.which("bcftools"):
        source = path.with_suffix(".text")
        path.rename(source)
        done = subprocess.run(["bcftools", "view", "-Ob", "-o", path, source], capture_output=True, check=False)
        if done.returncode:  # of what BCF can't hold
            source.replace(path)
        source.unlink(missing_ok=True)
    return path


_SUFFIXES = {"gzip": ".vcf.gz", "bgzf": ".vcf.bgz", "bcf": ".bcf", "odd suffix": ".txt"}


def _break(rng: random.Random, text: str, folder: Path, number: int) -> Path:
    path = folder / f"broken{number:04}.vcf"
    content = text.encode()
    record = "chr1\t{}\t.\tA\tC\t.\t.\t.\n"
    faults: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: content[: content.index(b"#CHROM")],
        lambda: content + record.format("one").encode(),
        lambda: content + b"chr1\t5\t.\n",
        lambda: content + b"\n\n" + record.format(7).encode(),
        lambda: content.replace(b"##fileformat=VCF", b"##fileformat=XCF"),
        lambda: content + b"chr1\t5\t.\tA\tC\t.\t.\tTEXT=\xff\xfe\n",
        lambda: gzip.compress(content, mtime=0)[:-9],
        lambda: EOF_MARKER,
        lambda: rng.randbytes(3000),
        lambda: b">chr1\nACGT\n",
        lambda: content.replace(b"\t", b" "),
    ]
    path.write_bytes(faults[number // 10 % len(faults)]())
    return path
