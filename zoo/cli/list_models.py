"""``zoo list``: the models of all registries, or those of them that are searched for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from zoo.cli.options import Offline, Registry

SUMMARY = "list and search the models"
EXAMPLE = "zoo list --assay CTCF --organism human --sort auroc\n  zoo list open chromatin --json"

_MOST_AT_TERMINAL = 1000
"""Rows of a table at a terminal, where it is laid out as a whole: more take seconds, and nobody reads them."""


def list_models(
    text: Annotated[list[str] | None, typer.Argument(help="Words that all stand somewhere in what is listed.")] = None,
    *,
    assay: Annotated[str, typer.Option(help="Words of the assay, of a track's name or of the model's: CTCF.")] = "",
    biosample: Annotated[str, typer.Option(help="Words of the biosample: GM12878.")] = "",
    organism: Annotated[str, typer.Option(help="Words of the organism: human, or Homo sapiens.")] = "",
    genome: Annotated[str, typer.Option(help="Words of the genome build: hg19, or GRCh37.")] = "",
    sort: Annotated[str, typer.Option(help="A metric, the best first: auroc; or a column: biosample.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Show every version, withdrawn ones as well.")] = False,
    registry: Registry = None,
    offline: Offline = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the models, the latest version of each, or those that are all that is asked.

    Small and capital letters are one; options ask for whole words, so that CTCF is not CTCFL. A word that no model has
    is an error that names the one that may have been meant.
    """
    from zoo.cli.tables import print_json_rows
    from zoo.registry.index_file import collecting_later
    from zoo.registry.query import Query
    from zoo.registry.search import search

    query = Query(" ".join(text or []), assay, biosample, organism, genome, sort, every)
    with collecting_later():
        found = search(query, registry, offline=offline, shown=not json)
        if json:
            print_json_rows([_complete(row) for row in found.rows])
        else:
            _print_table(found.rows, sort, several=len(found.registries) > 1)


def _complete(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its empty fields, in the order of the schema."""
    from zoo.registry.index import Entry

    fields = {name: field.get_default(call_default_factory=True) for name, field in Entry.model_fields.items()}
    first = {"name": row["name"], "version": row["version"], "latest": row.get("latest", False), "aliases": []}
    return {**first, "registry": "", **fields, **row}


def _print_table(found: list[dict[str, Any]], sort: str, *, several: bool) -> None:
    import sys

    from zoo.cli.tables import print_table
    from zoo.registry.query import is_column

    # The first six are counted on by scripts: what is new stands behind them.
    columns = ["name", "version", "assay", "biosample", "genome", "summary"]
    columns += ["registry"] if several else []
    shown = found[:_MOST_AT_TERMINAL] if sys.stdout.isatty() else found
    cells = {column: [model.get(column) or "" for model in shown] for column in columns}
    for row, model in enumerate(shown):
        if model.get("yanked"):
            cells["version"][row] = f"{model['version']} (withdrawn)"
    if sort and sort not in cells:
        cells[sort] = [(model.get(sort) or "") if is_column(sort) else _shorten(model, sort) for model in shown]
    print_table(list(cells), list(zip(*cells.values(), strict=True)))
    if len(shown) < len(found):
        print(f"and {len(found) - len(shown):,} more: say what you look for (zoo list --help), or list to a file")


def _shorten(model: Mapping[str, Any], metric: str) -> str:
    value = model.get("metrics", {}).get(metric)
    return f"{value:.4g}" if isinstance(value, int | float) else ""
