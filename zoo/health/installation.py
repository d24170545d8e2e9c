"""Looks at what is installed: Python, the packages, ONNX Runtime, the devices, the plugins."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zoo import __version__
from zoo.errors import ZooError
from zoo.health.devices import find_devices
from zoo.health.finding import Finding
from zoo.model.devices import INSTALL_GPU, available_cpus, find_runtimes
from zoo.plugins import discover

DISTRIBUTION = "assayzoo"

_ELSEWHERE = {"cpu", "gpu", "dev"}
"""Extras that are looked at as ONNX Runtime, or that are for the project's own development."""

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*\(?(?P<bounds>[^;)]*)\)?\s*"
    r"(?:;\s*(?P<marker>.*))?"
)
_EXTRA = re.compile(r"""(?:\s*and\s*)?\bextra\s*==\s*['"](?P<name>[\w.-]+)['"]""")
_FLOOR = re.compile(r">=\s*(?P<version>\d+(?:\.\d+)*)")
_RELEASE = re.compile(r"\d+(?:\.\d+)*")

_NVIDIA = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidia0"))
"""Of which one is there where an NVIDIA GPU has its driver, on Linux."""

_UPDATE = "pip install -U assayzoo"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that another one asks for.

    Attributes:
        name: The package.
        floor: Its lowest version, empty for any.
        extra: The extra that it belongs to, empty for the base.
        conditional: Whether it is for some systems alone.
    """

    name: str
    floor: str
    extra: str
    conditional: bool


def examine_python() -> list[Finding]:
    """Tell which Python runs, and from where the zoo was imported."""
    folder = Path(__file__).resolve().parents[1]
    found = f"Python {platform.python_version()} ({sys.executable}), {DISTRIBUTION} {__version__} in {folder}"
    return [Finding("python", "ok", found)]


def examine_requirements() -> list[Finding]:
    """Compare the packages that are always needed with those that are installed; tell which extras are there."""
    try:
        requirements = read_requirements(importlib.metadata.requires(DISTRIBUTION) or [])
    except importlib.metadata.PackageNotFoundError:
        return [Finding("packages", "warning", f"{DISTRIBUTION} runs from a folder, not installed", "pip install .")]
    base = [one for one in requirements if not one.extra and not one.conditional]
    faults = [fault for one in base if (fault := find_fault(one))]
    if faults:
        found = Finding("packages", "failed", "; ".join(faults), _UPDATE)
    else:
        found = Finding("packages", "ok", f"{len(base)} packages, each of a version that will do")
    return [found, _examine_extras(requirements)]


def read_requirements(lines: Iterable[str]) -> list[Requirement]:
    """Return what a package's metadata asks for; only the lowest versions are read."""
    requirements = []
    for line in lines:
        match = _REQUIREMENT.fullmatch(line.strip())
        if match is None:
            continue
        marker = match["marker"] or ""
        extra = _EXTRA.search(marker)
        floor = _FLOOR.search(match["bounds"])
        rest = _EXTRA.sub("", marker).strip()
        requirements.append(
            Requirement(
                match["name"], floor["version"] if floor else "", extra["name"] if extra else "", conditional=bool(rest)
            )
        )
    return requirements


def find_fault(requirement: Requirement) -> str:
    """Return what is wrong with a package that is asked for, empty where it will do."""
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.floor and _read_release(version) < _read_release(requirement.floor):
        return f"{requirement.name}: expected {requirement.floor} or later, found {version}"
    return ""


def examine_runtime() -> list[Finding]:
    """Tell which ONNX Runtime is installed: there must be one, and not two."""
    found = find_runtimes()
    if not found:
        mend = "pip install 'assayzoo[cpu]', or 'assayzoo[gpu]' for an NVIDIA GPU"
        return [Finding("onnxruntime", "failed", "not installed: no model can run", mend)]
    if len(found) > 1:
        mend = "pip uninstall onnxruntime onnxruntime-gpu, then pip install 'assayzoo[cpu]' or 'assayzoo[gpu]'"
        return [Finding("onnxruntime", "failed", f"{' and '.join(found)} overwrite each other", mend)]
    return [Finding("onnxruntime", "ok", found[0])]


def examine_devices() -> list[Finding]:
    """Do a sum on every device that ONNX Runtime was built for."""
    try:
        devices = find_devices()
    except ZooError as error:
        return [Finding("devices", "failed", str(error), "mend onnxruntime first")]
    findings = [
        Finding("devices", "ok", f"{name}, {available_cpus()} processors" if name == "cpu" else name)
        for name in devices.present
    ]
    for name, why in devices.absent.items():
        mend = "install its driver and libraries, if there is such a device; nothing else needs them"
        findings.append(Finding("devices", "failed" if name == "cpu" else "warning", f"{name}: {why}", mend))
    if "cuda" not in (*devices.present, *devices.absent) and any(path.exists() for path in _NVIDIA):
        findings.append(Finding("devices", "warning", "an NVIDIA GPU is here, onnxruntime can't use it", INSTALL_GPU))
    return findings


def examine_plugins() -> list[Finding]:
    """Import every plugin, as any command that needs one does."""
    plugins = discover()
    packages = sorted({f"{one.distribution} {one.version}" for one in plugins.components})
    count = len(plugins.components)
    findings = [Finding("plugins", "ok", f"{count} components of {', '.join(packages) or 'no package'}")]
    for failure in plugins.failures:
        told = failure.error.removesuffix(f"; update assayzoo: {_UPDATE}")
        found = f"{failure.plugin}: {told}"
        findings.append(Finding("plugins", "failed", found, _mend_plugin(failure.error, failure.distribution)))
    return findings


def examine_limits() -> list[Finding]:
    """Tell whether the memory of a process can be bounded in which a stranger's model is tried."""
    if sys.platform == "linux":
        return [Finding("trials", "ok", "models of strangers are tried within bounded memory")]
    found = f"{platform.system()} bounds the time in which a stranger's model is tried, not its memory"
    return [Finding("trials", "warning", found)]


def _examine_extras(requirements: Iterable[Requirement]) -> Finding:
    groups: dict[str, list[Requirement]] = {}
    for one in requirements:
        if one.extra and one.extra not in _ELSEWHERE:
            groups.setdefault(one.extra, []).append(one)
    faults = {extra: _find_faults(members) for extra, members in groups.items()}
    there = [extra for extra, fault in faults.items() if not fault]
    lacking = [f"{extra} ({', '.join(fault)})" for extra, fault in faults.items() if fault]
    found = f"installed: {', '.join(there) or 'none'}"
    if not lacking:
        return Finding("extras", "ok", found)
    mend = "pip install 'assayzoo[NAME]' for each that you need"
    return Finding("extras", "ok", f"{found}; not installed: {', '.join(lacking)}", mend)


def _find_faults(members: Iterable[Requirement]) -> list[str]:
    """Return the packages that an extra lacks; of those that are for some systems alone, one will do."""
    always: list[str] = []
    some: list[str] = []
    meant = False
    for one in members:
        fault = bool(find_fault(one))
        if not one.conditional:
            always += [one.name] * fault
        elif fault:
            some.append(one.name)
        else:
            meant = True
    return always if meant or not some else [*always, " or ".join(some)]


def _read_release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, so that 1.10 comes after 1.9, and 2.0 is 2."""
    match = _RELEASE.match(version)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _mend_plugin(error: str, distribution: str) -> str:
    if _UPDATE in error:
        return _UPDATE
    remove = f"pip uninstall {distribution}"
    if "DuplicateName" in error:
        return f"{remove}, or the other one"
    if missing := re.search(r"No module named '([^'.]+)", error):
        return f"install the package of {missing[1]}, or {remove}"
    return f"pip install -U {distribution}, or {remove}"
