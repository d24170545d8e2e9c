"""The data loaders that come with the zoo."""

from __future__ import annotations

from zoo import DataLoader, hookimpl
from zoo_loaders.fasta import FASTA
from zoo_loaders.sequence_table import SEQUENCE_TABLE


@hookimpl
def register_data_loaders() -> list[DataLoader]:
    return [FASTA, SEQUENCE_TABLE]
