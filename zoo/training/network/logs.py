"""Writes what each epoch came to as it goes: a table, and TensorBoard's events where they are wanted."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from zoo.errors import MissingExtra, OutputError
from zoo.training.network.history import Epoch

LOG_FILE = "training.csv"


class Logs:
    """A row an epoch in ``training.csv``, and scalars for TensorBoard; either only where its folder is given.

    ``done`` are the epochs before a resumption: the table starts with them; TensorBoard's folder has them already.

    Raises:
        OutputError: The table, or TensorBoard's folder, can't be written.
        MissingExtra: TensorBoard's folder is given, and it is not installed.
    """

    def __init__(self, folder: Path | None, tensorboard: Path | None, monitor: str, done: Iterable[Epoch] = ()) -> None:
        self._folder, self._tensorboard, self._monitor, self._done = folder, tensorboard, monitor, tuple(done)
        self._stack = ExitStack()
        self._table: TextIO | None = None
        self._events: Any = None

    def __enter__(self) -> Self:
        if self._folder is not None:
            path = self._folder / LOG_FILE
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._table = self._stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            except OSError as error:
                raise _say(path, error) from error
            self._write_row([field.name if field.name != "number" else "epoch" for field in fields(Epoch)])
            for epoch in self._done:
                self._write_row(asdict(epoch).values())
        if self._tensorboard is not None:
            self._events = self._open_events(self._tensorboard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def write(self, epoch: Epoch) -> None:
        """Add an epoch."""
        self._write_row(asdict(epoch).values())
        if self._events is not None:
            self._write_events(epoch)

    def _write_row(self, values: Iterable[object]) -> None:
        if self._table is None:
            return
        try:
            csv.writer(self._table, lineterminator="\n").writerow(values)
            self._table.flush()
        except OSError as error:
            raise _say(Path(self._table.name), error) from error

    def _open_events(self, folder: Path) -> Any:
        import tensorflow as tf

        if importlib.util.find_spec("tensorboard") is None:
            raise MissingExtra(
                "TensorBoard's logs need tensorboard, which is not installed: pip install 'assayzoo[train]'"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            writer = tf.summary.create_file_writer(str(folder))
        except (OSError, tf.errors.OpError) as error:
            raise _say(folder, error) from error
        self._stack.callback(writer.close)
        return writer

    def _write_events(self, epoch: Epoch) -> None:
        import tensorflow as tf

        scalars = {
            "loss/train": epoch.loss,
            "loss/validation": epoch.validation_loss,
            "learning_rate": epoch.learning_rate,
        }
        if self._monitor != "loss":
            scalars[f"{self._monitor}/validation"] = epoch.monitored
        with self._events.as_default():
            for name, value in scalars.items():
                tf.summary.scalar(name, value, step=epoch.number)
        self._events.flush()


def _say(path: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return OutputError(f"{path}: can't be written: {reason}")
