"""Looks at an installation, area by area, and says how to mend what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zoo.errors import ZooError
from zoo.health.finding import Finding
from zoo.health.installation import (
    examine_devices,
    examine_limits,
    examine_plugins,
    examine_python,
    examine_requirements,
    examine_runtime,
)
from zoo.health.surroundings import (
    examine_cache,
    examine_configuration,
    examine_registries,
    examine_trust,
)

AREAS: Mapping[str, Callable[[], list[Finding]]] = {
    "python": examine_python,
    "packages": examine_requirements,
    "onnxruntime": examine_runtime,
    "devices": examine_devices,
    "trials": examine_limits,
    "plugins": examine_plugins,
    "configuration": examine_configuration,
    "trust": examine_trust,
    "cache": examine_cache,
    "registries": examine_registries,
}
"""What is looked at, in this order."""


def examine_installation(areas: Mapping[str, Callable[[], list[Finding]]] = AREAS) -> list[Finding]:
    """Look at every area; one that can't be looked at is a finding, too, and keeps none of the others from it."""
    findings: list[Finding] = []
    for area, examine in areas.items():
        try:
            findings += examine()
        except ZooError as error:
            findings.append(Finding(area, "failed", str(error)))
        except Exception as error:  # noqa: BLE001 - what is broken may break in any way
            findings.append(Finding(area, "failed", f"{type(error).__name__}: {' '.join(str(error).split())}"))
    return findings
