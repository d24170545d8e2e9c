"""Whether models can still be had, are what was published, and predict what they did: on every device, one by one."""

from __future__ import annotations

import importlib.metadata
import platform
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.apart import run_apart
from zoo.errors import ModelError, UnknownModel, ZooError
from zoo.health.devices import ALL, choose_devices
from zoo.health.result import Health, Row, State
from zoo.model.card import read_card
from zoo.model.checksums import CHECKSUMS, hash_file
from zoo.model.devices import find_runtimes
from zoo.model.folder import CARD_FILE
from zoo.model.probation import examine
from zoo.prediction.support import tell_missing_scorer
from zoo.registry.pull import Location, pull
from zoo.registry.query import Query
from zoo.registry.refreshing import refresh
from zoo.registry.resolving import is_path
from zoo.registry.sources import BUNDLED, find_source, read_sources
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.trust import Signer

LIMIT = 600.0
"""Seconds that a model may take for its example on one device; those of the package take one."""

_STATES: Mapping[str, State] = {
    "UnsafeModel": "unsafe",
    "SignatureError": "unsafe",
    "DownloadError": "unreachable",
    "Missing": "unreachable",
    "UnknownModel": "unreachable",
}
_TASK = "zoo.health.check:verify"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A model to be checked; ``name`` is what the registries are asked for, ``shown`` what the table calls it."""

    name: str | Path
    shown: str
    registry: str


def check(
    names: Sequence[str | Path] | str | Path | None = None,
    devices: Sequence[str] | str = (ALL,),
    report: Callable[[Row, int, int], None] | None = None,
    *,
    registry: str | Path | None = None,
    offline: bool = False,
    threads: int | None = None,
    limit: float = LIMIT,
    made: datetime | None = None,
) -> Health:
    """Fetch models, compare every file with its checksum, and recompute their examples on each device.

    Each model runs in a process of its own: one that hangs or crashes fails its row, not the check.

    Args:
        names: Names or folders, or one alone; None for every version of every model that a registry lists and has
            not withdrawn.
        devices: ``all`` for every one that is present, or ``cpu``, ``cuda``, ``tensorrt``; or one alone.
        report: Is told each row as it is known, and how many models are done, of how many.
        registry: The only one that is asked, by its name, address or path.
        offline: Use what is here; what is not is unreachable.
        threads: Processors to use; by default all that there are.
        limit: Seconds that a model may take on one device.
        made: When this is; by default the clock is asked.

    Raises:
        DeviceError: A device was named that is not here.
        UnknownModel: No name is among the names.
        MissingExtra: ONNX Runtime is not installed.
        ModelError: The configuration can't be read.
    """
    # Of a text each letter would be a name.
    chosen = choose_devices([devices] if isinstance(devices, str) else devices)
    if isinstance(names, str | Path):
        names = [names]
    if names is not None and not names:
        raise UnknownModel("expected at least one model, found none; leave the names out (None) to check all")
    if names is None:
        asked, rows = _list_all(registry, offline=offline)
        if not asked and not rows:
            why = "expected a registry that lists models, found none, or all of them withdrawn"
            rows = [Row("every model", "", "", "", "failed", error=why)]
    else:
        asked, rows = [_Asked(name, str(name), "") for name in names], []
    for row in rows:
        _tell(report, row, 0, len(asked))
    for done, one in enumerate(asked, start=1):
        for row in _check_model(one, chosen.present, registry, offline=offline, threads=threads, limit=limit):
            rows.append(row)
            _tell(report, row, done, len(asked))
    moment = made or datetime.now(UTC)
    return Health(moment.astimezone(UTC).isoformat(timespec="seconds"), find_versions(), chosen, tuple(rows))


def find_versions() -> dict[str, str]:
    """Return the versions of what predictions depend on."""
    versions = {"python": platform.python_version()}
    for package in ("assayzoo", "numpy", "onnx"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # run from a checkout that is not installed
    return versions | dict(runtime.split(" ", 1) for runtime in find_runtimes())


def verify(folder: str, device: str, threads: int | None) -> dict[str, Any]:
    """Verify a model's folder; it runs in a process of its own, and returns what JSON can carry."""
    from zoo.model.verify import verify_folder

    return asdict(verify_folder(folder, device, threads))


def _list_all(registry: str | Path | None, *, offline: bool) -> tuple[list[_Asked], list[Row]]:
    """Return every model of the registries, and a row for each registry that can't be reached, or read."""
    only = find_source(registry)
    asked: list[_Asked] = []
    rows: list[Row] = []
    for source in read_sources() if only is None else (only,):
        called = source.name or hide_secrets(source.url)
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                opened = refresh(source, offline=offline)
            listings = opened.catalogue.search(Query(every=True))
        except ZooError as error:
            state = _STATES.get(type(error).__name__, "failed")
            rows.append(Row("every model", "", called, "", state, error=str(error)))
            continue
        if opened.age and not offline:  # an old copy is good for pulling, and no sign of health
            why = "; ".join(str(warning.message) for warning in told)
            rows.append(Row("every model", "", called, "", "unreachable", error=why))
        prefix = f"{source.name}:" if source.name else ""
        asked += [
            _Asked(f"{prefix}{listing.full_name}", listing.full_name, called)
            for listing in listings
            if listing.entry.yanked is None
        ]
    return asked, rows


def _check_model(
    asked: _Asked,
    devices: Iterable[str],
    registry: str | Path | None,
    *,
    offline: bool,
    threads: int | None,
    limit: float,
) -> Iterator[Row]:
    row = Row(asked.shown, "", asked.registry, "", "failed")
    try:
        found = _fetch(asked.name, registry, offline=offline)
        digest, signer = hash_file(found.folder / CHECKSUMS), _describe_signer(found.signer)
        row = replace(row, model=found.full_name or row.model, digest=digest, signer=signer)
        row = replace(row, registry=found.source or row.registry)
        if found.signer is None and found.source != BUNDLED:  # what was pulled was examined then
            examine(found.folder)
        missing = tell_missing_scorer(read_card(found.folder / CARD_FILE))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one model, the others are checked
        kind = "" if isinstance(error, ModelError) else f"{type(error).__name__}: "
        state = _STATES.get(type(error).__name__, "failed")
        model, message = _split_name(row.model, " ".join(str(error).split()))
        yield replace(row, model=model, state=state, error=f"{kind}{message}")
        return
    if missing:
        warnings.warn(missing, stacklevel=3)
    for device in devices:
        started = time.perf_counter()
        answer = run_apart(_TASK, [str(found.folder), device, threads], limit)
        row = replace(row, device=device, seconds=round(time.perf_counter() - started, 3))
        if answer.error:
            yield replace(row, state=_STATES.get(answer.kind, "failed"), error=answer.error)
        else:
            largest, tolerance = answer.value["largest_difference"], answer.value["tolerance"]
            yield replace(row, state="passed", largest_difference=largest, tolerance=tolerance)


def _fetch(name: str | Path, registry: str | Path | None, *, offline: bool) -> Location:
    if not is_path(name):
        return pull(str(name), registry=registry, offline=offline)
    if not Path(name).is_dir():
        raise UnknownModel(f"{name}: no model folder there")
    return Location(Path(name))


def _split_name(shown: str, message: str) -> tuple[str, str]:
    """Return what a row calls a model, and a message without the name that it begins with: a row names it once."""
    full_name, separator, rest = message.partition(": ")
    name = full_name.partition("@")[0]
    same = separator and "@" in full_name and name == shown.rpartition(":")[2].partition("@")[0]
    return (full_name, rest) if same else (shown, message)


def _describe_signer(signer: Signer | None) -> str:
    if signer is None:
        return ""
    if signer.state == "trusted":
        return f"{signer.name} (certificate expired)" if signer.expired else signer.name
    return f"unknown: {signer.name}" if signer.state == "unknown" else signer.state


def _tell(report: Callable[[Row, int, int], None] | None, row: Row, done: int, total: int) -> None:
    if report is not None:
        report(row, done, total)
