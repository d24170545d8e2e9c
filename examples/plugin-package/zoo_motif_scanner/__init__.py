"""What this package adds to the zoo."""

from __future__ import annotations

from zoo import Architecture, hookimpl
from zoo_motif_scanner.motif_scanner import MOTIF_SCANNER


@hookimpl
def register_architectures() -> list[Architecture]:
    return [MOTIF_SCANNER]
