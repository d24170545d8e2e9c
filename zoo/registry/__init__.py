"""Many models: the index that lists them, and how one is found by name."""

from __future__ import annotations

from zoo.registry.find import load as load
from zoo.registry.find import locate as locate
from zoo.registry.find import open_registry as open_registry
