"""The contract of components as tests: what every data loader, architecture and scorer keeps, ours or a stranger's.

Each function raises ``AssertionError`` with a message that names the component, what was expected and what was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zoo.components import (
    Architecture,
    Config,
    DataLoader,
    ExampleSet,
    GenomeSource,
    InputSpec,
    OutputKind,
    OutputSpec,
    Predictions,
    Scorer,
    Scores,
)
from zoo.genome.codes import UNKNOWN, Codes, one_hot

if TYPE_CHECKING:
    import onnx

_SEED = 1
_ALLELES = 16
_BINS = 4
_SEQUENCES = 8


def check_data_loader(
    loader: DataLoader, config: Config, base_folder: Path, reference: GenomeSource | None = None
) -> None:
    """Load a small data set twice: shapes, types and names fit each other, and the same seed gives the same examples.

    Args:
        loader: The component.
        config: Its configuration, of files below ``base_folder`` that hold valid examples.
        base_folder: The data root; nothing in it may change.
        reference: For a loader that cuts its sequences from a genome.
    """
    before = _list_files(base_folder)
    first, second = (loader.load(config, reference, _SEED, base_folder) for _ in range(2))
    where = f"data loader {loader.name!r}"
    _expect(_list_files(base_folder) == before, f"{where}: expected the data root as it was, found it changed")
    found: Any = first
    _expect(isinstance(found, ExampleSet), f"{where}: expected an ExampleSet, found a {type(found).__name__}")
    _check_examples(where, first)
    for name in ("sequences", "targets", "groups", "weights"):
        same = _equal(getattr(first, name), getattr(second, name))
        _expect(same, f"{where}: {name}: expected the same for the same seed, found others")
    _expect(first.ids == second.ids, f"{where}: ids: expected the same for the same seed, found others")


def check_architecture(
    architecture: Architecture, config: Config | None = None, length: int = 200, tracks: int = 3
) -> None:
    """Build, run and export a network: named inputs and outputs, activations applied, each sequence on its own.

    Args:
        architecture: The component.
        config: By default the one of a recipe that says nothing.
        length: Bases of the sequence; at least what the configuration needs.
        tracks: Tracks of the output.
    """
    from zoo.training.backend import import_backend

    _, keras = import_backend()
    where = f"architecture {architecture.name!r}"
    inputs = (InputSpec("sequence", (length, 4)),)
    outputs = (OutputSpec("prediction", tuple(f"track_{number}" for number in range(1, tracks + 1)), "sigmoid"),)
    networks = []
    for _ in range(2):
        keras.utils.set_random_seed(_SEED)
        networks.append(architecture.build(config or architecture.config(), inputs, outputs, {}))
    network = networks[0]
    _expect(isinstance(network, keras.Model), f"{where}: expected a keras.Model, found a {type(network).__name__}")
    names = [tensor.name for tensor in network.inputs]
    _expect(names == ["sequence"], f"{where}: expected the input 'sequence', found {names}")
    heads = list(network.output) if isinstance(network.output, Mapping) else type(network.output).__name__
    _expect(heads == ["prediction"], f"{where}: expected a dict of the output 'prediction', found {heads}")
    same = all(map(_equal, *(built.get_weights() for built in networks)))
    _expect(same, f"{where}: expected the same weights for the same seed, found others")
    codes = np.random.default_rng(_SEED).integers(0, UNKNOWN + 1, (_SEQUENCES, length), dtype=np.uint8)
    codes[0] = UNKNOWN
    predictions = _run(network, codes)
    members = predictions.shape[1:-1]
    _expect(
        predictions.shape == (_SEQUENCES, *members, tracks) and len(members) <= 1,
        f"{where}: expected predictions of shape ({_SEQUENCES}, {tracks}), or of members, found {predictions.shape}",
    )
    _expect(
        bool(((predictions >= 0) & (predictions <= 1)).all()),
        f"{where}: expected predictions from 0 to 1 after a sigmoid, found {predictions.min():g} to "
        f"{predictions.max():g}",
    )
    alone = np.concatenate([_run(network, codes[row : row + 1]) for row in range(_SEQUENCES)])
    difference = float(np.abs(alone - predictions).max())
    _expect(difference < 1e-5, f"{where}: expected the same of a sequence alone, found it off by {difference:.2g}")
    _check_export(network, inputs, outputs, codes, members[0] if members else 1)


def check_scorer(scorer: Scorer, config: Config | None = None) -> None:
    """Score probabilities of every kind of output that the scorer takes.

    Scores are finite float32 (N, T) of all outputs side by side; equal alleles score 0; each allele is scored on its
    own, in any order; the predictions stay as they are; and a signed scorer changes its sign when REF and ALT are
    swapped, and is positive where ALT has more signal.

    Args:
        scorer: The component.
        config: By default the one that its name alone stands for.
    """
    for kind in sorted(scorer.takes):
        _check_scores(f"scorer {scorer.name!r}, {kind} outputs", scorer, config or scorer.config(), kind)


def _check_scores(where: str, scorer: Scorer, config: Config, kind: OutputKind) -> None:
    generator = np.random.default_rng(_SEED)
    ref, alt = (_draw_predictions(generator, kind) for _ in range(2))
    before = [values.copy() for values in (*ref.values(), *alt.values())]
    scores = _score(where, scorer, config, ref, alt)
    kept = all(map(_equal, before, (*ref.values(), *alt.values())))
    _expect(kept, f"{where}: expected the predictions as they were, found them changed")
    equal = _score(where, scorer, config, ref, ref)
    _expect(not equal.any(), f"{where}: expected 0 for equal alleles, found {equal.flat[np.abs(equal).argmax()]:g}")
    rows = generator.permutation(_ALLELES)[: _ALLELES // 2]
    chosen = _score(where, scorer, config, _take(ref, rows), _take(alt, rows))
    _expect(
        np.allclose(chosen, scores[rows], rtol=1e-5, atol=1e-7),
        f"{where}: expected the same score of an allele among others and in another order, found others",
    )
    if scorer.signed:
        swapped = _score(where, scorer, config, alt, ref)
        _expect(
            np.array_equal(np.sign(swapped), -np.sign(scores)),
            f"{where}: expected the other sign when REF and ALT are swapped; say signed=False if it has none",
        )
        more = {name: (values + np.float32(1)) / np.float32(2) for name, values in ref.items()}
        gains = _score(where, scorer, config, ref, more)
        _expect(bool((gains > 0).all()), f"{where}: expected a positive score for more signal, found {gains.min():g}")


def _score(
    where: str, scorer: Scorer, config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]
) -> Scores:
    scores: Any = scorer.score(config, ref, alt)
    shape = (len(next(iter(ref.values()))), sum(values.shape[-1] for values in ref.values()))
    found = getattr(scores, "shape", type(scores).__name__)
    _expect(found == shape, f"{where}: expected scores of shape {shape}, found {found}")
    _expect(scores.dtype == np.float32, f"{where}: expected float32, found {scores.dtype}")
    _expect(bool(np.isfinite(scores).all()), f"{where}: expected finite scores, found some that are not")
    checked: Scores = scores
    return checked


def _draw_predictions(generator: np.random.Generator, kind: OutputKind) -> dict[str, Predictions]:
    """Draw probabilities of two outputs, of one track and two, whose names are not in the alphabet's order."""
    bins = (_BINS,) if kind == "binned" else ()
    return {
        name: generator.uniform(0.05, 0.95, (_ALLELES, *bins, tracks)).astype(np.float32)
        for name, tracks in (("second", 1), ("first", 2))
    }


def _take(predictions: Mapping[str, Predictions], rows: npt.NDArray[np.int64]) -> dict[str, Predictions]:
    return {name: values[rows] for name, values in predictions.items()}


def _check_examples(where: str, examples: ExampleSet) -> None:
    codes, count = examples.sequences, len(examples.sequences)
    _check_array(f"{where}: sequences", codes, np.uint8, 2)
    _expect(codes.size > 0, f"{where}: sequences: expected at least one base, found shape {codes.shape}")
    _expect(int(codes.max()) <= UNKNOWN, f"{where}: sequences: expected codes from 0 to 4, found {codes.max()}")
    _expect(len(set(examples.tracks)) == len(examples.tracks), f"{where}: tracks: expected names that differ")
    if examples.targets is not None:
        _check_array(f"{where}: targets", examples.targets, np.float32, 2, 3)
        expected, found = (count, len(examples.tracks)), (len(examples.targets), examples.targets.shape[-1])
        _expect(found == expected, f"{where}: targets: expected {expected} rows and tracks, found {found}")
        _expect(not np.isinf(examples.targets).any(), f"{where}: targets: expected numbers or NaN, found infinity")
    if examples.groups is not None:
        kind = examples.groups.dtype.kind
        _expect(kind == "U", f"{where}: groups: expected an array of text, found {examples.groups.dtype}")
    if examples.weights is not None:
        _check_array(f"{where}: weights", examples.weights, np.float32, 1)
        fit = bool((np.isfinite(examples.weights) & (examples.weights >= 0)).all())
        _expect(fit, f"{where}: weights: expected numbers of 0 or more")
    optional = {"groups": examples.groups, "weights": examples.weights, "ids": examples.ids or None, **examples.extra}
    for name, values in optional.items():
        if values is not None:
            _expect(len(values) == count, f"{where}: {name}: expected {count} rows, found {len(values)}")


def _check_array(where: str, values: Any, dtype: npt.DTypeLike, *dimensions: int) -> None:
    _expect(isinstance(values, np.ndarray), f"{where}: expected an array, found a {type(values).__name__}")
    _expect(values.dtype == dtype, f"{where}: expected {np.dtype(dtype)}, found {values.dtype}")
    expected = " or ".join(map(str, dimensions))
    _expect(values.ndim in dimensions, f"{where}: expected {expected} dimensions, found {values.ndim}")


def _check_export(
    network: Any, inputs: tuple[InputSpec, ...], outputs: tuple[OutputSpec, ...], codes: Codes, members: int
) -> None:
    """Export the network and run it as users will; what differs is an ``ExportMismatch``."""
    from zoo.model.card import Card
    from zoo.model.session import Session
    from zoo.testing.models import CARD
    from zoo.training.export import check_parity, export

    proto: onnx.ModelProto = export(network, inputs, outputs)
    length = codes.shape[1]
    tracks = [{"name": track, "assay": "none"} for track in outputs[0].tracks]
    card = Card.model_validate(
        {
            **CARD,
            "inputs": [{"name": inputs[0].name, "shape": [length, 4]}],
            "window": {"length": length, "anchor": 0},
            "outputs": [
                {"name": outputs[0].name, "tracks": tracks, "activation": outputs[0].activation, "members": members}
            ],
        }
    )
    check_parity(Session(proto, card, "cpu"), network, outputs[0].name, codes)


def _run(network: Any, codes: Codes) -> Predictions:
    predictions: Predictions = np.asarray(network(one_hot(codes), training=False)["prediction"])
    return predictions


def _list_files(folder: Path) -> dict[str, int]:
    return {path.as_posix(): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


def _equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _expect(holds: object, message: str) -> None:
    if not holds:
        raise AssertionError(message)
