"""Mutation maps as one writes them first: the network on each of the 3L alternatives of a sequence."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.drivers.arguments import parse_job, report
from benchmarks.peers.drivers.onnxruntime_loop import open_network, predict
from benchmarks.peers.windows import Codes, read_sequences


def main() -> None:
    job = parse_job()
    sequences = read_sequences(job.source, job.limit)
    session = open_network(str(job.work / "models" / job.model / "model.onnx"), job.threads)
    refs = predict(session, sequences)
    maps = np.stack(
        [predict(session, list_alternatives(codes)) - ref for codes, ref in zip(sequences, refs, strict=True)]
    )
    np.save(job.output, maps)
    report(maps.shape[0] * maps.shape[1])


def list_alternatives(codes: Codes) -> Codes:
    """Return every substitution of a sequence, (3L, L): position by position, the other three bases in order."""
    length = len(codes)
    alternatives = np.repeat(codes[np.newaxis], 3 * length, axis=0)
    rows = np.arange(3 * length)
    places = rows // 3
    rank = (rows % 3).astype(np.uint8)
    alternatives[rows, places] = rank + (rank >= codes[places])
    return alternatives


if __name__ == "__main__":
    main()
