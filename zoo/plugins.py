"""Finds the components that installed packages add, and survives every plugin that is broken.

A plugin that fails, or was made for another plugin API, is left out and remembered with its error; two components of
one kind and one name are both refused. Pluggy's own loader does none of it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

import pluggy
from pydantic import ValidationError

from zoo import hookspecs
from zoo.announcements import EntryPoint, Failure, describe_error, explain_refusal, read_entry_points
from zoo.components import Architecture, Component, Config, DataLoader, Scorer
from zoo.errors import DuplicateName, PluginError, PluginLoadError, UnknownName, ZooError, near_match

Kind: TypeAlias = Literal["data loader", "architecture", "scorer"]

_Component = TypeVar("_Component", DataLoader, Architecture, Scorer)

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")

_PATIENCE = 5.0  # seconds; a plugin that imports a deep-learning framework for no good reason takes as long


@dataclass(frozen=True, slots=True)
class Installed:
    """A component, and the plugin that it came from."""

    kind: Kind
    component: Component
    plugin: str
    distribution: str
    version: str

    @property
    def name(self) -> str:
        return self.component.name


@dataclass(frozen=True, slots=True)
class Plugins:
    """The components that can be used, and the plugins that failed."""

    components: tuple[Installed, ...] = ()
    failures: tuple[Failure, ...] = ()
    duplicates: Mapping[tuple[Kind, str], tuple[str, ...]] = field(default_factory=dict)

    def data_loader(self, name: str) -> DataLoader:
        """Return a data loader.

        Raises:
            UnknownName: No plugin that works offers it; plugins that failed are named.
            DuplicateName: Two plugins offer it.
        """
        return self._find("data loader", name, DataLoader)

    def architecture(self, name: str) -> Architecture:
        """Return an architecture; raises as ``data_loader``."""
        return self._find("architecture", name, Architecture)

    def scorer(self, name: str) -> Scorer:
        """Return a scorer; raises as ``data_loader``."""
        return self._find("scorer", name, Scorer)

    def _find(self, kind: Kind, name: str, component_type: type[_Component]) -> _Component:
        known = []
        for installed in self.components:
            if isinstance(installed.component, component_type):
                if installed.name == name:
                    return installed.component
                known.append(installed.name)
        if (kind, name) in self.duplicates:
            raise DuplicateName(_describe_duplicate(kind, name, self.duplicates[kind, name]))
        failed = "".join(f"; plugin {failure.plugin!r} failed to load: {failure.error}" for failure in self.failures)
        raise UnknownName(f"no {kind} {name!r}{near_match(name, known)}{failed}")


def discover(*, refresh: bool = False) -> Plugins:
    """Return what the installed plugins offer; they are imported once a process, again after ``refresh``."""
    if refresh:
        _discover_once.cache_clear()
    return _discover_once()


def load_plugins(entry_points: Iterable[EntryPoint]) -> Plugins:
    """Import plugins in sorted order and collect what they offer; nothing that a plugin does stops the others."""
    offered: list[Installed] = []
    failures: list[Failure] = []
    for entry in sorted(entry_points, key=lambda entry: (entry.distribution, entry.name)):
        if refusal := explain_refusal(entry):
            failures.append(Failure(entry.plugin, entry.distribution, entry.version, refusal))
            continue
        try:
            with _kept_from_output(), _told_if_slow(entry):
                offered.extend(_collect(entry))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, even SystemExit
            failures.append(Failure(entry.plugin, entry.distribution, entry.version, describe_error(error)))
    owners: dict[tuple[Kind, str], list[Installed]] = {}
    for installed in offered:
        owners.setdefault((installed.kind, installed.name), []).append(installed)
    duplicates = {key: tuple(one.plugin for one in all_of) for key, all_of in owners.items() if len(all_of) > 1}
    for (kind, name), plugins in duplicates.items():
        last = owners[kind, name][-1]
        refusal = f"DuplicateName: {_describe_duplicate(kind, name, plugins)}"
        failures.append(Failure(last.plugin, last.distribution, last.version, refusal))
    usable = [installed for installed in offered if (installed.kind, installed.name) not in duplicates]
    usable.sort(key=lambda installed: (installed.kind, installed.name))
    return Plugins(tuple(usable), tuple(failures), duplicates)


@contextlib.contextmanager
def guard(kind: Kind, name: str) -> Iterator[None]:
    """Run a component's function: whatever it raises becomes one line that names the component and its plugin.

    A :class:`ZooError` is the component's own word to the user and passes, as an interrupt does.

    Raises:
        PluginError: The function raised something else.
    """
    try:
        yield
    except (ZooError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        owners = [found.plugin for found in discover().components if (found.kind, found.name) == (kind, name)]
        origin = "".join(f" of plugin {plugin}" for plugin in owners)
        raise PluginError(f"{kind} {name!r}{origin} failed: {describe_error(error)}") from error


@functools.cache
def _discover_once() -> Plugins:
    entries, failures = read_entry_points()
    found = load_plugins(entries)
    return Plugins(found.components, (*failures, *found.failures), found.duplicates)


@contextlib.contextmanager
def _kept_from_output() -> Iterator[None]:
    """Send what the body prints to the standard error, what a library of C prints, too: a VCF, or JSON, may go out."""
    with contextlib.ExitStack() as undone, contextlib.redirect_stdout(sys.stderr):
        _flush_output()  # what was written before, and is still held, goes where it was to go
        with contextlib.suppress(OSError):  # a process may have closed either
            kept = os.dup(1)
            undone.callback(os.close, kept)
            os.dup2(2, 1)
            undone.callback(os.dup2, kept, 1)
            undone.callback(_flush_output)
        yield


def _flush_output() -> None:
    with contextlib.suppress(OSError, ValueError):
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()


@contextlib.contextmanager
def _told_if_slow(entry: EntryPoint) -> Iterator[None]:
    """Name the plugin to the user if the body takes long: one that hangs would else be any of them."""

    def tell() -> None:
        plugin = f"{entry.plugin} {entry.version}"
        sys.stderr.write(f"zoo: plugin {plugin} is still being imported; if it hangs, interrupt and uninstall it\n")

    timer = threading.Timer(_PATIENCE, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _collect(entry: EntryPoint) -> list[Installed]:
    """Import one plugin and return its components; a manager of its own keeps it from the others' hooks."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    module = entry.load()
    _check_hooks(module)
    manager.register(module, entry.plugin)
    manager.check_pending()
    collected: list[Installed] = []
    for hook_name, (kind, component_type) in _HOOKS.items():
        hook = getattr(manager.hook, hook_name)
        if not hook.get_hookimpls():
            continue
        results = hook()
        if len(results) != 1 or not isinstance(results[0], (list, tuple)):
            found = type(results[0]).__name__ if results else "None"
            raise PluginLoadError(f"{hook_name}() returned {found}; expected a list of {component_type.__name__}")
        for component in results[0]:
            _check_component(hook_name, component, component_type)
            collected.append(Installed(kind, component, entry.plugin, entry.distribution, entry.version))
    return collected


def _check_hooks(module: object) -> None:
    """Refuse a hook that would be ignored in silence: misspelt, or without its marker."""
    marked = 0
    for name in dir(module):
        value = getattr(module, name, None)
        # Only functions are asked: a look into a lazily imported library would import it.
        options = getattr(value, f"{hookspecs.GROUP}_impl", None) if inspect.isroutine(value) else None
        if isinstance(options, dict):
            marked += 1
            hook_name = options.get("specname") or name
            if hook_name not in _HOOKS:
                raise PluginLoadError(f"no hook {hook_name!r}{near_match(hook_name, _HOOKS)}")
        elif name in _HOOKS:
            raise PluginLoadError(f"{name} is not marked with @hookimpl")
    if not marked:
        raise PluginLoadError(f"implements none of the hooks {', '.join(_HOOKS)}")


def _check_component(hook_name: str, component: object, component_type: type[Component]) -> None:
    expected = component_type.__name__
    if not isinstance(component, component_type):
        raise PluginLoadError(f"{hook_name}() returned a {type(component).__name__}; expected {expected}")
    given: Any = component  # the annotations of a dataclass bind nobody
    where = f"{hook_name}(): {expected} {given.name!r}"
    if not isinstance(given.name, str) or not _NAME.match(given.name):
        raise PluginLoadError(f"{where}: expected a name of lower-case letters, digits and underscores")
    if not isinstance(given.summary, str) or not given.summary.strip():
        raise PluginLoadError(f"{where}: expected a summary of one line")
    if not isinstance(given.config, type) or not issubclass(given.config, Config):
        raise PluginLoadError(f"{where}: config: expected a subclass of zoo.Config, found {given.config!r}")
    if component_type is Scorer:
        _check_defaults(where, given.config)
    function = _FUNCTIONS[component_type]
    if not callable(getattr(given, function)):
        raise PluginLoadError(f"{where}: {function}: expected a function, found {getattr(given, function)!r}")


def _check_defaults(where: str, config: type[Config]) -> None:
    """Refuse a scorer that can't be chosen by its name alone."""
    try:
        config()
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise PluginLoadError(f"{where}: config: expected a default for every field, {field!r} has none") from error


def _describe_duplicate(kind: Kind, name: str, plugins: tuple[str, ...]) -> str:
    return f"{kind} {name!r} is offered by {' and '.join(map(repr, plugins))}; uninstall or rename all but one"


_HOOKS: dict[str, tuple[Kind, type[Component]]] = {
    "register_data_loaders": ("data loader", DataLoader),
    "register_architectures": ("architecture", Architecture),
    "register_scorers": ("scorer", Scorer),
}
_FUNCTIONS: dict[type[Component], str] = {DataLoader: "load", Architecture: "build", Scorer: "score"}
