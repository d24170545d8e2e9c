"""What this package adds to the zoo."""

from __future__ import annotations

from zoo import Architecture, Scorer, hookimpl
from zoo_motif_scanner.log2_fold_change import LOG2_FOLD_CHANGE
from zoo_motif_scanner.motif_scanner import MOTIF_SCANNER


@hookimpl
def register_architectures() -> list[Architecture]:
    return [MOTIF_SCANNER]


@hookimpl
def register_scorers() -> list[Scorer]:
    return [LOG2_FOLD_CHANGE]
