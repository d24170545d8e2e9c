"""The folder in which a model grows: beside its place, locked, and taken up again after a run that broke off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ExportMismatch, OutputError, TrainingDiverged, TrainingError, VersionExists
from zoo.genome.locks import take_lock

_LOCK_FILE = "lock"
_CHECKPOINTS = "checkpoint-*"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a run writes.

    Args:
        output: What the model's folder will be called.
        folder: What becomes the model's folder, and holds nothing else.
        run: Checkpoints, logs and streamed examples of the run, gone when it is done.
    """

    output: Path
    folder: Path
    run: Path

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn the errors of the operating system into an OutputError that names the output."""
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self.output}: can't be written: {error.strerror or error}") from error


@contextmanager
def open_workspace(output: Path, *, resume: bool = False) -> Iterator[Workspace]:
    """Give folders beside ``output`` to write into; the model's gets its name if all goes well.

    After an error the run's folder is kept for ``resume`` where it holds a checkpoint, unless the run would only end
    the same way; else all is removed.

    Raises:
        VersionExists: ``output`` exists.
        TrainingError: There is nothing to resume, or another run is in the folder, or one broke off there.
        OutputError: The folders can't be made.
    """
    if output.exists() or output.is_symlink():
        raise VersionExists(f"{output}: exists; a model never changes, give another folder, or a new version its own")
    partial = locate_partial(output)
    space = Workspace(output, partial / "model", partial / "run")
    if resume and not partial.is_dir():
        raise TrainingError(f"{partial}: expected what a broken-off run has left, found nothing; leave out --resume")
    existed = partial.exists()
    with space.writing():
        space.run.mkdir(parents=True, exist_ok=True)
    with _locked(partial / _LOCK_FILE, output):
        if existed and not resume:
            raise TrainingError(f"{partial}: a run broke off there; go on with it by --resume, or remove the folder")
        shutil.rmtree(space.folder, ignore_errors=True)
        with space.writing():
            space.folder.mkdir()
        try:
            yield space
            with space.writing():
                space.folder.rename(output)
        except BaseException as error:
            hopeless = isinstance(error, TrainingDiverged | ExportMismatch) and not existed
            if hopeless or not any(space.run.rglob(_CHECKPOINTS)):
                shutil.rmtree(partial, ignore_errors=True)
            raise
        shutil.rmtree(partial, ignore_errors=True)


def locate_partial(output: Path) -> Path:
    """Return the folder that holds a run's workspace until the model's folder has its name."""
    return output.with_name(f"{output.name}.partial")


@contextmanager
def _locked(path: Path, output: Path) -> Iterator[None]:
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"{output}: can't be written: {error.strerror or error}") from error
    try:
        if not take_lock(number):
            raise TrainingError(f"{output}: another run is training it; wait for it, or name another folder")
        yield
    finally:
        os.close(number)
