"""Where neighbouring windows share their maps: where each map begins, and what of it is a window's own.

Behind a stride windows share a map only if they begin in the same phase of it. Where a network adds positions at the
ends of a window, its ends differ from the contig, and ever more of each map with every operator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from zoo.network.network import SEQUENCE, Network
from zoo.network.operators import Span


@dataclass(frozen=True, slots=True)
class Course:
    """How a map lies along a contig.

    Attributes:
        strides: Those that lead to it, the first operator's first.
        offset: Where its first position of a window begins to read, in bases behind the window's first; negative where
            positions were added in front.
    """

    strides: tuple[int, ...] = ()
    offset: int = 0

    @property
    def bases(self) -> int:
        """Bases from one position to the next."""
        return math.prod(self.strides)


def find_courses(network: Network) -> dict[str, Course] | None:
    """Return how each map lies along a contig; None where branches meet that do not lie alike."""
    courses = {SEQUENCE: Course()}
    for operator in network.trunk:
        met = [courses[source] for source in operator.sources]
        first = met[0]
        if any(one.strides != first.strides or (one.offset - first.offset) % first.bases for one in met):
            return None
        slide = operator.slide
        strides = first.strides if slide.stride == 1 else (*first.strides, slide.stride)
        offset = min(one.offset for one in met) - slide.before * first.bases
        courses[operator.output] = Course(strides, offset)
    return courses


def find_ends(network: Network) -> dict[str, tuple[Span, Span]]:
    """Return the positions at both ends of each map that read positions added by the network; all, where they meet."""
    ends = {SEQUENCE: (Span(0, 0), Span(network.length, network.length))}
    for operator in network.trunk:
        slide, outputs = operator.slide, network.maps[operator.output].length
        left, right = 0, 0
        for source in operator.sources:
            before, after = ends[source]
            own = slide.within(Span(len(before), network.maps[source].length - len(after)))
            left, right = max(left, own.start), max(right, outputs - own.end)
        left, right = min(left, outputs), min(right, outputs)
        if left + right >= outputs:
            left, right = outputs, 0
        ends[operator.output] = Span(0, left), Span(outputs - right, outputs)
    return ends


def is_shared(ends: Mapping[str, tuple[Span, Span]], source: str) -> bool:
    """Return whether any positions of a map are the contig's."""
    left, right = ends[source]
    return left.end < right.start
