"""selene-sdk: `AnalyzeSequences.variant_effect_prediction`, differences as HDF5.

It puts a SNV at L // 2 - 1, and scores every ALT of a record; a deletion loses the bases beside the deleted ones.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import h5py
import numpy as np
import torch
from selene_sdk.predict import AnalyzeSequences
from selene_sdk.sequences import Genome

from benchmarks.peers.drivers.arguments import BATCH, parse_job, report
from benchmarks.peers.drivers.torch_networks import load_network
from benchmarks.peers.networks import SHAPES


def main() -> None:
    warnings.filterwarnings("ignore")
    job = parse_job()
    torch.set_num_threads(job.threads)
    shape = SHAPES[job.model]
    network = load_network(job.work, job.model)
    # It wants the weights as a file of its own.
    state = job.output.with_suffix(".pth")
    torch.save(network.state_dict(), state)
    analysis = AnalyzeSequences(
        network,
        str(state),
        shape.length,
        [f"track-{number}" for number in range(shape.tracks)],
        batch_size=BATCH,
        use_cuda=False,
        reference_sequence=Genome(str(job.genome)),
    )
    folder = job.output.with_suffix("")
    analysis.variant_effect_prediction(str(job.source), ["diffs"], output_dir=str(folder), output_format="hdf5")
    report(_move_differences(folder, job.source.stem, job.output))


def _move_differences(folder: Path, name: str, output: Path) -> int:
    """Bring its differences into the order of the VCF, and return how many there are."""
    with h5py.File(folder / f"{name}_diffs.h5") as file:
        deltas = file["data"][:]
    np.save(output, deltas)
    return len(deltas)


if __name__ == "__main__":
    main()
