"""gReLU: `predict_variant_effects` by subtraction. It overwrites the centre with the allele: no indels.

It puts a SNV at L // 2 - 1. Its model class wants an architecture of its own, whose network is then replaced.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import torch
from grelu.lightning import LightningModel
from grelu.variant import predict_variant_effects
from torch import nn

from benchmarks.peers.drivers.arguments import BATCH, Job, parse_job, report
from benchmarks.peers.drivers.torch_networks import load_network
from benchmarks.peers.networks import SHAPES
from benchmarks.peers.variants import is_snv, read_alleles


class _WithLengthAxis(nn.Module):
    """A network with the axis of length that gReLU expects of predictions: (N, T, 1)."""

    def __init__(self, network: nn.Module, tracks: int) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Module()
        self.head.n_tasks = tracks

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        return self.network(one_hot).unsqueeze(-1)


def main() -> None:
    warnings.filterwarnings("ignore")
    job = parse_job()
    torch.set_num_threads(job.threads)
    snvs = [allele for allele in read_alleles(job.source) if is_snv(allele)]
    variants = pd.DataFrame(snvs, columns=["chrom", "pos", "ref", "alt"])
    variants["pos"] += 1
    deltas = predict_variant_effects(
        variants=variants,
        model=_wrap_network(job),
        devices="cpu",
        seq_len=SHAPES[job.model].length,
        batch_size=BATCH,
        num_workers=1,
        genome=str(job.genome),
        compare_func="subtract",
        return_ad=False,
        check_reference=False,
    )
    np.save(job.output, np.asarray(deltas).reshape(len(snvs), -1))
    report(len(snvs))


def _wrap_network(job: Job) -> LightningModel:
    shape = SHAPES[job.model]
    smallest = {
        "model_type": "ConvModel",
        "n_tasks": shape.tracks,
        "n_conv": 0,
        "stem_channels": 8,
        "stem_kernel_size": 3,
    }
    model = LightningModel(model_params=smallest, train_params={"task": "binary", "loss": "bce"})
    model.model = _WithLengthAxis(load_network(job.work, job.model), shape.tracks)
    # The network ends in its own sigmoid.
    model.activation = nn.Identity()
    model.data_params = {
        "tasks": {"name": [f"track-{number}" for number in range(shape.tracks)]},
        "train": {"seq_len": shape.length},
    }
    return model


if __name__ == "__main__":
    main()
