"""The blocks of a recipe, each a document of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from zoo.model.card import Activation, ArchitectureChoice, Sha256, Text, Track
from zoo.model.document import Document

Bases = Annotated[str, StringConstraints(pattern="^[ACGT]*$")]

TensorName = Annotated[str, StringConstraints(pattern="^[A-Za-z][A-Za-z0-9_]*$")]
"""What Keras and ONNX both take for a name."""

LeakPolicy = Literal["error", "drop", "keep"]

Loss = Literal[
    "binary_crossentropy",
    "categorical_crossentropy",
    "mse",
    "mae",
    "poisson",
    "poisson_multinomial",
    "multinomial_mse",
]


class SourceFile(Document):
    """A file of the data, relative to the data root; where ``sha256`` is given the file must have it."""

    path: Text
    url: str = ""
    sha256: Sha256 | None = None


class DataChoice(Document):
    """What is read, and with which loader.

    Args:
        reference: The genome (FASTA, relative to the data root) that the loader cuts sequences from.
        stream: Keep the examples in a file instead of in memory, for data larger than that.
        max_unknown: The largest share of unknown bases in one example.
    """

    loader: Text
    config: dict[str, Any] = Field(default_factory=dict)
    reference: str | None = None
    sources: tuple[SourceFile, ...] = ()
    stream: bool = False
    max_unknown: float = Field(default=0.5, ge=0, le=1)


class _Negatives(Document):
    """``per_positive``: negatives drawn for each positive."""

    per_positive: float = Field(default=1.0, gt=0, le=1000)


class GenomicNegatives(_Negatives):
    """Stretches of the genome that look like the positives and are none.

    Each lies on the contig of its positive, outside every peak, outside ``exclude`` (BED files, a blacklist say) and
    gaps, and matches it in length, GC content and repeat fraction: nearest first, so that tolerances matter to the few
    positives that have no near match.

    Args:
        margin: Bases to keep between a negative and the nearest peak.
        gc_tolerance: How far GC content (a fraction) may lie from the positive's.
        repeat_tolerance: How far the repeat fraction may lie from the positive's.
        max_shared: The largest share of a negative's ``kmer`` words that another negative may hold already.
        kmer: Length of those words in bases.
    """

    method: Literal["genomic"]
    exclude: tuple[str, ...] = ()
    margin: int = Field(default=0, ge=0, lt=2**31)
    gc_tolerance: float = Field(default=0.05, ge=0, le=1)
    repeat_tolerance: float = Field(default=0.2, ge=0, le=1)
    max_shared: float = Field(default=0.2, ge=0, le=1)
    kmer: int = Field(default=30, ge=8, le=31)


class OtherPeaks(_Negatives):
    """Peaks of other factors, drawn at random from what these loaders read; longer ones are cut to their centre."""

    method: Literal["other_peaks"]
    data: tuple[DataChoice, ...] = Field(min_length=1)


class DinucleotideShuffle(_Negatives):
    """The positives with their letters in another order that keeps every dinucleotide count."""

    method: Literal["dinucleotide_shuffle"]


NegativesChoice = Annotated[GenomicNegatives | OtherPeaks | DinucleotideShuffle, Field(discriminator="method")]


class _Split(Document):
    """``on_leak``: what becomes of a sequence, or its reverse complement, that stands in two parts.

    ``error`` stops; ``drop`` leaves it in the test part, else in the validation part, and takes it out of the other;
    ``keep`` leaves it where it is, and says so on the card.

    ``folds``: train so many networks, each with another share of what is not for testing as its validation part, and
    export them as one ensemble.
    """

    on_leak: LeakPolicy = "error"
    folds: int | None = Field(default=None, ge=2, le=50)


class GroupSplit(_Split):
    """By the contig, or the given label, of each example; what is not named is for training.

    ``validation`` may be a fraction: of what is not for testing, by a stable hash.
    """

    method: Literal["contig", "group"]
    test: tuple[str, ...] = Field(min_length=1)
    validation: tuple[str, ...] | Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _apart(self) -> GroupSplit:
        if isinstance(self.validation, float):
            return self
        if not self.validation:
            raise ValueError("validation: expected at least one name, or a fraction")
        both = sorted(set(self.test) & set(self.validation))
        if both:
            raise ValueError(f"{both[0]!r} is named for test and for validation")
        return self


class FractionSplit(_Split):
    """By a stable hash, at random with the recipe's seed, or at random within each class."""

    method: Literal["hash", "random", "stratified"]
    test: float = Field(default=0.1, gt=0, lt=1)
    validation: float = Field(default=0.1, gt=0, lt=1)

    @model_validator(mode="after")
    def _leaves_training(self) -> FractionSplit:
        if self.test + self.validation >= 1:
            raise ValueError(f"test {self.test} and validation {self.validation} leave nothing to train on")
        return self


class ListSplit(_Split):
    """By lists of examples' ids, one a line, in files relative to the data root; what is not listed is for training."""

    method: Literal["lists"]
    test: Text
    validation: Text


SplitChoice = Annotated[GroupSplit | FractionSplit | ListSplit, Field(discriminator="method")]


class OutputChoice(Document):
    """The network's output.

    Args:
        unit: Of every track that names none; by default ``probability`` for sigmoid and softmax, else ``value``.
        activation: ``softmax`` over one target of two classes gives two tracks, its absence and its presence.
        tracks: What the card says of each; by default the loader's names, with the recipe's assay and biosample.
        standardise: Learn each target less its mean, over its standard deviation, both of the training part; the model
            gives the targets' own unit. For ``linear`` alone.
        auxiliary: Tracks of the loader that are learned beside the others, for what they teach, and are then left out
            of the model.
    """

    name: TensorName = "prediction"
    activation: Activation = "sigmoid"
    unit: Text | None = None
    tracks: tuple[Track, ...] | None = None
    standardise: bool = False
    auxiliary: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _standardises_what_is_linear(self) -> OutputChoice:
        if self.standardise and self.activation != "linear":
            raise ValueError(f"standardise needs activation: linear, found {self.activation}")
        return self


class WindowChoice(Document):
    """How variants will meet the window.

    Args:
        anchor: Where the first REF base of a variant stands, 0-based; by default half the length, rounded down.
        mode: ``fixed`` for a region, a promoter say, that is always read whole, not centred on the variant.
        fixed_end: The end of a fixed window that an indel leaves where it is.
        prefix: Constant bases that the sequences of a fixed window start with.
        suffix: Constant bases that they end with.
    """

    anchor: int | None = Field(default=None, ge=0)
    mode: Literal["centred", "fixed"] = "centred"
    fixed_end: Literal["start", "end"] | None = None
    prefix: Bases = ""
    suffix: Bases = ""

    @model_validator(mode="after")
    def _fixed_by_one_end(self) -> WindowChoice:
        if self.mode == "fixed" and self.fixed_end is None:
            raise ValueError("mode: fixed needs fixed_end, start or end: which an indel leaves in place")
        if self.mode == "centred" and (self.fixed_end or self.prefix or self.suffix):
            raise ValueError("fixed_end, prefix and suffix belong to mode: fixed")
        return self


class TrainingChoice(Document):
    """How the weights are found.

    Args:
        loss: By default the architecture's own where it fits the output's activation, else the usual one for that.
        momentum: Of ``sgd``, with Nesterov's look ahead.
        schedule: Of the learning rate: ``cosine`` falls to 0 over all epochs; ``plateau`` halves it when the monitored
            value has not improved for a third of ``patience``.
        warmup_epochs: Epochs over which the learning rate rises from 0.
        patience: Epochs without improvement before training stops; the best epoch's weights are kept in any case.
        keep: ``best`` keeps the weights of the best epoch and stops early; ``last`` trains all epochs and keeps the
            last one's: the better choice where the learning rate falls, weights are averaged and the validation part
            is small.
        monitor: What is best, on the validation part: the loss, or a metric, averaged over tracks.
        reverse_complement: ``random`` shows either strand of each example, ``both`` shows both in every epoch.
        shift: Examples are moved by up to so many bases either way; what comes in is unknown.
        label_smoothing: Targets move this far towards the middle.
        class_weights: ``balanced`` lets both classes weigh the same in the loss.
        weight_averaging: Momentum of a moving average of the weights, which is what is kept; none by default.
        clip_norm: The largest norm of each layer's gradient; none by default.
        l1: Penalty on the sum of all kernels' absolute values, beside what the architecture has of its own.
        l2: Penalty on the sum of their squares, likewise.
        count_weight: What the total count weighs against the profile in ``poisson_multinomial`` and
            ``multinomial_mse``.
        mixed_precision: Compute layers in 16 bits; weights and the exported network stay in 32.
        devices: ``all`` spreads each batch over all GPUs.
        start_from: A model, by name or folder, whose weights are the first ones wherever shapes fit.
    """

    loss: Loss | None = None
    optimiser: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    warmup_epochs: float = Field(default=0.0, ge=0)
    batch_size: int = Field(default=64, gt=0)
    epochs: int = Field(default=50, gt=0)
    patience: int = Field(default=8, gt=0)
    keep: Literal["best", "last"] = "best"
    monitor: Literal["loss", "auroc", "auprc", "pearson"] = "loss"
    reverse_complement: Literal["none", "random", "both"] = "random"
    shift: int = Field(default=0, ge=0, lt=2**31)
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    class_weights: Literal["none", "balanced"] = "none"
    weight_averaging: float | None = Field(default=None, gt=0, lt=1)
    clip_norm: float | None = Field(default=None, gt=0)
    l1: float = Field(default=0.0, ge=0)
    l2: float = Field(default=0.0, ge=0)
    count_weight: float = Field(default=1.0, ge=0)
    mixed_precision: Literal["none", "float16", "bfloat16"] = "none"
    devices: Literal["one", "all"] = "one"
    start_from: Text | None = None

    @model_validator(mode="after")
    def _warms_up_before_the_end(self) -> TrainingChoice:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs {self.warmup_epochs:g} must be fewer than the epochs, {self.epochs}")
        return self

    @model_validator(mode="after")
    def _decay_needs_adamw(self) -> TrainingChoice:
        if self.weight_decay and self.optimiser != "adamw":
            raise ValueError(f"weight_decay needs optimiser: adamw, found {self.optimiser}")
        return self


class Baseline(ArchitectureChoice):
    """What the network is measured against; ``auto`` chooses k-mers by the kind of target, ``none`` trains nothing."""

    name: Text = "auto"

    @model_validator(mode="after")
    def _configures_something(self) -> Baseline:
        if self.config and self.name in {"auto", "none"}:
            raise ValueError(f"config needs the name of an architecture, found {self.name}")
        return self


class Range(Document):
    """What a field may be while it is searched for: from ``low`` to ``high``, both included, or one of ``choices``.

    Args:
        log: Draw magnitudes.
        integer: Draw whole numbers.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False
    choices: tuple[Any, ...] = ()

    @model_validator(mode="after")
    def _is_one_kind(self) -> Range:
        if self.choices:
            if self.low is not None or self.high is not None or self.log or self.integer:
                raise ValueError("expected choices, or low and high, found both")
        elif self.low is None or self.high is None:
            raise ValueError("expected low and high, or choices")
        elif not self.low < self.high:
            raise ValueError(f"low {self.low:g} must lie below high {self.high:g}")
        elif self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, found {self.low:g}")
        return self
