"""The floor: how many windows a second ONNX Runtime's `session.run` alone predicts, with nothing around it.

    python -m benchmarks.peers.floor --model DIR/models/basset-sized --plain DIR/models/basset-sized.plain.onnx

Prints one JSON object: `rates`, windows per second of each form and batch, and `processor_seconds`, what one window
takes a single thread. Forms take turns, so that they share whatever else the machine does; the fastest of them is what
the others are measured by. On a machine that others use, processor time is what can be compared.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.model.card import Card, read_card
from zoo.model.folder import CARD_FILE, NETWORK_FILE
from zoo.model.graph import CODES_INPUT, embed_one_hot
from zoo.registry.find import locate

BATCHES = (16, 32, 64, 128, 256)
_ALONE = 64


@dataclass(frozen=True, slots=True)
class Form:
    """One way to lay out a network, with windows in the layout that it reads."""

    name: str
    session: Any
    given: str
    windows: np.ndarray

    def warm_up(self) -> None:
        """Predict the largest batch, so that its memory is there."""
        self.session.run(None, {self.given: self.windows[: BATCHES[-1]]})

    def run(self, batch: int) -> float:
        """Predict all windows, so many at a time, and return the seconds."""
        started = time.perf_counter()
        for first in range(0, len(self.windows), batch):
            self.session.run(None, {self.given: self.windows[first : first + batch]})
        return time.perf_counter() - started


def measure_floor(
    model: Path, plain: Path | None, windows: int, turns: int, threads: int, only: Collection[str] = ()
) -> dict[str, float]:
    """Return windows per second by form and batch, the best of some turns; of all, or of those that are named."""
    forms = open_forms(model, plain, windows, threads)
    runs = {f"{form.name}, {batch}": (form, batch) for batch in BATCHES for form in forms}
    chosen = {name: run for name, run in runs.items() if not only or name in only}
    for form in forms:
        form.warm_up()
    seconds: dict[str, float] = {}
    for _ in range(turns):
        for name, (form, batch) in chosen.items():
            seconds[name] = min(form.run(batch), seconds.get(name, np.inf))
    return {name: windows / took for name, took in seconds.items()}


def measure_processor(model: Path, plain: Path | None) -> float:
    """Return the processor seconds of one window in the fastest form, by one thread, which never waits for another."""
    forms = open_forms(model, plain, _ALONE, 1)
    best = np.inf
    for form in forms:
        for _ in range(2):
            started = time.process_time()
            form.run(_ALONE // 2)
            best = min(best, time.process_time() - started)
    return best / _ALONE


def open_forms(model: Path, plain: Path | None, windows: int, threads: int) -> list[Form]:
    """Open the file as it is published, the same reading codes, and the plain 1-D network where there is one."""
    import onnx

    card = read_card(model / CARD_FILE)
    published = onnx.load(model / NETWORK_FILE)
    codes = np.random.default_rng(1).integers(0, 4, (windows, card.sequence_window.length), dtype=np.uint8)
    one_hot = np.eye(4, dtype=np.float32)[codes]
    start = _opener(threads)
    name = _sequence_name(card)
    forms = [
        Form("published, one-hot", start(published), name, one_hot),
        Form("published, codes", start(embed_one_hot(published, card)), CODES_INPUT, codes),
    ]
    if plain is not None:
        turned = np.ascontiguousarray(one_hot.transpose(0, 2, 1))
        forms.append(Form("1-D channels first, one-hot", start(onnx.load(plain)), name, turned))
    _check_alike(forms)
    return forms


def _opener(threads: int) -> Callable[[Any], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1

    def start(model: Any) -> Any:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    return start


def _sequence_name(card: Card) -> str:
    if card.sequence_input is None:
        raise ValueError(f"{card.full_name}: expected a model that reads a sequence")
    return card.sequence_input.name


def _check_alike(forms: list[Form]) -> None:
    """Raise ValueError where a form predicts something else: it would be fast for nothing."""
    expected = forms[0].session.run(None, {forms[0].given: forms[0].windows[:16]})[0]
    for form in forms[1:]:
        found = form.session.run(None, {form.given: form.windows[:16]})[0]
        if not np.allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max()):
            raise ValueError(f"{form.name}: predicts other values than {forms[0].name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder, or the name of a bundled model")
    parser.add_argument("--plain", type=Path)
    parser.add_argument("--windows", type=int, default=512)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--form", action="append", default=[], help="form and batch to measure, as printed")
    given = parser.parse_args()
    model = locate(given.model).folder
    rates = measure_floor(model, given.plain, given.windows, given.turns, given.threads, given.form)
    seconds = measure_processor(model, given.plain)
    strands = 2 if read_card(model / CARD_FILE).strand.average else 1
    print(json.dumps({"rates": rates, "processor_seconds": seconds, "windows_per_allele": 2 * strands}))
