"""Every error that the zoo raises for its users, one tree.

::

    ZooError
    ├── PluginError      PluginLoadError · DuplicateName · UnknownName · ScorerMismatch · MissingExtra
    ├── GenomeError      UnknownContig · RefMismatch · FastaError · VcfError · BedError · DataError
    ├── ModelError       CardError · ChecksumMismatch · UnknownModel · UnsafeModel · DownloadError
    │                    ExportMismatch · DeviceError · VersionExists · PublishConflict · SignatureError
    │                    LockMismatch · ConversionError
    ├── TrainingError    RecipeError · EmptySplit · SplitLeak · TrainingDiverged
    └── OutputError

A message is one line: what was expected, what was found, where, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(Exception):
    """Something that the user can mend; the command line prints it in one line and exits 1."""


class PluginError(ZooError):
    """A plugin or one of its components is missing, broken or used where it does not fit."""


class PluginLoadError(PluginError):
    """A plugin could not be imported, or gave something that is not a component."""


class DuplicateName(PluginError):
    """Two plugins offer a component of one kind and one name; neither is used."""


class UnknownName(PluginError):
    """No component of that kind and name is installed."""


class ScorerMismatch(PluginError):
    """A scorer does not take the kind of output that a model gives."""


class MissingExtra(PluginError):
    """An optional library is needed and absent; the message names the extra to install."""


class GenomeError(ZooError):
    """A genome, variant, region or sequence file does not say what it should."""


class UnknownContig(GenomeError):
    """A contig is not in the reference, under any alias whose length agrees."""


class RefMismatch(GenomeError):
    """REF of a variant is not what the reference holds there."""


class FastaError(GenomeError):
    """A FASTA file is missing, malformed or compressed in a way that can't be indexed."""


class VcfError(GenomeError):
    """A VCF or BCF file is missing, empty, truncated or malformed."""


class BedError(GenomeError):
    """A BED file is malformed."""


class DataError(GenomeError):
    """A table or sequence file for training or prediction is malformed."""


class ModelError(ZooError):
    """A model can't be found, trusted or run."""


class CardError(ModelError):
    """A model's card has a missing, unknown or wrong field."""


class ChecksumMismatch(ModelError):
    """A file of a model folder is not the one that was published."""


class UnknownModel(ModelError):
    """No model of that name or version is in the registry."""


class UnsafeModel(ModelError):
    """An ONNX file asks for more than standard operators on data of its own."""


class DownloadError(ModelError):
    """A model could not be fetched."""


class ExportMismatch(ModelError):
    """An exported network does not repeat the predictions of the trained one."""


class DeviceError(ModelError):
    """The execution provider that was asked for is not available."""


class VersionExists(ModelError):
    """A model of that name and version exists already; versions never change."""


class PublishConflict(ModelError):
    """Somebody else changed the registry, or holds the name; nothing was listed."""


class SignatureError(ModelError):
    """A signature is broken, or is not of whom the trust file asks for."""


class LockMismatch(ModelError):
    """A model is not the one that the project's lock pins."""


class ConversionError(ModelError):
    """A network of another framework can't be made a model, or does not repeat its predictions as one."""


class TrainingError(ZooError):
    """A network can't be trained as asked."""


class RecipeError(TrainingError):
    """A recipe has a missing, unknown or wrong field."""


class EmptySplit(TrainingError):
    """Training, validation or test set holds no example, or only one class."""


class SplitLeak(TrainingError):
    """The same sequence stands on both sides of a split."""


class TrainingDiverged(TrainingError):
    """The loss became infinite or not a number."""


class OutputError(ZooError):
    """A result could not be written; nothing stands under its final name."""


_MOST_MEANT = 5
_TELLING = 3  # letters that are no accident where many names hold them
_ALMOST, _NEAR = 0.85, 0.6  # shares of letters in common


def near_match(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, a list of what there is, or that there is nothing."""
    choices = sorted(set(known))
    small = {choice.lower(): choice for choice in reversed(choices)}
    holding = [choice for choice in choices if name and name.lower() in choice.lower()]
    nearest = difflib.get_close_matches(name.lower(), small, n=1, cutoff=_ALMOST)
    if nearest and len(holding) != 1:
        holding = [small[nearest[0]]]
    if 0 < len(holding) <= _MOST_MEANT:
        *others, last = (repr(choice) for choice in holding)
        return f"; did you mean {', '.join(others) + ' or ' if others else ''}{last}?"
    if len(holding) > _MOST_MEANT and len(name) >= _TELLING:
        first = sorted(holding, key=lambda choice: (not choice.lower().startswith(name.lower()), choice))[:_MOST_MEANT]
        return f"; did you mean {', '.join(map(repr, first))} or one of {len(holding) - _MOST_MEANT} more?"
    close = difflib.get_close_matches(name.lower(), small, n=1, cutoff=_NEAR)
    if close:
        return f"; did you mean {small[close[0]]!r}?"
    if not choices:
        return "; there are none"
    shown = ", ".join(choices[:8]) + (f" and {len(choices) - 8} more" if len(choices) > 8 else "")
    return f"; there is {shown}"
