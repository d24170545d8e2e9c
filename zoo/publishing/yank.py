"""What may change of a published version: whether it is withdrawn, and which aliases stand for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ModelError, UnknownModel, near_match
from zoo.model.document import validate
from zoo.publishing.pull_request import Branch, Checkout
from zoo.publishing.swapping import change_registry, list_names, update_index
from zoo.publishing.target import open_registry_file
from zoo.registry.index import Entry, Versions
from zoo.registry.sources import find_target
from zoo.registry.writing import rank


@dataclass(frozen=True, slots=True)
class Amended:
    """What became of a change.

    Attributes:
        versions: What the registry lists of the model now.
        registry: Which one.
        changed: Whether it had to be changed.
        branch: The branch that holds the change, where one was asked for and there is one.
    """

    versions: Versions
    registry: str
    changed: bool
    branch: Branch | None = None


def yank(name: str, registry: str | Path, reason: str | None, *, pull_request: bool = False) -> Amended:
    """Withdraw a version: bare names pass it over, and who asks for it is told why; nothing of it is removed.

    Args:
        name: ``name@1.0.0``.
        registry: The registry's file, by its path, address or known name.
        reason: Why; None takes it back.
        pull_request: Prepare the change as a branch of the git checkout that the registry lies in.

    Raises:
        UnknownModel: It is not listed.
        PublishConflict: Others change the registry all the time.
        OutputError: It can't be written.
    """
    base, _, version = name.partition("@")
    if not version:
        raise ModelError(f"{name}: expected a version: {name}@1.0.0")
    told = None if reason is None else " ".join(reason.split())
    if told == "":
        raise ModelError(f"{name}: expected a reason, for those who use it")
    if told is not None and not told.isprintable():
        raise ModelError(f"{name}: expected a reason in UTF-8 without control characters, found {told!r}")

    def withdraw(current: Versions) -> Versions:
        entry = _find_entry(current, base, version)
        changed = entry.model_copy(update={"yanked": told})
        return rank({**current.versions, version: changed}, current.aliases)

    verb = "Restore" if told is None else "Withdraw"
    message = f"{verb} {base} {version}\n" + (f"\n{told}\n" if told else "")
    branch = f"zoo/{verb.lower()}-{base}-{version}"
    amended = _amend(base, registry, withdraw, branch if pull_request else "", message)
    left = [alias for alias, meant in amended.versions.aliases.items() if meant == version]
    if told is not None and left:
        warnings.warn(
            f"{name} was withdrawn, and {', '.join(sorted(left))} still stands for it; zoo alias changes that",
            UserWarning,
            stacklevel=2,
        )
    return amended


def set_alias(
    name: str, alias: str, version: str | None, registry: str | Path, *, pull_request: bool = False
) -> Amended:
    """Let ``name@alias`` stand for a version from now on.

    Args:
        name: The model's.
        alias: Letters, digits and dashes; never ``latest``, which always is the highest version.
        version: Which one, not withdrawn; None removes the alias.
        registry: The registry's file, by its path, address or known name.
        pull_request: As for ``yank``.

    Raises:
        UnknownModel: Model, version or alias is not listed.
        ModelError: The alias is none, or the version was withdrawn.
        PublishConflict: Others change the registry all the time.
        OutputError: It can't be written.
    """

    def change(current: Versions) -> Versions:
        aliases = dict(current.aliases)
        if version is None:
            if alias not in aliases:
                raise UnknownModel(f"{name}: no alias {alias!r}{near_match(alias, aliases)}")
            del aliases[alias]
        else:
            entry = _find_entry(current, name, version)
            if entry.yanked is not None:
                raise ModelError(f"{name}@{version} was withdrawn ({entry.yanked}); choose another version")
            aliases[alias] = version
        return _check_aliases(current.versions, aliases, f"{name}@{alias}")

    message = f"Let {name}@{alias} stand for {version}\n" if version else f"Remove the alias {name}@{alias}\n"
    return _amend(name, registry, change, f"zoo/alias-{name}-{alias}" if pull_request else "", message)


def _amend(
    name: str, registry: str | Path, change: Callable[[Versions], Versions], branch: str, message: str
) -> Amended:
    """Change what a registry lists of a model; on a branch where one is named."""
    address = find_target(registry)
    checkout = Checkout(address) if branch else None
    target = checkout.registry if checkout is not None else open_registry_file(address)
    if checkout is not None:
        checkout.start(branch)

    def amend(current: Versions | None) -> Versions:
        if current is None:
            raise UnknownModel(f"no model {name!r} in {target.address}{near_match(name, list_names(target))}")
        return change(current)

    swapped = change_registry(target, name, amend)
    if checkout is not None:
        return Amended(swapped.versions, target.address, swapped.changed, checkout.commit(message))
    update_index(target, swapped.text)
    return Amended(swapped.versions, target.address, swapped.changed)


def _find_entry(versions: Versions, name: str, version: str) -> Entry:
    if version not in versions.versions:
        raise UnknownModel(f"no version {version!r} of model {name!r}{near_match(version, versions.versions)}")
    return versions.versions[version]


def _check_aliases(versions: Mapping[str, Entry], aliases: Mapping[str, str], where: str) -> Versions:
    """Return versions with other aliases; a name that is none is refused as it would be where it is read."""
    ranked = rank(versions)
    document = {"latest": ranked.latest, "aliases": dict(aliases), "versions": dict(versions)}
    return validate(Versions, document, where, ModelError)
