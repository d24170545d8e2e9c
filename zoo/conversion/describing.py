"""What a conversion tells of itself: to its user in a line each, and to the model's users in the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo import __version__
from zoo.conversion.adapt import Writing
from zoo.conversion.alphabet import Alphabet
from zoo.conversion.probe import Proposal
from zoo.conversion.reading import BASES
from zoo.conversion.source import Source
from zoo.model.checksums import hash_file


def describe_source(source: Source) -> str:
    """Return what was read, in one line."""
    inputs, outputs = (", ".join(port.shown for port in ports) for ports in (source.inputs, source.outputs))
    return f"{source.framework}, {source.summary}; {inputs} → {outputs}"


def describe_proposal(proposal: Proposal, alphabet: Alphabet | None = None) -> str:
    """Return how a network is going to be adapted, in one line."""
    reading = proposal.reading
    direction = ", read from its end" if reading.reverse else ""
    unknown = "in a channel of their own" if len(reading.alphabet) > len(BASES) else f"as {reading.unknown}"
    outputs = ", ".join(f"{_count(writing)} {writing.activation}" for writing in proposal.writings)
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


def trace(path: Path, source: Source, proposal: Proposal) -> dict[str, Any]:
    """Return which file was converted, and how it is read, for the card."""
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
        **({"applied": applied} if applied else {}),
    }


def _count(writing: Writing) -> str:
    tracks = f"{writing.tracks} track{'s' if writing.tracks > 1 else ''}"
    return tracks if writing.bins is None else f"{tracks} in {writing.bins} bins"
