"""The network of ChromBPNet: accessibility at each base, beside a frozen network that knows what the enzyme prefers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec, RecipeError
from zoo_architectures.one_sequence import EitherStrand, read_sequence
from zoo_architectures.profiles import check_bases, dilate, spread
from zoo_architectures.sizes import Size

_NOTHING = -100.0
"""The logarithm of a total that adds nothing."""


class ChrombpnetConfig(Config):
    """The sizes of the authors' code, made for 2,114 bases of which the middle 1,000 are predicted.

    What is special about it: ATAC-seq and DNase-seq count cuts, and the enzyme cuts some words more readily than
    others. A small network learns that where nothing else is to be learned, outside peaks, and is then held fixed
    while a larger one explains what is left in peaks. The logits of both profiles are added, and so are both totals.

    It takes two recipes. The first learns ``parts: bias`` on windows outside peaks; the second, with ``parts: both``
    and ``training.start_from`` the first one's model, takes its weights and leaves them as they are. Until it is given
    such weights the bias network says nothing. Use both with ``output.activation: exponential`` and bins of single
    bases (``bin: 1``, ``how: sum``).

    Different from the paper: profile and total are one output, total times shares, and the heads say log(n), not
    log(1 + n). The bias network's total is not fitted to the depth of the data anew before it is frozen. Predictions
    hold the enzyme's bias, while the authors score variants with the larger network alone; a third recipe gives that,
    with ``parts: accessibility``, ``start_from`` the second one's model and a learning rate next to nothing (1e-12).
    Several tracks share a body; the authors have one. Optimiser, learning rate, shifts and the weight of the total
    (``count_weight``) are the recipe's.

    Args:
        parts: ``both``, of which the bias network is frozen, or one of the two, to be learned alone.
        filters: Of every convolution of the larger network but the last.
        dilated: Its convolutions of width 3 whose dilation doubles from 2 on.
        bias_filters: Of the bias network, likewise.
        bias_dilated: Likewise: with 4 it sees too little for anything but words.
        width: Of the first convolution of either.
        profile_width: Of the convolution of either that predicts the profile.
        reverse_complement: ``average`` is the mean of both strands.
    """

    parts: Literal["both", "bias", "accessibility"] = "both"
    filters: Size = 512
    dilated: Annotated[int, Field(ge=0, le=16)] = 8
    bias_filters: Size = 128
    bias_dilated: Annotated[int, Field(ge=0, le=16)] = 4
    width: Size = 21
    profile_width: Size = 75
    reverse_complement: EitherStrand = "none"


def build_chrombpnet(
    config: ChrombpnetConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network.

    Raises:
        RecipeError: There is no sequence, an output has not one bin a base, or the convolutions leave fewer bases than
            it has, or not as many at either end.
    """
    import keras

    from zoo import layers

    sequence = read_sequence("chrombpnet", inputs, 1)
    check_bases("chrombpnet", sequence.shape[1], outputs)
    parts = []
    if config.parts != "bias":
        parts.append(_Part(config, "accessibility", config.filters, config.dilated))
    if config.parts != "accessibility":
        parts.append(_Part(config, "bias", config.bias_filters, config.bias_dilated, frozen=config.parts == "both"))
    for part in parts:
        part.check(sequence.shape[1], outputs)
    found = [part.build(sequence, outputs) for part in parts]
    heads = {}
    for output in outputs:
        logits, totals = found[0][output.name]
        if len(found) > 1:
            more_logits, more_totals = found[1][output.name]
            logits = keras.layers.Add(name=f"logits_{output.name}")([logits, more_logits])
            totals = _add_logarithms(totals, more_totals, f"log_total_{output.name}")
        heads[output.name] = spread(logits, totals, output)
    network = keras.Model(sequence, heads)
    return layers.both_strands(network, outputs) if config.reverse_complement == "average" else network


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the two networks; the names of its layers start with its own."""

    config: ChrombpnetConfig
    name: str
    filters: int
    dilated: int
    frozen: bool = False

    def check(self, length: int, outputs: tuple[OutputSpec, ...]) -> None:
        lost = self.config.width - 1 + 2 * sum(2**number for number in range(1, self.dilated + 1))
        left = length - lost - (self.config.profile_width - 1)
        for output in outputs:
            bases = length - 2 * output.crop
            if left < bases or (left - bases) % 2:
                raise RecipeError(
                    f"chrombpnet: the {self.name} network predicts {max(left, 0)} of {length} bases, the middle "
                    f"{bases} are wanted; use a longer window round them, fewer dilated convolutions, or odd widths"
                )

    def build(self, sequence: Any, outputs: tuple[OutputSpec, ...]) -> dict[str, tuple[Any, Any]]:
        """Return logits (N, B, T) and logarithms of totals (N, T) of each output."""
        import keras

        config, learned, prefix = self.config, not self.frozen, f"{self.name}_"
        hidden = keras.layers.Conv1D(
            self.filters, config.width, activation="relu", trainable=learned, name=f"{prefix}first"
        )(sequence)
        hidden = dilate(hidden, self.filters, self.dilated, padding="valid", prefix=prefix, trainable=learned)
        summary = keras.layers.GlobalAveragePooling1D(name=f"{prefix}average")(hidden)
        # A frozen network that nobody gave weights says the same of every base, and nothing in total.
        kernels = "glorot_uniform" if learned else "zeros"
        first_total = keras.initializers.Constant(0.0 if learned else _NOTHING)
        found = {}
        for output in outputs:
            tracks = len(output.tracks)
            logits = keras.layers.Conv1D(
                tracks,
                config.profile_width,
                kernel_initializer=kernels,
                trainable=learned,
                name=f"{prefix}profile_{output.name}",
            )(hidden)
            surplus = (logits.shape[1] - output.bins) // 2
            if surplus:
                logits = keras.layers.Cropping1D(surplus, name=f"{prefix}middle_{output.name}")(logits)
            totals = keras.layers.Dense(
                tracks,
                kernel_initializer=kernels,
                bias_initializer=first_total,
                trainable=learned,
                name=f"{prefix}count_{output.name}",
            )(summary)
            found[output.name] = (logits, totals)
        return found


def _add_logarithms(first: Any, second: Any, name: str) -> Any:
    """Return log(exp(first) + exp(second)): first + softplus(second - first)."""
    import keras

    more = keras.layers.Subtract(name=f"{name}_difference")([second, first])
    more = keras.layers.Activation("softplus", name=f"{name}_more")(more)
    return keras.layers.Add(name=name)([first, more])


CHROMBPNET = Architecture(
    name="chrombpnet",
    summary="accessibility at base resolution, beside a frozen network that has learned the bias of the enzyme",
    config=ChrombpnetConfig,
    build=build_chrombpnet,
    loss="multinomial_mse",
    source="doi:10.1101/2024.12.25.630221",
    binned=True,
)
