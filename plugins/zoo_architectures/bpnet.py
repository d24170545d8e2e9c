"""The network of BPNet: dilated convolutions that predict the profile of a factor at each base, and its total."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec, RecipeError
from zoo_architectures.one_sequence import EitherStrand, read_sequence
from zoo_architectures.profiles import check_bases, dilate, spread
from zoo_architectures.sizes import Size

_AROUND = 50
"""Bases over which the control is summed, beside the control at each base: those of the authors' code."""


class BpnetConfig(Config):
    """The published sizes, made for 1,000 bases and four factors, both strands of each as a track of its own.

    What is special about it: it learns the shape of a footprint apart from how many reads there are, at the resolution
    of a base, with every base of the window in sight of every other. Use it with ``output.activation: exponential``,
    bins of single bases (``bin: 1``, ``how: sum``) and ``training.count_weight``, 10 in the authors' code. With 8
    tracks it has 130,960 parameters.

    A control (input DNA, say) may be given as tracks along the sequence: its counts at each base, and their sum over
    50, are added to the logits of each profile, and log(1 + its total) to those of each total, with learned weights.

    Different from the paper: profile and total are one output, total times shares. The count head says log(n), not
    log(1 + n), so that no total is below 0; the loss compares log(1 + n) all the same. The profile comes from a plain
    convolution; with stride 1 the paper's transposed one is the same with its kernel turned round. Each track weighs
    all controls for itself; in the paper each factor has its own control, with one set of weights for both strands.
    Optimiser, learning rate and shifts are the recipe's.

    Args:
        width: Of the first convolution.
        dilated: Convolutions of width 3 whose dilation doubles from 2 on: 9 reach 1,034 bases to either side.
        profile_width: Of the convolution that predicts the profile.
        reverse_complement: ``average`` is the mean of both strands. Where a track is one strand's, the recipe's
            ``strand.average`` with ``strand.track_pairs`` is meant instead.
    """

    filters: Size = 64
    width: Size = 25
    dilated: Annotated[int, Field(ge=0, le=16)] = 9
    profile_width: Size = 25
    reverse_complement: EitherStrand = "none"


def build_bpnet(
    config: BpnetConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network; the inputs beside the sequence are controls (L, C).

    Raises:
        RecipeError: There is no sequence, an output has not one bin a base, or a further input does not lie along the
            sequence.
    """
    import keras

    from zoo import layers

    sequence = read_sequence("bpnet", inputs, 1)
    length = sequence.shape[1]
    check_bases("bpnet", length, outputs)
    controls = [_read_control(spec, length) for spec in inputs[1:]]
    convolution = keras.layers.Conv1D(config.filters, config.width, padding="same", activation="relu", name="first")
    hidden = dilate(convolution(sequence), config.filters, config.dilated, padding="same")
    summary = keras.layers.GlobalAveragePooling1D(name="average")(hidden)
    known = _know_controls(controls) if controls else None
    heads = {}
    for spec in outputs:
        tracks = len(spec.tracks)
        logits = keras.layers.Conv1D(tracks, config.profile_width, padding="same", name=f"profile_{spec.name}")(hidden)
        totals = keras.layers.Dense(tracks, name=f"count_{spec.name}")(summary)
        if known is not None:
            # Without a bias of their own: where the control is 0 they add nothing.
            more = keras.layers.Conv1D(tracks, 1, use_bias=False, name=f"profile_bias_{spec.name}")(known[0])
            logits = keras.layers.Add(name=f"biased_profile_{spec.name}")([logits, more])
            more = keras.layers.Dense(tracks, use_bias=False, name=f"count_bias_{spec.name}")(known[1])
            totals = keras.layers.Add(name=f"biased_count_{spec.name}")([totals, more])
        if spec.crop:
            logits = keras.layers.Cropping1D(spec.crop, name=f"middle_{spec.name}")(logits)
        heads[spec.name] = spread(logits, totals, spec)
    network = keras.Model([sequence, *controls] if controls else sequence, heads)
    return layers.both_strands(network, outputs) if config.reverse_complement == "average" else network


def _read_control(spec: InputSpec, length: int) -> Any:
    import keras

    if len(spec.shape) != 2 or spec.shape[0] != length:
        raise RecipeError(
            f"bpnet reads controls along the {length} bases of the sequence, input {spec.name!r} has shape "
            f"{spec.shape}; leave it out, or give it a value for each base"
        )
    return keras.Input(spec.shape, name=spec.name)


def _know_controls(controls: list[Any]) -> tuple[Any, Any]:
    """Return what is known of the controls: at each base (N, L, C + 1), and in total (N, C)."""
    import keras

    tracks = controls[0] if len(controls) == 1 else keras.layers.Concatenate(name="controls")(controls)
    summed = keras.layers.Conv1D(
        1,
        _AROUND,
        padding="same",
        use_bias=False,
        kernel_initializer="ones",
        trainable=False,
        name="controls_around",
    )(tracks)
    at_each_base = keras.layers.Concatenate(name="controls_at_each_base")([tracks, summed])
    return at_each_base, _make_layer()(name="controls_in_total", dtype="float32")(tracks)


@cache
def _make_layer() -> Any:
    import keras

    class LogTotal(keras.layers.Layer):  # type: ignore[misc]
        def call(self, values: Any) -> Any:
            # Not log1p, which the exporter does not know.
            return keras.ops.log(1 + keras.ops.sum(values, axis=1))

    return LogTotal


BPNET = Architecture(
    name="bpnet",
    summary="dilated convolutions that predict, for each track, a profile at base resolution and its total",
    config=BpnetConfig,
    build=build_bpnet,
    loss="multinomial_mse",
    source="doi:10.1038/s41588-021-00782-6",
    context=True,
    binned=True,
)
