"""What architectures have in common: layers, and ways of building, that plugins use as ``zoo.layers``.

Each function is called while a network is built and imports Keras then.
"""

from __future__ import annotations

from zoo.training.layers.highway import highway
from zoo.training.layers.strands import (
    ReverseComplement,
    both_strands,
    join_strands,
    shared_convolution,
    turn_strand,
)

__all__ = ["ReverseComplement", "both_strands", "highway", "join_strands", "shared_convolution", "turn_strand"]
