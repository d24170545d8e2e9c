"""What a layer's numbers may be."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

Size: TypeAlias = Annotated[int, Field(gt=0, le=1 << 20)]
"""Units or filters of a layer, or positions along its input: more than any network has is a slip."""

Penalty: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""The factor of a penalty on weights."""
