"""The models that come with the project, and windows that they say something about."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from tests.network.random_graphs import RandomModel
from zoo import encode
from zoo.model.card import read_card

FOLDERS = sorted(path.parent for path in (Path(__file__).resolve().parents[2] / "models").glob("*/*/model.onnx"))

MOTIFS = (
    "TGGCCACCAGGGGGCGCTA",  # CTCF
    "ACCGGAAGTGACC",  # ETS: GABPA, ELK1
    "TTCAGCACCATGGACAGCGCC",  # REST
    "GGTCACGTGACC",  # MYC, USF1
    "GGGGGCGGGGCCGGGGGCGGGGC",  # SP1
    "TGTTTACTTAGGTAAACA",  # FOXA1
    "AAAAAGAGGAAGTGAAA",  # PU.1
    "TTTAATTAAATTTTAATTAAA",  # ARID3A
    "CCGGGCGCCGCCCCCGGGCG",  # ZBTB7A
    "TATAAAAGCGCGGGGGTATATAAAA",  # promoters
)


def read_bundled(folder: Path) -> tuple[RandomModel, float]:
    """Return a model, and what its channels hold where a base is unknown."""
    card = read_card(folder / "model.yaml")
    assert card.sequence_input is not None
    extra = {item.name: item.shape for item in card.inputs if item.role == "context"}
    model = onnx.load(folder / "model.onnx")
    made = RandomModel(model, card.sequence_input.name, card.sequence_window.length, extra, (card.name,))
    return made, 0.25 if card.sequence_input.unknown == "quarter" else 0.0


def draw_windows(folder: Path, length: int) -> npt.NDArray[np.uint8]:
    """Return the model's example sequences, and as many again with a motif in the middle of each."""
    sequences = json.loads((folder / "example.json").read_text(encoding="utf-8"))["sequences"]
    planted = []
    for number, motif in enumerate(MOTIFS):
        around = sequences[number % len(sequences)]
        start = (length - len(motif)) // 2
        planted.append(around[:start] + motif + around[start + len(motif) :])
    return np.stack([encode(sequence) for sequence in (*sequences, *planted)])
