"""How much a stranger's file may ask for. Each bound is far above what any known model needs."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import ZooError

MIB = 1 << 20
GIB = 1 << 30

CARD_BYTES = 16 * MIB
"""A card of 7,000 tracks with four metrics each has about 3 MB."""

CARD_NODES = 400_000
"""Values of a card; YAML takes about 700 bytes of memory for each."""

REGISTRY_BYTES = 256 * MIB
"""100,000 models take about 40 MB."""

REGISTRY_NODES = 20_000_000
"""Likewise: 100,000 models have about 3,000,000."""

EXAMPLE_BYTES = 256 * MIB
"""Eight windows of 250,000 bases, and 900 bins of 5,300 tracks for each, take about 100 MB as text."""

FILES = 100
"""Of one model; those of the zoo's own have five."""

CHECKSUMS_BYTES = 1 << 17
"""Of a SHA256SUMS: more than ``FILES`` lines of the longest names take."""

NAME_BYTES = 200
"""Of a file below its folder; file systems end a name at 255."""

LEVELS = 4
"""Of a file's name: folders within folders, and the file."""

SIGNATURE_BYTES = MIB
"""A signature over a hundred files takes 30 kB."""

NETWORK_BYTES = 2**31 - 1
"""Protocol buffers end here; a larger network would need external data."""

PARTS = 1_000_000
"""Fields of a network and of all that is in it, for a file above 4 MB; a network of 10,000 nodes has about 200,000."""

NODES = 50_000
"""Operators in a network, those of branches and loops among them; the largest known networks have about 10,000."""

GRAPHS = 1_000
"""Branches and bodies of loops in a network."""

GRAPH_LEVELS = 8
"""Branches and loops within one another."""

LONGEST_NAME = 1_000
"""Letters of a name within a network."""

NAME_LETTERS = 80
"""Of a name within a network that messages repeat."""

RANK = 16
"""Axes of a tensor."""

VALUE_BYTES = 2 * GIB
"""Of one result, for one window: the widest of the published networks has 0.6 GB."""

HELD_BYTES = 8 * GIB
"""Of all results that are needed at one time, for one window."""

WORK = 1 << 44
"""Multiplications for one window: the largest of the published networks do about 2^40."""

TURNS = 1_000_000
"""Of all loops around one node together, for one window."""


def read_bounded(path: Path, limit: int, error_class: type[ZooError]) -> bytes:
    """Return the bytes of a file; one that is too large is not read to its end, nor one that has none.

    Raises:
        ZooError: As ``error_class``: the file is missing, or has more than ``limit`` bytes.
    """
    pieces, size = [], 0
    try:
        with path.open("rb") as stream:
            while size <= limit and (piece := stream.read(min(MIB, limit + 1 - size))):
                pieces.append(piece)
                size += len(piece)
    except OSError as error:
        raise error_class(f"{path}: can't be read: {error.strerror}") from error
    if size > limit:
        raise error_class(f"{path}: expected at most {limit:,} bytes, found more")
    return b"".join(pieces)
