"""From variants, sequences and regions to numbers."""

from __future__ import annotations

from zoo.prediction.annotation import annotate as annotate
from zoo.prediction.backgrounds import make_background as make_background
from zoo.prediction.haplotype_table import score_haplotypes as score_haplotypes
from zoo.prediction.sequences import predict as predict
from zoo.prediction.variants import score_variants as score_variants
