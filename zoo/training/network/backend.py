"""TensorFlow and Keras, imported quietly and set up for the same result every time."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from zoo.errors import MissingExtra, TrainingError
from zoo.training.choices import TrainingChoice

_NEEDED = ("tensorflow", "keras", "tf2onnx", "sklearn", "matplotlib", "h5py")


def import_backend(threads: int | None = None) -> tuple[Any, Any]:
    """Return the modules ``tensorflow`` and ``keras``, deterministic from now on.

    Args:
        threads: Cores for TensorFlow; heeded only before it first runs in this process.

    Raises:
        MissingExtra: A library of the extra ``train`` is not installed.
        TrainingError: Keras runs on another backend already.
    """
    # Level 2 leaves out what TensorFlow tells about the machine, and keeps its errors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    # Looked for, not imported: tf2onnx is slow to import and wanted at the end only.
    for name in _NEEDED:
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(f"training needs {name}, which is not installed: pip install 'assayzoo[train]'")
    with _muted_start():
        tensorflow, keras = importlib.import_module("tensorflow"), importlib.import_module("keras")
    if keras.backend.backend() != "tensorflow":
        raise TrainingError(
            f"training needs Keras on TensorFlow, it runs on {keras.backend.backend()!r} in this process; "
            "set KERAS_BACKEND=tensorflow before Keras is imported"
        )
    # An ensemble makes a graph for each network, and TensorFlow warns of that as if it were one graph made anew.
    tensorflow.get_logger().setLevel("ERROR")
    tensorflow.config.experimental.enable_op_determinism()
    if threads is not None:
        _limit_threads(tensorflow, threads)
    return tensorflow, keras


@contextmanager
def building(choice: TrainingChoice) -> Iterator[None]:
    """Let a network that is built inside compute in the chosen precision, on the chosen devices."""
    shared = strategy(choice)
    with precision(choice), nullcontext() if shared is None else shared.scope():
        yield


@contextmanager
def precision(choice: TrainingChoice) -> Iterator[None]:
    """Let the layers that are made inside compute in 16 bits, where the recipe asks for that; weights stay in 32."""
    import keras

    before = keras.config.dtype_policy()
    if choice.mixed_precision != "none":
        keras.config.set_dtype_policy(f"mixed_{choice.mixed_precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def strategy(choice: TrainingChoice) -> Any | None:
    """Return what spreads batches over all devices of the best kind, None where one is asked for or there is one."""
    import tensorflow as tf

    if choice.devices == "one":
        return None
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return _mirror(tuple(device.name for device in devices)) if len(devices) > 1 else None


@cache
def _mirror(devices: tuple[str, ...]) -> Any:
    """Make one for all networks of a process: two would number their exchanges alike, and mix them up."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(devices)


def to_float32(model: Any) -> Any:
    """Return the network as it is exported: in 32 bits, on one device; itself where it is so already."""
    import keras

    policies = {layer.dtype_policy.name for layer in model._flatten_layers()}  # noqa: SLF001 - nested ones as well
    if policies == {"float32"} and model.distribute_strategy.num_replicas_in_sync == 1:
        return model

    def clone_layer(layer: Any) -> Any:
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    clone = keras.models.clone_model(model, clone_function=clone_layer, recursive=True)
    clone.set_weights(model.get_weights())
    return clone


def compute_outputs_in_32(model: Any) -> None:
    """Let the last layer before each output, and what only reshapes what it gives, compute in 32 bits.

    In 16 a probability near 1 is 1, whose logarithm has no gradient, and a count may be infinite.
    """
    tensors = list(model.outputs)
    while tensors:
        history = tensors.pop()._keras_history  # noqa: SLF001 - Keras has no other way back from a tensor
        operation = history.operation
        if hasattr(operation, "dtype_policy"):
            operation.dtype_policy = "float32"
        if not getattr(operation, "weights", ()):
            node = operation._inbound_nodes[history.node_index]  # noqa: SLF001 - as above
            tensors.extend(node.input_tensors)


def _limit_threads(tensorflow: Any, threads: int) -> None:
    try:
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        return  # it has run already in this process, and keeps the threads that it started with


@contextmanager
def _muted_start() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, and write it out after all if the body fails.

    TensorFlow prints lines while it is imported, before its log level counts.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:  # an interrupt is no fault that these lines explain
            os.dup2(original, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
