"""Annotates all VCF and BCF files of some folders, and made ones, and compares what comes out with what went in.

python -m benchmarks.vcf_corpus ../shared/data/vcf_corpus --generated 400 > benchmarks/VCF_CORPUS.md

Each file gets a genome made to fit it and a model of nine bases, and goes to VCF and to BCF. Of a file that htslib
reads, as cyvcf2 carries it, every record must come out, in order, equal to what ``bcftools view`` prints of the input
once our keys are cut out; where bcftools refuses the input, equal to what htslib prints. Of every other there must be
one clear line, and no output. bcftools has to be installed; so has vcf-validator (of vcftools) for ``--validator``.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.vcf_generated import write_generated
from benchmarks.vcf_workers import Workers
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

SCORES = ("ZOO_G_AT_ANCHOR",)
REASONS = ("ZOO_G_AT_ANCHOR_SKIPPED", "ZOO_SKIPPED")
EMPTY_LINE = "an empty last line, of which htslib makes a record without contig, is left out"
_FOLDER = re.compile(r"(?<!\S)[./]\S*/(?=\S)")
_ALLOWED = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*")
_FLOAT = re.compile(r"-?\d+(\.\d+)?(e[-+]\d+)?")
_LOST_CONTIG = re.compile(r"^##contig=<ID=.+>$")


@dataclass(slots=True)
class Outcome:
    """What came of one file.

    Attributes:
        read: Records that htslib reads; None where it refuses the file.
        error: Our own line, where we refused it.
        same_vcf: Whether every record came out, in order, with nothing changed; None where there is none.
        accepted: Whether vcf-validator accepts the input, where it was asked.
        faults: What is wrong, a sentence each.
    """

    suite: str
    name: str
    read: int | None = None
    error: str = ""
    same_vcf: bool | None = None
    same_bcf: bool | None = None
    traceback: bool = False
    accepted: bool = False
    faults: list[str] = field(default_factory=list)


def examine(
    path: Path,
    suite: str,
    name: str,
    workers: Workers,
    folder: Path,
    *,
    known: str = "all",
    most_bases: int | None = None,
    validator: bool = False,
) -> Outcome | None:
    """Annotate one file to VCF and to BCF, and compare; nothing stays in the folder.

    Args:
        known: Which contigs the genome has: ``all``, ``every second`` or ``none``.
        most_bases: Of the genome; a file that needs a larger one is left out, and None returned.
    """
    found = Outcome(suite, name)
    given = workers.ask(path=str(path), read=True)
    lines: list[str] | None = given.get("lines")
    found.read = None if lines is None else len(lines)
    vcf, bcf = folder / "out.vcf", folder / "out.bcf"
    answers = workers.ask(path=str(path), lines=lines, known=known, outputs=[str(vcf), str(bcf)], most_bases=most_bases)
    if answers.get("fits") is False:
        return None
    results = [answers if "traceback" in answers else answers[str(output)] for output in (vcf, bcf)]
    _note_failures(found, results, folder)
    if not found.error and not found.traceback:
        status, printed = view(path)
        expected = printed if status == 0 else lines or []
        if any(line.startswith("\t") for line in expected):
            found.faults.append(EMPTY_LINE)
            expected = [line for line in expected if not line.startswith("\t")]
        text = vcf.read_text(encoding="utf-8", errors="surrogateescape").split("\n")[:-1]
        header = [line for line in text if line.startswith("#")]
        records = text[len(header) :]
        found.same_vcf = _compare(found, "VCF", records, expected)
        status, printed = view(bcf)
        found.same_bcf = status == 0 and _compare(
            found, "BCF", printed, [_with_samples(line, header) for line in expected]
        )
        found.faults += check_header(header, _header_of(path)) + check_keys(records)
        found.accepted = validator and _accepts(path)
        if found.accepted and not _accepts(vcf):
            found.faults.append("vcf-validator accepts the input and not the output")
    for leftover in (vcf, bcf):
        leftover.unlink(missing_ok=True)
    return found


def view(path: Path) -> tuple[int, list[str]]:
    """Return bcftools' exit status and what it prints of a file's records."""
    done = subprocess.run(["bcftools", "view", "-H", path], capture_output=True, check=False)
    return done.returncode, done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]


def without_keys(line: str, keys: Iterable[str] = (*SCORES, *REASONS)) -> str:
    """Return a record without some keys of INFO."""
    columns = line.split("\t")
    kept = [entry for entry in columns[7].split(";") if entry.partition("=")[0] not in keys]
    columns[7] = ";".join(kept) or "."
    return "\t".join(columns)


def check_header(header: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return what is wrong with the header of an output: a line of the input changed or lost, or one too many."""
    faults = []
    ours = [
        line for line in header
        if re.match(r"##zoo_|##INFO=<ID=(" + "|".join((*SCORES, *REASONS)) + "),", line)
    ]  # fmt: skip
    rest = [line for line in header if line in given or not (line in ours or _LOST_CONTIG.match(line))]
    if rest != list(given):
        faults.append("the header is not the input's with our lines added")
    for key in (*SCORES, *REASONS):
        count = sum(line.startswith(f"##INFO=<ID={key},") for line in header)
        number = "." if re.match(r"##fileformat=VCFv(3|4\.0)", header[0]) else "A"  # VCF 4.1 brought the A
        kind = f"Number={number},Type=Float" if key in SCORES else "Number=.,Type=String"
        if count != 1 or not any(line.startswith(f"##INFO=<ID={key},{kind},") for line in header):
            faults.append(f"{key} is declared {count} times, or not as {kind}")
        if not _ALLOWED.fullmatch(key):
            faults.append(f"{key} is no name for a key")
    return faults


def check_keys(records: Sequence[str]) -> list[str]:
    """Return what is wrong with our keys in the records: a number or a reason for each ALT, well spelled."""
    faults: Counter[str] = Counter()
    for line in records:
        columns = line.split("\t")
        entries = [entry.partition("=") for entry in columns[7].split(";")]
        values = {key: value for key, _, value in entries}
        if any(sum(key == name for key, _, _ in entries) > 1 for name in (*SCORES, *REASONS)):
            faults["a key stands twice in a record"] += 1
        if columns[4] in {".", ""}:
            if values.get("ZOO_SKIPPED") != "NO_ALT" or any(key in values for key in SCORES):
                faults["a record without ALT is not told as NO_ALT"] += 1
            continue
        alts = len(columns[4].split(","))
        reasons = [values.get(key, ",".join("." * alts)).split(",") for key in REASONS]
        for key in SCORES:
            scores = values.get(key, "").split(",")
            if len(scores) != alts or any(len(reason) != alts for reason in reasons):
                faults["a key has not one value for each ALT"] += 1
                continue
            for score, *why in zip(scores, *reasons, strict=True):
                if score != "." and not _FLOAT.fullmatch(score):
                    faults["a score is no number as VCF spells it"] += 1
                if (score == ".") != (set(why) != {"."}):
                    faults["an allele has a score and a reason, or neither"] += 1
    return [f"{fault} ({count} times)" for fault, count in faults.items()]


def write_table(outcomes: Sequence[Outcome], command: str) -> str:
    """Return the report, Markdown."""
    suites = list(dict.fromkeys(outcome.suite for outcome in outcomes))
    rows = [_row(suite, [outcome for outcome in outcomes if outcome.suite == suite]) for suite in suites]
    rows.append(_row("**all**", outcomes))
    odd = [outcome for outcome in outcomes if tell(outcome)]
    listed = [f"- `{outcome.suite}/{outcome.name}`: {tell(outcome)}" for outcome in odd]
    accepted = sum(outcome.accepted for outcome in outcomes)
    validated = [f"\nvcf-validator accepts {accepted:,} of the inputs without a word, and their outputs."] * bool(
        accepted
    )
    return "\n".join(
        [
            _HEAD.format(command=command),
            *rows,
            *validated,
            "",
            "## Deviations",
            "",
            _DEVIATIONS,
            "",
            *(listed or ["None."]),
            "",
        ]
    )


def tell(outcome: Outcome) -> str:
    """Return in what a file deviates from what is asked; nothing where it does not."""
    said = list(outcome.faults)
    if outcome.read is not None and outcome.error:
        said.append(f"htslib reads it ({outcome.read} records); refused: {outcome.error}")
    if outcome.read is None and not outcome.error and not outcome.traceback:
        said.append("htslib refuses it, and it was annotated")
    return "; ".join(said)


def _note_failures(found: Outcome, results: Sequence[dict[str, Any]], folder: Path) -> None:
    errors = [_FOLDER.sub("", result.get("error", "")) for result in results]
    tracebacks = [result["traceback"] for result in results if result.get("traceback")]
    found.error = errors[0]
    if tracebacks:
        found.traceback = True
        found.faults.append(tracebacks[0].strip().split("\n")[-1])
    elif bool(errors[0]) != bool(errors[1]):
        found.error = ""
        found.faults.append(f"VCF and BCF differ: {errors[0] or errors[1]}")
        found.traceback = True
    if any("\n" in error for error in errors):
        found.faults.append("the error has more than one line")
    if found.error and [path.name for path in folder.glob("out.*")]:
        found.faults.append("an output is left")


def _compare(found: Outcome, kind: str, records: Sequence[str], expected: Sequence[str]) -> bool:
    cut = [without_keys(line) for line in records]
    if cut == list(expected):
        return True
    if len(cut) != len(expected):
        found.faults.append(f"{kind}: {len(cut)} records, {len(expected)} expected")
        return False
    place, ours, theirs = next(
        (place, ours, theirs) for place, (ours, theirs) in enumerate(zip(cut, expected, strict=True)) if ours != theirs
    )
    pairs = [pair for pair in zip(ours.split("\t"), theirs.split("\t"), strict=False) if pair[0] != pair[1]]
    shown = f"{pairs[0][0][:60]!r}, expected {pairs[0][1][:60]!r}" if pairs else "another number of columns"
    found.faults.append(f"{kind}: record {place + 1} has {shown}")
    return False


def _with_samples(line: str, header: Sequence[str]) -> str:
    """Return a record with ``.`` for FORMAT and samples where it ends with INFO: BCF has none without them."""
    lacking = header[-1].count("\t") - line.count("\t")
    return line + "\t." * lacking if line.count("\t") == 7 else line


def _header_of(path: Path) -> list[str]:
    import cyvcf2
    from cyvcf2.cyvcf2 import set_htslib_log_level

    set_htslib_log_level(0)
    reader = cyvcf2.VCF(str(path))
    header: str = reader.raw_header
    reader.close()
    return header.rstrip("\n\0").split("\n")


def _accepts(path: Path) -> bool:
    done = subprocess.run(["vcf-validator", path], capture_output=True, check=False, timeout=300)
    return done.returncode == 0 and not done.stdout.strip() and not done.stderr.strip()


def _row(title: str, outcomes: Sequence[Outcome]) -> str:
    read = [outcome for outcome in outcomes if outcome.read is not None]
    cells = [
        title,
        len(outcomes),
        len(read),
        sum(outcome.read or 0 for outcome in read),
        sum(outcome.same_vcf is True for outcome in read),
        sum(outcome.same_bcf is True for outcome in read),
        sum(bool(outcome.error) for outcome in outcomes if outcome.read is None),
        sum(bool(outcome.error) for outcome in read),
        sum(outcome.traceback for outcome in outcomes),
    ]
    return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells) + " |"


_HEAD = """# The VCF corpus

Every file was annotated, to VCF and to BCF, on a genome made to fit it: the contigs of its records in their declared
lengths, random bases, its REF alleles laid in. "Read" are the files whose every record htslib reads, as cyvcf2 carries
it; "same" are those of them of which every record came out, in order, and equal to what `bcftools view` prints of the
input once our keys are cut out (where bcftools refuses the input, to what htslib prints). The other files have to be
refused in one line, without output. Our keys were looked at in every record: declared once, a number or a reason for
each ALT.

Command: `{command}`

| suite | files | read | records | same in VCF | same in BCF | not read, refused | read, refused | tracebacks |
|---|---|---|---|---|---|---|---|---|"""

_DEVIATIONS = "Every file of which anything else came than the columns above ask for, and what."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("folders", nargs="*", type=Path, help="folders of suites, each suite a folder of files")
    parser.add_argument("--generated", type=int, default=0, help="how many files to make")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="files whose path holds this text")
    parser.add_argument("--validator", action="store_true", help="run vcf-validator on inputs and outputs, too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zoo-corpus-") as name:
        folder = Path(name)
        files = [
            (path, path.relative_to(suites).parts[0], str(Path(*path.relative_to(suites).parts[1:])))
            for suites in asked.folders for path in sorted(suites.rglob("*")) if path.is_file()
        ]  # fmt: skip
        made = write_generated(folder / "made", asked.generated, asked.seed)
        files += [(path, "generated", path.name) for path in made]
        model = write_model_folder(folder / "model", make_base_at_anchor_graph())
        work = folder / "work"
        work.mkdir()
        outcomes = []
        with Workers(model, work) as workers:
            for path, suite, title in files:
                if asked.only in str(path):
                    found = examine(path, suite, title, workers, work, validator=asked.validator)
                    assert found is not None
                    outcomes.append(found)
                    if tell(outcomes[-1]):
                        print(f"{suite}/{title}: {tell(outcomes[-1])}", file=sys.stderr, flush=True)
    print(write_table(outcomes, f"python -m benchmarks.vcf_corpus {' '.join(sys.argv[1:])}"))


if __name__ == "__main__":
    main()
