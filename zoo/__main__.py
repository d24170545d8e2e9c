"""``python -m zoo`` is the command ``zoo``."""

from __future__ import annotations

from zoo.cli import run

if __name__ == "__main__":
    run()
