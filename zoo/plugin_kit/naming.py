"""What a made package and its parts are called, and whether those names are free."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from zoo import plugins
from zoo.errors import DuplicateName, PluginError, near_match

Kind: TypeAlias = Literal["architecture", "loader", "scorer"]
"""What a made package can add; ``loader`` is a data loader."""

KINDS: tuple[Kind, ...] = get_args(Kind)

PREFIX = "zoo-"

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LONGEST = 40  # letters, so that the lines of made files stay as they are for any name
_HELD_AS: dict[Kind, plugins.Kind] = {"architecture": "architecture", "loader": "data loader", "scorer": "scorer"}


@dataclass(frozen=True, slots=True)
class Names:
    """The three names of a package: of what is installed, of what is imported, and of each component."""

    distribution: str
    package: str
    component: str


def choose_names(name: str) -> Names:
    """Return ``zoo-motif-scanner``, ``zoo_motif_scanner`` and ``motif_scanner`` for ``motif-scanner``.

    The name may begin with ``zoo-`` itself, and have underscores in place of hyphens.

    Raises:
        PluginError: It does not fit all three.
    """
    stem = re.sub("^zoo[-_]", "", name)
    if not _NAME.fullmatch(stem) or len(stem) > _LONGEST:
        meant = re.sub("[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789").rstrip("-")[:_LONGEST].rstrip("-")
        hint = f"; say {meant!r}" if _NAME.fullmatch(meant) else ""
        raise PluginError(
            f"a plugin's name: expected up to {_LONGEST} lower-case letters, digits and single hyphens between them, "
            f"a letter first, found {name[:80]!r}{hint}"
        )
    component = stem.replace("-", "_")
    return Names(PREFIX + component.replace("_", "-"), f"zoo_{component}", component)


def choose_kinds(kinds: Iterable[str]) -> tuple[Kind, ...]:
    """Return kinds in the order in which they are used, each once.

    Raises:
        PluginError: There is none, or one that can't be made.
    """
    asked = set(kinds)
    unknown = sorted(asked.difference(KINDS))
    if unknown:
        raise PluginError(f"expected a kind of component, found {unknown[0]!r}{near_match(unknown[0], KINDS)}")
    if not asked:
        raise PluginError(f"expected at least one of the kinds {', '.join(KINDS)}, found none")
    return tuple(kind for kind in KINDS if kind in asked)


def refuse_taken(names: Names, kinds: Iterable[Kind]) -> None:
    """Raise where something that is installed has one of the names.

    Raises:
        DuplicateName: A component, a distribution or a module; the message tells which, and where it comes from.
    """
    mend = "choose another name"
    found = plugins.discover()
    for kind in kinds:
        held = _HELD_AS[kind]
        owners = [each.plugin for each in found.components if (each.kind, each.name) == (held, names.component)]
        owners += found.duplicates.get((held, names.component), ())
        if owners:
            raise DuplicateName(
                f"{held} {names.component!r} is offered by {' and '.join(map(repr, owners))}, and of two of one name "
                f"neither is used; {mend}"
            )
    try:
        version = importlib.metadata.version(names.distribution)
    except importlib.metadata.PackageNotFoundError:
        pass
    else:
        raise DuplicateName(f"{names.distribution} {version} is installed, and yours would replace it; {mend}")
    module = importlib.util.find_spec(names.package)
    if module is not None and module.origin is not None:  # a folder without modules has none, and hides nothing
        raise DuplicateName(f"{names.package} can be imported from {module.origin}, and yours would hide it; {mend}")
