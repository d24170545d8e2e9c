"""``zoo registry``: which registries are asked for a model, and in which order."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.options import tell

if TYPE_CHECKING:
    from zoo.registry.sources import Source

SUMMARY = "list, add and remove registries"
EXAMPLE = (
    "zoo registry list\n  zoo registry add lab https://zoo.lab.org/registry.yaml --priority 50\n"
    "  zoo registry remove lab"
)

_ACTIONS = ("list", "add", "remove")


def registry(
    action: Annotated[str, typer.Argument(metavar="list|add|remove", help="What to do.")] = "list",
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="What you call it: NAME:MODEL is its model.")
    ] = None,
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="Its registry.yaml: an address or a path.")] = None,
    *,
    priority: Annotated[int, typer.Option(help="The smallest is asked first; 0 is the package's own.")] = 50,
    mirror: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A copy that is asked where it fails; may be repeated.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="list: print JSON instead of a table.")] = False,
) -> None:
    """Look after the registries: the first one, by priority, that lists a model's name is the one that counts."""
    if action not in _ACTIONS:
        raise typer.BadParameter(f"expected {', '.join(_ACTIONS)}, found {action!r}", param_hint="ACTION")
    expected = {"list": (), "add": ("NAME", "URL"), "remove": ("NAME",)}[action]
    given = [value for value in (name, url) if value is not None]
    if len(given) != len(expected):
        wanted = " ".join(expected) or "nothing"
        raise typer.BadParameter(f"expected {wanted} behind it, found {len(given)} words", param_hint=action)
    if action == "add":
        _add(str(name), str(url), priority, mirror or [])
    elif action == "remove":
        from zoo.registry.sources import remove_source

        remove_source(str(name))
        print(f"removed {name}; what was pulled from it stays in the cache")
    else:
        _list(json=json)


def _add(name: str, url: str, priority: int, mirrors: list[str]) -> None:
    from zoo.errors import ModelError
    from zoo.model.document import validate
    from zoo.registry.refreshing import refresh
    from zoo.registry.sources import Source, add_source, check_free, read_sources
    from zoo.registry.stores.addresses import hide_secrets

    fields = {"name": name, "url": url, "priority": priority, "mirrors": tuple(mirrors)}
    source = validate(Source, fields, "zoo registry add", ModelError)
    check_free(source.name)
    models = len(refresh(source).catalogue.list_names())  # one that can't be read is not added
    before = next((each for each in read_sources() if each.name == name), source)
    add_source(source)
    print(f"added {name}: {models:,} model{'s' * (models != 1)}")
    if before != source:
        held = [f"priority {before.priority}", *(f"mirror {hide_secrets(mirror)}" for mirror in before.mirrors)]
        tell(f"{name} was {hide_secrets(before.url)} ({', '.join(held)}) before")


def _list(*, json: bool) -> None:
    from zoo.cli.tables import print_json, print_table
    from zoo.registry.refreshing import find_age
    from zoo.registry.sources import find_source, read_sources
    from zoo.registry.stores.addresses import hide_secrets

    only = find_source(None)
    sources = read_sources() if only is None else (only,)
    if json:
        print_json(
            [
                {
                    "name": source.name,
                    "url": hide_secrets(source.url),
                    "priority": source.priority,
                    "mirrors": [hide_secrets(mirror) for mirror in source.mirrors],
                    "age": find_age(source),
                }
                for source in sources
            ]
        )
        return
    if only is not None:
        print("zoo: ZOO_REGISTRY is set: it alone is asked", file=sys.stderr)
    columns = ["name", "priority", "url", "mirrors", "copy"]
    print_table(columns, [_describe(source) for source in sources])


def _describe(source: Source) -> list[str]:
    from zoo.registry.refreshing import describe_age, find_age
    from zoo.registry.sources import UNBUNDLED
    from zoo.registry.stores.addresses import hide_secrets

    age = find_age(source)
    copy = "" if not source.remote else "none" if age is None else f"of {describe_age(age)} ago"
    priority = "last" if source.name == UNBUNDLED else str(source.priority)
    return [source.name, priority, hide_secrets(source.url), " ".join(map(hide_secrets, source.mirrors)), copy]
