"""Annotates many files in one process and tells of each what came of it, a JSON line each; a crash ends the process.

Arguments: the model's folder, the folder for the outputs, and which contigs the genome shall have: ``all``,
``every second`` or ``none``. Paths come on standard input.
"""

import json
import mmap
import sys
import traceback
from pathlib import Path

import numpy as np

from zoo.errors import ZooError
from zoo.genome.codes import UNKNOWN, decode, encode
from zoo.genome.vcf import CONTIG, POS, REF, VcfReader
from zoo.prediction import annotation
from zoo.registry import load

MOST_BASES = 1 << 29  # BAI and TBI go no further, and neither do contigs


class GenomeOfRecords:
    """A genome that holds the REF of every record of a file, poly-A elsewhere."""

    def __init__(self, vcf, known):
        self.path = Path("genome.fa")
        self.name_length_digest = "0"
        self._contigs = {}
        self.lengths = {}
        if known != "none":
            self._fill(vcf)
        if known == "every second":
            for name in list(self._contigs)[1::2]:
                del self._contigs[name], self.lengths[name]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._contigs.clear()

    def _fill(self, vcf):
        with VcfReader(vcf) as reader:
            for batch in reader.batches(1000):
                for record in batch.columns:
                    start = int(record[POS]) - 1
                    if start < 0 or start + len(record[REF]) > MOST_BASES:
                        continue
                    codes = self._sparse(record[CONTIG])
                    codes[max(0, start - 20) : start] = UNKNOWN  # else alleles would move through Mb of A
                    codes[start : start + len(record[REF])] = encode(record[REF])

    def _sparse(self, name):
        if name not in self._contigs:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS  # only what is written takes room
            self._contigs[name] = np.frombuffer(mmap.mmap(-1, MOST_BASES, flags=flags), dtype=np.uint8)
            self.lengths[name] = MOST_BASES
        return self._contigs[name]

    def resolve(self, name, length=None):
        return name if name in self._contigs else None

    def codes(self, contig):
        return self._contigs[contig]

    def letters(self, interval):
        return decode(np.array(self._contigs[interval.contig][interval.start : interval.end]))


def main():
    model = load(sys.argv[1], threads=1)
    outputs, known = Path(sys.argv[2]), sys.argv[3]
    for number, line in enumerate(sys.stdin):
        vcf = line.rstrip("\n")
        output = outputs / f"{number}.vcf"
        print(json.dumps({"file": vcf}), flush=True)  # noqa: T201 - the answer
        found = {"output": str(output), "error": "", "traceback": ""}
        try:
            with GenomeOfRecords(vcf, known) as genome:
                annotation.Reference = lambda _, genome=genome: genome
                summary = annotation.annotate(vcf, "genome.fa", model, output)
                found |= {"records": summary.records, "scored": summary.scored, "skipped": summary.skipped}
        except ZooError as error:
            found["error"] = f"{type(error).__name__}: {error}"
        except Exception:  # noqa: BLE001 - told, not hidden
            found["traceback"] = traceback.format_exc()
        print(json.dumps(found), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
