"""What a conversion tells of itself: to its user in a line each, and to the model's users in the card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo import __version__
from zoo.conversion.adapt import Writing
from zoo.conversion.alphabet import Alphabet
from zoo.conversion.names import show
from zoo.conversion.probe import Proposal
from zoo.conversion.prove import Proof
from zoo.conversion.reading import BASES
from zoo.conversion.source import Source
from zoo.model.checksums import hash_file

_NAMED = 10  # tracks by which a sentence names what may be thousands


def describe_source(source: Source) -> str:
    """Return what was read, in one line."""
    inputs, outputs = (", ".join(port.shown for port in ports) for ports in (source.inputs, source.outputs))
    return f"{show(source.framework)}, {source.summary}; {inputs} → {outputs}"


def describe_proposal(proposal: Proposal, alphabet: Alphabet | None = None) -> str:
    """Return how a network is going to be adapted, in one line."""
    reading = proposal.reading
    direction = ", read from its end" if reading.reverse else ""
    unknown = "in a channel of their own" if len(reading.alphabet) > len(BASES) else f"as {reading.unknown}"
    several = len(proposal.writings) > 1
    outputs = ", ".join(
        (f"{writing.source!r} " if several else "") + f"{_count(writing)} {writing.activation}"
        for writing in proposal.writings
    )
    assumed = f"; assumed: {', '.join(proposal.assumed)}" if proposal.assumed else ""
    measured = "" if alphabet is None else f"; {describe_alphabet(alphabet)}"
    return (
        f"length {reading.length}{direction}, layout {reading.layout}, alphabet {reading.alphabet}, unknown bases "
        f"{unknown}, anchor {proposal.anchor}; {outputs}{assumed}{measured}"
    )


def describe_alphabet(found: Alphabet) -> str:
    """Return what examples say of the order of the channels."""
    return (
        f"AUROC {found.auroc:.3f} with {found.letters} on {found.examples:,} examples, {found.next_auroc:.3f} with "
        f"{found.next_letters}, the next best" + ("" if found.clear else ", which is too near to tell")
    )


def list_remarks(source: Source, proposal: Proposal, alphabet: Alphabet | None) -> list[str]:
    """Return what users of the model have to know of its conversion, as sentences."""
    remarks = [f"Converted from {source.framework}."]
    if alphabet is not None:
        remarks.append(f"Order of the channels: {describe_alphabet(alphabet)}.")
    if proposal.assumed:
        remarks.append(f"Assumed, as the file does not tell: {', '.join(proposal.assumed)}.")
    return remarks


def list_findings(source: Source, proof: Proof, tracks: Sequence[str], *, halves: bool) -> list[str]:
    """Return what users of the model have to know of its proof, as sentences.

    Args:
        source: The network in its framework.
        proof: What the comparison found.
        tracks: The names of all columns.
        halves: The network has numbers of 16 bits, which the model has in 32.
    """
    findings = []
    if halves:
        findings.append(
            f"Computes in 32 bits what the file has in 16: {source.runtime} predicts up to {proof.difference:.1g} of "
            "the largest prediction of a track beside it."
        )
    if proof.unproven:
        shown = ", ".join(tracks[column] for column in proof.unproven[:_NAMED])
        more = len(proof.unproven) - _NAMED
        named = f"{shown} and {more:,} more" if more > 0 else shown
        findings.append(f"Predictions of {named} were too near to one another on random sequences to be proven.")
    return findings


def trace(path: Path, source: Source, proposal: Proposal, *, halves: bool = False) -> dict[str, Any]:
    """Return which file was converted, and how it is read, for the card; ``halves``: its 16 bits became 32."""
    reading = proposal.reading
    digest = {"sha256": hash_file(path)} if path.is_file() else {}
    applied = {writing.name: writing.apply for writing in proposal.writings if writing.apply is not None}
    return {
        "source": path.name,
        **digest,
        "framework": source.framework,
        "assayzoo": __version__,
        "layout": reading.layout,
        "alphabet": reading.alphabet,
        "unknown": reading.unknown,
        "reverse": reading.reverse,
        **({"widened": "16 bits to 32"} if halves else {}),
        **({"applied": applied} if applied else {}),
    }


def _count(writing: Writing) -> str:
    tracks = f"{writing.tracks} track{'s' if writing.tracks > 1 else ''}"
    return tracks if writing.bins is None else f"{tracks} in {writing.bins} bins"
