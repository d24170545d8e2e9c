"""``zoo list``: the models of the registry."""

from __future__ import annotations

from typing import Annotated

import typer

SUMMARY = "list the models"
EXAMPLE = "zoo list --json"


def list_models(
    *,
    every: Annotated[bool, typer.Option("--all", help="Show every version, withdrawn ones as well.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the models, the latest version of each."""
    from zoo.cli.tables import print_json, print_table
    from zoo.registry import open_registry

    listings = [listing for listing in open_registry().list_models() if every or listing.latest]
    if json:
        print_json(
            [
                {
                    "name": listing.name,
                    "version": listing.version,
                    "latest": listing.latest,
                    **listing.entry.model_dump(mode="json"),
                }
                for listing in listings
            ]
        )
        return
    print_table(
        ["name", "version", "assay", "biosample", "genome", "summary"],
        [
            [
                listing.name,
                listing.version + (" (withdrawn)" if listing.entry.yanked else ""),
                listing.entry.assay,
                listing.entry.biosample,
                listing.entry.genome,
                listing.entry.summary,
            ]
            for listing in listings
        ],
    )
