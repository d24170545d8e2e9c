"""The built-in scorers, one file each."""

from __future__ import annotations

from zoo import Scorer, hookimpl
from zoo_scorers.absolute import ABSOLUTE
from zoo_scorers.active import ACTIVE
from zoo_scorers.centre import CENTRE
from zoo_scorers.deepsea_effect import DEEPSEA_EFFECT
from zoo_scorers.difference import DIFFERENCE
from zoo_scorers.jensen_shannon import JENSEN_SHANNON
from zoo_scorers.l1 import L1
from zoo_scorers.l2 import L2
from zoo_scorers.largest_bin import LARGEST_BIN
from zoo_scorers.log2_ratio import LOG2_RATIO
from zoo_scorers.log_l2 import LOG_L2
from zoo_scorers.log_sum import LOG_SUM
from zoo_scorers.log_sum_difference import LOG_SUM_DIFFERENCE
from zoo_scorers.logit_difference import LOGIT_DIFFERENCE
from zoo_scorers.profile_times_count import PROFILE_TIMES_COUNT
from zoo_scorers.sum_difference import SUM_DIFFERENCE
from zoo_scorers.weighted_difference import WEIGHTED_DIFFERENCE


@hookimpl
def register_scorers() -> list[Scorer]:
    return [
        DIFFERENCE,
        WEIGHTED_DIFFERENCE,
        LOGIT_DIFFERENCE,
        LOG2_RATIO,
        ABSOLUTE,
        DEEPSEA_EFFECT,
        LOG_SUM,
        SUM_DIFFERENCE,
        LOG_SUM_DIFFERENCE,
        L1,
        L2,
        LOG_L2,
        LARGEST_BIN,
        JENSEN_SHANNON,
        CENTRE,
        ACTIVE,
        PROFILE_TIMES_COUNT,
    ]
