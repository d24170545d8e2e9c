"""Random alleles of a contig and their windows, cut the plain way, and cards of random networks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tests.network.random_graphs import GraphMaker, RandomModel, run
from zoo.model.card import Card
from zoo.model.chunks import Pairs
from zoo.network.network import Network
from zoo.network.operators import Convolve
from zoo.testing.models import CARD

Codes = npt.NDArray[np.uint8]
UNKNOWN = 4


@dataclass(frozen=True)
class Allele:
    """The bases ``start`` to ``start + ref_length - 1`` of a contig, replaced by ``alt``."""

    start: int
    ref_length: int
    alt: Codes


def draw_contig(rng: np.random.Generator, length: int) -> Codes:
    """Return bases with a few unknown ones alone and a run of them."""
    contig = rng.integers(0, 4, length).astype(np.uint8)
    contig[rng.random(length) < 0.02] = UNKNOWN
    first = int(rng.integers(length))
    contig[first : first + length // 10] = UNKNOWN
    return contig


def draw_alleles(rng: np.random.Generator, contig: Codes, count: int, longest: int) -> list[Allele]:
    """Return alleles of all kinds in no order, some of one site, with those at both ends of the contig.

    Args:
        longest: Of REF and ALT.
    """
    sites = rng.integers(0, len(contig), count)
    sites[:6] = 0, len(contig) - 1, sites[6], sites[6], sites[6], sites[7] + 1
    found = []
    for number, site in enumerate(np.minimum(sites, len(contig) - 1).tolist()):
        kind = rng.choice(["one", "added", "gone", "as many", "others"])
        few = int(rng.integers(2, 12)) if number % 4 else longest
        ref_length, alt_length = {
            "one": (1, 1),
            "added": (1, few),
            "gone": (few, 1),
            "as many": (few, few),
            "others": (few, int(rng.integers(1, 5))),
        }[str(kind)]
        ref_length = min(ref_length, longest, len(contig) - site)
        alt = rng.integers(0, 4, min(alt_length, longest)).astype(np.uint8)
        if rng.random() < 0.7:
            alt[0] = contig[site]  # as indels in a VCF begin
        found.append(Allele(site, ref_length, alt))
    return found


def cut(contig: Codes, start: int, length: int) -> Codes:
    """Return a window; what lies beyond the contig is unknown."""
    beyond = np.full(length, UNKNOWN, dtype=np.uint8)
    padded = np.concatenate([beyond, contig, beyond])
    first = start + length
    return padded[first : first + length].copy()


def cut_pairs(contig: Codes, alleles: list[Allele], length: int, anchor: int) -> Pairs:
    """Return the windows of alleles whose first base stands at the anchor."""
    line, ref_of = np.unique([allele.start - anchor for allele in alleles], return_inverse=True)
    alts = []
    for allele in alleles:
        changed = np.concatenate([contig[: allele.start], allele.alt, contig[allele.start + allele.ref_length :]])
        alts.append(cut(changed, allele.start - anchor, length))
    return Pairs(
        np.stack([cut(contig, int(start), length) for start in line]),
        line,
        ref_of,
        np.stack(alts),
        np.array([allele.ref_length for allele in alleles]),
        np.array([len(allele.alt) for allele in alleles]),
    )


def make_large(length: int = 200, *, padded: bool = False) -> RandomModel:
    """Return a network whose convolutions take nearly all of its time, of which a base changes a few positions."""
    rng = np.random.default_rng(0)
    maker = GraphMaker()
    name, positions = maker.node("Transpose", ["sequence"], perm=[0, 2, 1]), length
    for inner, outer in ((4, 40), (40, 40)):
        weights = rng.normal(0, 1 / np.sqrt(7 * inner), (outer, inner, 7))
        pads = [3, 3] if padded else [0, 0]
        name = maker.node("Conv", [name, maker.constant(weights)], kernel_shape=[7], pads=pads)
        name = maker.node("Relu", [name])
        positions += sum(pads) - 6
    name = maker.node("MaxPool", [name], kernel_shape=[4], strides=[4])
    features = 40 * (positions // 4)
    weights = rng.normal(0, 1 / np.sqrt(features), (features, 2))
    output = maker.node("MatMul", [maker.node("Flatten", [name]), maker.constant(weights)])
    return RandomModel(maker.model({"sequence": (length, 4)}, [output]), "sequence", length, {}, ("dense",))


def halve(network: Network) -> Network:
    """Return another network: half of what its first convolution says."""
    first, *others = network.trunk
    assert isinstance(first, Convolve)
    return replace(network, trunk=(replace(first, weights=first.weights / 2, bias=first.bias / 2), *others))


def make_card_of(made: RandomModel, anchor: int, **strand: object) -> Card:
    """Return a card for a network with two tracks an output, whose ``parts`` end with the kinds of its outputs."""
    found = run(made.model, {made.sequence: np.zeros((1, made.length, 4), dtype=np.float32)})
    kinds = made.parts[-len(found) :]
    outputs = []
    for number, (value, kind, values) in enumerate(zip(made.model.graph.output, kinds, found, strict=True)):
        tracks = [{"name": f"{name}{number}", "assay": "none"} for name in ("plus", "minus")]
        output: dict[str, object] = {"name": value.name, "tracks": tracks, "activation": "linear"}
        if kind == "bins":
            output |= {"kind": "binned", "bins": values.shape[1]}
        elif kind == "members":
            output["members"] = values.shape[1]
        outputs.append(output)
    return Card.model_validate(
        CARD
        | {
            "inputs": [{"name": made.sequence, "shape": [made.length, 4], "unknown": "quarter"}],
            "window": {"length": made.length, "anchor": anchor},
            "outputs": outputs,
            "strand": strand or {"average": False},
        }
    )


def draw_card(rng: np.random.Generator, made: RandomModel, anchor: int) -> Card:
    """Return a card of one strand, or of both in one of the ways in which they may be brought together."""
    if rng.random() < 0.4:
        return make_card_of(made, anchor)
    pairs = [["plus0", "minus0"]] if rng.random() < 0.5 else []
    return make_card_of(made, anchor, average=True, reverse_bins=bool(rng.random() < 0.5), track_pairs=pairs)


def draw_anchor(rng: np.random.Generator, length: int) -> int:
    """Return a base of a window, at times one of its ends."""
    return int(rng.choice([0, length - 1, length // 2, rng.integers(length)]))


def largest(found: dict[str, npt.NDArray[np.float32]], expected: dict[str, npt.NDArray[np.float32]]) -> float:
    """Return the largest difference of any output, relative to its largest prediction."""
    assert list(found) == list(expected)
    differences = [0.0]
    for name, wanted in expected.items():
        assert found[name].shape == wanted.shape
        assert found[name].dtype == np.float32
        if wanted.size:
            difference = np.abs(found[name].astype(np.float64) - wanted).max()
            assert np.isfinite(difference)
            differences.append(float(difference / np.abs(wanted).max()))
    return max(differences)
