"""``python -m zoo`` is the command ``zoo``, which begins here."""

from __future__ import annotations

import signal
from typing import NoReturn


def run() -> NoReturn:
    """Run the command that this process was started for, and end the process with its exit status."""
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # nohup and others let it be ignored
    if heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is there to be cleared up, and Python would print where
    from zoo import cli

    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.run()


if __name__ == "__main__":
    run()
