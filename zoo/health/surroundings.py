"""Looks at what the user has set and kept: the configuration, the cache of models, the registries."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from zoo.errors import ModelError, SignatureError, ZooError
from zoo.health.finding import Finding
from zoo.model.checksums import CHECKSUMS, hash_file
from zoo.places import HOME_VARIABLE, config_folder
from zoo.registry.cache import Cache
from zoo.registry.refreshing import describe_age, refresh
from zoo.registry.sources import BUNDLED, CONFIG_FILE, UNBUNDLED, VARIABLE, Source, find_source, read_sources
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.trust import read_trust, trust_path

ABANDONED = 600.0
"""Seconds after which a download that nobody touches counts as broken off, as ``Cache.sweep`` has it."""

_ROOM = 1 << 30  # free bytes below which pulling may fail
_HELD = 600.0  # seconds that a lock may stand; what it is held for takes less than one
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_SHOWN = 5  # names in a message

CLEAN = "zoo doctor --clean"


def examine_configuration() -> list[Finding]:
    """Read the configuration, and tell which variables have a say."""
    folder = config_folder()
    variables = [f"{name}={os.environ[name]}" for name in (HOME_VARIABLE, VARIABLE) if os.environ.get(name)]
    told = f"; {', '.join(map(hide_secrets, variables))}" if variables else ""
    try:
        count = len(read_sources())
    except ModelError as error:
        return [Finding("configuration", "failed", str(error), f"mend that line of {folder / CONFIG_FILE}")]
    found = f"{folder / CONFIG_FILE}: {count} registries" if (folder / CONFIG_FILE).is_file() else f"none in {folder}"
    return [Finding("configuration", "ok", f"{found}{told}"), *_find_lock(folder / CONFIG_FILE)]


def examine_trust() -> list[Finding]:
    """Read the trust file; tell how many signers it lists, what happens to models of others, and who may change it."""
    path = trust_path()
    try:
        trust = read_trust()
    except SignatureError as error:
        return [Finding("trust", "failed", str(error), f"mend that line of {path}")]
    count = len(trust.keys) + len(trust.certificates)
    places = [path.parent, *([Path(os.path.realpath(path)).parent] if path.is_symlink() else []), path]
    shared = [_warn_of_others(place, path) for place in places if _may_be_written_by_others(place)]
    does = {"warn": "used with a warning", "refuse": "refused", "accept": "used"}[trust.unsigned]
    listed = f"{path} lists {count} signer{'s' * (count != 1)}" if path.exists() else "nobody is listed"
    return [Finding("trust", "ok", f"{listed}; models that none of them signed are {does}"), *shared]


def examine_cache() -> list[Finding]:
    """Measure the cache of models; tell what broke off, what is damaged, and whether there is room and permission."""
    cache = Cache()
    models, left, damaged = find_models(cache), find_left(cache), find_damaged(cache)
    told = f"{_show_bytes(_measure(cache.folder))} in {cache.folder}: {len(models)} model{'s' * (len(models) != 1)}"
    if left:
        plural = "s" * (len(left) != 1)
        findings = [Finding("cache", "warning", f"{told}, {len(left)} broken download{plural}", CLEAN)]
    else:
        findings = [Finding("cache", "ok", told)]
    if damaged:
        names = ", ".join(path.name[:12] for path in damaged[:_SHOWN])
        findings.append(
            Finding("cache", "failed", f"{len(damaged)} damaged: {names}", f"{CLEAN}, then zoo pull their models")
        )
    standing = next(folder for folder in (cache.folder, *cache.folder.absolute().parents) if folder.exists())
    if not os.access(standing, os.W_OK):
        mend = f"set {HOME_VARIABLE} to a folder that you may write"
        findings.append(Finding("cache", "failed", f"{standing} can't be written", mend))
    free = shutil.disk_usage(standing).free
    if free < _ROOM:
        mend = f"make room, or set {HOME_VARIABLE} to another disk"
        findings.append(Finding("cache", "warning", f"{_show_bytes(free)} are free on its disk", mend))
    return findings


def examine_registries() -> list[Finding]:
    """Ask every registry; tell which can't be reached, and which names two of them list."""
    only = find_source(None)
    findings: list[Finding] = []
    listed: dict[str, list[str]] = {}
    for source in read_sources() if only is None else (only,):
        finding, listed[source.name] = _ask(source)
        findings.append(finding)
        if not source.remote:
            findings += _find_lock(Path(source.url))
    return findings + _find_twins(listed)


def clean_cache() -> int:
    """Remove what broken downloads left and what is damaged; return how many files and folders."""
    cache = Cache()
    damaged = find_damaged(cache)
    for folder in damaged:
        cache.discard(folder.name)
    return cache.sweep(ABANDONED) + len(damaged)


def find_models(cache: Cache) -> list[Path]:
    """Return the folders of the models in a cache."""
    return sorted(path for path in (cache.folder / "models").glob("*/*") if path.is_dir())


def find_damaged(cache: Cache) -> list[Path]:
    """Return the folders whose list of files is not the one of their name; ``zoo check`` compares the files too."""
    damaged = []
    for folder in find_models(cache):
        try:
            whole = hash_file(folder / CHECKSUMS) == folder.name
        except (ZooError, OSError):
            whole = False
        if not whole:
            damaged.append(folder)
    return damaged


def find_left(cache: Cache) -> list[Path]:
    """Return what downloads left that broke off: nobody touched it for ten minutes."""
    now = time.time()
    return [
        path
        for name in ("incoming", "partial")
        for path in _list(cache.folder / name)
        if now - max(_read_times((path, *path.rglob("*"))), default=now) >= ABANDONED
    ]


def _may_be_written_by_others(path: Path) -> bool:
    """Return whether another user than this one and the administrator may write a file or folder.

    A group that bears its owner's name and has no other member is that user's own, as many systems make them.
    """
    if os.name == "nt":
        return False  # which has no such bits
    import grp
    import pwd

    try:
        found = path.stat()
    except OSError:
        return False
    if found.st_uid not in {os.getuid(), 0} or found.st_mode & stat.S_IWOTH:
        return True
    if not found.st_mode & stat.S_IWGRP:
        return False
    try:
        owner, group = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid)
    except KeyError:  # known to no list of users on this machine
        return True
    return group.gr_name != owner or not {owner}.issuperset(group.gr_mem)


def _warn_of_others(place: Path, trust_file: Path) -> Finding:
    does = "decides whose models are used" if place == trust_file else f"holds {trust_file.name}"
    mend = f"chmod go-w {place}; to share models set XDG_CACHE_HOME, not {HOME_VARIABLE}"
    if place.stat().st_uid not in {os.getuid(), 0}:
        mend = f"have one of your own: set {HOME_VARIABLE} to a folder of yours"
    return Finding("trust", "warning", f"{place} {does}, and others than you may write it", mend)


def _ask(source: Source) -> tuple[Finding, list[str]]:
    """Return what there is to say of a registry, and the names that it lists."""
    called = source.name or hide_secrets(source.url)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            opened = refresh(source)
            names = opened.catalogue.list_names()
        except ZooError as error:
            return Finding("registries", "failed", f"{called}: {error}", _mend_registry(source)), []
    models = f"{called}: {len(names):,} model{'s' * (len(names) != 1)}"
    if opened.age:
        why = "; ".join(str(warning.message).partition("; its copy of")[0] for warning in told)
        found = f"{models}, as it was {describe_age(opened.age)} ago; {why or 'not reached since'}"
        return Finding("registries", "warning", found, "what is in the cache can be used meanwhile"), names
    return Finding("registries", "ok", f"{models}, {'reached' if source.remote else 'on this disk'}"), names


def _mend_registry(source: Source) -> str:
    if source.name == BUNDLED:
        return "pip install --force-reinstall assayzoo"
    return f"check its address, or zoo registry remove {source.name}" if source.name else f"check {VARIABLE}"


def _find_twins(listed: Mapping[str, Iterable[str]]) -> list[Finding]:
    """Warn of names that two registries list: the first one's model is meant, and the other one's is not.

    Args:
        listed: The names that each registry lists, the first one first.
    """
    meant: dict[str, str] = {}
    twins: dict[tuple[str, str], list[str]] = {}
    for called, names in listed.items():
        if called == UNBUNDLED:
            continue  # it repeats what others list, and is asked last
        for name in names:
            if meant.setdefault(name, called) != called:
                twins.setdefault((meant[name], called), []).append(name)
    findings: list[Finding] = []
    for (first, second), both in twins.items():
        more = f" and {len(both) - _SHOWN} more" if len(both) > _SHOWN else ""
        found = f"{first} and {second} both list {', '.join(both[:_SHOWN])}{more}"
        mend = f"that of {first} is meant; for the other write {second}:{both[0]}"
        findings.append(Finding("registries", "warning", found, mend))
    return findings


def _find_lock(file: Path) -> list[Finding]:
    """Warn of a lock that a killed process on another machine left: it would hold up whoever writes the file."""
    whole = Path(os.path.realpath(file))  # beside what a link leads to
    lock = whole.with_name(f".{whole.name}.lock")
    now = time.time()
    age = now - min(_read_times([lock]), default=now)
    if age <= _HELD:
        return []
    return [Finding("locks", "warning", f"{lock} has stood for {describe_age(age)}", f"if nobody writes: rm {lock}")]


def _measure(folder: Path) -> int:
    """Return the bytes of all files below a folder; others may remove some meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(parent, name).lstat().st_size
    return total


def _list(folder: Path) -> Iterator[Path]:
    yield from folder.iterdir() if folder.is_dir() else ()


def _read_times(paths: Iterable[Path]) -> Iterator[float]:
    for path in paths:
        with contextlib.suppress(OSError):
            yield path.stat().st_mtime


def _show_bytes(count: int) -> str:
    size, unit = float(count), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{count} bytes"
