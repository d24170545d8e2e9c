"""From a store's address to the store."""

from __future__ import annotations

from typing import Literal, overload

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores.addresses import check_address, hide_secrets
from zoo.registry.stores.http import HttpStore
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.protocol import Reader, Writer

SCHEMES = ("https", "http", "s3", "gs", "hf", "oci")
"""How addresses begin that are no folder."""


@overload
def open_store(address: str, *, write: Literal[False] = False) -> Reader: ...
@overload
def open_store(address: str, *, write: Literal[True]) -> Writer: ...
def open_store(address: str, *, write: bool = False) -> Reader | Writer:
    """Return the store of an address; nothing is asked of it yet.

    Args:
        address: A folder, or an address that begins with one of ``SCHEMES``.
        write: Whether it is to be written, too.

    Raises:
        MissingExtra: Its library is not installed; the message names the extra.
        DownloadError: There are no such stores.
        OutputError: It can't be written.
    """
    scheme, separator, rest = address.partition("://")
    scheme = scheme.lower()
    if not separator:
        return LocalStore(address)
    if scheme not in SCHEMES or not rest.strip("/"):
        raise (OutputError if write else DownloadError)(
            f"{hide_secrets(address)}: expected a folder, or an address such as "
            + ", ".join(f"{known}://…" for known in SCHEMES if not (write and known.startswith("http")))
        )
    try:
        check_address(address)
    except ValueError as error:
        raise (OutputError if write else DownloadError)(f"{hide_secrets(address)}: {error}") from error
    if scheme == "s3":
        from zoo.registry.stores.s3 import S3Store

        return S3Store(address)
    if scheme == "gs":
        from zoo.registry.stores.gs import GsStore

        return GsStore(address)
    if scheme == "hf":
        from zoo.registry.stores.hf import HfStore

        return HfStore(address)
    if scheme == "oci":
        from zoo.registry.stores.oci import OciStore

        return OciStore(address)
    if write:
        raise OutputError(
            f"{hide_secrets(address)}: a web server can only be read; publish to the folder or bucket that it serves"
        )
    return HttpStore(address)
