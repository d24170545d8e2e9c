"""The benchmark's networks as PyTorch modules, from the same weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchmarks.peers.networks import SHAPES, Shape, flatten_channels_first, read_weights, weights_path


def load_network(work: Path, name: str) -> nn.Sequential:
    """Return a network that reads one-hot (N, 4, L) and predicts (N, T), with its weights, ready to predict."""
    shape = SHAPES[name]
    network = build_network(shape)
    weights = read_weights(weights_path(work, name))
    first = "dense_1.kernels"
    weights[first] = flatten_channels_first(shape, weights[first])
    layers = [layer for layer in network if isinstance(layer, (nn.Conv1d, nn.Linear))]
    names = [f"convolution_{number}" for number in range(1, len(shape.convolutions) + 1)]
    names += [f"dense_{number}" for number in range(1, len(shape.dense) + 1)]
    with torch.no_grad():
        for layer, layer_name in zip(layers, names, strict=True):
            layer.weight.copy_(torch.from_numpy(weights[f"{layer_name}.kernels"]))
            layer.bias.copy_(torch.from_numpy(weights[f"{layer_name}.bias"]))
    return network.eval()


def build_network(shape: Shape) -> nn.Sequential:
    """Return the layers, their weights as PyTorch draws them."""
    layers: list[nn.Module] = []
    channels = 4
    for filters, width, pool in shape.convolutions:
        layers += [nn.Conv1d(channels, filters, width), nn.ReLU()]
        if pool > 1:
            layers.append(nn.MaxPool1d(pool))
        channels = filters
    layers.append(nn.Flatten())
    positions, channels = shape.features
    inputs = positions * channels
    for number, outputs in enumerate(shape.dense, start=1):
        last = number == len(shape.dense)
        layers += [nn.Linear(inputs, outputs), nn.Sigmoid() if last else nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers)
