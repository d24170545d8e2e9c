"""What the libraries of stores raise, as one error of the zoo's that names the file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores.addresses import hide_secrets, show
from zoo.registry.stores.protocol import Changed, Missing, leads_out


@contextlib.contextmanager
def naming_faults(
    address: str,
    path: str,
    kind: type[DownloadError | OutputError],
    what: str,
    explain: Callable[[Exception, str], str],
) -> Iterator[str]:
    """Turn what a store's libraries raise into one error that names the file; give that name.

    Args:
        address: The store's.
        path: The file's name below it; one that leads out is refused.
        kind: The error to raise.
        what: Can't be done.
        explain: From a fault and its first line, without secrets, to what the user is told.
    """
    where = f"{address}/{path}"
    if leads_out(path):
        raise (Missing if kind is DownloadError else kind)(f"{address}: {path!r} leads out of the store")
    try:
        yield where
    except (DownloadError, OutputError, Changed):
        raise
    except Exception as error:
        text = show(hide_secrets(str(error).partition("\n")[0])) or type(error).__name__
        raise kind(f"{where}: {what}: {explain(error, text)}") from error
