"""Which contigs a model was trained on, as far as its card tells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zoo.genome.build import contig_key, contigs_of_build
from zoo.model.card import Card
from zoo.prediction.alleles.batch import AlleleBatch


def tells_contigs(card: Card) -> bool:
    """Tell whether a card says which contigs a model was trained on: which were held out, and of which genome."""
    return list_trained(card) is not None


def list_trained(card: Card) -> frozenset[str] | None:
    """Return what ``contig_key`` makes of the contigs that a model was trained on; None where its card is silent.

    They are those that the genome's digests name, which training writes of all contigs that examples lie on, else
    those of the genome's build, without those held out. Held-out contigs alone don't tell: of a contig that no part
    names nobody knows whether it was ever in the data.
    """
    split = card.split
    if split is None or split.method != "contig" or card.genome is None:
        return None
    held_out = frozenset(contig_key(name) for names in split.groups.values() for name in names)
    if not held_out:
        return None
    lain_on = frozenset(map(contig_key, card.genome.digests))
    # Digests that lack a held-out contig are of some contigs only, given to tell the build.
    known = lain_on if held_out <= lain_on else contigs_of_build(card.genome.name)
    return None if known is None else known - held_out


def find_seen(alleles: AlleleBatch, card: Card) -> npt.NDArray[np.bool_]:
    """Return which alleles stand on contigs that the model was trained on, shape (A,); none where the card is silent.

    Contigs are known by their names, as ``list_trained`` has them. Those of the validation part count as unseen:
    training looked at them only to choose when to stop.
    """
    trained = list_trained(card) or frozenset()
    by_contig = np.array([contig_key(name) in trained for name in alleles.contigs] + [False], dtype=np.bool_)
    seen: npt.NDArray[np.bool_] = by_contig[alleles.contig]  # -1, of an unknown contig, is the last
    return seen
