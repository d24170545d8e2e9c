"""The least that annotation can do, in one loop: read, trim, cut windows out, format, compress; no network runs.

    python -m benchmarks.yardstick IN.vcf.gz GENOME.fa OUT.vcf.gz

Prints one JSON object: the records, and the processor seconds of the loop, without what stands before it. It checks
nothing, refuses nothing and keeps no journal, and takes sites alone, one ALT each, SNVs and padded indels. How much
longer the zoo takes is what all of that costs, on whatever machine.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.data import WINDOW
from zoo.genome.bgzf import BgzfSink
from zoo.genome.codes import encode
from zoo.genome.fasta import read_fasta

RECORDS = 4096
ANCHOR = WINDOW // 2


def annotate(records, genome, sink):
    """Write each record with a score of 0, and return how many there were."""
    count = 0
    waiting = []
    for record in records:
        columns = str(record)[:-1].split("\t")
        if len(waiting) == RECORDS or (waiting and waiting[-1][0] != columns[0]):
            write(waiting, genome, sink)
            count += len(waiting)
            waiting = []
        waiting.append(columns)
    write(waiting, genome, sink)
    return count + len(waiting)


def write(records, genome, sink):
    """Write records of one contig."""
    ref, alt = cut_windows(records, genome[records[0][0]])
    scores = (alt[:, 0] - ref[:, 0]) * np.float32(0)
    texts = ("%.9g\n" * len(scores) % tuple(scores.tolist())).split("\n")
    for columns, text in zip(records, texts, strict=False):
        columns[7] = f"ZOO_CONSTANT={text}" if columns[7] == "." else f"{columns[7]};ZOO_CONSTANT={text}"
    sink.write("".join(["\t".join(columns) + "\n" for columns in records]).encode())


def cut_windows(records, contig):
    """Return the windows of REF and ALT, codes."""
    starts = np.array([int(columns[1]) - 1 - ANCHOR for columns in records])
    ref = np.lib.stride_tricks.sliding_window_view(contig, WINDOW)[starts]
    alt = ref.copy()
    alt[:, ANCHOR] = encode("".join([columns[4][0] for columns in records]))
    for row, columns in enumerate(records):
        length = len(columns[4])
        if length > 1 or len(columns[3]) > 1:
            after = starts[row] + ANCHOR + len(columns[3])
            alt[row, ANCHOR : ANCHOR + length] = encode(columns[4])
            alt[row, ANCHOR + length :] = contig[after : after + WINDOW - ANCHOR - length]
    return ref, alt


def main(vcf, fasta, output):
    import cyvcf2

    genome = {name: encode(letters) for name, letters in read_fasta(fasta)}
    reader = cyvcf2.VCF(vcf)
    with Path(output).open("wb") as file:
        sink = BgzfSink(file)
        sink.write(reader.raw_header.encode())
        started = time.process_time()
        count = annotate(reader, genome, sink)
        sink.finish()
    print(json.dumps({"records": count, "seconds": time.process_time() - started}))


if __name__ == "__main__":
    main(*sys.argv[1:])
