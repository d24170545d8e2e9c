"""``zoo publish``: a model of yours to where others pull it from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoo.publishing.publish import Published

SUMMARY = "test a model, put it into a store, and list it"
EXAMPLE = "zoo publish ./my-ctcf --to s3://lab-zoo --key lab.pem"
PASSWORD_VARIABLE = "ZOO_KEY_PASSWORD"  # noqa: S105 - where the password is, not what


def publish(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A model folder; it stays as it is.")],
    *,
    to: Annotated[str, typer.Option(metavar="STORE", help="A folder, s3://…, gs://…, hf://… or oci://….")],
    registry: Annotated[
        str | None, typer.Option(metavar="FILE", help="registry.yaml to change; by default the one in STORE.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Private key, PEM; its password in {PASSWORD_VARIABLE}.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --key: its certificate, and those above it, PEM.")
    ] = None,
    new_signer: Annotated[
        bool, typer.Option("--new-signer", help="Allow another signer than that of the version before.")
    ] = False,
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Prepare the change as a branch of the registry's git checkout.")
    ] = False,
) -> None:
    """Test a model, sign it, put it into a store, and list it in a registry: all of it, or nothing that anybody sees.

    A run that breaks off is repeated by the same command. A version that is listed never changes.
    """
    from zoo.cli.progress import open_bytes_reporter
    from zoo.publishing.publish import publish as publish_model

    if certificate is not None and key is None:
        raise typer.BadParameter("expected --key beside it", param_hint="--certificate")
    password = os.environ.get(PASSWORD_VARIABLE)
    with open_bytes_reporter(str(folder)) as report:
        done = publish_model(
            folder,
            to,
            registry=registry,
            key=key,
            certificate=certificate,
            password=os.fsencode(password) if password else None,
            new_signer=new_signer,
            pull_request=pull_request,
            report=report,
        )
    print(_describe(done))
    if done.branch is not None:
        print(f"to have it looked at:\n  {done.branch.push}")


def _describe(done: Published) -> str:
    passed = f"{done.full_name}: passed on {done.device}"
    where = f"listed in {done.registry}"
    if done.branch is not None:
        where += f" on branch {done.branch.name}"
    if not done.changed:
        mended = f"; {done.sent} blobs that were missing or damaged were sent" if done.sent else ""
        withdrawn = f"; it is withdrawn: {done.yanked}" if done.yanked is not None else ""
        elsewhere = f"; its files lie in {done.elsewhere}, none were sent" if done.elsewhere else ""
        return f"{passed}; {where} already, with the same bytes; nothing was changed{elsewhere}{withdrawn}{mended}"
    signed = f"signed by {done.signer}" if done.signer else "unsigned"
    return f"{passed}; {signed}; {done.blobs} blobs, {done.size:,} bytes; {where}"
