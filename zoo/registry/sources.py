"""Which registries are asked, and in which order: ``config.yaml`` in the user's configuration folder."""

from __future__ import annotations

import importlib.resources
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, Field, model_validator

from zoo.errors import ModelError, OutputError, near_match
from zoo.model.card import Text
from zoo.model.document import Document, parse_document
from zoo.places import cache_folder, config_folder
from zoo.registry.linked import open_linked
from zoo.registry.stores.addresses import check_address, hide_secrets
from zoo.registry.stores.amending import amend
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.opening import SCHEMES

VARIABLE = "ZOO_REGISTRY"
"""The environment variable that may name another index, which then is the only one."""

BUNDLED, UNBUNDLED = "assayzoo", "unbundled"
"""The registry that comes with the package, asked first, and that of bundles, asked last."""

CONFIG_FILE = "config.yaml"
REGISTRY_FILE = "registry.yaml"

_MOST_CONFIG = 1 << 20  # bytes


_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LONGEST_NAME = 64


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ValueError(f"expected at most {_LONGEST_NAME} lower-case letters, digits and dashes between them")
    return name


class Source(Document):
    """One registry.

    Attributes:
        name: What the user calls it: ``lab:NAME`` is its model.
        url: Its ``registry.yaml``: an address, or the path of a file.
        priority: The smallest is asked first; that of the package's own registry is 0.
        mirrors: Copies of it, and of its models, that are asked where it can't be reached.
    """

    name: Annotated[str, AfterValidator(_check_name)]
    url: Text
    priority: int = 50
    mirrors: tuple[Text, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, fields: object) -> object:
        """Complete the addresses of a whole source: the fault of a field alone would be told with its password."""
        if not isinstance(fields, Mapping):
            return fields
        mirrors = fields.get("mirrors")
        if isinstance(fields.get("url"), str):
            fields = {**fields, "url": _check_field("url", fields["url"])}
        if isinstance(mirrors, list | tuple):
            checked = [_check_field("mirrors", each) if isinstance(each, str) else each for each in mirrors]
            fields = {**fields, "mirrors": tuple(checked)}
        return fields

    @property
    def remote(self) -> bool:
        """Whether it lies behind a network: a copy of it is kept."""
        return "://" in self.url


class _Config(Document):
    schema_version: Literal[1] = 1
    registries: tuple[Source, ...] = Field(default=())

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [source.name for source in self.registries]
        for name in names:
            if names.count(name) > 1 or name in {BUNDLED, UNBUNDLED}:
                raise ValueError(f"field 'registries': the name {name!r} is taken; give each registry its own")
        return self


def _check_field(name: str, address: str) -> str:
    if not address.strip():
        return address  # which the field itself refuses
    try:
        return _make_absolute(_complete_address(address.strip()))
    except ValueError as error:
        raise ValueError(f"field {name!r}: {error}") from None


def complete_address(address: str) -> str:
    """Return where the file of a registry lies, if it, or what it lies in, is a path or an address of a known kind.

    Raises:
        ModelError: It is not.
    """
    try:
        return _complete_address(address)
    except ValueError as error:
        raise ModelError(f"{hide_secrets(address)}: {error}") from error


def _complete_address(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    shown = hide_secrets(address)
    if "\0" in address or "\n" in address:
        raise ValueError("expected an address or a path in one line")
    if not separator:
        path = os.path.expanduser(address)  # noqa: PTH111 - knows no home, too
        whole = _is_file_name(path) or os.path.isfile(path)  # noqa: PTH113 - a name that the disk refuses is no file
        return str(Path(path) if whole else Path(path) / REGISTRY_FILE)
    if scheme.lower() not in SCHEMES:
        raise ValueError(f"expected {', '.join(f'{known}://…' for known in SCHEMES)} or a path, found {shown!r}")
    check_address(address)
    path_there, question, query = rest.partition("?")
    if not _is_file_name(path_there):
        path_there = f"{path_there.rstrip('/')}/{REGISTRY_FILE}"
    return f"{scheme.lower()}://{path_there}{question}{query}"


def _is_file_name(path: str) -> bool:
    return path.endswith((".yaml", ".yml"))


def _make_absolute(address: str) -> str:
    return address if "://" in address else os.path.abspath(address)  # noqa: PTH100 - links stay


def read_sources() -> tuple[Source, ...]:
    """Return the registries that are asked for a name, the first one first.

    Raises:
        ModelError: ``config.yaml`` has a wrong field.
    """
    bundled = Source(name=BUNDLED, url=str(find_bundled()), priority=0)
    try:
        added = _read_config().registries
        unbundled = unbundled_registry()
    except OutputError:  # a user without a home folder has added nothing
        return (bundled,)
    last = [Source(name=UNBUNDLED, url=str(unbundled))] if unbundled.is_file() else []
    return (*sorted([bundled, *added], key=lambda source: source.priority), *last)


def find_source(registry: str | Path | None) -> Source | None:
    """Return the one registry that is asked: the given one or that of ``ZOO_REGISTRY``; None for all that are known.

    Args:
        registry: The name of a known registry, or an address or path of another one.
    """
    chosen = registry or os.environ.get(VARIABLE)
    if not chosen:
        return None
    if _may_be_name(chosen):
        sources = {source.name: source for source in read_sources()}
        if chosen in sources:
            return sources[chosen]
        if not os.path.exists(chosen):  # noqa: PTH110 - as above
            raise ModelError(f"no registry {chosen!r}{near_match(str(chosen), sources)} (see zoo registry list)")
    url = _make_absolute(complete_address(str(chosen)))
    return Source.model_construct(name="", url=url, priority=0, mirrors=())


def find_target(registry: str | Path) -> str:
    """Return the path or address of the file of a registry that is to be changed, and need not be there yet.

    Args:
        registry: As for ``find_source``; a word that names no known registry is a folder. Paths stay relative.

    Raises:
        ModelError: It is no address.
        OutputError: It is one that only the package changes.
    """
    text = str(registry)
    if not text.strip():
        raise OutputError("expected a store and a registry, found an empty address")
    if _may_be_name(registry):
        if text in {BUNDLED, UNBUNDLED}:
            raise OutputError(
                f"{text}: comes with the package, or in bundles, and is not changed; for a folder of that "
                f"name write ./{text}"
            )
        for source in read_sources():
            if source.name == text:
                return source.url
    return complete_address(text)


def _may_be_name(registry: str | Path) -> bool:
    """Return whether this may be what the user calls a registry; a ``Path`` is none, whatever it is."""
    return isinstance(registry, str) and os.sep not in registry and not _is_file_name(registry)


def add_source(source: Source) -> None:
    """Have a registry asked from now on, by this user; one of the same name is replaced.

    Raises:
        ModelError: The name is not free to take.
        OutputError: The configuration can't be written.
    """
    check_free(source.name)
    _change(lambda sources: [*(each for each in sources if each.name != source.name), source])


def check_free(name: str) -> None:
    """Refuse a name that can't be given to a registry.

    Raises:
        ModelError: It is that of one that is always there.
    """
    if name in {BUNDLED, UNBUNDLED}:
        raise ModelError(f"the name {name!r} is taken; give the registry another one")


def remove_source(name: str) -> None:
    """Have a registry asked no more; models that were pulled from it stay in the cache.

    Raises:
        ModelError: There is none of that name, or it comes with the package.
        OutputError: The configuration can't be written.
    """
    known = [source.name for source in _read_config().registries]
    if name not in known:
        fixed = "; it comes with the package" if name == BUNDLED else near_match(name, known)
        raise ModelError(f"no registry {name!r} was added{fixed}")
    _change(lambda sources: [each for each in sources if each.name != name])


def find_bundled() -> Path:
    """Return the index in the wheel, or at the root of the repository in an editable install."""
    package = Path(str(importlib.resources.files("zoo")))
    for path in (package / "bundled" / REGISTRY_FILE, package.parent / REGISTRY_FILE):
        if path.is_file():
            return path
    raise ModelError(f"{package}: the package comes without its registry.yaml; install it again, or set {VARIABLE}")


def unbundled_registry() -> Path:
    """Return the index of what came in bundles; it lies in the cache, as its models do."""
    return cache_folder() / "registries" / UNBUNDLED / REGISTRY_FILE


def _open_config() -> tuple[LocalStore, str]:
    return open_linked(config_folder() / CONFIG_FILE, mode=0o600)  # addresses may hold passwords


def _read_config() -> _Config:
    store, name = _open_config()
    found = store.read_tagged(name, _MOST_CONFIG)
    return _parse_config(found.content if found is not None else None)


def _parse_config(content: bytes | None) -> _Config:
    if content is None:
        return _Config()
    path = config_folder() / CONFIG_FILE
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: expected text, found bytes that are none ({error.reason})") from error
    try:
        return parse_document(text, _Config, path, ModelError)
    except ModelError as error:
        raise ModelError(hide_secrets(str(error))) from None  # it repeats what it found


def _change(change: Callable[[Sequence[Source]], Sequence[Source]]) -> None:
    store, name = _open_config()

    def edit(content: bytes | None) -> bytes | None:
        before = _parse_config(content).registries
        after = tuple(change(before))
        if after == before:
            return None
        registries = [source.model_dump(mode="json", exclude_defaults=True) for source in after]
        document = {"schema_version": 1, "registries": registries}
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).encode()

    amend(store, name, _MOST_CONFIG, edit)
