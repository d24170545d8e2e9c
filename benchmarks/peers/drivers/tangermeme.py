"""tangermeme: `extract_loci` and `substitution_effect`, the way its documentation scores SNVs; indels are left out.

Where a SNV stands is the caller's choice: L // 2.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from tangermeme.io import extract_loci
from tangermeme.variant_effect import substitution_effect

from benchmarks.peers.drivers.arguments import BATCH, parse_job, report
from benchmarks.peers.drivers.torch_networks import load_network
from benchmarks.peers.networks import SHAPES
from benchmarks.peers.variants import is_snv, read_alleles


def main() -> None:
    job = parse_job()
    torch.set_num_threads(job.threads)
    length = SHAPES[job.model].length
    snvs = pd.DataFrame(
        [allele for allele in read_alleles(job.source) if is_snv(allele)], columns=["chrom", "start", "ref", "alt"]
    )
    loci = pd.DataFrame({"chrom": snvs["chrom"], "start": snvs["start"], "end": snvs["start"] + 1})
    windows = extract_loci(loci, str(job.genome), in_window=length, ignore=["N"])
    bases = snvs["alt"].map({base: code for code, base in enumerate("ACGT")}).to_numpy()
    substitutions = np.column_stack([np.arange(len(snvs)), np.full(len(snvs), length // 2), bases])
    network = load_network(job.work, job.model)
    ref, alt = substitution_effect(network, windows, torch.from_numpy(substitutions), batch_size=BATCH, device="cpu")
    np.save(job.output, (alt - ref).numpy())
    report(len(snvs))


if __name__ == "__main__":
    main()
