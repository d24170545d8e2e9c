"""Opens graphs with ONNX Runtime, of which this is the only user."""

from __future__ import annotations

import contextlib
import functools
import io
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from zoo.errors import MissingExtra, ModelError
from zoo.model.binding import bind_session
from zoo.model.devices import Provider, check_packages
from zoo.network.writing import WrittenGraph

if TYPE_CHECKING:
    import onnx

_WRONG_OPTIMIZERS = ["Pad_Fusion"]
"""Rewritings of ONNX Runtime that change numbers: this one, seen in 1.31, makes a pool skip zeros it has to read."""

_TELEMETRY = "ORT_DISABLE_TELEMETRY"
"""Where it is 1, ONNX Runtime neither gives the user an identity, in files at home, nor reports what is done."""

_ERRORS_ONLY = 3  # ONNX Runtime's log severity


class OpenGraph:
    """A graph that is ready to run; several threads may run it at once.

    Args:
        session: ONNX Runtime's.
        full_name: The model's, for messages.
        weights: What the session reads in place, so that it has to stay.
    """

    def __init__(self, session: Any, full_name: str, weights: object = None) -> None:
        self._session = session
        self._full_name = full_name
        self._weights = weights

    def get_providers(self) -> list[str]:
        """Return the execution providers that it runs on, best first."""
        found: list[str] = self._session.get_providers()
        return found

    def run(self, names: Sequence[str], feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Return the outputs of those names.

        Raises:
            ModelError: The graph failed.
        """
        try:
            found: list[npt.NDArray[Any]] = self._session.run(names, feed)
        except Exception as error:
            raise ModelError(f"{self._full_name}: the network failed: {' '.join(str(error).split())}") from error
        return found


def import_onnxruntime() -> Any:
    """Return the module.

    Raises:
        MissingExtra: It is not installed.
    """
    check_packages()
    os.environ.setdefault(_TELEMETRY, "1")
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        raise MissingExtra(
            "running a model needs onnxruntime: `pip install 'assayzoo[cpu]'` (or `[gpu]` for an NVIDIA GPU)"
        ) from error
    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    return onnxruntime


def open_graph(
    runtime: Any, graph: onnx.ModelProto | WrittenGraph, providers: list[Provider], threads: int, full_name: str
) -> OpenGraph:
    """Return a graph that is ready to run.

    Args:
        runtime: What ``import_onnxruntime`` returned.
        providers: The execution providers, best first.
        threads: That share the work of each run.
        full_name: The model's, for messages.

    Raises:
        ModelError: ONNX Runtime refuses it.
    """
    options = runtime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Plans of memory are kept for each shape of a batch, and batches differ: they cost a tenth more, and save no time.
    options.enable_mem_pattern = False
    # Threads that spin while they wait take the processor from the reader, the writer and everybody else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if _share_memory(runtime):
        options.add_session_config_entry("session.use_env_allocators", "1")
    model, weights = (graph.model, graph.weights) if isinstance(graph, WrittenGraph) else (graph, {})
    values = [runtime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    if values:
        options.add_external_initializers(list(weights), values)
    # ONNX Runtime prints what it tries to the standard output, which may be a VCF.
    with contextlib.redirect_stdout(io.StringIO()):
        if len(providers) > 1 and hasattr(runtime, "preload_dlls"):
            runtime.preload_dlls()
        try:
            session = runtime.InferenceSession(
                model.SerializeToString(),
                options,
                providers=providers,
                enable_fallback=0,
                disabled_optimizers=_WRONG_OPTIMIZERS,
            )
        except Exception as error:
            message = " ".join(str(error).split())
            raise ModelError(f"{full_name}: onnxruntime can't load the network: {message}") from error
    return OpenGraph(bind_session(runtime, session), full_name, (options, values, weights))


@functools.cache
def _share_memory(runtime: Any) -> bool:
    """Let all graphs of this process work in one memory, and return whether they do.

    Otherwise each keeps for itself as much as it ever needed at once; those of one model hardly run at the same time.
    """
    endless, as_asked, default = 0, 1, -1
    try:
        kind, use = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, runtime.OrtMemType.DEFAULT
        memory = runtime.OrtMemoryInfo("Cpu", kind, 0, use)
        runtime.create_and_register_allocator(memory, runtime.OrtArenaCfg(endless, as_asked, default, default))
    except Exception:  # noqa: BLE001 - whoever else uses ONNX Runtime here may have made one: it goes without
        return False
    return True
