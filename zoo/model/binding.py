"""Runs a network with inputs and outputs bound to memory of its device, which is kept from run to run.

Left to itself ONNX Runtime allocates a device's memory for the inputs of every run, and copies outputs one by one as
soon as each is asked for. Here inputs lie where the network reads them, are filled through page-locked memory where the
runtime gives any (a GPU copies from it without the processor's help), and outputs come back together.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.model.devices import PROVIDERS

_BUFFERS = 8  # kept for each thread: those of whole batches and of the last ones


def bind_session(runtime: Any, session: Any) -> Any:
    """Return a session that runs bound where it runs on a GPU; on a processor, which has nothing to copy, itself."""
    return session if session.get_providers()[0] == PROVIDERS["cpu"] else BoundSession(runtime, session, "cuda")


class BoundSession:
    """A session of ONNX Runtime whose inputs and outputs are bound; several threads may run it at once.

    Args:
        runtime: The module ``onnxruntime``.
        session: The session.
        memory: Where its inputs and outputs lie: ``cpu``, or ``cuda`` (for TensorRT too).
    """

    def __init__(self, runtime: Any, session: Any, memory: str) -> None:
        self._runtime = runtime
        self._session = session
        self._memory = memory
        self._locked = _find_locked_memory(runtime) if memory == "cuda" else None
        self._own = threading.local()  # a binding is one run's

    def get_providers(self) -> list[str]:
        """Return the session's execution providers, best first."""
        found: list[str] = self._session.get_providers()
        return found

    def run(self, names: Sequence[str], feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Return the outputs of those names, as ``InferenceSession.run`` does."""
        binding = self._session.io_binding()
        for name, values in feed.items():
            binding.bind_ortvalue_input(name, self._fill(name, np.ascontiguousarray(values)))
        for name in names:
            binding.bind_output(name, self._memory)
        self._session.run_with_iobinding(binding)
        found: list[npt.NDArray[Any]] = binding.copy_outputs_to_cpu()
        return found

    def _fill(self, name: str, values: npt.NDArray[Any]) -> Any:
        """Return memory of the device that holds some values."""
        if self._memory == "cpu":
            return self._runtime.OrtValue.ortvalue_from_numpy(values)
        buffer = self._find_buffer(name, values)
        buffer.fill(values)
        return buffer.device

    def _find_buffer(self, name: str, values: npt.NDArray[Any]) -> _Buffer:
        buffers: OrderedDict[object, _Buffer] = self._own.__dict__.setdefault("buffers", OrderedDict())
        key = name, values.shape, values.dtype.str
        if key not in buffers:
            if len(buffers) >= _BUFFERS:
                buffers.popitem(last=False)
            buffers[key] = _Buffer(self._runtime, values, self._memory, self._locked)
        buffers.move_to_end(key)
        return buffers[key]


class _Buffer:
    """Memory of a device for values of one shape, and page-locked memory of as many bytes that fills it."""

    def __init__(self, runtime: Any, values: npt.NDArray[Any], memory: str, locked: Any | None) -> None:
        make = runtime.OrtValue.ortvalue_from_shape_and_type
        self.device = make(values.shape, values.dtype.type, memory, 0)
        self._locked: Any | None = None
        if locked is None:
            return
        # What can't be had, or is no window onto the memory itself, is done without.
        with contextlib.suppress(Exception):
            value = make(values.shape, values.dtype.type, memory_info=locked)
            window = np.asarray(value)
            window[...] = values
            self.device.update_inplace(value)
            if np.shares_memory(window, np.asarray(value)) and np.array_equal(self.device.numpy(), values):
                self._locked, self._window = value, window

    def fill(self, values: npt.NDArray[Any]) -> None:
        """Copy values into the device's memory."""
        if self._locked is None:
            self.device.update_inplace(values)
            return
        self._window[...] = values
        self.device.update_inplace(self._locked)


def _find_locked_memory(runtime: Any) -> Any | None:
    """Return what describes CUDA's page-locked memory, None where the runtime does not tell it."""
    with contextlib.suppress(Exception):
        for device in runtime.get_ep_devices():
            if device.ep_name == "CUDAExecutionProvider":
                return device.memory_info(runtime.OrtDeviceMemoryType.HOST_ACCESSIBLE)
    return None
