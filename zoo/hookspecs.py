"""The three hooks that a plugin may implement, the marker to implement them with, and the version of both.

The plugin API is what ``zoo`` exports for plugins, the hooks and the fields of components. Its minor version rises with
what is added, its major version where a plugin of before no longer runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from zoo.components import Architecture, DataLoader, Scorer

GROUP = "zoo"
"""The entry-point group under which plugins announce themselves."""

API_VERSION = (1, 0)
API_GROUP = "zoo.api"
"""The entry-point group in which a package names the plugin API that it was made for: ``"1.0" = "its_module"``."""

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
