"""From variants, sequences and regions to numbers."""

from __future__ import annotations

from zoo.prediction.annotation import annotate as annotate
from zoo.prediction.sequences import predict as predict
from zoo.prediction.variants import score_variants as score_variants
