"""The networks of Zeng et al.: how many convolutions, kernels, and which pooling binding needs, as a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec, RecipeError
from zoo_architectures.one_sequence import AnyStrand, convolve, drop, finish, read_sequence
from zoo_architectures.sizes import Size


class ZengConvolution(Config):
    """One convolution; ``width`` counts positions of what it reads."""

    kernels: Size
    width: Size


class ZengCnnConfig(Config):
    """The paper's grid; by default its network of 128 kernels and global pooling: more kernels help to find motifs.

    Made for 101 bases around a ChIP-seq peak. The default is the example in the authors' code: one convolution padded
    at both ends, the maximum of each kernel over the window, 32 units, dropout. Their second example has three
    convolutions of 128, 256 and 512 kernels of width 5, ``pooling: local``, ``dense: [64, 64]``.

    Different from the paper: its table of variants could not be read, so the local pooling's window and stride
    and the layers between are those of the second example; that one's bound on the norm of kernels (3) is left out;
    the authors search the dropout (0.1, 0.5, 0.75 in one example, 0.3, 0.5, 0.7 in the other). Their output is a
    softmax of two classes; a recipe may ask for any.

    Args:
        convolutions: One after the other, with local pooling between them.
        pooling: Behind the last: ``global`` keeps each kernel's maximum over the window, ``local`` those over
            neighbouring positions, all of which the dense layer reads.
        window: Positions of a local maximum.
        stride: Positions from one local maximum to the next.
        dense: Units of each dense layer before the output.
        dropout: Share of units dropped behind each dense layer.
        reverse_complement: ``average`` is the mean of both strands; ``share`` takes each kernel's better strand, for
            one convolution with global pooling.
    """

    convolutions: tuple[ZengConvolution, ...] = Field(
        default=(ZengConvolution(kernels=128, width=24),), min_length=1, max_length=64
    )
    pooling: Literal["global", "local"] = "global"
    window: Size = 5
    stride: Size = 3
    dense: tuple[Size, ...] = (32,)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    reverse_complement: AnyStrand = "none"


def build_zeng_cnn(
    config: ZengCnnConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network; at 101 bases and two tracks it has 16,610 parameters by default.

    Raises:
        RecipeError: There is no sequence, it is too short for the local pooling, or strands can't share weights.
    """
    import keras

    share = config.reverse_complement == "share"
    if share and (len(config.convolutions) > 1 or config.pooling == "local"):
        raise RecipeError(
            f"zeng_cnn shares weights between strands where there is one convolution and pooling: global, found "
            f"{len(config.convolutions)} and {config.pooling}; use reverse_complement: average"
        )
    sequence = read_sequence("zeng_cnn", inputs, _count_needed(config))
    hidden = sequence
    for number, layer in enumerate(config.convolutions, start=1):
        name = f"convolution_{number}"
        hidden = convolve(hidden, layer.kernels, layer.width, name, share=share, padding="same")
        if number < len(config.convolutions) or config.pooling == "local":
            hidden = keras.layers.MaxPooling1D(config.window, config.stride, name=f"pooling_{number}")(hidden)
    if config.pooling == "global":
        hidden = keras.layers.GlobalMaxPooling1D(name="maximum")(hidden)
    else:
        hidden = keras.layers.Flatten(name="flatten")(hidden)
    for number, units in enumerate(config.dense, start=1):
        hidden = keras.layers.Dense(units, activation="relu", name=f"dense_{number}")(hidden)
        hidden = drop(hidden, config.dropout, f"dropout_{number}")
    return finish(sequence, hidden, outputs, config.reverse_complement)


def _count_needed(config: ZengCnnConfig) -> int:
    """Return the fewest bases that leave each local pooling one window."""
    needed = 1
    for _ in range(len(config.convolutions) - (config.pooling == "global")):
        needed = (needed - 1) * config.stride + config.window
    return needed


ZENG_CNN = Architecture(
    name="zeng_cnn",
    summary="a grid of convolutions, kernels and pooling; by default 128 kernels of 24 bases and their maxima",
    config=ZengCnnConfig,
    build=build_zeng_cnn,
    loss="categorical_crossentropy",
    source="doi:10.1093/bioinformatics/btw255",
)
