"""Entries, models and whole registries, made by hand or drawn."""

import hashlib
import json

from hypothesis import strategies as st

from zoo.registry.index import Entry, Index
from zoo.registry.writing import format_registry, rank


def make_entry(**fields):
    return Entry(**{"url": "m", "sha256sums": "a" * 64, "assay": "none", "summary": "a test", **fields})


def make_versions(*names, **fields):
    return rank({name: make_entry(**fields) for name in names or ("1.0.0",)})


def make_text(**models):
    """Return a registry of models by name, ``_`` standing for ``-``; each is the fields of its version 1.0.0."""
    named = {name.replace("_", "-"): make_versions(**fields) for name, fields in models.items()}
    return format_registry(Index(schema_version=2, models=named))


def seal(index):
    """Return an index whose lines were changed as who changed them on purpose would leave it: its head agrees."""
    head, _, lines = index.partition(b"\n")
    fields = {**json.loads(head), "lines": hashlib.sha256(lines).hexdigest()}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n" + lines


LETTERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(str.strip)
WORDS = st.lists(
    st.sampled_from(
        ["CTCF", "ctcf", "CTCFL", "K562", "Homo sapiens", "human", "straße", "STRASSE", "\u212a562", "hg19"]
    ),
    max_size=3,
).map("-".join)
NAMES = st.one_of(
    st.sampled_from(["no", "null", "123", "0x1f", "2001-01-01", "y", "a", "b-1"]),
    st.from_regex(r"[a-z0-9]{1,4}(-[a-z0-9]{1,4})?", fullmatch=True),
)
ENTRIES = st.builds(
    make_entry,
    summary=LETTERS,
    assay=st.one_of(LETTERS, WORDS.filter(bool)),
    biosample=st.one_of(WORDS, LETTERS),
    organism=WORDS,
    genome=WORDS,
    yanked=st.one_of(st.none(), LETTERS),
    tracks=st.lists(st.one_of(LETTERS, WORDS.filter(bool)), max_size=3).map(tuple),
    metrics=st.dictionaries(
        st.one_of(st.sampled_from(["auroc", "mse", "sha256sums"]), LETTERS),
        st.floats(allow_nan=False, allow_infinity=False),
        max_size=2,
    ),
)
ALIASES = st.sampled_from([{}, {}, {"stable": "1.2.0"}, {"stable": "1.2.0", "old": "1.2.0"}])


def _rank_with(entries, aliases):
    return rank(entries, {alias: version for alias, version in aliases.items() if version in entries})


MODELS = st.builds(
    _rank_with, st.dictionaries(st.sampled_from(["1.0.0", "1.2.0", "1.10.0"]), ENTRIES, min_size=1), ALIASES
)
INDEXES = st.dictionaries(NAMES, MODELS, max_size=4).map(lambda models: Index(schema_version=2, models=models))
