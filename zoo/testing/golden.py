"""The golden file: a genome of 60 bases, records and models so small that every number can be checked by eye.

It pins what no property can: sign, anchor, strand, channel order, normal form, ``Number=A`` and every reason. The
three models read windows of 9 bases, anchor 4:

========== =============================================================================================
``at``     1 where the base at the anchor is a G, else 0
``after``  1 where the base after the anchor is a G, else 0: the one that tells indels apart
``either`` the mean of ``at`` over both strands: 0.5 where the base at the anchor is a G or a C, else 0
========== =============================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

GENOME = (
    "GATTACAGAT"  # 1 to 10
    "TGGACCGTAC"
    "acgtacgtta"  # soft-masked, which changes no score
    "CATRCATTCA"  # 34 is A or G
    "NNNNNNNNNN"  # 41 to 50
    "TCGATTACGC"
)
"""The bases of ``chr1``; the positions in ``RECORDS`` count from 1."""

LINE_LENGTH = 10

HEADER = (
    "##fileformat=VCFv4.3\n"
    '##FILTER=<ID=PASS,Description="All filters passed">\n'
    "##contig=<ID=chr1,length=60>\n"
    "##contig=<ID=chr9,length=60>\n"
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Something that was there before">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)


@dataclass(frozen=True, slots=True)
class GoldenRecord:
    """One record: the columns before INFO and INFO itself, separated by spaces; INFO of the output; and why."""

    given: str
    expected: str
    why: str

    @property
    def line(self) -> str:
        """The record as it stands in the file."""
        return self.given.replace(" ", "\t")

    @property
    def expected_line(self) -> str:
        """The record as it is annotated with ``at``, ``after`` and ``either``, scorer ``difference``."""
        return "\t".join([*self.given.split(" ")[:7], self.expected])


RECORDS = (
    GoldenRecord(
        "chr1 1 . GA A . . .",
        "ZOO_AT=-1;ZOO_AFTER=0;ZOO_EITHER=-0.5",
        "deletion of the contig's first base: no base leads, the padding base follows; GATTA becomes ATTAC",
    ),
    GoldenRecord("chr1 2 hit A G 30 PASS DP=7", "DP=7;ZOO_AT=1;ZOO_AFTER=0;ZOO_EITHER=0.5", "a G is gained: positive"),
    GoldenRecord("chr1 5 miss A T . . .", "ZOO_AT=0;ZOO_AFTER=0;ZOO_EITHER=0", "neither is a G nor a C"),
    GoldenRecord(
        "chr1 5 . A AG . . .",
        "ZOO_AT=0;ZOO_AFTER=1;ZOO_EITHER=0",
        "insertion: the padding base A stays at the anchor, after it C becomes G",
    ),
    GoldenRecord(
        "chr1 8 . G C,T . . .",
        "ZOO_AT=-1,-1;ZOO_AFTER=0,0;ZOO_EITHER=0,-0.5",
        "a number for each ALT, in order; G lost: negative; C is the other strand's G",
    ),
    GoldenRecord(
        "chr1 11 . TG T . . .",
        "ZOO_AT=0;ZOO_AFTER=0;ZOO_EITHER=0",
        "deletion of one G of two: TGGA becomes TGA, the base after the anchor T stays G",
    ),
    GoldenRecord(
        "chr1 12 . GGA GA . . .",
        "ZOO_AT=0;ZOO_AFTER=0;ZOO_EITHER=0",
        "the same deletion spelled otherwise: not trimmed and left-aligned, AFTER would be -1",
    ),
    GoldenRecord(
        "chr1 16 . CG C . . .",
        "ZOO_AT=0;ZOO_AFTER=-1;ZOO_EITHER=0",
        "deletion: the padding base C stays at the anchor, after it G becomes T",
    ),
    GoldenRecord(
        "chr1 22 . C G . . .", "ZOO_AT=1;ZOO_AFTER=0;ZOO_EITHER=0", "soft-masked c is C, the other strand's G"
    ),
    GoldenRecord(
        "chr1 25 . G A . . .", "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;ZOO_SKIPPED=REF_MISMATCH", "the genome holds a there"
    ),
    GoldenRecord(
        "chr1 26 . C <DEL> . . .",
        "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;ZOO_SKIPPED=SYMBOLIC",
        "a symbol has no bases",
    ),
    GoldenRecord(
        "chr1 27 . G G]chr1:40] . . .",
        "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;ZOO_SKIPPED=BREAKEND",
        "an adjacency has none either",
    ),
    GoldenRecord(
        "chr1 28 . T G,* . . .",
        "ZOO_AT=1,.;ZOO_AFTER=0,.;ZOO_EITHER=0.5,.;ZOO_SKIPPED=.,SPANNING_DELETION",
        "one ALT of two has a number, the other a reason",
    ),
    GoldenRecord(
        "chr1 30 . A <NON_REF> . . .",
        "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;ZOO_SKIPPED=UNSPECIFIED",
        "any other allele: none in particular",
    ),
    GoldenRecord("chr1 31 . C . . . DP=3", "DP=3;ZOO_SKIPPED=NO_ALT", "without ALT, Number=A has no value to hold"),
    GoldenRecord(
        "chr1 32 . A R . . .",
        "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;ZOO_SKIPPED=AMBIGUOUS_ALT",
        "R may be the REF A or a G",
    ),
    GoldenRecord(
        "chr1 34 . A G . . .",
        "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;"
        "ZOO_AT_SKIPPED=UNKNOWN_BASES;ZOO_AFTER_SKIPPED=UNKNOWN_BASES;ZOO_EITHER_SKIPPED=UNKNOWN_BASES",
        "the genome's R is written as A in REF, the first of its bases; which of them it is, nobody knows",
    ),
    GoldenRecord(
        "chr1 36 . A ATTTTT . . .",
        "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;"
        "ZOO_AT_SKIPPED=TOO_LONG;ZOO_AFTER_SKIPPED=TOO_LONG;ZOO_EITHER_SKIPPED=TOO_LONG",
        "six bases from the anchor on, where the window has five",
    ),
    GoldenRecord(
        "chr1 50 . N G . . .",
        "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;"
        "ZOO_AT_SKIPPED=UNKNOWN_BASES;ZOO_AFTER_SKIPPED=UNKNOWN_BASES;ZOO_EITHER_SKIPPED=UNKNOWN_BASES",
        "five of the nine bases of the REF window are unknown: more than half",
    ),
    GoldenRecord(
        "chr1 51 . T G . . .", "ZOO_AT=1;ZOO_AFTER=0;ZOO_EITHER=0.5", "four of nine are unknown: not more than half"
    ),
    GoldenRecord(
        "chr1 52 . CG GC . . .",
        "ZOO_AT=1;ZOO_AFTER=-1;ZOO_EITHER=0",
        "two bases at once; its first base stands at the anchor",
    ),
    GoldenRecord(
        "chr1 60 . C G . . .", "ZOO_AT=1;ZOO_AFTER=0;ZOO_EITHER=0", "the contig's last base: beyond it is unknown"
    ),
    GoldenRecord(
        "chr9 1 . A G . . .",
        "ZOO_AT=.;ZOO_AFTER=.;ZOO_EITHER=.;ZOO_SKIPPED=UNKNOWN_CONTIG",
        "the genome has no chr9",
    ),
)


@dataclass(frozen=True, slots=True)
class GoldenFiles:
    """Where the golden file lies.

    Attributes:
        genome: FASTA, one contig ``chr1``.
        vcf: The records.
        models: The folders of ``at``, ``after`` and ``either``, in this order.
        expected: The lines that ``zoo.annotate`` writes after the header, without line ends.
    """

    genome: Path
    vcf: Path
    models: tuple[Path, Path, Path]
    expected: tuple[str, ...]


def write_golden(folder: str | Path) -> GoldenFiles:
    """Write genome, records and models into a folder, and return where they lie and what is expected of them."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    genome, vcf = folder / "golden.fa", folder / "golden.vcf"
    rows = [GENOME[first : first + LINE_LENGTH] for first in range(0, len(GENOME), LINE_LENGTH)]
    genome.write_text("\n".join([">chr1", *rows, ""]), encoding="utf-8")
    vcf.write_text(HEADER + "".join(f"{record.line}\n" for record in RECORDS), encoding="utf-8")
    models = (
        write_model_folder(folder / "at", make_base_at_anchor_graph(), {"name": "at"}),
        write_model_folder(
            folder / "after",
            make_base_at_anchor_graph(anchor=5),
            {"name": "after", "summary": "Is the base after the anchor a G? 1 if so, else 0."},
        ),
        write_model_folder(
            folder / "either",
            make_base_at_anchor_graph(),
            {
                "name": "either",
                "summary": "Is the base at the anchor a G, on either strand? 0.5 if so, else 0.",
                "strand": {"average": True},
            },
        ),
    )
    return GoldenFiles(genome, vcf, models, tuple(record.expected_line for record in RECORDS))
