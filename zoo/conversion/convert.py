"""From a network's file to a model folder that is proven to predict the same."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import __version__
from zoo.conversion.adapt import Writing, adapt
from zoo.conversion.alphabet import Alphabet, measure_alphabet
from zoo.conversion.detect import open_source
from zoo.conversion.given import Given, ask_about_card, ask_about_tracks, check_name, make_card, read_given
from zoo.conversion.probe import (
    Proposal,
    Wishes,
    ask_about_shapes,
    list_shapes,
    measure_outputs,
    propose,
    read_window,
)
from zoo.conversion.prove import SEQUENCES, Proof, draw_windows, prove
from zoo.conversion.questions import Question, list_questions
from zoo.conversion.reading import BASES, encode_windows
from zoo.conversion.source import Source
from zoo.errors import ConversionError, OutputError, VersionExists
from zoo.model.card import MIN_TOLERANCE, write_card
from zoo.model.checksums import hash_file, write_checksums
from zoo.model.folder import CARD_FILE, NETWORK_FILE, load_folder
from zoo.model.probation import examine
from zoo.model.verify import verify_folder, write_example

if TYPE_CHECKING:
    import onnx

_HEADROOM = 10
"""The card's tolerance over the difference seen here, for other machines."""

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
    """A network on its way: opened, asked about, proposed, written.

    Args:
        path: The network's file or folder.
        name: The model's.

    Attributes:
        source: The network in its framework.
        proposal: How it is going to be adapted, once ``propose`` has run.
        alphabet: What examples said of the order of its channels, if any were given.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = check_name(name)
        self.source: Source = open_source(path)
        self.proposal: Proposal | None = None
        self.alphabet: Alphabet | None = None
        self._network: onnx.ModelProto | None = None

    def describe_source(self) -> str:
        """Return what was read, in one line."""
        inputs, outputs = (
            ", ".join(port.shown for port in ports) for ports in (self.source.inputs, self.source.outputs)
        )
        return f"{self.source.framework}, {self.source.summary}; {inputs} → {outputs}"

    def describe_proposal(self) -> str:
        """Return how the network is going to be adapted, in one line."""
        proposal = self.proposal
        if proposal is None:
            return "nothing yet"
        reading = proposal.reading
        direction = ", read from its end" if reading.reverse else ""
        unknown = "in a channel of their own" if len(reading.alphabet) > len(BASES) else f"as {reading.unknown}"
        outputs = ", ".join(f"{_count(writing)} {writing.activation}" for writing in proposal.writings)
        assumed = f"; assumed: {', '.join(proposal.assumed)}" if proposal.assumed else ""
        measured = "" if self.alphabet is None else f"; {describe_alphabet(self.alphabet)}"
        return (
            f"length {reading.length}{direction}, layout {reading.layout}, alphabet {reading.alphabet}, unknown bases "
            f"{unknown}, anchor {proposal.anchor}; {outputs}{assumed}{measured}"
        )

    def ask(self, wishes: Wishes, given: Given) -> list[Question]:
        """Return what has still to be told; once nothing is asked about shapes, the network is proposed for."""
        questions = ask_about_shapes(self.source, wishes)
        if questions:
            return [*questions, *ask_about_card(given)]
        self.proposal = self._propose(wishes)
        return [*ask_about_tracks(given, self.proposal.tracks), *ask_about_card(given)]

    def measure_alphabet(self, wishes: Wishes, positives: Path, negatives: Path) -> None:
        """Let examples say what the order of the channels is.

        Raises:
            ConversionError: They contradict what the user says.
        """
        if self.proposal is None:
            raise ValueError("expected a conversion that nothing about shapes is asked of any more")
        found = self.alphabet = measure_alphabet(self.source, self.proposal, positives, negatives)
        said = self.proposal.reading.alphabet
        if wishes.alphabet is not None and found.clear and found.letters != said:
            raise ConversionError(
                f"alphabet {said}: with {found.letters} the network tells the examples apart far better, AUROC "
                f"{found.auroc:.3f}; leave out --alphabet, or --examples"
            )
        if not found.clear:
            return
        assumed = tuple(each for each in self.proposal.assumed if not each.startswith("alphabet "))
        reading = replace(self.proposal.reading, alphabet=found.letters)
        self.proposal = replace(self.proposal, reading=reading, assumed=assumed)

    def _propose(self, wishes: Wishes) -> Proposal:
        source = self.source
        port, reading = read_window(source, wishes)
        shapes = list_shapes(source, reading, port.name)
        if self._network is None:
            self._network = source.write_onnx(shapes)
        dtypes = {each.name: each.dtype for each in source.inputs}
        feed = {name: np.zeros((2, *shape), dtype=dtypes[name]) for name, shape in shapes.items()}
        feed[port.name] = encode_windows(draw_windows(reading.length)[:2], reading)
        found = {name: values.shape for name, values in source.predict(feed).items()}
        for name, shape in found.items():
            if shape[:1] != (2,):
                raise ConversionError(
                    f"{self.path}: output {name!r}: expected a row for each of 2 windows, found shape {shape}; "
                    "export the network with a free batch axis"
                )
        return propose(source, self._network, wishes, measure_outputs(source.outputs, found))

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
        remarks = _remark(self.source, proposal, self.alphabet)
        card = make_card(
            self.name,
            given,
            proposal,
            origin=self.source.framework,
            provenance=_trace(self.path, self.source, proposal),
            remarks=remarks,
        )
        model = adapt(self._network, proposal.sequence, proposal.reading, proposal.writings, proposal.contexts)
        with _growing(output) as folder:
            (folder / NETWORK_FILE).write_bytes(model.SerializeToString(deterministic=True))
            write_card(card, folder / CARD_FILE)
            write_checksums(folder)
            tell("checking the network")
            examine(folder)
            tell(f"comparing {SEQUENCES:,} sequences with {self.source.framework}")
            proof = self._prove(folder, proposal)
            card = card.model_copy(update={"tolerance": max(MIN_TOLERANCE, _HEADROOM * proof.difference)})
            write_card(card, folder / CARD_FILE)
            write_example(folder, card)
            write_checksums(folder)
            verify_folder(folder)
        return Converted(output, card.full_name, proof.difference, proof.sequences, proposal.assumed)

    def _prove(self, folder: Path, proposal: Proposal) -> Proof:
        session = load_folder(folder, "cpu").session
        return prove(session, self.source, proposal.sequence, proposal.reading, proposal.writings, proposal.contexts)


def convert(
    source: str | Path,
    name: str,
    *,
    output: str | Path,
    card: str | Path | Mapping[str, Any] | None = None,
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
        examples: FASTA of positives and of negatives, which tell the order of the channels.
        report: Is told what is being done.
        **wishes: How the network reads a window, as ``Wishes`` has it: ``length``, ``anchor``, ``layout`` …

    Raises:
        ConversionError: Something is missing, does not fit, or the model does not predict what the network does.
    """
    said = Wishes(**wishes)
    given = read_given(None, card) if isinstance(card, Mapping) or card is None else read_given(Path(card))
    refuse_existing(Path(output))
    conversion = Conversion(Path(source), name)
    questions = conversion.ask(said, given)
    if questions:
        raise ConversionError(f"{source}: {list_questions(questions)}")
    if examples is not None:
        conversion.measure_alphabet(said, Path(examples[0]), Path(examples[1]))
    return conversion.write(given, Path(output), report)


def refuse_existing(output: Path) -> None:
    """Refuse a folder that is there.

    Raises:
        VersionExists: It is.
    """
    if output.exists() or output.is_symlink():
        raise VersionExists(f"{output}: exists; a model never changes, give another folder, or a new version its own")


@contextlib.contextmanager
def _growing(output: Path) -> Iterator[Path]:
    """Give a folder beside ``output`` that gets its name if all goes well, and is removed if not."""
    refuse_existing(output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        growing = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".partial", dir=output.parent))
    except OSError as error:
        raise OutputError(f"{output}: can't be written: {error.strerror or error}") from error
    try:
        yield growing
        growing.chmod(0o755)
        refuse_existing(output)
        growing.rename(output)
    except OSError as error:
        raise OutputError(f"{output}: can't be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _count(writing: Writing) -> str:
    tracks = f"{writing.tracks} track{'s' if writing.tracks > 1 else ''}"
    return tracks if writing.bins is None else f"{tracks} in {writing.bins} bins"


def describe_alphabet(found: Alphabet) -> str:
    """Return what examples say of the order of the channels."""
    return (
        f"AUROC {found.auroc:.3f} with {found.letters} on {found.examples:,} examples, {found.next_auroc:.3f} with "
        f"{found.next_letters}, the next best" + ("" if found.clear else ", which is too near to tell")
    )


def _remark(source: Source, proposal: Proposal, alphabet: Alphabet | None) -> list[str]:
    """Return what a user of the model has to know of its conversion, as sentences."""
    remarks = [f"Converted from {source.framework}."]
    if alphabet is not None:
        remarks.append(f"Order of the channels: {describe_alphabet(alphabet)}.")
    if proposal.assumed:
        remarks.append(f"Assumed, as the file does not tell: {', '.join(proposal.assumed)}.")
    return remarks


def _trace(path: Path, source: Source, proposal: Proposal) -> dict[str, Any]:
    reading = proposal.reading
    digest = {"sha256": hash_file(path)} if path.is_file() else {}
    trace = {
        "source": path.name, **digest, "framework": source.framework, "assayzoo": __version__, "layout": reading.layout,
        "alphabet": reading.alphabet, "unknown": reading.unknown, "reverse": reading.reverse,
    }  # fmt: skip
    applied = {writing.name: writing.apply for writing in proposal.writings if writing.apply is not None}
    return trace | ({"applied": applied} if applied else {})
