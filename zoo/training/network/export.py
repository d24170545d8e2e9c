"""From a trained Keras network to an ONNX file that is proven to say the same."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.components import InputSpec, OutputSpec, Predictions
from zoo.errors import ExportMismatch
from zoo.genome.codes import Codes
from zoo.model.card import MAX_TOLERANCE, MIN_TOLERANCE
from zoo.model.session import Session
from zoo.training.data.strands import SEQUENCE, Inputs
from zoo.training.network.canonical import canonicalise
from zoo.training.network.fold import fold_batch_norm
from zoo.training.network.predictor import Predictor
from zoo.training.network.shapes import compute_shapes
from zoo.training.network.simplify import simplify

if TYPE_CHECKING:
    import onnx

OPSET = 18
"""The newest that tf2onnx writes."""

_HEADROOM = 10
"""The card's tolerance over the difference seen here, for other machines."""


def export(model: Any, inputs: tuple[InputSpec, ...], outputs: tuple[OutputSpec, ...]) -> onnx.ModelProto:
    """Return the network as ONNX: the named inputs and outputs, a free batch axis, BatchNorm folded away.

    Raises:
        ExportMismatch: The network has an operation that can't be written.
    """
    import keras
    import tensorflow as tf

    network = fold_batch_norm(model)
    signature = [tf.TensorSpec((None, *spec.shape), tf.float32, name=spec.name) for spec in inputs]

    # A dict of outputs keeps their names; `from_keras` and `Model.export` lose them or fail on sequential networks.
    def forward(*tensors: Any) -> Any:
        found = network(keras.tree.pack_sequence_as(network.input, list(tensors)), training=False)
        return {spec.name: found[spec.name] for spec in outputs}

    return export_function(forward, signature)


def export_function(forward: Callable[..., Mapping[str, Any]], signature: list[Any]) -> onnx.ModelProto:
    """Return a function of TensorFlow as ONNX: the named inputs and outputs, a free batch axis.

    Args:
        forward: From tensors to tensors by name.
        signature: A ``tf.TensorSpec`` with a name for each tensor that it reads.

    Raises:
        ExportMismatch: It has an operation that can't be written.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    _register_missing()

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def traced(*tensors: Any) -> Any:
        return {name: tf.identity(found, name=name) for name, found in forward(*tensors).items()}

    with _quiet_logs():
        proto: onnx.ModelProto
        proto, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=OPSET)
    _keep_captured(proto, traced)
    compute_shapes(proto)
    simplify(proto)
    canonicalise(proto)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = " ".join(str(error).split())
        raise ExportMismatch(
            f"the exported network is no valid ONNX: {reason}; use layers that tf2onnx knows"
        ) from error
    return proto


def check_parity(session: Session, model: Any, output: str, inputs: Inputs | Codes, *, binned: bool = False) -> float:
    """Compare the exported network with the trained one and return the tolerance for its card.

    Both predict the same examples, all at once and in batches of one.

    Args:
        inputs: By name, or the codes (N, L) of a network that reads nothing else.
        binned: The output is (N, B, T).

    Raises:
        ExportMismatch: They differ by more than 1e-4 of the largest prediction.
    """
    named = inputs if isinstance(inputs, Mapping) else {SEQUENCE: inputs}
    count = len(next(iter(named.values())))

    def run(first: int, end: int) -> Predictions:
        rows: dict[str, Any] = {name: values[first:end] for name, values in named.items()}
        codes: Codes = rows.pop(SEQUENCE, np.zeros((end - first, 0), dtype=np.uint8))
        return session.predict_raw(codes, rows)[output]

    expected = Predictor(model, output, binned=binned).predict(named)
    together = run(0, count)
    singly = np.concatenate([run(row, row + 1) for row in range(count)])
    difference = max(_relative_difference(expected, found) for found in (together, singly))
    if not difference <= MAX_TOLERANCE:
        raise ExportMismatch(
            f"the exported network differs from the trained one by {difference:.2g} of the largest prediction, "
            f"at most {MAX_TOLERANCE:g} is allowed; no model was written"
        )
    return max(MIN_TOLERANCE, _HEADROOM * difference)


def _relative_difference(expected: Predictions, found: Predictions) -> float:
    largest = float(np.abs(expected).max())
    return float(np.abs(expected - found).max()) / max(largest, float(np.finfo(np.float32).tiny))


def _keep_captured(proto: onnx.ModelProto, traced: Any) -> None:
    """Make weights of the constants that a function took from outside itself, in place: tf2onnx makes inputs of them.

    A layer that keeps numbers beside its weights, such as the mean of ``Normalization``, has some.
    """
    from onnx import numpy_helper

    values = {inside.name: outside for outside, inside in traced.get_concrete_function().graph.captures}
    inputs = list(proto.graph.input)
    del proto.graph.input[:]
    for value in inputs:
        if value.name in values:
            proto.graph.initializer.append(numpy_helper.from_array(np.asarray(values[value.name]), value.name))
        else:
            proto.graph.input.append(value)


def _register_missing() -> None:
    """Teach tf2onnx what exact GELU and CELU are made of, 1 - Erf and Exp - 1; it would write an invalid file."""
    from onnx import helper
    from tf2onnx.handler import tf_op

    def add(context: Any, node: Any, operator: str, *, before: bool) -> None:
        source, (result,) = node.input[0], node.output
        shape, kind = context.get_shape(result), context.get_dtype(result)
        context.remove_node(node.name)
        inner = context.make_node(operator, [source], dtypes=[kind], shapes=[shape]).output[0]
        one = context.make_const(f"{node.name}_one", np.array(1, helper.tensor_dtype_to_np_dtype(kind))).output[0]
        read = [one, inner] if before else [inner, one]
        context.make_node("Sub", read, outputs=[result], name=node.name, dtypes=[kind], shapes=[shape])

    @tf_op("Erfc")
    class _Erfc:
        @classmethod
        def version_9(cls, context: Any, node: Any, **_: Mapping[str, Any]) -> None:
            add(context, node, "Erf", before=True)

    @tf_op("Expm1")
    class _Expm1:
        @classmethod
        def version_9(cls, context: Any, node: Any, **_: Mapping[str, Any]) -> None:
            add(context, node, "Exp", before=False)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Let tf2onnx tell of errors only; it tells of its every step."""
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
