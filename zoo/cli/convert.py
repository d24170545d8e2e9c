"""``zoo convert``: makes a model of a network of another framework."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zoo.conversion.convert import Conversion
    from zoo.conversion.given import Given
    from zoo.conversion.probe import Wishes
    from zoo.conversion.questions import Question

SUMMARY = "make a model of an ONNX, Keras or TensorFlow network"
EXAMPLE = "zoo convert network.onnx --name lab-ctcf --tracks CTCF --card card.yaml -o lab-ctcf"

_LISTS = {"authors", "tracks"}


class UnknownBase(StrEnum):
    """What stands for a base outside ACGT."""

    zeros = "zeros"
    quarter = "quarter"


class Applied(StrEnum):
    """What makes predictions of logits or logarithms."""

    sigmoid = "sigmoid"
    softmax = "softmax"
    softplus = "softplus"
    exponential = "exponential"


def convert(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="ONNX, .keras or HDF5 file, or the folder of a SavedModel.")
    ],
    name: Annotated[str, typer.Option(help="The model's name: lower-case letters, digits, single dashes.")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FOLDER", help="The model's folder, to be made; never overwritten."),
    ],
    card: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="What no file tells: license, authors, assay, tracks …")
    ] = None,
    tracks: Annotated[
        str | None, typer.Option(metavar="A,B|@FILE", help="Names of the outputs' columns, or a file with one a line.")
    ] = None,
    length: Annotated[int | None, typer.Option(min=1, help="Bases of a window, where the network reads any.")] = None,
    anchor: Annotated[
        int | None,
        typer.Option(min=0, help="Base of the window where a variant stands, from 0; by default the middle."),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(metavar="NLC|NCL|N1CL|NC1L", help="Axes of the sequence: C channels, L bases.")
    ] = None,
    alphabet: Annotated[
        str | None, typer.Option(metavar="ACGT", help="Bases in the order of the channels; N for a fifth one.")
    ] = None,
    unknown: Annotated[UnknownBase | None, typer.Option(help="What stands for an unknown base.")] = None,
    reverse: Annotated[
        bool, typer.Option("--reverse", help="The network reads from the last base on; its complement: TGCA.")
    ] = False,
    sequence: Annotated[
        str | None, typer.Option(metavar="INPUT", help="The input that is the sequence, where several could be.")
    ] = None,
    output_layout: Annotated[
        str | None, typer.Option(metavar="NT|NBT|NTB", help="Axes of the outputs: T tracks, B bins.")
    ] = None,
    apply: Annotated[
        Applied | None, typer.Option(help="Put this behind outputs that are logits, to predict probabilities.")
    ] = None,
    examples: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="POS.fa NEG.fa", help="Sequences that tell the order of the channels."),
    ] = None,
) -> None:
    """Make a model folder of a network, adapted to read what every model reads, and proven to predict the same.

    What the file does not tell is asked for at a terminal, and listed elsewhere (exit status 2).
    """
    from zoo.conversion.convert import Conversion, refuse_existing
    from zoo.conversion.describing import describe_source
    from zoo.conversion.given import read_given
    from zoo.conversion.probe import Wishes

    refuse_existing(output)
    given = read_given(card, {} if tracks is None else {"tracks": _read_tracks(tracks)})
    wishes = Wishes(
        length=length,
        anchor=anchor,
        layout=layout,
        alphabet=alphabet,
        unknown=None if unknown is None else unknown.value,
        reverse=reverse,
        sequence=sequence,
        output_layout=output_layout,
        apply=None if apply is None else apply.value,
    )
    conversion = Conversion(file, name)
    _tell(f"read: {describe_source(conversion.source)}")
    given = _ask_until_known(conversion, wishes, given, examples)
    done = conversion.write(given, output, _tell)
    print(
        f"{done.model}: predicts {done.sequences:,} sequences as {conversion.source.runtime} does from {file.name}, "
        f"largest difference {done.difference:.2g} of the largest prediction → {done.folder}"
    )


def _ask_until_known(conversion: Conversion, wishes: Wishes, given: Given, examples: tuple[Path, Path] | None) -> Given:
    """Ask what the file does not tell, or end with what it is; return what is known of the card then."""
    from zoo.conversion.describing import describe_proposal
    from zoo.conversion.questions import list_questions

    questions = conversion.ask(wishes, given)
    told = False
    while True:
        if conversion.proposal is not None and not told:
            if examples is not None:
                conversion.measure_alphabet(wishes, *examples)
            _tell(f"proposed: {describe_proposal(conversion.proposal, conversion.alphabet)}")
            told = True
        if not questions:
            return given
        if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
            _tell(f"error: {conversion.path}: {list_questions(questions)}")
            raise typer.Exit(2)
        wishes, given = _ask(questions[0], wishes, given)
        questions = conversion.list_missing(given) if told else conversion.ask(wishes, given)


def _ask(question: Question, wishes: Wishes, given: Given) -> tuple[Wishes, Given]:
    """Ask at the terminal, and return what is known with the answer; an answer that does not fit ends the command."""
    from zoo.conversion.given import read_given

    print(f"{question.name}: {question.text}? ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    answer = line.strip()
    if not answer:
        _tell(f"error: expected an answer, found {'an empty line' if line else 'the end of the input'}")
        raise typer.Exit(2)
    said: Any = answer
    if question.of_card or question.name == "tracks":
        if question.name in _LISTS:
            said = _read_tracks(answer) if question.name == "tracks" else _split(answer)
        return wishes, read_given(None, given.model_dump(exclude_unset=True) | {question.name: said})
    if question.name == "length":
        if not answer.isdecimal() or not int(answer):
            raise typer.BadParameter(f"expected a number of bases, found {answer!r}", param_hint="--length")
        said = int(answer)
    return replace(wishes, **{question.name.replace("-", "_"): said}), given


def _read_tracks(text: str) -> list[str]:
    """Return names that are parted by commas, or stand one a line in the file behind an @."""
    if not text.startswith("@"):
        return _split(text)
    path = Path(text[1:])
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "expected text"
        raise typer.BadParameter(f"{path}: can't be read: {reason}", param_hint="--tracks") from error
    return [line.strip() for line in lines if line.strip()]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _tell(message: str) -> None:
    print(f"zoo: {message}", file=sys.stderr)
