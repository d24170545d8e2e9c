"""One graph for both alleles: REF's windows as a whole, of ALT's only what the allele can reach.

Alleles that reach differently far are kinds of their own, with REF in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.network.changes import Change, leave_alleles, row_input
from zoo.network.network import CODES_INPUT, Network
from zoo.network.operators import Span
from zoo.network.writing import GraphWriter, WrittenGraph, write_trunk


def write_pair_graph(network: Network, changes: Sequence[Span]) -> WrittenGraph:
    """Return the graph of pairs.

    Its inputs are ``zoo_codes``, REF's windows (U, L), and for each kind of change what ``alt_input`` and ``row_input``
    name; further inputs have a row for each row of the outputs: U for REF, then those of each kind in turn.

    Args:
        changes: For each kind, the bases of a window that may differ from REF's.
    """
    writer = GraphWriter(network)
    ref = write_trunk(writer, writer.input(CODES_INPUT, "UINT8", ["U", network.length]))
    kinds = []
    for number, span in enumerate(changes):
        maps = _WindowMaps(writer, ref, writer.input(row_input(number), "INT64", [f"N{number}"]))
        kinds.append(Change(writer, number, span, maps, maps))
    exits = {one.output: leave_alleles(writer, one, ref.__getitem__, kinds) for one in network.exits}
    return writer.finish(exits, "zoo_pairs")


@dataclass(frozen=True, slots=True)
class _WindowMaps:
    """The maps of REF's windows, of which each allele has a row."""

    writer: GraphWriter
    tensors: Mapping[str, str]
    row: str

    def part(self, source: str, span: Span) -> str:
        """Return some positions of the allele's own REF map."""
        tensor = self.tensors[source]
        if len(span) < self.writer.network.maps[source].length:
            tensor = self.writer.positions(tensor, span.start, span.end)
        return self.writer.rows(tensor, self.row)
