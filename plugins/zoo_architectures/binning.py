"""Bins of networks that pool a window to positions of as many bases each, and predict one bin a position."""

from __future__ import annotations

from zoo import OutputSpec, RecipeError


def check_window(architecture: str, length: int, size: int, pooled_by: str) -> None:
    """Refuse a window that is no whole number of positions; it is one position long at least.

    Args:
        size: Bases of a position.
        pooled_by: What of the configuration decides it, for the message.

    Raises:
        RecipeError: There is a rest.
    """
    rest = length % size
    if rest:
        raise RecipeError(
            f"{architecture} reads positions of {size} bases ({pooled_by}), a window of {length} bases is no multiple "
            f"of that; use {length - rest} or {length - rest + size} bases"
        )


def count_left_out(architecture: str, length: int, size: int, pooled_by: str, outputs: tuple[OutputSpec, ...]) -> int:
    """Return how many positions at either end of the window no bin holds; each other position is a bin.

    Args:
        size: Bases of a position.
        pooled_by: What of the configuration decides it, for messages.

    Raises:
        RecipeError: The window is no whole number of positions, an output has no bins, or bins of another size or
            place, or the outputs differ in that.
    """
    check_window(architecture, length, size, pooled_by)
    output = outputs[0]
    if any((other.bins, other.crop) != (output.bins, output.crop) for other in outputs):
        found = ", ".join(f"{other.name!r} {other.bins} less {other.crop} bases at either end" for other in outputs)
        raise RecipeError(f"{architecture}: expected the same bins for all outputs, found {found}")
    if output.bins is None:
        raise RecipeError(
            f"{architecture} predicts bins of {size} bases along the window, the data give one number for all of it; "
            f"use a loader that gives bins (bigwig with bin: {size}), or another architecture"
        )
    between = length - 2 * output.crop
    if output.bins * size != between or output.crop % size:
        raise RecipeError(
            f"{architecture} predicts bins of {size} bases ({pooled_by}) and leaves out whole bins at both ends; the "
            f"data give {output.bins} bins of {between / output.bins:g} bases and leave out {output.crop} bases; use "
            f"bins of {size} bases and a target length that is shorter than the window by a multiple of {2 * size}, "
            "or other pooling"
        )
    return output.crop // size
