"""What a model has learned, made visible: the effect of every change of a sequence."""

from __future__ import annotations

from zoo.interpretation.mutation import mutate as mutate
from zoo.interpretation.outputs import write_maps as write_maps
