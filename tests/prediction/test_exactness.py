"""Two thousand alleles against a plain, slow reference that shares no line with the zoo.

It edits the contig's letters, finds the normal form by its definition (of all places and lengths that give the same
changed contig, the shortest and then the leftmost), cuts one window at a time, and runs it in Keras, strand by strand.
"""

import random

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from zoo import annotate
from zoo.components import InputSpec, OutputSpec
from zoo.testing.models import write_model_folder
from zoo.training.network.backend import import_backend
from zoo.training.network.export import export

pytestmark = pytest.mark.training

import_backend(threads=2)

LENGTH, ANCHOR = 41, 17
TRACKS = ("first", "second")
ALLELES = 2000


def make_genome(rng):
    """Contigs with repeats, unknown bases alone and in runs, soft-masked stretches; one shorter than a window."""
    parts = []
    for _ in range(120):
        unit = "".join(rng.choices("ACGT", k=rng.choice([1, 2, 3, 11])))
        part = unit * rng.randint(2, 8) if rng.random() < 0.4 else "".join(rng.choices("ACGT", k=25))
        parts.append(part.lower() if rng.random() < 0.3 else part)
        if rng.random() < 0.15:
            parts.append(rng.choice(["N", "R", "n" * 4, "N" * 60]))
    return {"chr1": "".join(parts), "chr2": "".join(rng.choices("ACGTacgt", k=33)), "chr3": "CA" * 60 + "G"}


def make_records(rng, genome):
    """Contig, start, REF and its ALT alleles, of every kind, at any place, in any spelling."""
    records = []
    while sum(len(alts) for *_, alts in records) < ALLELES:
        contig = rng.choices(list(genome), weights=[8, 1, 2])[0]
        letters = genome[contig]
        ref_length = rng.choice([1, 1, 1, 2, 3, 5, 9, 26])
        start = rng.choice([0, len(letters) - ref_length, *(rng.randrange(len(letters)) for _ in range(30))])
        ref = letters[start : start + ref_length].upper().replace("R", "A")
        if not ref or start < 0:
            continue
        alts = {make_alt(rng, letters[start : start + 60].upper(), ref) for _ in range(rng.choice([1, 1, 2, 3]))}
        spelled = [
            alt.lower() if rng.random() < 0.1 else alt for alt in sorted(alts - {ref}) if not set(alt) - set("ACGT")
        ]
        if spelled:
            records.append((contig, start, ref, spelled))
    return records


def make_alt(rng, letters, ref):
    inserted = "".join(rng.choices("ACGT", k=rng.choice([1, 2, 4, 25])))
    repeated = letters[1 : 1 + rng.choice([1, 2, 3, 6])]
    return rng.choice(
        [
            rng.choice("ACGT") + ref[1:],
            ref[:-1] + rng.choice("ACGT"),
            ref[: rng.randint(1, len(ref))],
            ref[:1] + inserted + ref[1:],
            ref[:1] + repeated + ref[1:],
            ref[: len(ref) // 2] + ref[len(ref) // 2 + 1 :] or "G",
            inserted,
        ]
    )


def count_shared(one, other):
    """Return with how many letters both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (ours, theirs) in pairs if ours != theirs), min(len(one), len(other)))


def find_normal_form(letters, changed):
    """Return start and length of the shortest stretch, then the leftmost, that differs; of at least a base in both."""
    longer = len(changed) - len(letters)
    prefix = count_shared(letters, changed)
    suffix = count_shared(letters[::-1], changed[::-1])
    ref_length = max(1, 1 - longer, len(letters) - prefix - suffix)
    start = max(0, len(letters) - suffix - ref_length)
    if letters[start] not in "ACGT":  # no padding base: the one behind takes its place
        start += 1
    return start, ref_length, ref_length + longer


def cut(letters, start):
    """Return the window of a contig that begins there."""
    return "".join(letters[place] if 0 <= place < len(letters) else "N" for place in range(start, start + LENGTH))


def score_slowly(letters, start, ref, alt, predict):
    """Return the scores of an allele, or the reason why there are none."""
    letters = letters.upper()
    if set(letters[start : start + len(ref)]) - set("ACGT"):
        return "UNKNOWN_BASES"
    changed = letters[:start] + alt.upper() + letters[start + len(ref) :]
    first, ref_length, alt_length = find_normal_form(letters, changed)
    if max(ref_length, alt_length) > LENGTH - ANCHOR:
        return "TOO_LONG"
    windows = [cut(contig, first - ANCHOR) for contig in (letters, changed)]
    if any(sum(letter not in "ACGT" for letter in window) > LENGTH / 2 for window in windows):
        return "UNKNOWN_BASES"
    before, after = (predict(window) for window in windows)
    return after - before


def make_predictor(network):
    """Return a function that runs one window and its other strand in Keras, and remembers the answer."""
    known = {}

    def run(window):
        if window not in known:
            one_hot = np.array([[[letter == base for base in "ACGT"] for letter in window]], dtype=np.float32)
            known[window] = network.predict_on_batch(one_hot)["y"][0].astype(np.float64)
        return known[window]

    other = str.maketrans("ACGT", "TGCA")
    return lambda window: (run(window) + run(window[::-1].translate(other))) / 2


def train_network():
    """Train a small network to find two words, for an epoch or two: what it has learnt does not matter."""
    keras.utils.set_random_seed(5)
    sequence = keras.Input((LENGTH, 4), name="sequence")
    hidden = keras.layers.Conv1D(12, 7, activation="relu")(sequence)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Conv1D(8, 5, padding="same", activation="gelu")(hidden)
    hidden = keras.layers.Dense(16, activation="relu")(keras.layers.Flatten()(hidden))
    outputs = {"y": keras.layers.Dense(len(TRACKS), activation="sigmoid")(hidden)}
    network = keras.Model(sequence, outputs)
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 4, (1000, LENGTH))
    targets = np.stack([(codes[:, 20] == 2) | (codes[:, 5] == 0), codes[:, 17] == codes[:, 18]], axis=1)
    network.compile("adam", {"y": "binary_crossentropy"})
    network.fit(np.eye(4, dtype=np.float32)[codes], {"y": targets.astype(np.float32)}, epochs=3, verbose=0)
    return network


def test_scores_of_two_thousand_random_alleles_are_those_of_a_plain_slow_reference(tmp_path, write_genome, write_vcf):
    rng = random.Random(7)
    genome = make_genome(rng)
    records = make_records(rng, genome)
    network = train_network()
    tracks = [{"name": track, "assay": "none"} for track in TRACKS]
    model = write_model_folder(
        tmp_path / "trained",
        export(network, (InputSpec("sequence", (LENGTH, 4)),), (OutputSpec("y", TRACKS, "sigmoid"),)),
        {
            "name": "trained",
            "inputs": [{"name": "sequence", "shape": [LENGTH, 4]}],
            "window": {"length": LENGTH, "anchor": ANCHOR},
            "outputs": [{"name": "y", "tracks": tracks, "activation": "sigmoid"}],
            "strand": {"average": True},
        },
    )
    lines = [f"{contig} {start + 1} . {ref} {','.join(alts)}" for contig, start, ref, alts in records]
    annotate(write_vcf(lines, declared=genome), write_genome(**genome), model, tmp_path / "out.tsv", threads=1)
    header, *rows = (line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines())
    found = [dict(zip(header, row, strict=True)) for row in rows]

    predict = make_predictor(network)
    alleles = [(contig, start, ref, alt) for contig, start, ref, alts in records for alt in alts]
    assert len(found) == len(alleles) >= ALLELES
    scored = 0
    largest = 0.0
    for row, (contig, start, ref, alt) in zip(found, alleles, strict=True):
        expected = score_slowly(genome[contig], start, ref, alt, predict)
        where = f"{contig}:{start + 1}:{ref}>{alt}"
        if isinstance(expected, str):
            assert (row["ZOO_TRAINED_SKIPPED"], row["ZOO_TRAINED_FIRST"]) == (expected, "."), where
        else:
            scores = np.array([float(row["ZOO_TRAINED_FIRST"]), float(row["ZOO_TRAINED_SECOND"])])
            assert np.abs(scores - expected).max() < 1e-5, where
            scored += 1
            largest = max(largest, float(np.abs(expected).max()))
    assert scored > 0.8 * ALLELES
    assert largest > 0.1
