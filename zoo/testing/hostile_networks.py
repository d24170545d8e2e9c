"""Networks that ask for too much, or for what they must not, a few hundred bytes each; for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.testing.models import make_base_at_anchor_graph, make_model

if TYPE_CHECKING:
    import onnx

HUGE = 2**44
_GIB_OF_FLOATS = 2**28


def make_bombs() -> dict[str, onnx.ModelProto]:
    """Return networks that would take more memory or time than there is, by name."""
    from onnx import TensorProto, helper

    x = "sequence"
    found = {
        "ConstantOfShape": _bomb([("ConstantOfShape", ["size"], "bomb")], size=[HUGE]),
        "Expand": _bomb([("Expand", [x, "size"], "bomb")], size=[2**20, 2**20, 1, 1, 1]),
        "Tile": _bomb([("Tile", [x, "times"], "bomb")], times=[1, 2**20, 2**20]),
        "Pad": _bomb([("Pad", [x, "pads"], "bomb")], pads=[0, 0, 0, 0, 2**40, 0]),
        "Resize by sizes": _bomb([("Resize", [x, "", "", "sizes"], "bomb")], sizes=[1, 2**21, 2**21]),
        "Resize by factors": _bomb([("Resize", [x, "", "by"], "bomb")], by=np.array([1, 1e30, 1], np.float32)),
        "OneHot": _bomb([("OneHot", ["i", "depth", "of"], "bomb")], i=[0], depth=HUGE, of=np.zeros(2, np.float32)),
        "Range": _bomb([("Range", ["a", "b", "c"], "i"), ("Cast", ["i"], "bomb", {"to": 1})], a=0, b=HUGE, c=1),
        "Range without end": _bomb([("Range", ["a", "b", "c"], "bomb")], **_floats(a=0, b=1, c=0)),
        "Range of what is read": _bomb(
            [("ReduceMax", [x], "m", {"keepdims": 0}), ("Range", ["a", "m", "c"], "bomb")], **_floats(a=0, c=1e-9)
        ),
        "ConvTranspose": _bomb(
            [("Transpose", [x], "turned", {"perm": [0, 2, 1]}),
             ("ConvTranspose", ["turned", "kernel"], "bomb", {"strides": [2**40]})],
            kernel=np.ones((4, 1, 3), np.float32),
        ),
        "Concat, doubling": _bomb(
            [("Concat", [f"c{n}" if n else x] * 2, f"c{n + 1}" if n < 39 else "bomb", {"axis": 1}) for n in range(40)]
        ),
        "Concat, doubling what is found": _bomb(
            [("NonZero", [x], "found"), ("Cast", ["found"], "c0", {"to": 1}),
             *(("Concat", [f"c{n}"] * 2, f"c{n + 1}" if n < 39 else "bomb", {"axis": 1}) for n in range(40))]
        ),
        "a long ConvTranspose": _bomb(
            [("ConstantOfShape", ["size"], "long"), ("ConvTranspose", ["long", "long"], "bomb")], size=[1, 1, 2**18]
        ),
        "Einsum of pairs": _bomb(
            [("ConstantOfShape", ["size"], "m"),
             ("Einsum", ["m", "m", "m", "m"], "bomb", {"equation": "ab,bc,ca,ab->a"})],
            size=[2**11, 2**11],
        ),
        "LpPool of large powers": _bomb(
            [("ConstantOfShape", ["size"], "long"),
             ("LpPool", ["long"], "bomb", {"kernel_shape": [2**20], "p": 2**31 - 1})],
            size=[1, 1, 2**21],
        ),
        "Where of constants": _bomb(
            [("Where", ["yes", "a", "b"], "i"), ("Cast", ["i"], "bomb", {"to": 1})],
            yes=np.ones((1024, 1, 1), bool), a=np.ones((1, 1024, 1), int), b=np.ones((1, 1, 1024), int),
        ),
        "Max of constants": _bomb(
            [("Max", ["a", "b", "c"], "i"), ("Cast", ["i"], "bomb", {"to": 1})],
            a=np.ones((1024, 1, 1), int), b=np.ones((1, 1024, 1), int), c=np.ones((1, 1, 1024), int),
        ),
        "Concat of one constant": _bomb(
            [("Concat", ["w"] * 300_000, "i", {"axis": 0}), ("Cast", ["i"], "bomb", {"to": 1})], w=np.ones(1024, int)
        ),
        "Einsum": _bomb([("Einsum", [x] * 6, "bomb", {"equation": "nab,ncd,nef,ngh,nij,nkl->nabcdefghijkl"})]),
        "as many as windows squared": _bomb(
            [("Shape", [x], "shape"), ("Gather", ["shape", "first"], "n"),
             ("Concat", ["n", "n", "n"], "cube", {"axis": 0}),
             ("ConstantOfShape", ["cube"], "ones"), ("Tile", ["ones", "times"], "bomb")],
            first=[0], times=[1, 1, 100_000],
        ),
        "as many as windows after the first": _bomb(
            [("Shape", [x], "shape"), ("Gather", ["shape", "first"], "n"), ("Sub", ["n", "one"], "o"),
             ("Sub", ["n", "many"], "p"), ("Mul", ["o", "p"], "q"), ("Mul", ["q", "q"], "square"),
             ("Mul", ["square", "size"], "r"), ("ConstantOfShape", ["r"], "bomb")],
            first=[0], one=[1], many=[16], size=[2**22],
        ),
        "more than none for some windows": _bomb(
            [("Shape", [x], "shape"), ("Gather", ["shape", "first"], "n"), ("Mod", ["n", "many"], "o"),
             ("Sub", ["o", "one"], "p"), ("Mul", ["p", "p"], "q"), ("Mul", ["q", "size"], "r"),
             ("ConstantOfShape", ["r"], "bomb")],
            first=[0], one=[1], many=[15], size=[2**32],
        ),
        "much for one number of windows": _bomb(
            [("Shape", [x], "shape"), ("Gather", ["shape", "first"], "n"), ("Equal", ["n", "many"], "yes"),
             ("Where", ["yes", "size", "one"], "r"), ("ConstantOfShape", ["r"], "bomb")],
            first=[0], one=[1], many=[64], size=[HUGE],
        ),
        "windows after the thousandth": _bomb(
            [("Slice", [x, "thousand", "end", "first"], "few"), ("Tile", ["few", "times"], "bomb")],
            first=[0], thousand=[1000], end=[HUGE], times=[1, 2**20, 1],
        ),
        "branches of different shapes": _choose_shapes(),
        "Loop that ends early": _end_early(counting=False),
        "Loop that counts to fewer turns": _end_early(counting=True),
        "Slice from before the first": _bomb(
            [("Slice", ["size", "start", "end", "first", "back"], "s"), ("ConstantOfShape", ["s"], "bomb")],
            size=[2**33], start=[-100], end=[-(2**62)], first=[0], back=[-1],
        ),
        "the largest of what is no number": _bomb(
            [("ReduceMax", ["f"], "m"), ("Cast", ["m"], "i", {"to": 7}), ("Max", ["i", "one"], "s"),
             ("ConstantOfShape", ["s"], "bomb")],
            f=np.array([2**33, np.nan], np.float32), one=[1],
        ),
        "Range of all numbers": _bomb(
            [("Range", ["a", "b", "c"], "d"), ("Cast", ["d"], "bomb", {"to": 1})], a=-1e308, b=1e308, c=5e-324
        ),
        "Range of numbers of 32 bits": _bomb([("Range", ["a", "b", "c"], "bomb")], **_floats(a=-3e38, b=3e38, c=1e-45)),
        "Range of numbers that overflow": _bomb(
            [("Range", ["a", "b", "c"], "i"), ("Cast", ["i"], "bomb", {"to": 1})], a=2**62, b=-(2**62) - 2**61, c=1
        ),
        "many of a GiB": _bomb(
            [*(("ConstantOfShape", ["size"], f"c{n}") for n in range(40)),
             ("Sum", [f"c{n}" for n in range(40)], "bomb")],
            size=[_GIB_OF_FLOATS],
        ),
        "Loop of many turns": _bomb([("Loop", ["turns", "", x], "bomb", {"body": _body("Relu")})], turns=2**62),
        "loops within loops": _bomb(
            [("Loop", ["turns", "", x], "bomb", {"body": _body("Loop", turns=10_000)})], turns=10_000
        ),
        "Loop that ends when it likes": _bomb([("Loop", ["", "yes", x], "bomb", {"body": _body("Relu")})], yes=True),
        "Loop that grows": _bomb([("Loop", ["turns", "", x], "bomb", {"body": _body("Concat")})], turns=40),
        "Loop of much work": _bomb(
            [("ConstantOfShape", ["size"], "m"), ("Loop", ["turns", "", "m"], "bomb", {"body": _body("MatMul")})],
            size=[1000, 1000], turns=1_000_000,
        ),
        "Scan of many turns": _bomb(
            [("ConstantOfShape", ["size"], "many"), ("ConstantOfShape", ["none"], "start"),
             ("Scan", ["start", "many"], "bomb", {"body": _scan_body(), "num_scan_inputs": 1})],
            size=[2**25], none=np.array([], np.int64),
        ),
        "If within If": _nest_branches(9),
        "sizes beyond 64 bits": _bomb([("Identity", ["w"], "bomb")], w=TensorProto(data_type=1, dims=[2**62, 4])),
        "a negative size": _bomb([("Identity", ["w"], "bomb")], w=TensorProto(data_type=1, dims=[-4], raw_data=b"")),
        "a constant of many axes": _bomb([("Identity", ["w"], "bomb")], w=_make_wide()),
        "a constant of many axes, in an attribute": _bomb([("Constant", [], "bomb", {"value": _make_wide()})]),
        "the largest size": _bomb([("Identity", ["w"], "bomb")], w=TensorProto(data_type=1, dims=[2**63 - 1])),
        "too little data": _bomb(
            [("Identity", ["w"], "bomb")], w=TensorProto(data_type=1, dims=[100_000], raw_data=b"1234")
        ),
        "groups of none": _bomb(
            [("Transpose", [x], "turned", {"perm": [0, 2, 1]}), ("Conv", ["turned", "kernel"], "bomb", {"group": 0})],
            kernel=np.ones((1, 4, 3), np.float32),
        ),
        "steps of none": _bomb([("MaxPool", [x], "bomb", {"kernel_shape": [2], "strides": [0]})]),
        "a kernel of less than none": _bomb([("AveragePool", [x], "bomb", {"kernel_shape": [-5]})]),
        "a normalization without end": _bomb([("LRN", [x], "bomb", {"size": 2**40 + 1})]),
        "a normalization of none": _bomb([("LRN", [x], "bomb", {"size": 0})]),
        "an equation without end": _bomb([("Einsum", [x], "bomb", {"equation": "..." * 1000})]),
    }  # fmt: skip
    very_wide = helper.make_tensor_value_info("wide", TensorProto.FLOAT, [1] * 1000)
    found["a tensor of many axes"] = _bomb([("Expand", [x, "size"], "bomb")], size=[1] * 1000)
    found["a tensor of many axes"].graph.value_info.append(very_wide)
    return found


def make_strangers() -> dict[str, onnx.ModelProto]:
    """Return networks that are no network of standard operators on data of their own, by name."""
    return dict(_iter_strangers())


def _iter_strangers() -> Iterator[tuple[str, onnx.ModelProto]]:
    from onnx import TensorProto, helper

    x = "sequence"
    own = helper.make_opsetid("com.example", 1)
    yield "another domain", _change(_bomb([("Steal", [x], "bomb", {"domain": "com.example"})]), opset_import=[own])
    inner = helper.make_node("Identity", ["a"], ["b"])
    opsets = [helper.make_opsetid("", 18)]
    function = helper.make_function("", "Own", ["a"], ["b"], [inner], opsets)
    yield "a function", _change(_bomb([("Relu", [x], "bomb")]), functions=[function])
    yield "training", _change(_bomb([("Relu", [x], "bomb")]), training_info=[_make_training()])
    yield "dice", _bomb([("RandomNormalLike", [x], "bomb")])
    yield "dice for training", _bomb([("Dropout", [x, "half", "yes"], "bomb")], yes=True, **_floats(half=0.5))
    yield (
        "dice for training that are read",
        _bomb([("Cast", [x], "b", {"to": 9}), ("ReduceMax", ["b"], "yes", {"keepdims": 0}),
               ("Dropout", [x, "half", "yes"], "bomb")], **_floats(half=0.5)),
    )  # fmt: skip
    ones = {name: np.ones(9, np.float32) for name in ("scale", "bias", "mean", "var")}
    yield "a mean of other windows", _bomb([("BatchNormalization", [x, *ones], "bomb", {"training_mode": 1})], **ones)
    yield "texts", _bomb([("StringNormalizer", ["t"], "u"), ("Relu", [x], "bomb")], t=np.array(["a"], object))
    yield "sequences", _bomb([("SplitToSequence", [x], "s"), ("ConcatFromSequence", ["s"], "bomb", {"axis": 1})])
    yield "an operator that is none", _bomb([("Steal", [x], "bomb")])
    newest = _bomb([("Relu", [x], "bomb")])
    newest.opset_import[0].version = 9999
    yield "operators of the future", newest
    twice = _bomb([("Relu", [x], "bomb")])
    twice.opset_import.append(helper.make_opsetid("ai.onnx", 7))
    yield "operators of two times", twice
    yield "a cycle", _bomb([("Add", [x, "b"], "a"), ("Relu", ["a"], "b"), ("Relu", ["b"], "bomb")])
    yield "a result that nothing makes", _bomb([("Relu", ["nowhere"], "bomb")])
    yield "a result that two make", _bomb([("Relu", [x], "bomb"), ("Abs", [x], "bomb")])
    for name, place in (("above", "../../weights"), ("elsewhere", "/etc/passwd"), ("beside", "weights.bin")):
        yield f"data {name}", _bomb([("Identity", ["w"], "bomb")], w=_make_external(place))
    outside = _make_external("../../weights")
    yield "data above, in an attribute", _bomb([("Constant", [], "bomb", {"value": outside})])
    branch = helper.make_graph([], "branch", [], [_value("w")], [_named(outside, "w")])
    yield (
        "data above, in a branch",
        _bomb([("If", ["yes"], "bomb", {"then_branch": branch, "else_branch": branch})], yes=True),
    )
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("sparse", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("indices", TensorProto.INT64, [1], [0]),
        [HUGE],
    )
    spread = _bomb([("Identity", ["sparse"], "bomb")])
    spread.graph.sparse_initializer.append(sparse)
    yield "a sparse tensor", spread
    yield "a sparse tensor, in an attribute", _bomb([("Constant", [], "bomb", {"sparse_value": sparse})])


def make_misfits() -> dict[str, onnx.ModelProto]:
    """Return networks whose inputs and outputs are not those of their card, by name."""
    from onnx import TensorProto, helper

    other = make_model(make_base_at_anchor_graph())
    other.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, ["N", 1]))
    missing = make_model(make_base_at_anchor_graph())
    missing.graph.node[-1].output[0] = missing.graph.output[0].name = "other"
    whole = make_model(make_base_at_anchor_graph())
    whole.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    whole.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    fixed = make_model(make_base_at_anchor_graph())
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    longer = make_model(make_base_at_anchor_graph(length=10))
    return {
        "an input that is not declared": other,
        "an output that is not declared": missing,
        "whole numbers": whole,
        "one window alone": fixed,
        "another length": longer,
    }


def nest_deep(levels: int) -> bytes:
    """Return a file of branches within branches, more than a reader of protocol buffers goes down."""
    graph = b""
    for _ in range(levels):
        attribute = _write(1, b"then_branch") + _write(6, graph) + b"\xa0\x01\x05"  # its type: a graph
        graph = _write(1, _write(4, b"If") + _write(5, attribute))
    return b"\x08\x09" + _write(7, graph) + _write(8, b"\x10\x12")


def repeat_nothing(count: int) -> bytes:
    """Return a file of very many empty nodes: two bytes each, and 150 in memory."""
    return b"\x08\x09" + _write(7, b"\x0a\x00" * count) + _write(8, b"\x10\x12")


def list_numbers(count: int) -> bytes:
    """Return a file with a constant of very many whole numbers: a byte each, and 8 in memory."""
    tensor = _write(1, b"\x01") + b"\x10\x07" + _write(7, b"\x01" * count)
    return b"\x08\x09" + _write(7, _write(5, tensor)) + _write(8, b"\x10\x12")


def claim_length(size: int) -> bytes:
    """Return a file whose graph says that it is so long, and ends."""
    return b"\x08\x09" + bytes([7 << 3 | 2]) + _number(size) + b"\x0a"


def _write(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _number(len(content)) + content


def _number(value: int) -> bytes:
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def _bomb(steps: Sequence[tuple[Any, ...]], **tensors: Any) -> onnx.ModelProto:
    """Return the network of ``make_base_at_anchor_graph`` with the sum of ``bomb`` added to its prediction.

    Args:
        steps: Operator, inputs, output and attributes of each further node.
        tensors: Constants by name.
    """
    from onnx import helper

    graph = make_base_at_anchor_graph()
    graph.node[-1].output[0] = "plain"
    for operator, inputs, output, *attributes in steps:
        graph.node.append(helper.make_node(operator, inputs, [output], name=output, **dict(*attributes)))
    graph.node.append(helper.make_node("ReduceSum", ["bomb"], ["total"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["plain", "total"], ["prediction"]))
    graph.initializer.extend(_tensor(name, value) for name, value in tensors.items())
    return make_model(graph)


def _tensor(name: str, value: Any) -> onnx.TensorProto:
    import onnx

    if isinstance(value, onnx.TensorProto):
        return _named(value, name)
    array = np.asarray(value)
    return onnx.numpy_helper.from_array(array.astype(np.int64) if array.dtype.kind == "i" else array, name)


def _floats(**values: float) -> dict[str, Any]:
    return {name: np.array(value, np.float32) for name, value in values.items()}


def _make_wide() -> onnx.TensorProto:
    """Return a tensor whose size has millions of digits; a file of 4 MB holds it."""
    import onnx

    return onnx.TensorProto(data_type=onnx.TensorProto.FLOAT, dims=[2**62] * 400_000)


def _named(tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
    tensor.name = name
    return tensor


def _make_external(place: str) -> onnx.TensorProto:
    import onnx

    tensor = onnx.TensorProto(data_type=onnx.TensorProto.FLOAT, dims=[1], raw_data=b"1234")
    onnx.external_data_helper.set_external_data(tensor, place)
    tensor.ClearField("raw_data")
    return tensor


def _value(name: str, kind: int = 1) -> onnx.ValueInfoProto:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, None)


def _body(operator: str, **tensors: Any) -> onnx.GraphProto:
    """Return what a loop does with its state."""
    from onnx import helper

    steps: dict[str, Callable[[], onnx.NodeProto]] = {
        "Relu": lambda: helper.make_node("Relu", ["state"], ["next"]),
        "Concat": lambda: helper.make_node("Concat", ["state", "state"], ["next"], axis=1),
        "MatMul": lambda: helper.make_node("MatMul", ["state", "state"], ["next"]),
        "Loop": lambda: helper.make_node("Loop", ["turns_within", "", "state"], ["next"], body=_inner_body()),
    }
    nodes = [helper.make_node("Identity", ["go"], ["go_on"]), steps[operator]()]
    constants = [_tensor(f"{name}_within", value) for name, value in tensors.items()]
    inputs = [_value("turn", 7), _value("go", 9), _value("state")]
    return helper.make_graph(nodes, "body", inputs, [_value("go_on", 9), _value("next")], constants)


def _inner_body() -> onnx.GraphProto:
    from onnx import helper

    nodes = [helper.make_node("Identity", ["go_2"], ["go_on_2"]), helper.make_node("Relu", ["state_2"], ["next_2"])]
    inputs = [_value("turn_2", 7), _value("go_2", 9), _value("state_2")]
    return helper.make_graph(nodes, "inner", inputs, [_value("go_on_2", 9), _value("next_2")])


def _scan_body() -> onnx.GraphProto:
    from onnx import helper

    nodes = [helper.make_node("Add", ["state", "item"], ["next"])]
    return helper.make_graph(nodes, "body", [_value("state"), _value("item")], [_value("next")])


def _nest_branches(levels: int) -> onnx.ModelProto:
    from onnx import helper

    graph = helper.make_graph([helper.make_node("Relu", ["sequence"], ["r0"])], "b0", [], [_value("r0")])
    for level in range(1, levels):
        node = helper.make_node("If", ["yes"], [f"r{level}"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], f"b{level}", [], [_value(f"r{level}")])
    return _bomb([("If", ["yes"], "bomb", {"then_branch": graph, "else_branch": graph})], yes=True)


def _choose_shapes() -> onnx.ModelProto:
    """Return a network of two branches, of which the one with the narrower rows has more of them at the most."""
    from onnx import helper

    branches = []
    for name, rows, width in (("a", 60_000, 4), ("b", 2, 100_000)):
        tensors = {f"yes_{name}": np.ones(rows, bool), f"size_{name}": [rows, width]}
        nodes = [helper.make_node("ConstantOfShape", [f"size_{name}"], [f"c_{name}"]),
                 helper.make_node("Compress", [f"c_{name}", f"yes_{name}"], [name], axis=0)]  # fmt: skip
        constants = [_tensor(key, value) for key, value in tensors.items()]
        branches.append(helper.make_graph(nodes, name, [], [_value(name)], constants))
    choice = dict(zip(("then_branch", "else_branch"), branches, strict=True))
    return _bomb(
        [("ReduceMax", ["sequence"], "m", {"keepdims": 0}), ("Greater", ["m", "half"], "yes"),
         ("If", ["yes"], "rows", choice), ("ReduceSum", ["rows", "first"], "sums", {"keepdims": 0}),
         ("Unsqueeze", ["sums", "second"], "column"), ("Mul", ["sums", "column"], "bomb")],
        first=[0], second=[1], **_floats(half=0.5),
    )  # fmt: skip


def _end_early(*, counting: bool) -> onnx.ModelProto:
    """Return a network whose size is what a loop leaves of its turns that may end early, or counts to fewer."""
    from onnx import helper

    steps = [("Less", ["next", "five"], "go_on"), ("Add", ["state", "one"], "next")] if counting else [
        ("Less", ["state", "half"], "go_on"), ("Identity", ["state"], "next")]  # fmt: skip
    nodes = [helper.make_node(operator, names, [name]) for operator, names, name in reversed(steps)]
    nodes.append(helper.make_node("Identity", ["state"], ["item"]))
    kind = 7 if counting else 1
    inputs = [_value("turn", 7), _value("go", 9), _value("state", kind)]
    outputs = [_value("go_on", 9), _value("next", kind), _value("item", kind)]
    tensors = {"five": 5, "one": 1} if counting else _floats(half=0.5)
    body = helper.make_graph(nodes, "body", inputs, outputs, [_tensor(name, value) for name, value in tensors.items()])
    model = _bomb(
        [("Shape", ["items"], "shape"), ("Sub", ["all", "shape"], "left"), ("Mul", ["left", "huge"], "size"),
         ("ConstantOfShape", ["size"], "bomb")],
        turns=10, start=0, all=[10], huge=[2**31],
    )  # fmt: skip
    place = next(number for number, node in enumerate(model.graph.node) if node.op_type == "Shape")
    start = "start" if counting else "most"
    loop = [helper.make_node("ReduceMax", ["sequence"], ["most"], keepdims=0),
            helper.make_node("Loop", ["turns", "", start], ["last", "items"], body=body)]  # fmt: skip
    rest = [*model.graph.node[:place], *loop, *model.graph.node[place:]]
    del model.graph.node[:]
    model.graph.node.extend(rest)
    return model


def _make_training() -> onnx.TrainingInfoProto:
    import onnx

    return onnx.TrainingInfoProto(algorithm=onnx.GraphProto(name="step"))


def _change(model: onnx.ModelProto, **fields: Sequence[Any]) -> onnx.ModelProto:
    """Return a model with more in some of its lists."""
    for name, items in fields.items():
        getattr(model, name).extend(items)
    return model
