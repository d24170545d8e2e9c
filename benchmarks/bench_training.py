"""Training throughput beside a bare ``model.fit`` on one-hot arrays in memory, and memory as the data grow.

All run in one process, in turn, with deterministic operators and the same threads, on one network, optimiser and batch
size; an epoch counts from the end of the one before, and the first, in which the graph is made, not at all.
"""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from zoo.components import ExampleSet
from zoo.genome.codes import one_hot
from zoo.training.choices import TrainingChoice
from zoo.training.data.batches import SEQUENCE, ArrayPart
from zoo.training.data.store import write_store
from zoo.training.data.strands import Strands

LENGTH = 200
EXAMPLES = 16_384
THREADS = 2
ROUNDS = 5
EPOCHS = 3
CHOICE = TrainingChoice(epochs=EPOCHS, batch_size=64, reverse_complement="none", patience=EPOCHS)

IN_MEMORY = 0.95
FROM_DISK = 0.85
"""The least that is asked for, as a share of the bare rate."""


def draw_examples(count, seed=0):
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, (count, LENGTH), dtype=np.uint8)
    return codes, (codes[:, :1] == 0).astype(np.float32)


def build():
    import keras

    keras.utils.set_random_seed(0)
    sequence = keras.Input((LENGTH, 4), name=SEQUENCE)
    hidden = keras.layers.Conv1D(32, 15, activation="relu")(sequence)
    hidden = keras.layers.MaxPooling1D(4)(hidden)
    hidden = keras.layers.Conv1D(32, 5, activation="relu")(hidden)
    hidden = keras.layers.GlobalMaxPooling1D()(hidden)
    hidden = keras.layers.Dropout(0.2)(keras.layers.Dense(32, activation="relu")(hidden))
    return keras.Model(sequence, {"y": keras.layers.Dense(1, activation="sigmoid")(hidden)})


class Clock:
    """Notes when epochs end, by the clock on the wall and by the processors' own, which others' work does not slow."""

    def __init__(self):
        self.ends = []

    def start(self, *_):
        pass

    def advance(self):
        pass

    def report(self, *_, **_options):
        self.ends.append((time.perf_counter(), time.process_time()))


def rate(ends, count):
    """Return examples a second, and a second of one processor."""
    return count / np.median(np.diff(ends, axis=0), axis=0)


def train_bare(codes, targets):
    import keras

    clock, model = Clock(), build()
    model.compile(keras.optimizers.Adam(CHOICE.learning_rate), {"y": "binary_crossentropy"})
    note = keras.callbacks.LambdaCallback(on_epoch_end=clock.report)
    model.fit(one_hot(codes), {"y": targets}, batch_size=CHOICE.batch_size, epochs=EPOCHS, verbose=0, callbacks=[note])
    return rate(clock.ends, len(codes))


def train_ours(part, **changes):
    from zoo.training.network.fit import fit

    clock = Clock()
    choice = CHOICE.model_copy(update=changes)
    codes, targets = draw_examples(1)
    one = ArrayPart({SEQUENCE: codes}, targets, np.ones(1, np.float32))
    fit(
        build(), part, one, choice, loss="binary_crossentropy", output="y", strands=Strands(average=False), seed=0,
        progress=clock,
    )  # fmt: skip
    return rate(clock.ends, len(part))


def keep(path, count, seed=0):
    """Write examples into a store without ever holding them all."""
    pieces = (draw_examples(min(4096, count - first), seed + first) for first in range(0, count, 4096))
    return write_store(path, (ExampleSet(codes, targets, ("y",)) for codes, targets in pieces))


def test_examples_per_second(tmp_path, report):
    pytest.importorskip("tensorflow")
    from zoo.training.network.backend import import_backend

    import_backend(THREADS)
    codes, targets = draw_examples(EXAMPLES)
    part = ArrayPart({SEQUENCE: codes}, targets, np.ones(EXAMPLES, np.float32))
    rates = {"bare model.fit": [], "in memory": [], "either strand, shifted": [], "from disk": []}
    with keep(tmp_path / "examples.h5", EXAMPLES) as store:
        for _ in range(ROUNDS):
            rates["bare model.fit"].append(train_bare(codes, targets))
            rates["in memory"].append(train_ours(part))
            rates["either strand, shifted"].append(train_ours(part, reverse_complement="random", shift=3))
            rates["from disk"].append(train_ours(store.part(np.arange(EXAMPLES))))
    bare = np.array(rates["bare model.fit"])
    shares = {name: np.median(found / bare, axis=0) for name, found in rates.items()}
    for name, (wall, processor) in shares.items():
        median = np.median(rates[name], axis=0)
        report(
            f"{name}: {median[0]:,.0f} examples/s, {wall:.2f} of the bare rate; "
            f"{median[1]:,.0f} a processor second, {processor:.2f}"
        )
    assert shares["in memory"][0] >= IN_MEMORY
    assert shares["from disk"][0] >= FROM_DISK


def measure_peak(folder, count):
    """Return the peak memory in MB of a process that writes so many examples, and trains and validates on them."""
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path

        from benchmarks import bench_training as bench

        bench.stream(Path(sys.argv[1]), int(sys.argv[2]))
        """
    )
    command = [sys.executable, "-c", program, folder / f"{count}.h5", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    return float(done.stdout)


def stream(path, count):
    """Write a store, learn an epoch of it with a network that costs next to nothing, and print the peak in MB."""
    import psutil

    from zoo.training.network.backend import import_backend
    from zoo.training.network.fit import fit

    _, keras = import_backend(THREADS)
    sequence = keras.Input((LENGTH, 4), name=SEQUENCE)
    hidden = keras.layers.GlobalAveragePooling1D()(keras.layers.Conv1D(4, 8, strides=8)(sequence))
    model = keras.Model(sequence, {"y": keras.layers.Dense(1, activation="sigmoid")(hidden)})
    choice = TrainingChoice(epochs=1, batch_size=256, shift=3)
    peak = 0

    class Watch(Clock):
        def advance(self):
            nonlocal peak
            peak = max(peak, psutil.Process().memory_info().rss)

    with keep(path, count) as store:
        rows = np.arange(count)
        held = rows % 10 == 0
        fit(
            model, store.part(rows[~held]), store.part(rows[held]), choice, loss="binary_crossentropy", output="y",
            strands=Strands(average=True), seed=0, progress=Watch(),
        )  # fmt: skip
    print(f"{peak / 1e6:.1f}")


def test_memory_stays_flat_as_data_grow(tmp_path, report):
    pytest.importorskip("tensorflow")

    small, large = (measure_peak(tmp_path, count) for count in (100_000, 1_000_000))

    report(f"peak memory with 100,000 and 1,000,000 examples: {small:.0f} MB and {large:.0f} MB")
    assert large <= 1.1 * small
