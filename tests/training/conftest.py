"""A small data set with a planted motif, and recipes for it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

MOTIF = "GATTACA"


def draw_sequences(count: int, length: int, seed: int, motif: str = "") -> list[str]:
    """Draw sequences, with a motif somewhere in each if one is given."""
    generator = np.random.default_rng(seed)
    letters = ["".join("ACGT"[code] for code in row) for row in generator.integers(0, 4, (count, length))]
    starts = generator.integers(0, length - len(motif) + 1, count)
    return [
        text[:start] + motif + text[start + len(motif) :] for text, start in zip(letters, starts.tolist(), strict=True)
    ]


def make_recipe() -> dict[str, Any]:
    return {
        "schema_version": 1,
        "name": "tiny",
        "version": "1.0.0",
        "summary": "Holds GATTACA.",
        "license": "CC0-1.0",
        "authors": ["The assayzoo authors"],
        "assay": "simulation",
        "organism": "none",
        "limitations": "Made for tests.",
        "data": {
            "loader": "fasta",
            "config": {"positives": "positives.fa", "negatives": "negatives.fa", "target": "motif"},
        },
        "split": {"method": "contig", "test": ["chr1"], "validation": ["chr2"]},
        "architecture": {
            "name": "multilayer_cnn",
            "config": {"convolutions": [{"filters": 8, "width": 7}], "dense": [8], "dense_dropout": 0.1},
        },
        "training": {"epochs": 2, "batch_size": 32, "learning_rate": 0.01},
        "seed": 3,
    }


def write_data(folder: Path) -> None:
    for name, motif, seed in (("positives", MOTIF, 1), ("negatives", "", 2)):
        sequences = draw_sequences(150, 24, seed, motif)
        text = "".join(f">chr{1 + number % 5}_{number}\n{letters}\n" for number, letters in enumerate(sequences))
        (folder / f"{name}.fa").write_text(text, encoding="utf-8")


@pytest.fixture
def tiny_recipe() -> dict[str, Any]:
    """A recipe that trains in seconds on the files of ``tiny_data``."""
    return make_recipe()


@pytest.fixture
def tiny_data(tmp_path: Path) -> Path:
    """A folder with 300 sequences of 24 bases on chr1 to chr5, half of them with the motif."""
    write_data(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A model of the tiny recipe, trained for four epochs with seed 7, for tests that only look at it.

    ``data`` is the folder that the recipe's paths start at, ``recipe`` a copy of the recipe as it was read.
    """
    from zoo import train

    data = tmp_path_factory.mktemp("trained")
    write_data(data)
    document = make_recipe()
    document["training"]["epochs"] = 4
    path, copy = data / "recipe.yaml", data / "copy.yaml"
    for each in (path, copy):
        each.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    class Editing:
        """Edits the recipe while it is trained."""

        def start(self, epochs: int, batches: int) -> None:
            path.write_text("seed: 99", encoding="utf-8")

        def advance(self) -> None: ...

        def report(self, epoch: Any, *, monitor: str, is_best: bool) -> None: ...

    done = train(path, data / "tiny", seed=7, threads=2, progress=Editing())
    return SimpleNamespace(done=done, folder=data / "tiny", data=data, recipe=copy, document=document)


@pytest.fixture
def write_recipe(tiny_data: Path) -> Callable[[dict[str, Any]], Path]:
    """Write a recipe beside the data."""

    def write(document: dict[str, Any]) -> Path:
        path = tiny_data / "recipe.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return path

    return write
