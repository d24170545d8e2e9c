"""Which devices models can run on here. Each is tried: ONNX Runtime lists what it was built for, present or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zoo.apart import run_apart
from zoo.errors import DeviceError, MissingExtra, near_match
from zoo.model.devices import INSTALL_GPU, PROVIDERS, resolve_device

if TYPE_CHECKING:
    import onnx

ALL = "all"
"""Every device that is present."""

_PATIENCE = 120.0  # seconds for a trial; TensorRT compiles first


@dataclass(frozen=True, slots=True)
class Devices:
    """What models can run on.

    Attributes:
        present: The devices that did a sum.
        absent: Why not, by device, of the others that the installed ONNX Runtime was built for.
    """

    present: tuple[str, ...]
    absent: Mapping[str, str] = field(default_factory=dict)


def find_devices(names: Collection[str] = tuple(PROVIDERS)) -> Devices:
    """Try the devices that the installed ONNX Runtime was built for, each in a process of its own.

    Args:
        names: Those that are of interest.

    Raises:
        MissingExtra: ONNX Runtime is not installed.
        DeviceError: It is installed twice, or can't be loaded.
    """
    built = run_apart(f"{__name__}:list_built", [], _PATIENCE)
    if built.error:
        raise (MissingExtra if built.kind == MissingExtra.__name__ else DeviceError)(built.error)
    trials = {name: run_apart(f"{__name__}:try_device", [name], _PATIENCE) for name in built.value if name in names}
    return Devices(
        tuple(name for name, trial in trials.items() if not trial.error),
        {name: trial.error for name, trial in trials.items() if trial.error},
    )


def choose_devices(names: Sequence[str]) -> Devices:
    """Return the devices that are meant, ``all`` for every one that is present.

    Raises:
        DeviceError: There is no such device, or it can't be used here.
        MissingExtra: ONNX Runtime is not installed.
    """
    for name in names:
        if name not in {ALL, *PROVIDERS}:
            raise DeviceError(f"no device {name!r}{near_match(name, [ALL, *PROVIDERS])}")
    if ALL in names:
        found = find_devices()
        if not found.present:
            why = "; ".join(f"{name}: {reason}" for name, reason in found.absent.items())
            raise DeviceError(f"no device can be used here: {why} (zoo doctor tells more)")
        return found
    found = find_devices(names)
    for name in names:
        if name not in found.present:
            why = found.absent.get(name, f"the installed onnxruntime was not built for it; {INSTALL_GPU}")
            raise DeviceError(f"device {name!r} can't be used here: {why}")
    return Devices(tuple(dict.fromkeys(names)))


def list_built() -> list[str]:
    """Return the devices that the installed ONNX Runtime was built for, present or not."""
    from zoo.model.opening import import_onnxruntime

    available = import_onnxruntime().get_available_providers()
    return [name for name, provider in PROVIDERS.items() if provider in available]


def try_device(name: str) -> None:
    """Do a sum on a device.

    Raises:
        DeviceError: It runs elsewhere, or gives another sum.
        ModelError: It can't be opened.
    """
    from zoo.model.opening import import_onnxruntime, open_graph

    runtime = import_onnxruntime()
    _, providers = resolve_device(name, runtime.get_available_providers())
    graph = open_graph(runtime, _make_sum(), providers, 1, f"a sum on {name}")
    found = graph.get_providers()[0]
    if found != PROVIDERS[name]:
        raise DeviceError(f"onnxruntime fell back to {found}: no such device, or not its driver and libraries")
    (total,) = graph.run(["sum"], {"values": np.ones((1, 4), dtype=np.float32)})
    if total.tolist() != [[2.0] * 4]:
        raise DeviceError(f"expected 1 + 1 = 2 on {name}, found {total.tolist()}; it is broken")


def _make_sum() -> onnx.ModelProto:
    """Return the network that adds its input to itself."""
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Add", ["values", "values"], ["sum"])],
        "sum",
        [helper.make_tensor_value_info("values", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["N", 4])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
