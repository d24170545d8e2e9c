"""Devices that models run on, by name, and the processors that this process may use."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from zoo.errors import DeviceError, near_match

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
"""Device → ONNX Runtime's execution provider."""

INSTALL_GPU = "uninstall onnxruntime, then `pip install 'assayzoo[gpu]'`"

Provider: TypeAlias = tuple[str, dict[str, Any]]
"""An execution provider and its options."""

# TF32 keeps ten bits of mantissa: differences near 1e-3, as large as many effects.
_CUDA: Provider = (PROVIDERS["cuda"], {"use_tf32": "0"})
_CPU: Provider = (PROVIDERS["cpu"], {})


def resolve_device(name: str, available: Sequence[str]) -> tuple[str, list[Provider]]:
    """Return the device that a name stands for, and the execution providers to ask for, best first.

    Args:
        name: ``cpu``, ``cuda``, ``tensorrt``, or ``auto``: ``cuda`` where it is available, else ``cpu``.
        available: The execution providers of the installed ONNX Runtime.

    Raises:
        DeviceError: There is no such device, or the installed ONNX Runtime can't use it.
    """
    if name == "auto":
        name = "cuda" if PROVIDERS["cuda"] in available else "cpu"
    if name not in PROVIDERS:
        raise DeviceError(f"no device {name!r}{near_match(name, ['auto', *PROVIDERS])}")
    if PROVIDERS[name] not in available:
        raise DeviceError(
            f"device {name!r} needs {PROVIDERS[name]}, the installed onnxruntime has "
            f"{', '.join(available) or 'none'}; {INSTALL_GPU}"
        )
    if name == "tensorrt":
        return name, [(PROVIDERS[name], {}), _CUDA, _CPU]
    return name, [_CUDA, _CPU] if name == "cuda" else [_CPU]


def check_packages() -> None:
    """Refuse onnxruntime and onnxruntime-gpu side by side: pip allows it, and the GPU is gone without a word.

    Raises:
        DeviceError: Both are installed.
    """
    found = []
    for package in ("onnxruntime", "onnxruntime-gpu"):
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    if len(found) > 1:
        raise DeviceError(
            f"{' and '.join(found)} are both installed and overwrite each other; "
            "`pip uninstall onnxruntime onnxruntime-gpu`, then install one: `pip install 'assayzoo[cpu]'` or `[gpu]`"
        )


def available_cpus(cgroup: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """Return how many processors this process may use: its affinity, and the quota of its container."""
    limits = [float(os.cpu_count() or 1)]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    limits.extend(_quotas(cgroup, membership))
    return max(1, int(min(limits)))


def _quotas(cgroup: Path, membership: Path) -> list[float]:
    """Return the CPU quotas of every control group that this process is in, in processors."""
    folders = {cgroup, cgroup / "cpu"}
    for line in _read(membership).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = cgroup / "cpu" if controllers else cgroup
        own = top / path.strip("/")
        # A parent's quota binds its children; inside a container these folders may be out of sight.
        folders.update(folder for folder in (own, *own.parents) if folder.is_relative_to(top))
    quotas = []
    for folder in folders:
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period) > 0:
            quotas.append(int(quota) / int(period))
    return quotas


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
