"""Networks of published sizes with random weights. NumPy alone: every program's environment reads the weights here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Weights = dict[str, npt.NDArray[np.float32]]
"""By name: `convolution_1.kernels` (F, C, K), `dense_1.kernels` (outputs, inputs), and a `.bias` for each."""

_SEQUENCES = 64
_LOGIT_SPREAD = 1.5


@dataclass(frozen=True, slots=True)
class Shape:
    """Convolutions without padding, each with ReLU and max-pooling, then dense layers, the last one a sigmoid.

    Attributes:
        length: Bases of the window.
        convolutions: Filters, width and pool of each; a pool of 1 is none.
        dense: Outputs of each dense layer; the last are the tracks.
    """

    name: str
    length: int
    convolutions: tuple[tuple[int, int, int], ...]
    dense: tuple[int, ...]

    @property
    def tracks(self) -> int:
        return self.dense[-1]

    @property
    def features(self) -> tuple[int, int]:
        """Positions and channels that the first dense layer reads."""
        positions = self.length
        for _, width, pool in self.convolutions:
            positions = (positions - width + 1) // pool
        return positions, self.convolutions[-1][0]

    @property
    def multiply_adds(self) -> int:
        """Multiplications, each with an addition, that one window costs."""
        total, positions, channels = 0, self.length, 4
        for filters, width, pool in self.convolutions:
            positions = positions - width + 1
            total += positions * filters * channels * width
            positions, channels = positions // pool, filters
        inputs = positions * channels
        for outputs in self.dense:
            total += inputs * outputs
            inputs = outputs
        return total


# The sizes, not the weights, of Basset (Kelley et al. 2016, doi:10.1101/gr.200535.115) and DeepSEA (Zhou and
# Troyanskaya 2015, doi:10.1038/nmeth.3547), with valid convolutions.
SHAPES = {
    shape.name: shape
    for shape in (
        Shape("basset-sized", 600, ((300, 19, 3), (200, 11, 4), (200, 7, 4)), (1000, 1000, 164)),
        Shape("deepsea-sized", 1000, ((320, 8, 4), (480, 8, 4), (960, 8, 1)), (925, 919)),
    )
}


def draw_weights(shape: Shape, seed: int = 1) -> Weights:
    """Draw weights that use what they have: every channel varies between sequences, and no track is saturated.

    Each channel is scaled to mean 0 and SD 1 before its ReLU, over random sequences, as batch normalisation would have
    left it; the tracks' logits have an SD of 1.5.
    """
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, (_SEQUENCES, shape.length))
    values = np.eye(4, dtype=np.float32)[codes]
    weights: Weights = {}
    channels = 4
    for number, (filters, width, pool) in enumerate(shape.convolutions, start=1):
        kernels = generator.standard_normal((filters, channels, width)).astype(np.float32)
        values = _standardise(weights, f"convolution_{number}", kernels, _convolve(values, kernels))
        values = _pool(np.maximum(values, 0), pool)
        channels = filters
    values = values.reshape(_SEQUENCES, -1)
    for number, outputs in enumerate(shape.dense, start=1):
        kernels = generator.standard_normal((outputs, values.shape[1])).astype(np.float32)
        last = number == len(shape.dense)
        spread = _LOGIT_SPREAD if last else 1.0
        values = _standardise(weights, f"dense_{number}", kernels, values @ kernels.T, spread)
        values = np.maximum(values, 0)
    return weights


def flatten_channels_first(shape: Shape, kernels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the first dense layer's kernels for features that were flattened channel by channel.

    As drawn they are for features flattened position by position, as networks that read (N, L, 4) do.
    """
    positions, channels = shape.features
    turned = kernels.reshape(-1, positions, channels).transpose(0, 2, 1)
    return np.ascontiguousarray(turned.reshape(len(kernels), -1))


def weights_path(work: Path, name: str) -> Path:
    """Where the weights of a network lie."""
    return work / "models" / f"{name}.weights.npz"


def read_weights(path: Path) -> Weights:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def _standardise(
    weights: Weights,
    layer: str,
    kernels: npt.NDArray[np.float32],
    values: npt.NDArray[np.float32],
    spread: float = 1.0,
) -> npt.NDArray[np.float32]:
    """Keep a layer's weights, scaled so that its values have mean 0 and this SD, and return those values."""
    axes = tuple(range(values.ndim - 1))
    scale = (spread / np.maximum(values.std(axis=axes), 1e-6)).astype(np.float32)
    bias = (-values.mean(axis=axes) * scale).astype(np.float32)
    weights[f"{layer}.kernels"] = kernels * scale.reshape(-1, *(1,) * (kernels.ndim - 1))
    weights[f"{layer}.bias"] = bias
    return values * scale + bias


def _convolve(values: npt.NDArray[np.float32], kernels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the convolution of (N, L, C) with (F, C, K), without padding: (N, L - K + 1, F)."""
    windows = np.lib.stride_tricks.sliding_window_view(values, kernels.shape[2], axis=1)
    return np.tensordot(windows, kernels, axes=([2, 3], [1, 2]))


def _pool(values: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    """Return the largest of every so many positions; what is left over at the end is dropped."""
    count, positions, channels = values.shape
    kept = values[:, : positions // width * width]
    return kept.reshape(count, positions // width, width, channels).max(axis=2)
