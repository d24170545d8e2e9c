"""Who signed a model, and whether the user trusts them with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed: ``name`` as the trust file has it, the fingerprint of a key that it does not list, or empty."""

    state: Literal["unsigned", "unknown", "trusted"]
    name: str = ""


def judge(folder: Path, full_name: str) -> Signer:  # noqa: ARG001 - no signature is read yet
    """Return who signed the model in a folder.

    Args:
        folder: With its signature beside SHA256SUMS, where there is one.
        full_name: ``name@version``; the trust file says for which names a key is good.

    Raises:
        SignatureError: The signature is broken, or the trust file asks for one that is not there.
    """
    return Signer("unsigned")
