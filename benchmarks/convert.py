"""Two networks that other people saved as HDF5 in Keras 2.3, converted, and checked without Keras.

What each should say is computed by numpy alone from the arrays of its file, so that nothing counts twice: of 1,000
windows, and of the effects of single-base variants of chr20, which ``zoo annotate`` writes with both models. The order
of the channels is measured on the sequences of chr8 and chr9 that the networks' authors kept for tests.

    python benchmarks/convert.py --data-root ../shared/data
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zoo import annotate
from zoo.conversion.alphabet import find_auroc
from zoo.conversion.convert import convert
from zoo.conversion.prove import draw_windows
from zoo.genome.codes import Codes, encode, one_hot
from zoo.genome.fasta import read_fasta
from zoo.model.folder import load_folder
from zoo.model.verify import verify_folder

FILES = {"CTCF": "CNN1_model_CTCF.hdf5", "DNase": "CNN1_model_DNase.hdf5"}
TESTED_ON = ("chr8_", "chr9_")
LENGTH, ANCHOR = 201, 100
SEED = 20  # another one than that of the proof
_AT_A_TIME = 100  # windows, whose stretches of 16 bases take 100 MB

Weights = list[npt.NDArray[np.float64]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Convert, compare, annotate, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        folders = {}
        for track in FILES:
            start = time.perf_counter()
            folders[track] = convert_file(options.data_root, track, Path(work))
            seconds = time.perf_counter() - start
            difference = compare_with_numpy(options.data_root, track, folders[track])
            aurocs = ", ".join(f"{value:.3f} {name}" for name, value in measure(options.data_root, track).items())
            print(
                f"{track}: converted in {seconds:.1f} s; 1,000 windows, largest difference from numpy {difference:.2g}"
            )
            print(f"{track}: AUROC on chr8 and chr9, by order of the channels: {aurocs}")
        output = Path(work) / "chr20.vcf"
        genome = unpack_genome(options.data_root, Path(work))
        vcf = next((options.data_root / "human_chr20").glob("*.vcf.gz"))
        done = annotate(vcf, genome, list(folders.values()), output, device="cpu", threads=options.threads)
        skipped = ", ".join(f"{count:,} {reason}" for reason, count in done.skipped.items())
        print(f"chr20: {done.records:,} records, {done.alleles:,} alleles, {done.seconds:.1f} s; not scored: {skipped}")
        for track, (count, worst) in check_effects(options.data_root, output, genome).items():
            print(f"chr20, {track}: {count:,} single-base effects against numpy, largest difference {worst:.2g}")


def convert_file(data_root: Path, track: str, work: Path) -> Path:
    """Convert one of the files, and return the model's folder, which has passed its test."""
    card = {
        "license": "not stated",
        "authors": ["The authors of CNN-for-genomics-training"],
        "organism": "Homo sapiens",
        "assay": "DNase-seq" if track == "DNase" else "TF ChIP-seq",
        "biosample": "GM12878",
        "genome": {"name": "GRCh37 (hg19)"},
        "limitations": "Made by other people for another purpose.",
        "tracks": [track],
    }
    file = data_root / "keras_hdf5" / FILES[track]
    done = convert(file, f"cnn1-{track.lower()}", output=work / track, card=card, alphabet="ACGT")
    verify_folder(done.folder)
    return done.folder


def compare_with_numpy(data_root: Path, track: str, folder: Path, count: int = 1000) -> float:
    """Return the largest difference of a model from numpy, relative to the largest prediction."""
    weights = read_weights(data_root / "keras_hdf5" / FILES[track])
    codes = draw_windows(LENGTH, count, SEED)
    expected = predict_with_numpy(weights, one_hot(codes))
    found = load_folder(folder, "cpu").predict_codes(codes)["prediction"][:, 0]
    return float(np.abs(expected - found).max() / np.abs(expected).max())


def read_weights(path: Path) -> Weights:
    """Return kernels and biases in the order of the layers, of a network that is what this module knows.

    Raises:
        ValueError: The file describes another network.
    """
    import h5py

    with h5py.File(path, "r") as file:
        config = json.loads(file.attrs["model_config"])
        layers = [(layer["class_name"], layer["config"].get("activation")) for layer in config["config"]["layers"]]
        expected = [
            ("Conv1D", "relu"), ("GlobalMaxPooling1D", None), ("Dropout", None),
            ("Dense", "relu"), ("Dense", "linear"), ("Dense", "sigmoid"),
        ]  # fmt: skip
        if layers != expected or config["config"]["layers"][0]["config"]["padding"] != "valid":
            raise ValueError(f"{path}: expected {expected}, found {layers}")
        groups = [file["model_weights"][name.decode()] for name in file["model_weights"].attrs["layer_names"]]
        return [
            np.asarray(group[name.decode()], dtype=np.float64)
            for group in groups
            for name in group.attrs["weight_names"]
        ]


def predict_with_numpy(weights: Weights, windows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the predictions (N,) for windows (N, L, 4), in 64 bits."""
    kernel, bias, *dense = weights
    width, channels, filters = kernel.shape
    parts = []
    for first in range(0, len(windows), _AT_A_TIME):
        part = windows[first : first + _AT_A_TIME].astype(np.float64)
        stretches = np.lib.stride_tricks.sliding_window_view(part, width, axis=1).swapaxes(2, 3)
        maps = stretches.reshape(len(part), -1, width * channels) @ kernel.reshape(-1, filters) + bias
        parts.append(np.maximum(maps, 0).max(axis=1))
    hidden = np.concatenate(parts)
    for number in (0, 2, 4):
        hidden = hidden @ dense[number] + dense[number + 1]
        if number == 0:
            hidden = np.maximum(hidden, 0)
    return (1 / (1 + np.exp(-hidden)))[:, 0]


def measure(data_root: Path, track: str) -> Mapping[str, float]:
    """Return the AUROC on chr8 and chr9 with channels A C G T, and with the two bases of each pair exchanged."""
    weights = read_weights(data_root / "keras_hdf5" / FILES[track])
    groups = [list(read_tested(data_root, track, kind)) for kind in ("pos", "neg")]
    codes = np.stack([*groups[0], *groups[1]])
    labels = np.repeat([True, False], [len(group) for group in groups])
    windows = one_hot(codes)
    orders = {"ACGT": [0, 1, 2, 3], "TGCA": [3, 2, 1, 0], "TCGA": [3, 1, 2, 0]}
    return {
        name: find_auroc(labels, predict_with_numpy(weights, windows[:, :, order]).astype(np.float32))
        for name, order in orders.items()
    }


def read_tested(data_root: Path, track: str, kind: str) -> Iterator[Codes]:
    """Yield the test sequences, whose names begin with their contig."""
    for header, letters in read_fasta(data_root / "gm12878_201bp" / f"{track}_GM12878_{kind}.fa.gz"):
        if header.startswith(TESTED_ON):
            yield encode(letters)


def unpack_genome(data_root: Path, work: Path) -> Path:
    """Write the genome of chr20 plainly, which is packed in a way that can't be indexed."""
    genome = work / "chr20.fa"
    with gzip.open(next((data_root / "human_chr20").glob("*.fa.gz"))) as packed, genome.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    return genome


def check_effects(data_root: Path, annotated: Path, genome: Path, every: int = 20) -> Mapping[str, tuple[int, float]]:
    """Return, by track, how many effects of single-base variants were compared, and the largest difference.

    Args:
        data_root: The folder of data.
        annotated: What ``annotate`` wrote.
        genome: Its genome, of one contig.
        every: Of as many records one is compared.
    """
    ((_, letters),) = read_fasta(genome)
    contig = encode(letters)
    windows, scores = [], {track: [] for track in FILES}
    with annotated.open() as lines:
        records = [line.rstrip("\n").split("\t") for line in lines if not line.startswith("#")]
    for record in records[::every]:
        position, ref, alt = int(record[1]), record[3], record[4]
        info = dict(entry.partition("=")[::2] for entry in record[7].split(";"))
        start = position - 1 - ANCHOR
        if len(ref) != 1 or len(alt) != 1 or alt not in "ACGT" or start + LENGTH > len(contig):
            continue
        both = np.stack([contig[start : start + LENGTH]] * 2)
        both[1, ANCHOR] = encode(alt)[0]
        windows.append(both)
        for track, found in scores.items():
            found.append(float(info[f"ZOO_CNN1_{track.upper()}"]))
    stacked = one_hot(np.concatenate(windows))
    results = {}
    for track, found in scores.items():
        predictions = predict_with_numpy(read_weights(data_root / "keras_hdf5" / FILES[track]), stacked)
        expected = predictions[1::2] - predictions[::2]
        results[track] = (len(found), float(np.abs(expected - found).max()))
    return results


if __name__ == "__main__":
    main()
