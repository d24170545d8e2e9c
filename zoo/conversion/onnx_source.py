"""Networks in ONNX files, of whichever framework: their weights brought inside, their operators brought to one version.

The file as it was found is what the model is proven against, run by ONNX Runtime.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.conversion.source import Array, Port
from zoo.errors import ConversionError, ModelError
from zoo.model.opening import import_onnxruntime, open_graph
from zoo.model.safety import MAX_BYTES, STANDARD_DOMAINS, check_onnx

if TYPE_CHECKING:
    import onnx

OLDEST, WRITTEN, NEWEST = 11, 18, 21
"""Versions of ONNX's operators: the oldest that is read, the one that older ones are brought to, the newest."""

_MOST_NODES = 1_000_000
_DEEPEST = 50  # functions that call one another
_DIGITS = 12  # of a number of bytes

_NEWEST_FORMAT = 10  # of the file itself, which ONNX Runtime 1.20 reads
_OLDEST_FORMAT = 8

_FRAMEWORKS = {"pytorch": "PyTorch", "tf2onnx": "TensorFlow (tf2onnx)", "skl2onnx": "scikit-learn", "jax2onnx": "JAX"}


class OnnxSource:
    """An ONNX file.

    Args:
        path: The file; weights that it keeps in another one lie beside it.

    Raises:
        ConversionError: Its batch axis is fixed, its operators are too old or too new, its weights are not there.
        UnsafeModel: It asks for more than standard operators on data of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._model = _read(path)
        graph = self._model.graph
        weights = {tensor.name for tensor in graph.initializer}
        self.inputs = tuple(_read_port(value) for value in graph.input if value.name not in weights)
        self.outputs = tuple(_read_port(value) for value in graph.output)
        for port in self.inputs:
            _refuse_fixed_batch(path, port)
        self._opened: Any = None

    @property
    def framework(self) -> str:
        """Who wrote the file."""
        name, version = self._model.producer_name, self._model.producer_version
        return " ".join(filter(None, (_FRAMEWORKS.get(name, name) or "ONNX", version)))

    @property
    def summary(self) -> str:
        """What it holds."""
        return f"opset {_find_opset(self._model)}, {len(self._model.graph.node)} operators"

    def predict(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return what ONNX Runtime gives for the file as it was found; see ``Source.predict``."""
        if self._opened is None:
            runtime = import_onnxruntime()
            self._opened = open_graph(runtime, self._model, [("CPUExecutionProvider", {})], 1, str(self._path))
        names = [port.name for port in self.outputs]
        return dict(zip(names, self._opened.run(names, feed), strict=True))

    def write_onnx(self, shapes: Mapping[str, tuple[int, ...]]) -> onnx.ModelProto:
        """Return a copy in a version of operators that the zoo's own graphs are made in; see ``Source.write_onnx``."""
        import onnx
        from onnx import version_converter

        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        for value in model.graph.input:
            if value.name in shapes:
                for dim, size in zip(value.type.tensor_type.shape.dim[1:], shapes[value.name], strict=True):
                    dim.dim_value = size
        found = _find_opset(model)
        if found < WRITTEN:
            _declare_no_weights(model)
            try:
                model = version_converter.convert_version(model, WRITTEN)
            except (RuntimeError, version_converter.ConvertError) as error:
                raise ConversionError(
                    f"{self._path}: opset {found} can't be brought to {WRITTEN}: {_in_one_line(error)}; export it "
                    f"again with opset_version={WRITTEN}"
                ) from error
        _declare_no_weights(model)
        model.ir_version = min(max(model.ir_version, _OLDEST_FORMAT), _NEWEST_FORMAT)
        return model


def _read(path: Path) -> onnx.ModelProto:
    """Return a checked model with all its weights inside, and functions of its own written out."""
    import onnx

    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConversionError(f"{path}: expected at most {MAX_BYTES} bytes, found {path.stat().st_size}")
        content = path.read_bytes()
    except OSError as error:
        raise ConversionError(f"{path}: can't be read: {error.strerror}") from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:
        raise ConversionError(f"{path}: expected an ONNX file, found something else ({_in_one_line(error)})") from error
    outside = _bring_inside(path, model)
    opset = _find_opset(model)
    if not OLDEST <= opset <= NEWEST:
        raise ConversionError(
            f"{path}: expected opset {OLDEST} to {NEWEST}, found {opset}; export it again with opset_version={WRITTEN}"
        )
    inlined = bool(model.functions)
    if inlined:
        from onnx import inliner

        _refuse_growth(path, model)
        model = inliner.inline_local_functions(model)
        _forget_unused_domains(model)
    if not (outside or inlined):
        return check_onnx(path)
    with tempfile.TemporaryDirectory(prefix="zoo-convert-") as folder:
        whole = Path(folder) / path.name
        whole.write_bytes(model.SerializeToString())
        try:
            return check_onnx(whole)
        except ModelError as error:
            raise type(error)(str(error).replace(str(whole), str(path))) from error


def _bring_inside(path: Path, model: onnx.ModelProto) -> bool:
    """Read weights from files beside the model's, as PyTorch writes them, and return whether there were any.

    Raises:
        ConversionError: A file lies elsewhere, is a link, is missing or shorter than it should be, or all of them
            together are too large for one file.
    """
    import onnx

    total = model.ByteSize()
    found = False
    for tensor in _iter_tensors(model.graph):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        found = True
        fields = {entry.key: entry.value for entry in tensor.external_data}
        name = fields.get("location", "")
        beside = path.parent / name
        if not name or name in {".", ".."} or "\0" in name or Path(name).name != name or "\\" in name:
            raise ConversionError(f"{path}: expected weights in a file beside it, found them in {name!r}")
        if beside.is_symlink() or not beside.is_file():
            raise ConversionError(
                f"{beside}: expected the weights of {path.name}, no file is there; keep both together"
            )
        size = beside.stat().st_size
        offset = _read_number(path, fields, "offset", 0)
        length = _read_number(path, fields, "length", max(0, size - offset))
        if offset + length > size:
            raise ConversionError(
                f"{beside}: expected {offset + length} bytes, found {size}; the file is cut short, copy it again"
            )
        total += length
        if total > MAX_BYTES:
            raise ConversionError(f"{path}: expected at most {MAX_BYTES} bytes with all weights, found more")
        with beside.open("rb") as stream:
            stream.seek(offset)
            tensor.raw_data = stream.read(length)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
    return found


def _read_number(path: Path, fields: Mapping[str, str], name: str, default: int) -> int:
    text = fields.get(name, str(default))
    if not text.isdecimal() or len(text) > _DIGITS:
        raise ConversionError(f"{path}: expected the {name} of weights in bytes, found {text[:40]!r}")
    return int(text)


def _refuse_growth(path: Path, model: onnx.ModelProto) -> None:
    """Refuse functions that call one another so often, or in a circle, that the graph without them would be huge.

    Raises:
        ConversionError: They do.
    """
    functions = {(function.domain, function.name): function for function in model.functions}
    counted: dict[tuple[str, str], int] = {}

    def count(nodes: Sequence[onnx.NodeProto], calling: frozenset[tuple[str, str]]) -> int:
        total = 0
        for node in nodes:
            key = node.domain, node.op_type
            if key in calling or len(calling) > _DEEPEST:
                raise ConversionError(f"{path}: function {node.op_type!r} calls itself, or others too deep")
            if key in functions and key not in counted:
                counted[key] = count(functions[key].node, calling | {key})
            total += counted.get(key, 1)
            total += sum(count(graph.node, calling) for graph in _inner_graphs(node))
        if total > _MOST_NODES:
            raise ConversionError(f"{path}: expected at most {_MOST_NODES:,} operators, its functions call for more")
        return total

    count(model.graph.node, frozenset())


def _forget_unused_domains(model: onnx.ModelProto) -> None:
    """Drop the domains of functions that are written out now; any other is left for the checks to refuse."""
    used = {node.domain for graph in _iter_graphs(model.graph) for node in graph.node} | STANDARD_DOMAINS
    kept = [item for item in model.opset_import if item.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def _declare_no_weights(model: onnx.ModelProto) -> None:
    """Take weights out of the inputs, where old exporters declared them, too."""
    weights = {tensor.name for tensor in model.graph.initializer}
    kept = [value for value in model.graph.input if value.name not in weights]
    if len(kept) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(kept)


def _read_port(value: onnx.ValueInfoProto) -> Port:
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
    except KeyError:
        dtype = "unknown"
    return Port(value.name, shape, dtype)


def _refuse_fixed_batch(path: Path, port: Port) -> None:
    if port.shape and port.shape[0] is not None:
        raise ConversionError(
            f"{path}: input {port.name!r} has shape {port.shape}: expected a free batch axis, found one of "
            f"{port.shape[0]}; export it again with torch.onnx.export(…, dynamic_shapes={{{port.name!r}: {{0: "
            f"torch.export.Dim.DYNAMIC}}}}), or dynamic_axes={{{port.name!r}: {{0: 'N'}}}} of its older exporter"
        )


def _find_opset(model: onnx.ModelProto) -> int:
    return next((item.version for item in model.opset_import if item.domain in STANDARD_DOMAINS), 1)


def _iter_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for inner in _inner_graphs(node):
            yield from _iter_graphs(inner)


def _inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _iter_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield the weights of a graph and of those inside; those of sparse tensors and functions the checks refuse."""
    for each in _iter_graphs(graph):
        yield from each.initializer
        for node in each.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
