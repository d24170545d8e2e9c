"""What loaders of peaks and of signal let a recipe say of their windows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from zoo import Config
from zoo_loaders.signal import SignalInput


class WindowConfig(Config):
    """What windows are read, whatever is learned of them.

    Args:
        length: Bases of a window.
        centre: What stands at base ``length // 2`` of a window on a region: the summit, where the file gives one, else
            the middle.
        unknown_contigs: What becomes of regions on contigs that the genome lacks: an error, or they are left out.
        blacklist: A BED file; windows that touch it are left out.
        mappability: A bigWig file; windows whose mean is below ``min_mappability`` are left out. Bases of which it
            states nothing count as 0.
        max_unknown: Windows with a larger share of unknown bases are left out.
        inputs: Further inputs of the network, from bigWig files.
        unsorted: What becomes of a BED file that is not in order, by contig and start: an error, for it may be cut or
            pasted together, or it is sorted.
    """

    length: int = Field(gt=0)
    centre: Literal["summit", "middle"] = "summit"
    unknown_contigs: Literal["error", "drop"] = "error"
    blacklist: str | None = None
    mappability: str | None = None
    min_mappability: float | None = None
    max_unknown: float = Field(default=0.1, ge=0, le=1)
    inputs: tuple[SignalInput, ...] = ()
    unsorted: Literal["error", "sort"] = "error"

    @model_validator(mode="after")
    def _belong_together(self) -> WindowConfig:
        if (self.mappability is None) != (self.min_mappability is None):
            raise ValueError("mappability and min_mappability are given together")
        names = [chosen.name for chosen in self.inputs]
        if len(set(names)) != len(names):
            raise ValueError(f"inputs: expected names that differ, found {', '.join(names)}")
        return self
