"""Devices that models run on, by name, and the processors that this process may use."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from zoo.errors import DeviceError, near_match
from zoo.model.precision import Precision
from zoo.places import cache_folder

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
"""Device → ONNX Runtime's execution provider."""

INSTALL_GPU = "uninstall onnxruntime, then `pip install 'assayzoo[gpu]'`"

Provider: TypeAlias = tuple[str, dict[str, Any]]
"""An execution provider and its options."""

_CPU: Provider = (PROVIDERS["cpu"], {})

_TENSORRT_FLAGS = {"float16": "trt_fp16_enable", "bfloat16": "trt_bf16_enable", "int8": "trt_int8_enable"}
_TF32_VARIABLE = "NVIDIA_TF32_OVERRIDE"


@dataclass(frozen=True, slots=True)
class Tuning:
    """What an execution provider is told of a network.

    Attributes:
        precision: What the network may be computed in; its graph is rewritten already.
        digest: The model's, below which TensorRT's engines are kept; none are kept where it is empty.
    """

    precision: Precision = "float32"
    digest: str = ""


def resolve_device(name: str, available: Sequence[str], tuning: Tuning | None = None) -> tuple[str, list[Provider]]:
    """Return the device that a name stands for, and the execution providers to ask for, best first.

    Args:
        name: ``cpu``, ``cuda``, ``tensorrt``, or ``auto``: ``cuda`` where it is available, else ``cpu``.
        available: The execution providers of the installed ONNX Runtime.

    Raises:
        DeviceError: There is no such device, or the installed ONNX Runtime can't use it, or it has no TF32 and that was
            asked for.
    """
    tuning = tuning or Tuning()
    if name == "auto":
        name = "cuda" if PROVIDERS["cuda"] in available else "cpu"
    if name not in PROVIDERS:
        raise DeviceError(f"no device {name!r}{near_match(name, ['auto', *PROVIDERS])}")
    if PROVIDERS[name] not in available:
        raise DeviceError(
            f"device {name!r} needs {PROVIDERS[name]}, the installed onnxruntime has "
            f"{', '.join(available) or 'none'}; {INSTALL_GPU}"
        )
    if tuning.precision == "tf32":
        check_tf32(name)
    if name == "tensorrt":
        return name, [_tune_tensorrt(tuning), _tune_cuda(tuning), _CPU]
    return name, [_tune_cuda(tuning), _CPU] if name == "cuda" else [_CPU]


def check_tf32(device: str) -> None:
    """Raise DeviceError where a device has no TF32."""
    if device != "cuda":
        raise DeviceError(f"precision tf32 is of the device 'cuda', the run is on {device!r}; leave out precision")


def engine_folder(tuning: Tuning) -> Path:
    """Return where TensorRT's engines of a network are kept, whether it is there or not."""
    return cache_folder() / "engines" / tuning.digest[:16] / tuning.precision


def _tune_cuda(tuning: Tuning) -> Provider:
    # TF32 keeps ten bits of mantissa: differences near 1e-3, as large as many effects.
    return PROVIDERS["cuda"], {"use_tf32": "1" if tuning.precision == "tf32" else "0"}


def _tune_tensorrt(tuning: Tuning) -> Provider:
    """Return TensorRT's options: 16 or 8 bits only where they are asked for, and engines that are kept."""
    # Its provider has no option for TF32 (microsoft/onnxruntime#26029): only this variable turns it off, for the whole
    # process, and only before the first session.
    os.environ.setdefault(_TF32_VARIABLE, "0")
    options = {}
    if tuning.precision in _TENSORRT_FLAGS:
        options[_TENSORRT_FLAGS[tuning.precision]] = "1"
    if tuning.digest:
        try:
            folder = engine_folder(tuning)
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError) as error:
            warnings.warn(f"TensorRT's engines can't be kept ({error}): each run makes them anew", stacklevel=3)
        else:
            for kept in ("engine", "timing"):
                options |= {f"trt_{kept}_cache_enable": "1", f"trt_{kept}_cache_path": str(folder)}
    return PROVIDERS["tensorrt"], options


def check_packages() -> None:
    """Refuse onnxruntime and onnxruntime-gpu side by side: pip allows it, and the GPU is gone without a word.

    Raises:
        DeviceError: Both are installed.
    """
    found = find_runtimes()
    if len(found) > 1:
        raise DeviceError(
            f"{' and '.join(found)} are both installed and overwrite each other; "
            "`pip uninstall onnxruntime onnxruntime-gpu`, then install one: `pip install 'assayzoo[cpu]'` or `[gpu]`"
        )


def find_runtimes() -> list[str]:
    """Return the packages of ONNX Runtime that are installed, with their versions; none of them is loaded."""
    found = []
    for package in ("onnxruntime", "onnxruntime-gpu"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{package} {importlib.metadata.version(package)}")
    return found


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
