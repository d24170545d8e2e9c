"""Compares the sequence of contigs with the digests that a VCF's header or a model's card states."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.genome.build import likely_build
from zoo.genome.contig_lines import read_contig_lines
from zoo.genome.reference import Reference

_REFGET_PREFIX = "ga4gh:"


class ContigDigests:
    """What is known of contigs' sequences; each is compared once, when the first record stands on it.

    Args:
        reference: The genome.
        header: The text of a VCF's header; its digests are ``md5`` (or SAM's ``M5``) and refget's.
    """

    def __init__(self, reference: Reference, header: str) -> None:
        self._reference = reference
        self._lines = read_contig_lines(header)
        self._expected: dict[str, list[tuple[str, str, str | None]]] = {}

    def expect(self, model: str, build: str | None, digests: Mapping[str, str]) -> None:
        """Remember the refget digests of the contigs that a model was trained on, by their names there."""
        for contig, digest in digests.items():
            found = self._reference.resolve(contig)
            if found is not None:
                self._expected.setdefault(found, []).append((model, digest.removeprefix(_REFGET_PREFIX), build))

    def differs(self, name: str, found: str) -> bool:
        """Tell whether the header states a digest for a contig, and the reference's contig has another."""
        line = self._lines.get(name)
        if line is None or (line.md5 is None and line.refget is None):
            return False
        self._reference.codes(found)  # soon asked for anyway, and hashed from memory
        if line.refget is not None and self._reference.digest(found) != line.refget:
            return True
        return line.md5 is not None and self._reference.md5(found) != line.md5

    def list_models_of_other_sequences(self, found: str) -> list[str]:
        """Return a line for each model that was trained on another sequence of one of the reference's contigs."""
        lines = []
        for model, digest, build in self._expected.get(found, ()):
            self._reference.codes(found)
            if self._reference.digest(found) == digest:
                continue
            trained = f" ({build})" if build else ""
            likely = likely_build(self._reference.lengths)
            looks = f" (looks like {likely})" if likely else ""
            lines.append(
                f"{model} was trained on another sequence of {found}{trained} than that of "
                f"{self._reference.path}{looks}"
            )
        return lines
