"""Rounds in which every program takes its turn, and the floor beside them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.networks import SHAPES
from benchmarks.peers.processes import ProgramFailed, Usage, read_last_object, run_process
from benchmarks.peers.statistics import fastest_forms
from benchmarks.peers.tasks import (
    Program,
    Task,
    lists_folder,
    make_command,
    output_path,
    summary_path,
)

Round = dict[str, dict[str, Any]]
"""By task: ``floor`` (what ``floor.py`` prints), ``load`` and ``programs`` (a usage, or ``failed``, by name)."""

_FEWEST_WINDOWS = 256
_MULTIPLY_ADDS = 76e9  # a quarter of a second or so for each form
_FORMS = 4


def run_rounds(
    tasks: Sequence[Task],
    chosen: Callable[[Program], bool],
    work: Path,
    records: int,
    threads: int,
    rounds: int,
    keep: Callable[[list[Round]], None],
) -> list[Round]:
    """Run every task so many times, one round after another.

    Args:
        chosen: Whether a program takes part.
        keep: Called after each task with what there is so far, so that a run that is broken off is not lost.
    """
    done: list[Round] = []
    forms: dict[str, list[str]] = {}
    for number in range(rounds):
        current: Round = {}
        done.append(current)
        for task in tasks:
            entry = current[task.name] = {"load": os.getloadavg()[0], "floor": {}, "programs": {}}
            print(f"round {number + 1}, {task.name}, load {entry['load']:.1f}", flush=True)
            entry["floor"] = _measure_floor(task, work, threads, forms.get(task.model))
            forms.setdefault(task.model, fastest_forms(entry["floor"]["rates"], _FORMS))
            programs = [program for program in task.programs if chosen(program)]
            turn = number % max(1, len(programs))
            for program in (*programs[turn:], *programs[:turn]):
                entry["programs"][program.name] = _run_program(task, program, work, records, threads, number)
            keep(done)
    return done


def _run_program(task: Task, program: Program, work: Path, records: int, threads: int, number: int) -> dict[str, Any]:
    output = output_path(work, task, program, records)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    log = work / "logs" / f"{task.name}.{program.file_name}.{number + 1}.log"
    command = make_command(task, program, work, records, output, threads)
    try:
        seconds, processor_seconds, peak = run_process(command, log, threads)
        scored = _count_scored(task, program, lists_folder(work, records) / task.source, output, log)
    except ProgramFailed as error:
        print(f"  {program.name}: {error}", flush=True)
        return {"failed": str(error)}
    print(f"  {program.name}: {scored:,} in {seconds:.1f} s, {peak:.0f} MB", flush=True)
    return Usage(seconds, processor_seconds, peak, scored).to_json()


def _count_scored(task: Task, program: Program, source: Path, output: Path, log: Path) -> int:
    if program.driver is not None:
        return int(read_last_object(log)["scored"])
    if not task.is_map:
        return int(json.loads(summary_path(output).read_text())["scored"])
    sequences = source.read_text().split(">")[1:]
    return sum(3 * len(entry.split("\n", 1)[1].strip()) for entry in sequences)


def _measure_floor(task: Task, work: Path, threads: int, forms: Sequence[str] | None) -> dict[str, Any]:
    """Measure the floor: of all forms at first, of the fastest of them from then on."""
    model = work / "models" / task.model
    log = work / "logs" / f"{task.name}.floor.log"
    command = [sys.executable, "-m", "benchmarks.peers.floor", "--model", str(model)]
    windows = max(_FEWEST_WINDOWS, int(_MULTIPLY_ADDS / SHAPES[task.model].multiply_adds)) if forms else _FEWEST_WINDOWS
    command += ["--plain", f"{model}.plain.onnx", "--threads", str(threads), "--windows", str(windows)]
    command += ["--turns", "2" if forms else "1"]
    for form in forms or ():
        command += ["--form", form]
    run_process(command, log, threads)
    return read_last_object(log)
