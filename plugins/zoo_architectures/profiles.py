"""Profiles at base resolution: dilated convolutions, and a total count that is spread over the bases."""

from __future__ import annotations

from typing import Any, Literal

from zoo import OutputSpec, RecipeError


def check_bases(architecture: str, length: int, outputs: tuple[OutputSpec, ...]) -> None:
    """Check that each bin of the outputs is one base.

    Raises:
        RecipeError: An output has no bins, or others.
    """
    for output in outputs:
        bases = length - 2 * output.crop
        if output.bins != bases:
            found = "no bins" if output.bins is None else f"{output.bins} bins over {bases} bases"
            raise RecipeError(
                f"{architecture} predicts a count for each base and needs targets in bins of one, the data have "
                f"{found}; set bin: 1 for the loader bigwig, say"
            )


def dilate(
    hidden: Any, filters: int, count: int, *, padding: Literal["same", "valid"], prefix: str = "", **options: Any
) -> Any:
    """Return a map behind ``count`` residual convolutions of width 3, each with twice the last one's dilation, from 2.

    Args:
        hidden: Shape (N, L, ``filters``).
        padding: ``valid`` leaves twice the dilation out at each convolution, half of it at either end.
        prefix: The names of the layers begin with it.
        options: As of ``keras.layers.Conv1D``.
    """
    import keras

    for number in range(1, count + 1):
        dilation = 2**number
        added = keras.layers.Conv1D(
            filters,
            3,
            dilation_rate=dilation,
            padding=padding,
            activation="relu",
            name=f"{prefix}dilated_{number}",
            **options,
        )(hidden)
        if padding == "valid":
            hidden = keras.layers.Cropping1D(dilation, name=f"{prefix}middle_{number}")(hidden)
        hidden = keras.layers.Add(name=f"{prefix}residual_{number}")([hidden, added])
    return hidden


def spread(logits: Any, totals: Any, output: OutputSpec) -> Any:
    """Return the counts (N, B, T): totals (N, T) after the output's activation, shared out by the softmax of logits.

    Args:
        logits: Shape (N, B, T).
        totals: Before the activation; with ``exponential`` their logarithms.
    """
    import keras

    shares = keras.layers.Softmax(axis=1, name=f"shares_{output.name}")(logits)
    totals = keras.layers.Activation(output.activation, name=f"totals_{output.name}")(totals)
    totals = keras.layers.Reshape((1, len(output.tracks)), name=f"totals_{output.name}_of_all_bases")(totals)
    return keras.layers.Multiply(name=f"head_{output.name}")([totals, shares])
