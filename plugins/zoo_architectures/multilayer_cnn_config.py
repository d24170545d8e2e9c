"""The layers of ``multilayer_cnn``."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from zoo import Config, InputSpec, OutputSpec, RecipeError
from zoo_architectures.activations import Activation
from zoo_architectures.sizes import Penalty, Size


class Convolution(Config):
    """One convolution and what follows it; ``width``, ``dilation`` and ``pool`` count positions of its input.

    Args:
        residual: Add the input to the activated output; both must have as many channels and positions.
    """

    filters: Size
    width: Size
    dilation: Size = 1
    pool: Size = 1
    pooling: Literal["max", "average"] = "max"
    activation: Activation | None = None
    dropout: float = Field(default=0.0, ge=0, lt=1)
    residual: bool = False


class Composition(Config):
    """One wide convolution on the sequence itself, averaged over all positions: how much of each word there is.

    Maxima alone lose the composition that open chromatin lives on; an exponential counts strong matches.
    """

    filters: Size
    width: Size
    activation: Activation = "exponential"


class MultilayerCnnConfig(Config):
    """The layers, from the sequence to the last dense one.

    Args:
        padding: ``valid`` lets neighbouring windows of a genome share their convolutions exactly; ``same`` keeps bins
            over the bases that they stand for.
        activation: Of every hidden layer that names none itself: a name, or a mapping such as
            ``{name: softplus, beta: 2}``.
        batch_norm: Normalise between a layer and its activation; the export folds it into the layer.
        batch_norm_momentum: Of the moving mean and variance that predictions use.
        summary: What stands at the end of the sequence: every position (``flatten``), or over all positions the
            maximum, the average (the composition), or both side by side. Binned outputs have none.
        composition: A branch beside the convolutions, joined to their summary; none by default.
        dense: Units of each dense layer before the output; a binned output has them at each bin.
        dense_dropout: Share of units dropped after the summary and after each dense layer.
        l1: Penalty on the absolute values of all kernels.
        l2: Penalty on their squares.
        members: Networks of one ensemble, whose predictions are averaged; each learns as if it were alone.
    """

    convolutions: tuple[Convolution, ...] = Field(
        default=(
            Convolution(filters=64, width=15, pool=2),
            Convolution(filters=64, width=7, pool=2),
            Convolution(filters=64, width=5),
        ),
        min_length=1,
    )
    padding: Literal["valid", "same"] = "valid"
    activation: Activation = "relu"
    batch_norm: bool = True
    batch_norm_momentum: float = Field(default=0.99, gt=0, lt=1)
    summary: Literal["flatten", "max", "average", "max_average"] = "max_average"
    composition: Composition | None = None
    dense: tuple[Size, ...] = (64,)
    dense_dropout: float = Field(default=0.3, ge=0, lt=1)
    l1: Penalty = 0.0
    l2: Penalty = 0.0
    members: int = Field(default=1, ge=1, le=1000)

    @model_validator(mode="after")
    def _residuals_keep_positions(self) -> MultilayerCnnConfig:
        if self.padding != "same" and any(layer.residual for layer in self.convolutions):
            raise ValueError("residual convolutions need padding: same, so that input and output have one length")
        return self


def check_layers(config: MultilayerCnnConfig, inputs: tuple[InputSpec, ...], outputs: tuple[OutputSpec, ...]) -> None:
    """Refuse what the layers can't read or give.

    Raises:
        RecipeError: There is no sequence, an input is neither vector nor track, the window is too short, or a residual
            convolution does not fit its input.
    """
    if not inputs or inputs[0].role != "sequence":
        raise RecipeError("multilayer_cnn reads a sequence, the data give none; choose feature_mlp, say")
    length = inputs[0].shape[0]
    for spec in inputs[1:]:
        if len(spec.shape) != 1 and (len(spec.shape) != 2 or spec.shape[0] != length):
            raise RecipeError(
                f"multilayer_cnn: input {spec.name!r} has shape {spec.shape}; expected a vector, or a track along the "
                f"{length} bases"
            )
    left = length
    channels = sum(spec.shape[1] for spec in inputs if len(spec.shape) == 2)
    for number, layer in enumerate(config.convolutions, start=1):
        reach = (layer.width - 1) * layer.dilation + 1
        found = left
        left = (left - reach + 1 if config.padding == "valid" else left) // layer.pool
        if left < 1:
            raise RecipeError(
                f"multilayer_cnn: convolution {number} (width {layer.width}, dilation {layer.dilation}, "
                f"pool {layer.pool}) finds {found} positions left of {length} bases, too few; "
                "use fewer or narrower convolutions"
            )
        if layer.residual and layer.filters != channels:
            raise RecipeError(
                f"multilayer_cnn: convolution {number} is residual and has {layer.filters} filters, its input has "
                f"{channels} channels; they must be as many"
            )
        channels = layer.filters
    for output in outputs:
        if output.bins is not None and left < output.bins:
            raise RecipeError(
                f"multilayer_cnn: the convolutions leave {left} positions of {length} bases, too few for "
                f"{output.bins} bins; use less pooling, or padding: same"
            )


def cut_positions(config: MultilayerCnnConfig, length: int, bins: int, crop: int) -> tuple[int, int]:
    """Return how many positions at either end of those that the convolutions leave belong to no bin.

    Bins of the whole window take as many as they can share equally; those that leave ``crop`` bases out at either end
    take the positions of their own bases.

    Raises:
        RecipeError: Those bases begin, end or part inside a position, or reach beyond what the convolutions leave.
    """
    first, size, count = _lay_positions(config, length)
    if not crop:
        left = count % bins
        return left // 2, left - left // 2
    share, odd = divmod(length - 2 * crop, bins)
    if odd or share < 1:
        raise RecipeError(f"multilayer_cnn: {length - 2 * crop} bases can't be cut into {bins} equal bins")
    before = (crop - first) // size
    after = count - before - (length - 2 * crop) // size
    if (crop - first) % size or share % size or before < 0 or after < 0:
        longer = length + 2 * (size - crop % size)
        fits = config.padding == "same" and not share % size
        raise RecipeError(
            f"multilayer_cnn: bins of {share} bases from base {crop} to {length - crop} of {length} can't be cut from "
            f"the positions that the convolutions leave, of {size} bases each from base {first} to "
            f"{first + size * count}; use padding: same, and pools whose product divides {math.gcd(crop, share)}"
            + (f", or a window of {longer} bases" if fits else "")
        )
    return before, after


def _lay_positions(config: MultilayerCnnConfig, length: int) -> tuple[int, int, int]:
    """Return the base where the first position begins, the bases of a position, and how many positions there are."""
    first, size, count = 0, 1, length
    for layer in config.convolutions:
        if config.padding == "valid":
            trimmed = (layer.width - 1) * layer.dilation
            # The same side gets the smaller half as where the ends are padded.
            first += trimmed // 2 * size
            count -= trimmed
        size *= layer.pool
        count //= layer.pool
    return first, size, count
