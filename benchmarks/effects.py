"""How the scores of every model agree with measured effects of variants: writes EFFECTS.md and the models' rows.

Every listed model meets every set, by the scorer of its card and by the other of ``difference`` and
``logit_difference``; nothing is picked. ``--write-cards`` keeps the rows beside the models' folders, where ``zoo info``
finds them.

    python benchmarks/effects.py --data-root ../shared/data --write-cards
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the modules beside this one are found when it is run as a script

from benchmarks.agreement import agree  # noqa: E402
from benchmarks.effects_figure import draw_figure  # noqa: E402
from benchmarks.effects_page import write_page  # noqa: E402
from benchmarks.measured import ASB, ELEMENTS, YEAST, EffectSet, read_sets  # noqa: E402
from benchmarks.placing import Place, count_gc, find_inside, score_set  # noqa: E402
from zoo.model.benchmarks import Benchmark, Benchmarks, read_benchmarks, write_benchmarks  # noqa: E402
from zoo.model.folder import Model  # noqa: E402
from zoo.registry import load, open_registry  # noqa: E402

PAGE = ROOT / "benchmarks" / "EFFECTS.md"
FIGURE = ROOT / "benchmarks" / "images" / "effects.png"
HELD_OUT = ("chr8", "chr9")
HELD_OUT_PART = "chr8 and chr9"
IN_MOTIF, ELSEWHERE = "in a motif", "elsewhere"
INSIDE, PADDED = "centred, inside the element", "centred, padded"
GC = "count of G and C"
"""Stands among the models as what any of them should be better than."""

PROBABILITIES = {"sigmoid", "softmax"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which variants make one row: its part, what it calls its windows, and the figures."""

    part: str
    windows: str
    chosen: npt.NDArray[np.bool_]
    figures: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the models, and write the page and, if asked for, their rows."""
    options = parse(arguments)
    sets = read_sets(options.data_root)
    found: dict[str, list[Benchmark]] = {GC: measure_gc(sets)}
    for model in list_models(options.models, options.threads):
        kept = read_benchmarks(model.folder, model.digest) if options.from_cards else None
        if kept is None:
            started = time.perf_counter()
            rows = tuple(measure_model(model, sets))
            card = model.card
            kept = Benchmarks(name=card.name, version=card.version, digest=model.digest, benchmarks=rows)
            print(f"{card.full_name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
            if options.write_cards:
                write_benchmarks(kept, model.folder)
        found[model.card.full_name] = list(kept.benchmarks)
    draw_figure(options.figure, sets, options.threads)
    options.output.write_text(write_page(found, sets, options.figure.name), encoding="utf-8")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--models", nargs="*", default=None, help="names; by default the latest version of each")
    parser.add_argument("--write-cards", action="store_true", help="keep the rows beside the models' folders")
    parser.add_argument("--from-cards", action="store_true", help="take the rows that are kept, measure the others")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--output", type=Path, default=PAGE)
    parser.add_argument("--figure", type=Path, default=FIGURE)
    return parser.parse_args(arguments)


def list_models(names: Sequence[str] | None, threads: int | None) -> Iterator[Model]:
    """Yield the named models, or the latest version of every model of the registry."""
    chosen = names or [listing.full_name for listing in open_registry().list_models() if listing.latest]
    for name in chosen:
        yield load(name, "cpu", threads)


def measure_model(model: Model, sets: dict[str, EffectSet]) -> Iterator[Benchmark]:
    """Yield the rows of one model."""
    for effects in sets.values():
        inside = find_inside(effects, model.card.sequence_window)
        for place in list_places(effects):
            for scorer in list_scorers(model):
                with tempfile.TemporaryDirectory() as folder:
                    scores = score_set(model, effects, place, scorer, Path(folder))
                for column, track in enumerate(model.card.track_names):
                    for selection in select(effects, inside, place):
                        yield compare(effects, selection, scores[:, column], track, scorer)


def measure_gc(sets: dict[str, EffectSet]) -> list[Benchmark]:
    """Return the rows of a count of bases, over all variants of each set."""
    return [row for effects in sets.values() for row in _measure_gc_of(effects)]


def _measure_gc_of(effects: EffectSet) -> Iterator[Benchmark]:
    gained = count_gc(effects.variants)
    for place in list_places(effects):
        for selection in select(effects, np.ones(len(gained), dtype=np.bool_), place):
            yield compare(effects, selection, gained, "GC", "difference")


def list_places(effects: EffectSet) -> tuple[Place, ...]:
    """Return how windows are laid on a set: an element is longer than any, a promoter is read whole."""
    places: dict[str, tuple[Place, ...]] = {ASB: ("centred", "region"), ELEMENTS: ("centred",), YEAST: ("region",)}
    return places[effects.name]


def list_scorers(model: Model) -> list[str]:
    """Return the card's scorer, and of the two that fit its output the other."""
    probabilities = all(output.activation in PROBABILITIES for output in model.card.outputs)
    both = ["difference", "logit_difference"] if probabilities else ["difference"]
    return [model.card.scorer.name, *(name for name in both if name != model.card.scorer.name)]


def select(effects: EffectSet, inside: npt.NDArray[np.bool_], place: Place) -> Iterator[Selection]:
    """Yield the parts of a set that make a row each; ``inside``: where a window reads nothing unknown, (n,)."""
    parts = effects.variants["part"].to_numpy()
    everything = np.ones(len(parts), dtype=np.bool_)
    if effects.name == ASB:
        figures = ("concordance", "pearson", "spearman")
        yield Selection("all", place, everything, figures)
        yield Selection(HELD_OUT_PART, place, np.isin(parts, HELD_OUT), figures)
        in_motif = effects.variants["in_motif"].to_numpy()
        yield Selection(IN_MOTIF, place, in_motif, figures)
        yield Selection(ELSEWHERE, place, ~in_motif, figures)
    elif effects.name == ELEMENTS:
        for element in effects.contigs:
            yield Selection(element, INSIDE, (parts == element) & inside, ("spearman",))
            yield Selection(element, PADDED, parts == element, ("spearman",))
    else:
        yield Selection("all", place, everything, ("pearson", "spearman", "sign"))


def compare(
    effects: EffectSet, selection: Selection, scores: npt.NDArray[np.float64], track: str, scorer: str
) -> Benchmark:
    """Return the row of one track on one part of a set; variants without a score are left out."""
    chosen = selection.chosen & np.isfinite(scores)
    variants = effects.variants[chosen]
    figures = agree(
        variants["measured"].to_numpy(dtype=np.float64),
        scores[chosen],
        variants["group"].to_numpy(dtype=np.int64),
        selection.figures,
    )
    return Benchmark(
        effects=effects.name,
        part=selection.part,
        track=track,
        scorer=scorer,
        windows=selection.windows,
        n=len(variants),
        figures=figures,
    )


if __name__ == "__main__":
    main()
