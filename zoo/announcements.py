"""What installed packages announce: entry points, read without importing anything.

A plugin stands in the group ``zoo``. In the group ``zoo.api`` its package names the version of the plugin API that it
was made for; a package that names none was made for 1.0.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zoo.hookspecs import API_GROUP, API_VERSION, GROUP

_FIRST = "1.0"  # what a package was made for that says nothing
_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One announcement: the name that a distribution gave it, and how to import it.

    Args:
        made_for: The versions of the plugin API that the distribution names, as they stand there.
    """

    name: str
    distribution: str
    version: str
    load: Callable[[], object]
    made_for: tuple[str, ...] = ()

    @property
    def plugin(self) -> str:
        """What messages call the plugin; two distributions may use one name."""
        return f"{self.distribution}:{self.name}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A plugin that was left out, or a name that two plugins claim, and why."""

    plugin: str
    distribution: str
    version: str
    error: str


def read_entry_points() -> tuple[list[EntryPoint], list[Failure]]:
    """Read every distribution on its own: one with a broken ``entry_points.txt`` must not hide the others."""
    entries: list[EntryPoint] = []
    failures: list[Failure] = []
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        try:
            announced = [entry for entry in distribution.entry_points if entry.group == GROUP]
            if not announced:
                continue
            name, version = distribution.metadata["Name"], distribution.version
            made_for = tuple(sorted(entry.name for entry in distribution.entry_points if entry.group == API_GROUP))
            # The first on the path is the one that Python imports.
            if name not in seen:
                seen.add(name)
                entries.extend(EntryPoint(entry.name, name, version, entry.load, made_for) for entry in announced)
        except Exception as error:  # noqa: BLE001 - metadata is written by strangers
            where = str(getattr(distribution, "_path", "a distribution"))
            failures.append(Failure(where, where, "", f"its entry points can't be read: {describe_error(error)}"))
    return entries, failures


def explain_refusal(entry: EntryPoint, ours: tuple[int, int] = API_VERSION) -> str:
    """Return why a plugin is left out unimported, empty where it fits: same major, and a minor that is not above ours.

    A package that was made for several versions fits where one of them does.
    """
    made_for = entry.made_for or (_FIRST,)
    versions = []
    for text in made_for:
        found = _VERSION.fullmatch(text)
        if found is None:
            return (
                f"its package names the plugin API {text[:40]!r} in the entry-point group {API_GROUP}; "
                f"expected a version such as {show_version(ours)!r}"
            )
        versions.append((int(found[1]), int(found[2])))
    if any(major == ours[0] and minor <= ours[1] for major, minor in versions):
        return ""
    newer = any(version > ours for version in versions)
    mend = "update assayzoo: pip install -U assayzoo" if newer else f"update {entry.distribution}"
    return f"made for plugin API {_join(made_for)}, this is {show_version(ours)}; {mend}"


def show_version(version: tuple[int, int] = API_VERSION) -> str:
    """Return a version of the plugin API as packages name it."""
    return "{}.{}".format(*version)


def describe_error(error: BaseException) -> str:
    """Return an error's type and message in one line."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _join(versions: Sequence[str]) -> str:
    return " and ".join(versions)
