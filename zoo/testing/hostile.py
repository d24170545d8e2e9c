"""Model folders that a stranger might send: none may be used, crash the process, or fill its memory.

Registries of other people can be tested with them, too: each says what it is refused with.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import yaml

from zoo.errors import CardError, ChecksumMismatch, ModelError, SignatureError, UnsafeModel
from zoo.model.checksums import CHECKSUMS, SIGNATURE, hash_file, write_checksums
from zoo.model.folder import CARD_FILE, EXAMPLE_FILE, NETWORK_FILE, load_folder
from zoo.model.verify import verify_folder
from zoo.registry.trust import judge
from zoo.testing.hostile_networks import (
    claim_length,
    list_numbers,
    make_bombs,
    make_misfits,
    make_strangers,
    nest_deep,
    repeat_nothing,
)
from zoo.testing.models import CARD, make_base_at_anchor_graph, make_model

if TYPE_CHECKING:
    import onnx

Step: TypeAlias = Literal["load", "test", "judge"]
"""What finds it: loading the folder, testing its example, or reading its signature."""

_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Hostile:
    """A folder that has to be refused.

    Attributes:
        name: What is wrong with it.
        write: Writes it; nothing may be there yet.
        error: What it is refused with.
        match: A regular expression for the message.
        step: When.
    """

    name: str
    write: Callable[[Path], None]
    error: type[ModelError]
    match: str
    step: Step = "load"


def list_hostile() -> tuple[Hostile, ...]:
    """Return all of them; about 200 MB of disk hold the largest."""
    return (
        *_list_networks(),
        *_list_files(),
        *_list_checksums(),
        *_list_cards(),
        *_list_examples(),
        *_list_signatures(),
    )


def use(hostile: Hostile, folder: Path) -> None:
    """Do with a folder what finds that it is hostile.

    Raises:
        ModelError: It was found.
    """
    if hostile.step == "judge":
        judge(folder, "g-at-anchor@1.0.0")
    elif hostile.step == "test":
        verify_folder(folder)
    else:
        load_folder(folder, "cpu")


_TOO_LARGE = r"expected at most [\d,]+ bytes for a window, found [\d,]{14,}"
_MESSAGES = {
    "Range without end": "expected steps that lead to an end",
    "Range of what is read": "how large its result gets can't be told before it runs",
    "Resize by factors": "expected at most 16 axes, none of them negative",
    "Concat, doubling": r"expected at most [\d,]+ bytes for a window",
    "Concat, doubling what is found": r"expected at most [\d,]+ bytes for a window",
    "a long ConvTranspose": r"at most [\d,]+ bytes at one time for a window, found [\d,]{14,}",
    "Einsum of pairs": r"at most [\d,]+ bytes at one time for a window, found [\d,]{14,}",
    "LpPool of large powers": r"expected a network that takes at most [\d,]+ multiplications",
    "Loop that counts to fewer turns": "how large its result gets can't be told before it runs",
    "Where of constants": r"result 'i': expected at most [\d,]+ bytes for a window, found 8,589,934,592",
    "Max of constants": r"result 'i': expected at most [\d,]+ bytes for a window, found 8,589,934,592",
    "Concat of one constant": r"result 'i': expected at most [\d,]+ bytes for a window, found 2,457,600,000",
    "Einsum": r"expected at most [\d,]+ bytes for a window",
    "as many as windows squared": r"expected a size that grows with the number of windows",
    "as many as windows after the first": "expected a size that grows with the number of windows|none of them negative"
    "|does not fit its inputs",
    "more than none for some windows": "expected a size that grows with the number of windows",
    "much for one number of windows": "how large its result gets can't be told before it runs",
    "windows after the thousandth": "expected a size that grows with the number of windows",
    "branches of different shapes": r"result 'bomb': expected at most [\d,]+ bytes for a window, found 230,400,000,000",
    "Loop that ends early": "how large its result gets can't be told before it runs",
    "Slice from before the first": r"expected at most [\d,]+ bytes for a window, found 34,359,738,368",
    "the largest of what is no number": "how large its result gets can't be told before it runs",
    "Range of all numbers": r"expected numbers less than [\d,]+ apart",
    "Range of numbers of 32 bits": r"expected numbers less than [\d,]+ apart",
    "Range of numbers that overflow": r"expected numbers less than [\d,]+ apart",
    "many of a GiB": r"expected a network that takes at most [\d,]+ bytes at one time",
    "Loop of many turns": r"expected at most 1,000,000 turns.*found 4,611,686,018,427,387,904",
    "loops within loops": r"expected at most 1,000,000 turns.*found 100,000,000",
    "Loop that ends when it likes": "expected a loop whose largest number of turns is a constant",
    "Loop that grows": "expected a loop that keeps the shapes it starts with",
    "Loop of much work": r"expected a network that takes at most [\d,]+ multiplications",
    "Scan of many turns": r"expected at most 1,000,000 turns.*found 33,554,432",
    "If within If": "expected at most 8 graphs within one another",
    "sizes beyond 64 bits": "fails ONNX's checks|expected at most [\\d,]+ bytes",
    "a negative size": "expected at most 16 axes, none of them negative, found 1: -4",
    "the largest size": "fails ONNX's checks|expected at most [\\d,]+ bytes",
    "too little data": "fails ONNX's checks",
    "groups of none": r"attribute 'group': expected 1 to 16 numbers above 0, found \[0\]",
    "steps of none": r"attribute 'strides': expected 1 to 16 numbers above 0, found \[0\]",
    "a kernel of less than none": r"attribute 'kernel_shape': expected 1 to 16 numbers above 0, found \[-5\]",
    "a normalization without end": r"expected less than twice the 9 channels, found 1,099,511,627,777",
    "a normalization of none": r"attribute 'size': expected 1 to 16 numbers above 0, found \[0\]",
    "an equation without end": "attribute 'equation': expected letters of axes",
    "a tensor of many axes": "expected at most 16 axes|fails ONNX's checks",
    "a constant of many axes": "expected at most 16 axes, none of them negative",
    "a constant of many axes, in an attribute": "expected at most 16 axes, none of them negative",
    "another domain": r"expected standard operators only, found 'Steal' of domain 'com\.example'",
    "a function": "expected no functions, found 'Own'",
    "training": "expected a graph for prediction alone",
    "dice": "found the random operator 'RandomNormalLike'",
    "dice for training": "expected training_mode to be a constant false",
    "dice for training that are read": "expected training_mode to be a constant false",
    "a mean of other windows": "expected training_mode to be a constant false",
    "texts": "expected operators that models need, found 'StringNormalizer'",
    "sequences": "expected operators that models need, found 'SplitToSequence'",
    "an operator that is none": "expected operators that models need, found 'Steal'",
    "operators of the future": r"expected one opset from 7 to \d+, found 9999",
    "operators of two times": r"expected one opset from 7 to \d+, found 18, 7",
    "a cycle": "fails ONNX's checks",
    "a result that nothing makes": "fails ONNX's checks",
    "a result that two make": "fails ONNX's checks",
    "a sparse tensor": "expected all values of a tensor, found the sparse tensor 'sparse'",
    "a sparse tensor, in an attribute": "expected all values of a tensor, found a sparse one",
    "an input that is not declared": "the card names the inputs sequence, the network has other, sequence",
    "an output that is not declared": "the card names the outputs prediction, the network has other",
    "whole numbers": "input 'sequence': expected float32, the network has int64",
    "one window alone": "expected a free batch axis",
    "another length": r"the card says shape \(N, 9, 4\), the network has \(N, 10, 4\)",
}
"""For the others see ``_list_networks``."""


def _list_networks() -> Iterator[Hostile]:
    for name, model in make_bombs().items():
        yield _of_network(name, model, UnsafeModel, _MESSAGES.get(name, _TOO_LARGE))
    for name, model in make_strangers().items():
        outside = "expected all data inside the file, found tensor '.*' outside it"
        yield _of_network(name, model, UnsafeModel, _MESSAGES.get(name, outside))
    for name, model in make_misfits().items():
        yield _of_network(name, model, CardError, _MESSAGES[name])


def _of_network(name: str, model: onnx.ModelProto, error: type[ModelError], match: str) -> Hostile:
    return Hostile(name, functools.partial(_write, network=model.SerializeToString()), error, match)


def _list_files() -> Iterator[Hostile]:
    whole = make_model(make_base_at_anchor_graph()).SerializeToString()
    none = r"model\.onnx: expected an ONNX model, found something else"
    contents = {
        "half a network": (whole[: len(whole) // 2], f"{none}|fails ONNX's checks"),
        "a network of 2 GB that ends": (claim_length(2**31 - 1), none),
        "branches 200 deep": (nest_deep(200), none),
        "six million empty nodes": (repeat_nothing(6_000_000), r"model\.onnx: expected at most 1,000,000 parts"),
        "six million empty nodes, and half a number": (
            repeat_nothing(6_000_000) + b"\xff",
            r"model\.onnx: expected at most 1,000,000 parts",
        ),
        "twenty million numbers in a row": (list_numbers(20_000_000), r"model\.onnx: expected at most 1,000,000 parts"),
        "a text": (b"This is no network.\n" * 100, none),
        "an archive": (b"PK\x03\x04" + bytes(100), none),
        "nothing": (b"", none),
        "a pickle": (b"\x80\x04\x95\x1d" + bytes(7) + b"\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.", none),
    }
    for name, (content, match) in contents.items():
        yield Hostile(name, functools.partial(_write, network=content), UnsafeModel, match)
    yield Hostile("a network that is a link", _write_link, ChecksumMismatch, "is a symbolic link")
    if hasattr(os, "mkfifo"):
        yield Hostile("a network that never comes", _write_pipe, ChecksumMismatch, "is a pipe, socket or device")


def _list_checksums() -> Iterator[Hostile]:
    zeros = "0" * 64
    lines = {
        "a file above": (
            f"{zeros}  ../secret\n",
            r"line 1: file name '\.\./secret': expected a path that stays",
        ),
        "a file far above": (f"{zeros}  a/../../secret\n", "expected a path that stays inside the folder"),
        "a file elsewhere": (
            f"{zeros}  /etc/passwd\n",
            "file name '/etc/passwd': expected a path that stays",
        ),
        "a file of another system": (f"{zeros}  C:\\secret\n", "holds a character that not every system allows"),
        "a name with NUL": (f"{zeros}  model.onnx\0.txt\n", "holds a character that not every system allows"),
        "names that differ by case": (f"{zeros}  a\n{zeros}  A\n", "line 2: 'A' and 'a' are one file somewhere"),
        "a name of 100 kB": (f"{zeros}  {'x' * 100_000}\n", "expected at most 200 bytes"),
        "a file a thousand folders down": (f"{zeros}  {'a/' * 1000}b\n", "expected at most 4 levels, found 1001"),
        "a hundred thousand lines": (f"{zeros}  a\n" * 100_000, r"SHA256SUMS: expected at most 131,072 bytes"),
        "a line without end": ("0" * 8 * _MB, r"SHA256SUMS: expected at most 131,072 bytes"),
        "a device of Windows": (f"{zeros}  aux.txt\n", "is a name that not every system allows"),
        "other files": (f"{zeros}  {NETWORK_FILE}\n", r"example\.json: is not listed in SHA256SUMS"),
    }
    for name, (text, match) in lines.items():
        yield Hostile(name, functools.partial(_write, checksums=text), ChecksumMismatch, match)


def _list_cards() -> Iterator[Hostile]:
    plain = yaml.safe_dump(CARD)
    aliases = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]\n" for n in range(12))
    deep = "variant_benchmarks: "
    texts = {
        "aliases of aliases": (f"{plain}variant_benchmarks:\n{aliases}", "expected every value written out"),
        "lists within lists": (f"{plain}{deep}{'[' * 100_000}\n", "expected YAML of few levels"),
        "mappings within mappings": (f"{plain}{deep}{'{a: ' * 100_000}\n", "expected YAML of few levels"),
        "dashes": (f"{plain}{deep}\n  {'- ' * 100_000}a\n", "expected YAML of few levels"),
        "an object of Python": (f'{plain}citation: !!python/object/apply:os.system ["id"]\n', "could not determine"),
        "a name of Python": (f"{plain}citation: !!python/name:os.system\n", "expected YAML: could not determine"),
        "a field that stands twice": (f"{plain}name: another\n", "field 'name' stands twice"),
        "a text of 20 MB": (f"{plain}citation: {'x' * 20 * _MB}\n", r"model\.yaml: expected at most 16,777,216 bytes"),
        "a million values": (f"{plain}{deep}[{'1,' * 1_000_000}1]\n", r"expected at most 400,000 values"),
        "a number of a million digits": (
            f"{plain}tolerance: {'9' * 1_000_000}\n",
            "tolerance|can't be read|expected a number of at most 64 letters",
        ),
        "hours, to the base of 60": (f"{plain}tolerance: {'1' + ':1' * 5_000_000}\n", "field 'tolerance': .* number"),
        "hours, by a tag": (f"{plain}tolerance: !!int {'1' + ':1' * 5_000_000}\n", "expected a number without ':'"),
        "another program": (f"{plain}citation: !!binary {'A' * 8}\nevil: 1\n", "unknown field 'evil'"),
        "no text": ("\x00\x01", "expected YAML"),
    }
    for name, (text, match) in texts.items():
        yield Hostile(f"a card: {name}", functools.partial(_write, card=text), CardError, match)


def _list_examples() -> Iterator[Hostile]:
    right = {"seed": 0, "sequences": ["AAAAGAAAA"], "extra": {}, "predictions": {"prediction": [[1.0]]}}
    deep = '{"seed": 0, "sequences": [], "extra": {}, "predictions": {"prediction": ' + "[" * 100_000
    texts = {
        "zeros without end": (None, r"example\.json: expected at most [\d,]+ bytes, found more"),
        "lists within lists": (deep, r"example\.json: "),
        "no number": (_example(right, predictions={"prediction": [[float("nan")]]}), "expected nan, found 1"),
        "without end": (_example(right, predictions={"prediction": [[float("inf")]]}), "expected inf, found 1"),
        "rows of unequal length": (_example(right, predictions={"prediction": [[1], [1, 2]]}), "of one length each"),
        "more predictions than windows": (
            _example(right, predictions={"prediction": [[1.0]] * 2}),
            r"expected predictions of shape \(2, 1\), found \(1, 1\)",
        ),
        "a window of another length": (_example(right, sequences=["A" * 99]), "expected 9 bases, found 99"),
        "nothing": (_example(right, sequences=[]), "expected at least one sequence, found none"),
        "texts": (_example(right, predictions={"prediction": [["x"]]}), "expected nested lists of numbers"),
    }
    for name, (text, match) in texts.items():
        write = _write_endless_example if text is None else functools.partial(_write, example=text)
        yield Hostile(f"an example: {name}", write, ModelError, match, "test")


def _example(right: dict[str, object], **changed: object) -> str:
    return json.dumps({**right, **changed})


def _list_signatures() -> Iterator[Hostile]:
    contents = {
        "lists within lists": (b"[" * 500_000, "expected a signature in JSON"),
        "objects within objects": (b'{"a":' * 100_000, "expected a signature in JSON"),
        "two megabytes": (b" " * (2 * _MB), "expected at most 1,048,576 bytes"),
        "a text": (b"signed, the lab", "expected a signature in JSON"),
        "another format": (b'{"mediaType": "text/plain"}', "expected a Sigstore bundle"),
        "other files": (_sign_nothing({"model.onnx": "0" * 64}), "the signature is of other files"),
        "a file above": (_sign_nothing({"../secret": "0" * 64}), "the signature is of other files"),
        "a contradiction": (_sign_nothing({}, whole="0" * 64), "the statement contradicts itself"),
        "no digests": (_sign_nothing({"model.onnx": "zz"}), "expected a sha256 for each file|other files"),
    }
    for name, (content, match) in contents.items():
        yield Hostile(
            f"a signature: {name}", functools.partial(_write, signature=content), SignatureError, match, "judge"
        )


def _sign_nothing(digests: dict[str, str], whole: str | None = None) -> bytes:
    """Return a signature over such files by a key that nobody has."""
    try:
        joined = hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in digests.values())).hexdigest()
    except ValueError:
        joined = "0" * 64
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": whole or joined}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256"},
            "resources": [
                {"name": name, "algorithm": "sha256", "digest": digest} for name, digest in sorted(digests.items())
            ],
        },
    }
    envelope = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": base64.b64encode(json.dumps(statement).encode()).decode(),
        "signatures": [{"sig": "AAAA", "keyid": ""}],
    }
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "0" * 64}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    return json.dumps(bundle).encode()


def _write(
    folder: Path,
    *,
    network: bytes | None = None,
    card: str | None = None,
    example: str | None = None,
    checksums: str | None = None,
    signature: bytes | None = None,
) -> None:
    """Write a model folder in which one file is another one than it should be."""
    folder.mkdir(parents=True)
    whole = make_model(make_base_at_anchor_graph()).SerializeToString()
    (folder / NETWORK_FILE).write_bytes(whole if network is None else network)
    (folder / CARD_FILE).write_text(yaml.safe_dump(CARD) if card is None else card, encoding="utf-8")
    (folder / EXAMPLE_FILE).write_text("{}" if example is None else example, encoding="utf-8")
    write_checksums(folder)
    if checksums is not None:
        (folder / CHECKSUMS).write_text(checksums, encoding="utf-8", newline="")
    if signature is not None:
        (folder / SIGNATURE).write_bytes(signature)


def _write_endless_example(folder: Path) -> None:
    _write(folder)
    with (folder / EXAMPLE_FILE).open("r+b") as stream:
        stream.truncate(100 * _MB)
    write_checksums(folder)


def _write_pipe(folder: Path) -> None:
    _write(folder)
    (folder / NETWORK_FILE).unlink()
    os.mkfifo(folder / NETWORK_FILE)


def _write_link(folder: Path) -> None:
    _write(folder)
    digest = hash_file(folder / NETWORK_FILE)
    (folder / NETWORK_FILE).rename(folder.with_name(f"{folder.name}-{digest[:8]}.onnx"))
    (folder / NETWORK_FILE).symlink_to(folder.with_name(f"{folder.name}-{digest[:8]}.onnx"))
