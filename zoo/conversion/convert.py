"""From a network's file to a model folder that is proven to predict the same."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.conversion.adapt import adapt
from zoo.conversion.alphabet import Alphabet, measure_alphabet
from zoo.conversion.describing import list_findings, list_remarks, trace
from zoo.conversion.detect import open_source
from zoo.conversion.given import (
    Given,
    ask_about_card,
    ask_about_tracks,
    check_name,
    make_card,
    name_tracks,
    read_given,
)
from zoo.conversion.probe import Proposal, Wishes, ask_about_shapes, list_shapes, propose, read_window
from zoo.conversion.prove import SEQUENCES, Proof, draw_windows, prove
from zoo.conversion.questions import Question, list_questions
from zoo.conversion.reading import encode_windows
from zoo.conversion.source import Shape, Source
from zoo.conversion.widening import widen
from zoo.errors import ConversionError, ModelError, OutputError, VersionExists, ZooError, near_match
from zoo.model.card import MIN_TOLERANCE, Card, write_card
from zoo.model.checksums import write_checksums
from zoo.model.folder import CARD_FILE, NETWORK_FILE, load_folder
from zoo.model.operators import check_operators
from zoo.model.probation import examine
from zoo.model.sizes import reckon_need
from zoo.model.verify import verify_folder, write_example

if TYPE_CHECKING:
    import onnx

_HEADROOM = 10
"""The card's tolerance over the difference seen here, for other machines."""

_OPTION = re.compile(r"(?<!\S)--([a-z][a-z-]*)")

Report = Callable[[str], None]
"""Is told what is being done, a line each."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A finished model.

    Attributes:
        folder: Where it lies.
        model: Its full name.
        difference: The largest from the source framework, relative to the largest prediction.
        sequences: That were compared.
        assumed: What nobody said and no file tells.
    """

    folder: Path
    model: str
    difference: float
    sequences: int
    assumed: tuple[str, ...]


class Conversion:
    """A network on its way: opened, asked about, written.

    Args:
        path: The network's file or folder.
        name: The model's.

    Attributes:
        path: As given.
        source: The network in its framework.
        proposal: How it is going to be adapted, once ``ask`` has nothing to ask about shapes.
        alphabet: What examples said of the order of its channels, if any were given.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self._name = check_name(name)
        self.source: Source = open_source(path)
        self.proposal: Proposal | None = None
        self.alphabet: Alphabet | None = None
        self._network: onnx.ModelProto | None = None
        self._halves = False  # whether the network had numbers of 16 bits, which were widened

    def ask(self, wishes: Wishes, given: Given) -> list[Question]:
        """Return what has still to be told; once nothing is asked about shapes, the network is proposed for.

        Raises:
            ConversionError: What the user says does not fit the network.
        """
        questions = ask_about_shapes(self.source, wishes)
        if questions:
            return [*questions, *ask_about_card(given)]
        self.proposal = self._propose(wishes)
        return self.list_missing(given)

    def list_missing(self, given: Given) -> list[Question]:
        """Return what the card still lacks, of a network that was proposed for; raises as ``ask``."""
        if self.proposal is None:
            raise ValueError("expected a conversion that nothing about shapes is asked of any more")
        return [*ask_about_tracks(given, self.proposal.writings), *ask_about_card(given)]

    def measure_alphabet(self, wishes: Wishes, positives: Path, negatives: Path) -> None:
        """Let examples say what the order of the channels is.

        Raises:
            ConversionError: They contradict what the user says, or what is assumed without telling what is right.
        """
        if self.proposal is None:
            raise ValueError("expected a conversion that nothing about shapes is asked of any more")
        found = self.alphabet = measure_alphabet(self.source, self.proposal, positives, negatives)
        said = self.proposal.reading.alphabet
        if found.contradicts_said and (wishes.alphabet is not None or not found.clear):
            mend = "leave out --alphabet, or --examples" if found.clear else "give the right one by --alphabet"
            raise ConversionError(
                f"alphabet {said}: AUROC {found.said_auroc:.3f} on the examples, against {found.auroc:.3f} with "
                f"{found.letters} and {found.next_auroc:.3f} with {found.next_letters}; {mend}"
            )
        if not found.clear:
            return
        assumed = tuple(each for each in self.proposal.assumed if not each.startswith("alphabet "))
        reading = replace(self.proposal.reading, alphabet=found.letters)
        self.proposal = replace(self.proposal, reading=reading, assumed=assumed)

    def _propose(self, wishes: Wishes) -> Proposal:
        port, reading = read_window(self.source, wishes)
        shapes = list_shapes(self.source, reading, port.name)
        self._network = self.source.write_onnx(shapes)
        self._halves = widen(self._network)
        # Now that all axes have sizes, and before anything of the network is run.
        check_operators(self._network, str(self.path))
        reckon_need(self._network, where=str(self.path))
        dtypes = {each.name: each.dtype for each in self.source.inputs}
        feed = {name: np.zeros((2, *shape), dtype=dtypes[name]) for name, shape in shapes.items()}
        feed[port.name] = encode_windows(draw_windows(reading.length)[:2], reading)
        try:
            found = self.source.predict(feed)
        except ModelError as error:
            raise ConversionError(
                f"{self.path}: the network fails on two windows: {error}; was it exported with a free batch axis?"
            ) from error
        outputs: dict[str, Shape] = {}
        for name, values in found.items():
            if values.shape[:1] != (2,):
                raise ConversionError(
                    f"{self.path}: output {name!r}: expected a row for each of 2 windows, found shape {values.shape}; "
                    "export the network with a free batch axis"
                )
            outputs[name] = (None, *values.shape[1:])
        return propose(self.source, self._network, wishes, outputs)

    def write(self, given: Given, output: Path, report: Report | None = None) -> Converted:
        """Adapt the network, prove it, and write its model folder, which appears whole or not at all.

        Raises:
            VersionExists: ``output`` exists.
            ConversionError: The model does not predict what the network does.
            OutputError: The folder can't be written.
        """
        proposal = self.proposal
        if proposal is None or self._network is None:
            raise ValueError("expected a conversion that nothing is asked of any more")
        tell = report or (lambda _: None)
        card = self._describe(given, proposal)
        model = adapt(self._network, proposal.sequence, proposal.reading, proposal.writings, proposal.contexts)
        with _growing(output) as folder, _naming(self.path, folder):
            (folder / NETWORK_FILE).write_bytes(model.SerializeToString(deterministic=True))
            write_card(card, folder / CARD_FILE)
            write_checksums(folder)
            tell("checking the network")
            examine(folder)
            tell(f"comparing {SEQUENCES:,} sequences with {self.source.runtime}, which runs {self.path.name}")
            proof = prove(load_folder(folder, "cpu").session, self.source, proposal, halves=self._halves)
            card = self._describe(given, proposal, proof)
            write_card(card, folder / CARD_FILE)
            write_example(folder, card)
            write_checksums(folder)
            verify_folder(folder)
        return Converted(output, card.full_name, proof.difference, proof.sequences, proposal.assumed)

    def _describe(self, given: Given, proposal: Proposal, proof: Proof | None = None) -> Card:
        """Return the card, with what a proof found once there is one; raises as ``make_card``."""
        # What 16 bits round says nothing of machines that compute in 32.
        tolerance = MIN_TOLERANCE if proof is None or self._halves else _HEADROOM * proof.difference
        return make_card(
            self._name,
            given,
            proposal,
            origin=self.source.framework,
            provenance=trace(self.path, self.source, proposal, halves=self._halves),
            remarks=[
                *list_remarks(self.source, proposal, self.alphabet),
                *([] if proof is None else list_findings(self.source, proof, name_tracks(given), halves=self._halves)),
            ],
            tolerance=max(MIN_TOLERANCE, tolerance),
        )


def convert(
    source: str | Path,
    name: str,
    *,
    output: str | Path,
    card: str | Path | Mapping[str, Any] | None = None,
    tracks: Sequence[str] | str | None = None,
    examples: tuple[str | Path, str | Path] | None = None,
    report: Report | None = None,
    **wishes: Any,
) -> Converted:
    """Make a model of a network of another framework, and prove that it predicts the same.

    Args:
        source: An ONNX file, a Keras file (``.keras`` or HDF5), or the folder of a TensorFlow SavedModel.
        name: The model's.
        output: Its folder, to be made.
        card: What no file tells: licence, authors, organism, assay, limitations, tracks; YAML, or the fields.
        tracks: Names of the columns of its outputs, in place of the card's.
        examples: FASTA of positives and of negatives, which tell the order of the channels.
        report: Is told what is being done.
        **wishes: How the network reads a window, as ``Wishes`` has it: ``length``, ``anchor``, ``layout`` …

    Raises:
        ConversionError: Something is missing, does not fit, or the model does not predict what the network does.
        CardError: A field of the card is wrong.
        UnsafeModel: The file asks for more than a network needs.
        VersionExists: ``output`` exists.
        MissingExtra: TensorFlow is needed and not installed.
    """
    known = [field.name for field in fields(Wishes)]
    for wish in wishes:
        if wish not in known:
            raise TypeError(f"convert has no argument {wish!r}{near_match(wish, known)}")
    said = Wishes(**wishes)
    answers = {} if tracks is None else {"tracks": [tracks] if isinstance(tracks, str) else list(tracks)}
    given = (
        read_given(None, {**(card or {}), **answers})
        if isinstance(card, Mapping) or card is None
        else read_given(Path(card), answers)
    )
    refuse_existing(Path(output))
    try:
        return _convert(Path(source), name, said, given, Path(output), examples, report)
    except ConversionError as error:
        raise ConversionError(_name_arguments(str(error))) from error


def _convert(
    source: Path,
    name: str,
    wishes: Wishes,
    given: Given,
    output: Path,
    examples: tuple[str | Path, str | Path] | None,
    report: Report | None,
) -> Converted:
    conversion = Conversion(source, name)
    questions = conversion.ask(wishes, given)
    if questions:
        raise ConversionError(f"{source}: {list_questions(questions)}")
    if examples is not None:
        conversion.measure_alphabet(wishes, Path(examples[0]), Path(examples[1]))
    return conversion.write(given, output, report)


def _name_arguments(message: str) -> str:
    """Return a message with arguments' names for those of the command's options."""
    return _OPTION.sub(lambda found: found[1].replace("-", "_"), message)


def refuse_existing(output: Path) -> None:
    """Refuse a folder that is there.

    Raises:
        VersionExists: It is.
    """
    if output.exists() or output.is_symlink():
        raise VersionExists(f"{output}: exists; a model never changes, give another folder, or a new version its own")


@contextlib.contextmanager
def _naming(path: Path, folder: Path) -> Iterator[None]:
    """Let errors name the network that is converted in place of a folder that is gone once they are read."""
    try:
        yield
    except ZooError as error:
        told = str(error)
        for known in (folder.absolute(), folder):
            told = told.replace(str(known / NETWORK_FILE), f"{path}, as it was adapted").replace(str(known), str(path))
        if told == str(error):
            raise
        raise type(error)(told) from error


@contextlib.contextmanager
def _growing(output: Path) -> Iterator[Path]:
    """Give a folder beside ``output`` that gets its name if all goes well, and is removed if not."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        growing = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".partial", dir=output.parent))
    except OSError as error:
        raise OutputError(f"{output}: can't be written: {error.strerror or error}") from error
    try:
        yield growing
        growing.chmod(0o755)  # temporary folders are their owner's alone
        refuse_existing(output)
        growing.rename(output)
    except OSError as error:
        raise OutputError(f"{output}: can't be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)
