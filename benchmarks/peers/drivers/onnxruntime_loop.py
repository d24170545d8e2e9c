"""What a good programmer writes in an hour: windows by NumPy, ONNX Runtime on both alleles, subtract.

The network is the zoo's own file. REF windows are predicted once for all ALTs of a site.
"""

from __future__ import annotations

import numpy as np
import onnxruntime

from benchmarks.peers.drivers.arguments import BATCH, parse_job, report
from benchmarks.peers.networks import SHAPES
from benchmarks.peers.variants import read_alleles
from benchmarks.peers.windows import ONE_HOT, Codes, cut_windows, read_genome


def main() -> None:
    job = parse_job()
    length = SHAPES[job.model].length
    alleles = list(read_alleles(job.source))
    refs, alts = cut_windows(read_genome(job.genome), alleles, length, length // 2)
    session = open_network(str(job.work / "models" / job.model / "model.onnx"), job.threads)
    sites = [allele[:2] for allele in alleles]
    first_of_site = np.array([row == 0 or sites[row] != sites[row - 1] for row in range(len(sites))])
    ref_of = np.cumsum(first_of_site) - 1
    deltas = predict(session, alts) - predict(session, refs[first_of_site])[ref_of]
    np.save(job.output, deltas)
    report(len(deltas))


def open_network(path: str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def predict(session: onnxruntime.InferenceSession, windows: Codes) -> np.ndarray:
    """Return the predictions of windows (N, L), a batch at a time."""
    batches = (windows[first : first + BATCH] for first in range(0, len(windows), BATCH))
    return np.concatenate([session.run(None, {"sequence": ONE_HOT.take(batch, axis=0)})[0] for batch in batches])


if __name__ == "__main__":
    main()
