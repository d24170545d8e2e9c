"""Which contigs a model was trained on, as far as its card tells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zoo.genome.build import contig_key, contigs_of_build
from zoo.model.card import Card
from zoo.prediction.alleles.batch import AlleleBatch


def tells_contigs(card: Card) -> bool:
    """Tell whether a card says which contigs were kept out of training."""
    split = card.split
    return split is not None and split.method == "contig" and any(split.groups.values())


def find_seen(alleles: AlleleBatch, card: Card) -> npt.NDArray[np.bool_]:
    """Return which alleles stand on contigs that the model was trained on, shape (A,); none where the card is silent.

    Contigs are known by their names; of a build that is known, only its own count, so that nothing of a yeast was
    seen by a model of man. Those of the validation part count as unseen: training looked at them only to choose when
    to stop.
    """
    if not tells_contigs(card) or card.split is None:
        return np.zeros(len(alleles), dtype=np.bool_)
    held_out = {contig_key(name) for names in card.split.groups.values() for name in names}
    own = contigs_of_build(card.genome.name) if card.genome else None
    keys = [contig_key(name) for name in alleles.contigs]
    trained = np.array([key not in held_out and (own is None or key in own) for key in keys] + [False], dtype=np.bool_)
    seen: npt.NDArray[np.bool_] = trained[alleles.contig]  # -1, of an unknown contig, is the last
    return seen
