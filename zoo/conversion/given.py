"""What the author of a model says of it in a file, and the card that is made of that and of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from zoo.conversion.adapt import SEQUENCE, Writing
from zoo.conversion.names import simplify_name
from zoo.conversion.probe import Proposal
from zoo.conversion.questions import Question
from zoo.errors import CardError, ConversionError
from zoo.model.card import (
    MIN_TOLERANCE,
    Card,
    Data,
    Genome,
    Name,
    ScorerChoice,
    Split,
    Strand,
    Text,
    Track,
    Training,
    Version,
)
from zoo.model.document import Document, read_document, validate

_ASKED = {
    "license": "of the weights, Apache-2.0 say",
    "authors": "who trained the network",
    "organism": "Homo sapiens say",
    "assay": "what was measured, TF ChIP-seq say",
    "limitations": "what the model must not be used for",
}
_UNITS = {"sigmoid": "probability", "softmax": "probability"}
_BINNED_SCORER = "sum_difference"
_TELLING = 3  # letters that a name shares with an output's for a reason
_LISTED = 10  # outputs by which a message tells their order
_ENDS = (".", "!", "?", "…", ":", ";")  # of a sentence


class Given(Document):
    """Fields of a card that no file of a network holds; ``tracks`` are names, or say more of each."""

    version: Version = "1.0.0"
    summary: Text | None = None
    license: Text | None = None
    authors: tuple[Text, ...] = ()
    citation: str = ""
    assay: Text | None = None
    biosample: str = ""
    organism: Text | None = None
    genome: Genome | None = None
    tracks: tuple[Track | Text, ...] = ()
    strand: Strand = Strand(average=False)
    scorer: ScorerChoice | None = None
    data: Data | None = None
    split: Split | None = None
    training: Training | None = None
    metrics: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    limitations: Text | None = None


class _Named(Document):
    name: Name


def check_name(name: str) -> str:
    """Return a name that a model may have; raises CardError."""
    return validate(_Named, {"name": name}, "the model", CardError).name


def read_given(path: Path | None, answers: Mapping[str, Any] | None = None) -> Given:
    """Return what the author says.

    Args:
        path: YAML; None for nothing.
        answers: Fields that replace the file's.

    Raises:
        CardError: A field is unknown or wrong.
    """
    from_file = Given() if path is None else read_document(path, Given, CardError)
    said = from_file.model_dump(exclude_unset=True) | dict(answers or {})
    return validate(Given, said, "answers" if path is None else str(path), CardError)


def ask_about_card(given: Given) -> list[Question]:
    """Return what has to be told before there can be a card."""
    return [Question(name, text, of_card=True) for name, text in _ASKED.items() if not getattr(given, name)]


def ask_about_tracks(given: Given, writings: Sequence[Writing]) -> list[Question]:
    """Return whether the columns of these outputs need names.

    Raises:
        ConversionError: There are more or fewer names than columns, or a column has the name of another output.
    """
    count = sum(writing.tracks for writing in writings)
    if not given.tracks:
        if count == 1:
            return [Question("tracks", "the name of the output")]
        order = "" if len(writings) == 1 else f", {_list_outputs(writings)}"
        return [Question("tracks", f"the names of the {count} columns, with commas, or @FILE{order}")]
    if len(given.tracks) != count:
        raise ConversionError(
            f"tracks: expected {count}, a name for each column of the outputs, found {len(given.tracks)}"
        )
    if len(writings) > 1:
        _refuse_swapped(name_tracks(given), writings)
    return []


def name_tracks(given: Given) -> list[str]:
    """Return the names of all columns, as the author gives them."""
    return [track.name if isinstance(track, Track) else track for track in given.tracks]


def _refuse_swapped(names: Sequence[str], writings: Sequence[Writing]) -> None:
    """Refuse a column whose name is, or is part of, that of another output than its own.

    Outputs stand in the network's order, which need not be the one that its author thinks of.
    """
    outputs = {writing.source: simplify_name(writing.source) for writing in writings}
    columns = [writing.source for writing in writings for _ in range(writing.tracks)]
    for name, own in zip(names, columns, strict=True):
        asked = simplify_name(name)
        same = [source for source, output in outputs.items() if asked and asked == output]
        fitting = same or [source for source, output in outputs.items() if len(asked) >= _TELLING and asked in output]
        if fitting and own not in fitting:
            raise ConversionError(
                f"tracks: {name!r} would be the name of a column of output {own!r}, and there is an output "
                f"{fitting[0]!r}; name the columns in the order of the outputs, {_list_outputs(writings)}"
            )


def _list_outputs(writings: Sequence[Writing]) -> str:
    shown = ", ".join(f"{writing.tracks} of {writing.source!r}" for writing in writings[:_LISTED])
    return f"{shown}, …" if len(writings) > _LISTED else shown


def make_card(
    name: str,
    given: Given,
    proposal: Proposal,
    *,
    origin: str,
    provenance: Mapping[str, Any],
    remarks: Sequence[str] = (),
    tolerance: float = MIN_TOLERANCE,
) -> Card:
    """Return the card of a converted model.

    Args:
        name: The model's.
        given: What the author says.
        proposal: How the network is adapted.
        origin: The framework that it comes from.
        provenance: Said of the conversion in the card's ``architecture``.
        remarks: Put behind the limitations.
        tolerance: The card's.

    Raises:
        CardError: A field is wrong.
    """
    reading = proposal.reading
    tracks = iter(_describe_tracks(given, proposal))
    outputs: list[dict[str, Any]] = []
    for writing in proposal.writings:
        kind = {"kind": "flat"} if writing.bins is None else {"kind": "binned", "bins": writing.bins}
        columns = [next(tracks) for _ in range(writing.tracks)]
        outputs.append({"name": writing.name, "tracks": columns, "activation": writing.activation, **kind})
    binned = any(writing.bins is not None for writing in proposal.writings)
    scorer = given.scorer or (ScorerChoice(name=_BINNED_SCORER) if binned else ScorerChoice())
    shown = ", ".join(track["name"] for output in outputs[:1] for track in output["tracks"][:3])
    more = ", …" if proposal.tracks > 3 else ""
    document = {
        "schema_version": 1,
        "name": name,
        "version": given.version,
        "summary": given.summary or f"{shown}{more} from {reading.length} bp of sequence; converted from {origin}.",
        "license": given.license,
        "authors": given.authors,
        "citation": given.citation,
        "assay": given.assay,
        "biosample": given.biosample,
        "organism": given.organism,
        "genome": given.genome,
        "inputs": [
            {"name": SEQUENCE, "shape": (reading.length, 4), "unknown": reading.unknown},
            *({"name": each.name, "role": "context", "shape": each.shape} for each in proposal.contexts),
        ],
        "window": {"length": reading.length, "anchor": proposal.anchor},
        "outputs": outputs,
        "strand": given.strand,
        "scorer": scorer,
        "architecture": {"name": "converted", "config": dict(provenance)},
        "data": given.data,
        "split": given.split,
        "training": given.training,
        "metrics": given.metrics,
        "tolerance": tolerance,
        "limitations": " ".join([_end(given.limitations or ""), *remarks]),
    }
    return validate(Card, document, f"card of {name}", CardError)


def _end(text: str) -> str:
    """Return a text behind which another sentence can stand."""
    return text if not text or text.endswith(_ENDS) else f"{text}."


def _describe_tracks(given: Given, proposal: Proposal) -> list[dict[str, Any]]:
    """Return the columns of all outputs: what a name alone leaves open is the card's."""
    activations = [writing.activation for writing in proposal.writings for _ in range(writing.tracks)]
    tracks = []
    for track, activation in zip(given.tracks, activations, strict=True):
        if isinstance(track, Track):
            tracks.append(track.model_dump())
            continue
        unit = _UNITS.get(activation, "arbitrary")
        tracks.append({"name": track, "assay": given.assay, "biosample": given.biosample, "unit": unit})
    return tracks
