"""The built-in scorers, one file each."""

from __future__ import annotations

from zoo import Scorer, hookimpl
from zoo_scorers.difference import DIFFERENCE
from zoo_scorers.logit_difference import LOGIT_DIFFERENCE
from zoo_scorers.weighted_difference import WEIGHTED_DIFFERENCE


@hookimpl
def register_scorers() -> list[Scorer]:
    return [DIFFERENCE, WEIGHTED_DIFFERENCE, LOGIT_DIFFERENCE]
