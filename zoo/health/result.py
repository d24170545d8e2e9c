"""What a check found: a row a model and device, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from zoo.health.devices import Devices

State: TypeAlias = Literal["passed", "failed", "unsafe", "unreachable"]

SCHEMA_VERSION = 1
"""Of the document ``check.json``."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one device.

    Attributes:
        model: ``name@version``, or what was asked for where it was not found.
        digest: The sha256 of its SHA256SUMS; empty where it is not known.
        registry: What lists it; empty for a folder that was given by its path.
        device: Empty where the model did not come as far.
        state: ``failed``: another file or prediction than the published one, or a process that hung or crashed.
        largest_difference: From the stored predictions, relative to the largest of them; None where it did not pass.
        tolerance: The most that the card allows.
        seconds: That it took on the device.
        signer: Who signed it; empty where the registry alone vouches for it.
        error: Why it did not pass.
    """

    model: str
    digest: str
    registry: str
    device: str
    state: State
    largest_difference: float | None = None
    tolerance: float | None = None
    seconds: float | None = None
    signer: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found.

    Attributes:
        made: When, ISO 8601 in UTC.
        versions: Of what it was made with, by name.
        devices: On which it was made, and which could not be used.
        rows: A row a model and device, in the order in which they were checked.
    """

    made: str
    versions: Mapping[str, str]
    devices: Devices
    rows: tuple[Row, ...]

    @property
    def models(self) -> tuple[tuple[Row, ...], ...]:
        """The rows of each model together."""
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            groups.setdefault((row.registry, row.model), []).append(row)
        return tuple(tuple(rows) for rows in groups.values())

    @property
    def passed(self) -> int:
        """How many models passed on every device."""
        return sum(all(row.state == "passed" for row in rows) for rows in self.models)

    @property
    def sound(self) -> bool:
        """Whether every model passed, and there was one: no news of models is no good news."""
        return bool(self.rows) and self.passed == len(self.models)

    def as_dict(self) -> dict[str, Any]:
        """Return the document ``check.json``."""
        return {
            "schema_version": SCHEMA_VERSION,
            "made": self.made,
            "versions": dict(self.versions),
            "devices": list(self.devices.present),
            "absent_devices": dict(self.devices.absent),
            "rows": [asdict(row) for row in self.rows],
        }

    def as_badge(self) -> dict[str, Any]:
        """Return the document that a badge is drawn from, as shields.io reads it."""
        colour = "brightgreen" if self.sound else "orange" if self.passed else "red"
        return {
            "schemaVersion": 1,
            "label": "models",
            "message": f"{self.passed} of {len(self.models)}",
            "color": colour if self.rows else "lightgrey",
        }
