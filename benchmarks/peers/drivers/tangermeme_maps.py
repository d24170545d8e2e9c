"""tangermeme: `saturation_mutagenesis` with its fast path, which it takes by itself where that pays."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from tangermeme.saturation_mutagenesis import saturation_mutagenesis

from benchmarks.peers.drivers.arguments import BATCH, parse_job, report
from benchmarks.peers.drivers.torch_networks import load_network
from benchmarks.peers.windows import ONE_HOT, read_sequences


def main() -> None:
    # It tells by a warning where it does without its fast path.
    warnings.filterwarnings("error", message=".*fast=False.*")
    job = parse_job()
    torch.set_num_threads(job.threads)
    codes = read_sequences(job.source, job.limit)
    one_hot = torch.from_numpy(np.ascontiguousarray(ONE_HOT[codes].transpose(0, 2, 1)))
    network = load_network(job.work, job.model)
    found = saturation_mutagenesis(network, one_hot, batch_size=BATCH, raw_outputs=True, device="cpu", fast=True)
    differences = found.y_hat.numpy().transpose(0, 2, 1, 3) - found.y0.numpy()[:, np.newaxis, np.newaxis]
    others = np.arange(4) != codes[:, :, np.newaxis]
    count, length, _, tracks = differences.shape
    np.save(job.output, differences[others].reshape(count, 3 * length, tracks))
    report(3 * codes.size)


if __name__ == "__main__":
    main()
