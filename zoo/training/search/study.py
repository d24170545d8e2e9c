"""The study of a search: an Optuna study, in memory or in a file from which a killed search goes on."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from zoo.errors import MissingExtra, OutputError, TrainingError
from zoo.genome.locks import take_lock

_NAME = "zoo-tune"
_FINGERPRINT = "recipe"
_STARTUP_TRIALS = 5


def check_installed() -> None:
    """Raise MissingExtra where Optuna is not installed."""
    if importlib.util.find_spec("optuna") is None:
        raise MissingExtra("zoo tune needs optuna, which is not installed: pip install 'assayzoo[tune]'")


@contextmanager
def open_study(
    file: Path | None, direction: Literal["minimize", "maximize"], warmup: int, fingerprint: str
) -> Iterator[Any]:
    """Give the study; what was killed in it counts as failed.

    Args:
        warmup: Epochs that no trial is stopped in.
        fingerprint: What a study in a file must be of to be gone on with.

    Raises:
        TrainingError: The file holds another study or none, or another search is writing it.
        OutputError: The file can't be written.
    """
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=_STARTUP_TRIALS, n_warmup_steps=warmup)
    try:
        if file is None:
            yield optuna.create_study(study_name=_NAME, direction=direction, pruner=pruner)
            return
        with _locked(file):
            study = _read_study(file, direction, pruner)
            known = study.user_attrs.get(_FINGERPRINT)
            if known is None:
                study.set_user_attr(_FINGERPRINT, fingerprint)
            elif known != fingerprint:
                raise TrainingError(f"{file}: is the study of another recipe or seed; name another file")
            for broken in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
                study.tell(broken.number, state=optuna.trial.TrialState.FAIL)
            yield study
    finally:
        optuna.logging.set_verbosity(verbosity)


def ask(study: Any, seed: int, number: int, first: dict[str, Any] | None) -> Any:
    """Return the next trial, whose values depend on the seed, its number from 0 and those before it alone.

    ``first`` are the values of the first one, drawn like any other's if None.
    """
    import optuna

    if first is not None and number == 0 and not study.get_trials(states=(optuna.trial.TrialState.WAITING,)):
        study.enqueue_trial(first)
    # A sampler of its own for each trial: a search that goes on draws what an uninterrupted one would have.
    drawn = np.random.SeedSequence([seed, number]).generate_state(1)[0]
    study.sampler = optuna.samplers.TPESampler(seed=int(drawn))
    return study.ask()


def _read_study(file: Path, direction: str, pruner: Any) -> Any:
    import optuna

    _drop_cut_line(file)
    try:
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
        return optuna.create_study(
            storage=storage, study_name=_NAME, direction=direction, pruner=pruner, load_if_exists=True
        )
    except OSError:
        raise
    except Exception as error:  # Optuna trips over a strange file in many ways
        raise TrainingError(f"{file}: expected a study that zoo tune wrote, found something else") from error


def _drop_cut_line(file: Path) -> None:
    """Cut off a last line without its end: what was being written when a search was killed."""
    with file.open("r+b") as study:
        content = study.read()
        if content and not content.endswith(b"\n"):
            study.truncate(content.rfind(b"\n") + 1)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Make the file if there is none, and keep other searches out of it."""
    try:
        number = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"{file}: can't be written: {error.strerror or error}") from error
    try:
        if not take_lock(number):
            raise TrainingError(f"{file}: another search is writing it; wait for it, or name another file")
        yield
    except OSError as error:
        if error.filename != str(file):
            raise
        raise OutputError(f"{file}: can't be written: {error.strerror or error}") from error
    finally:
        os.close(number)
