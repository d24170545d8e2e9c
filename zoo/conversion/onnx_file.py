"""Reads an ONNX file from elsewhere: weights brought inside, functions written out, everything checked."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from zoo.errors import ConversionError, ModelError
from zoo.model.limits import NETWORK_BYTES, NODES
from zoo.model.operators import STANDARD_DOMAINS, iter_graphs, iter_inner_graphs, iter_tensors
from zoo.model.reading import read_network
from zoo.model.safety import check_onnx

if TYPE_CHECKING:
    import onnx

OLDEST, WRITTEN, NEWEST = 11, 18, 21
"""Versions of ONNX's operators: the oldest that is read, the one that older ones are brought to, the newest."""

_DEEPEST = 50  # functions that call one another
_DIGITS = 12  # of a number of bytes

_Function: TypeAlias = tuple[str, str, str]
"""Its domain, name and overload, by which a node calls it."""


def read_onnx_file(path: Path) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Return a network twice: checked, without functions; and as it was found. Both hold all their weights.

    Raises:
        ConversionError: It is no ONNX file, is too old or too new, or its weights are not there.
        UnsafeModel: It asks for more than standard operators on data of its own.
    """
    found = read_network(path, ConversionError)
    outside = _bring_inside(path, found)
    opset = find_opset(found)
    if not OLDEST <= opset <= NEWEST:
        raise ConversionError(
            f"{path}: expected opset {OLDEST} to {NEWEST}, found {opset}; export it again with opset_version={WRITTEN}"
        )
    model = found
    if found.functions:
        from onnx import inliner

        _refuse_growth(path, found)
        model = inliner.inline_local_functions(found)
        _forget_unused_domains(path, model)
    if not outside and model is found:
        checked = check_onnx(path)
        return checked, checked
    with tempfile.TemporaryDirectory(prefix="zoo-convert-") as folder:
        whole = Path(folder) / path.name
        whole.write_bytes(model.SerializeToString())
        try:
            return check_onnx(whole), found
        except ModelError as error:
            raise type(error)(str(error).replace(str(whole), str(path))) from error


def find_opset(model: onnx.ModelProto) -> int:
    """Return the version of the standard operators that a model is written in."""
    return next((item.version for item in model.opset_import if item.domain in STANDARD_DOMAINS), 1)


def _bring_inside(path: Path, model: onnx.ModelProto) -> bool:
    """Read weights from files beside the model's, as PyTorch writes them, and return whether there were any.

    Raises:
        ConversionError: A file lies elsewhere, is a link, is missing or shorter than it should be, or all of them
            together are too large for one file.
    """
    import onnx

    total = model.ByteSize()
    found = False
    # Those of sparse tensors and functions are for the checks to refuse.
    for tensor in (each for graph in iter_graphs(model.graph, str(path)) for each in iter_tensors(graph)):
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
        if total > NETWORK_BYTES:
            raise ConversionError(f"{path}: expected at most {NETWORK_BYTES:,} bytes with all weights, found more")
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
    functions = {(function.domain, function.name, function.overload): function for function in model.functions}
    counted: dict[_Function, int] = {}

    def count(nodes: Sequence[onnx.NodeProto], calling: frozenset[_Function]) -> int:
        total = 0
        for node in nodes:
            key = node.domain, node.op_type, node.overload
            if key in calling or len(calling) > _DEEPEST:
                raise ConversionError(f"{path}: function {node.op_type!r} calls itself, or others too deep")
            if key in functions and key not in counted:
                counted[key] = count(functions[key].node, calling | {key})
            total += counted.get(key, 1)
            total += sum(count(graph.node, calling) for graph in iter_inner_graphs(node))
        if total > NODES:
            raise ConversionError(f"{path}: expected at most {NODES:,} operators, its functions call for more")
        return total

    count(model.graph.node, frozenset())


def _forget_unused_domains(path: Path, model: onnx.ModelProto) -> None:
    """Drop the domains of functions that are written out now; any other is left for the checks to refuse."""
    used = {node.domain for graph in iter_graphs(model.graph, str(path)) for node in graph.node} | STANDARD_DOMAINS
    kept = [item for item in model.opset_import if item.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
