"""The three hooks that a plugin may implement, and the marker to implement them with."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from zoo.components import Architecture, DataLoader, Scorer

GROUP = "zoo"
"""The entry-point group under which plugins announce themselves."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def register_data_loaders() -> Sequence[DataLoader]:  # type: ignore[empty-body]
    """Return the data loaders that this plugin adds."""


@hookspec
def register_architectures() -> Sequence[Architecture]:  # type: ignore[empty-body]
    """Return the architectures that this plugin adds."""


@hookspec
def register_scorers() -> Sequence[Scorer]:  # type: ignore[empty-body]
    """Return the scorers that this plugin adds."""
