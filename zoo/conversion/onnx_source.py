"""Networks in ONNX files, of whichever framework.

The file as it was found is what the model is proven against, run by ONNX Runtime.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.conversion.onnx_file import WRITTEN, find_opset, read_onnx_file
from zoo.conversion.source import Array, Port
from zoo.errors import ConversionError
from zoo.model.opening import import_onnxruntime, open_graph
from zoo.model.telling import in_one_line

if TYPE_CHECKING:
    import onnx

_OLDEST_FORMAT, _NEWEST_FORMAT = 8, 10
"""Versions of the file itself: the first that knows the operators that are written, the last of ONNX Runtime 1.20."""

_FRAMEWORKS = {"pytorch": "PyTorch"}
"""Exporters that call themselves otherwise than they are known."""


_LONGEST = 60  # letters of who wrote the file


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
        self._model, self._found = read_onnx_file(path)
        graph = self._model.graph
        weights = {tensor.name for tensor in graph.initializer}
        self.inputs = tuple(_read_port(value) for value in graph.input if value.name not in weights)
        self.outputs = tuple(_read_port(value) for value in graph.output)
        for port in self.inputs:
            _refuse_fixed_batch(path, port)
        _refuse_outputs_that_are_none(path, graph)
        self._opened: Any = None

    @property
    def framework(self) -> str:
        """Who wrote the file."""
        name, version = self._model.producer_name, self._model.producer_version.partition(" ")[0]
        return f"{_FRAMEWORKS.get(name, name) or 'ONNX'} {version}".strip()[:_LONGEST]

    @property
    def runtime(self) -> str:
        """Who runs it here."""
        return "ONNX Runtime"

    @property
    def summary(self) -> str:
        """What it holds."""
        return f"opset {find_opset(self._found)}, {len(self._found.graph.node)} operators"

    def predict(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return what ONNX Runtime gives for the file as it was found; see ``Source.predict``."""
        if self._opened is None:
            runtime = import_onnxruntime()
            self._opened = open_graph(runtime, self._found, [("CPUExecutionProvider", {})], 1, str(self._path))
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
        _modernise(model)
        found = find_opset(model)
        if found < WRITTEN:
            try:
                model = version_converter.convert_version(model, WRITTEN)
            except (RuntimeError, version_converter.ConvertError) as error:
                raise ConversionError(
                    f"{self._path}: opset {found} can't be brought to {WRITTEN}: {in_one_line(error)}; export it again "
                    f"with opset_version={WRITTEN}"
                ) from error
            _modernise(model)
        return model


def _modernise(model: onnx.ModelProto) -> None:
    """Say that the file is of a version that tells weights from inputs, and take them out of the inputs."""
    model.ir_version = min(max(model.ir_version, _OLDEST_FORMAT), _NEWEST_FORMAT)
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
    except (KeyError, TypeError, ValueError):
        dtype = "unknown"
    return Port(value.name, shape, dtype)


def _refuse_outputs_that_are_none(path: Path, graph: onnx.GraphProto) -> None:
    """Refuse an output that is listed twice, and one that the network has without computing it."""
    computed = {name for node in graph.node for name in node.output}
    for name, count in Counter(value.name for value in graph.output).items():
        if count > 1:
            raise ConversionError(
                f"{path}: output {name!r} is listed {count} times; export the network with each output once"
            )
        if name not in computed:
            raise ConversionError(
                f"{path}: output {name!r} is an input or a weight of the network, which says nothing of a sequence; "
                "export the network with its predictions as outputs"
            )


def _refuse_fixed_batch(path: Path, port: Port) -> None:
    if port.shape and port.shape[0] is not None:
        raise ConversionError(
            f"{path}: input {port.name!r} has shape {port.shape}: expected a free batch axis, found one of "
            f"{port.shape[0]}; export it again with torch.onnx.export(…, dynamic_shapes={{{port.name!r}: {{0: "
            f"torch.export.Dim.DYNAMIC}}}}), or dynamic_axes={{{port.name!r}: {{0: 'N'}}}} of its older exporter"
        )
