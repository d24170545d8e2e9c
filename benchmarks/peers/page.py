"""Turns the results of runs into the page's sections, and writes it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import list_versions
from benchmarks.peers.goals import describe_goals
from benchmarks.peers.limits import describe_limits
from benchmarks.peers.processes import ROOT
from benchmarks.peers.statistics import WINDOWS_PER_ALLELE, Row, StartUp, choose_floor, summarise, summarise_start_up
from benchmarks.peers.table import Section, Setting, render_page
from benchmarks.peers.tasks import TASKS, Program, Task, lists_folder, make_command, output_path, start_up_task

GPU_NOT_MEASURED = "Not measured: no GPU was at hand. `bash benchmarks/gpu.sh` measures where there is one."

Run = Mapping[str, Any]
"""What one run told: ``rounds``, ``differences``, ``missing``, ``records``, ``threads``."""


def write_page(path: Path, work: Path, *, use_earlier: bool) -> None:
    """Write the page from the last run; with ``use_earlier`` the peers' rows from the last run that had them."""
    run = _read_run(work / "results" / "run.json")
    earlier = _read_run(work / "results" / "peers.json") if use_earlier else None
    sections = {task.name: build_section(task, run, earlier, work) for task in TASKS if _was_measured(task, run)}
    gpu = work / "results" / "gpu.txt"
    setting = Setting(
        machine=describe_machine(),
        commit=run["commit"],
        rounds=len(run["rounds"]),
        records=run["records"],
        threads=run["threads"],
        loads=[entry["load"] for of_round in run["rounds"] for entry in of_round.values()],
        versions=_find_versions(work),
        command=run["command"],
    )
    limits = work / "results" / "limits.json"
    goals = describe_goals(sections)
    if limits.exists():
        goals += ["", *describe_limits(json.loads(limits.read_text()))]
    text = gpu.read_text().strip() if gpu.exists() else GPU_NOT_MEASURED
    path.write_text(render_page(setting, list(sections.values()), goals, text), encoding="utf-8")


def build_section(task: Task, run: Run, earlier: Run | None, work: Path) -> Section:
    """Return a task's section; programs that took no part are left out, or taken from an earlier run."""
    rows, taken = [], set()
    for program in task.programs:
        source = run
        if program.name not in _entries(run, task.name)[0]["programs"] and earlier is not None:
            source = earlier
        row = _summarise_program(task, program, source)
        if row is not None:
            rows.append(row)
            if source is earlier:
                taken.add(program.name)
        elif program.environment in run.get("missing", {}):
            rows.append(Row(program.name, failure=run["missing"][program.environment]))
    peers = (program.name for program in task.programs if program.is_peer)
    differences = {**(earlier or {}).get("differences", {}).get(task.name, {}), **_differences(run, task)}
    shown = {program.name: program for program in task.programs if program.name in {row.name for row in rows}}
    return Section(
        title=task.title,
        floor=choose_floor([entry["floor"] for entry in _entries(run, task.name)]),
        rows=rows,
        windows_per_score=_windows_per_score(task),
        peers=frozenset(peers),
        differences=differences,
        commands={name: _show_command(task, program, work, run) for name, program in shown.items()},
        earlier=frozenset(taken),
        is_start_up=task.name == start_up_task(task),
    )


def describe_machine() -> str:
    """Return processor, count and memory of this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model, memory = platform.processor() or platform.machine(), ""
    cpuinfo, meminfo = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    if meminfo.exists():
        memory = f", {round(int(meminfo.read_text().split()[1]) / 2**20)} GB"
    return f"{cores} cores of {model}{memory}"


def find_commit() -> str:
    """Return the commit that is checked out."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _summarise_program(task: Task, program: Program, run: Run) -> Row | None:
    """Return the medians of a program, None where it took no part in the run."""
    entries = [entry for entry in _entries(run, task.name) if program.name in entry["programs"]]
    if not entries:
        return None
    floor = choose_floor([entry["floor"] for entry in entries])
    usages = [entry["programs"][program.name] for entry in entries]
    return summarise(program.name, usages, floor, _start_up(task, program, run), _windows_per_score(task))


def _start_up(task: Task, program: Program, run: Run) -> StartUp:
    """Return what a program needs for one allele, nothing where that was not measured."""
    name = program.start_up or program.name
    programs = [entry["programs"] for entry in _entries(run, start_up_task(task))]
    return summarise_start_up([of_round[name] for of_round in programs if name in of_round])


def _entries(run: Run, task: str) -> list[dict[str, Any]]:
    return [of_round[task] for of_round in run["rounds"] if task in of_round]


def _was_measured(task: Task, run: Run) -> bool:
    return bool(_entries(run, task.name))


def _differences(run: Run, task: Task) -> dict[str, float]:
    return dict(run.get("differences", {}).get(task.name, {}))


def _windows_per_score(task: Task) -> int:
    return 1 if task.is_map else WINDOWS_PER_ALLELE


def _show_command(task: Task, program: Program, work: Path, run: Run) -> str:
    """Return a command as anyone would type it: DIR is the work folder, MODEL, LIST and OUT what the task says."""
    output = output_path(work, task, program, run["records"])
    command = make_command(task, program, work, run["records"], output, run["threads"])
    python = "python" if program.environment is None else f"{work}/envs/{program.environment}/bin/python"
    text = " ".join([python, *command[1:]])
    for found, shown in (
        (str(output.with_suffix("")), "OUT"),
        (str(lists_folder(work, run["records"]) / task.source), "LIST"),
        (str(work), "DIR"),
        (task.model, "MODEL"),
        ("python -m zoo", "zoo"),
    ):
        text = text.replace(found, shown)
    return text


def _find_versions(work: Path) -> dict[str, str]:
    import importlib.metadata

    versions = {"Python": platform.python_version(), "onnxruntime": importlib.metadata.version("onnxruntime")}
    for name in ("selene", "tangermeme", "grelu"):
        if (work / "envs" / name / "ready").exists():
            versions |= list_versions(work, name)
    return versions


def _read_run(path: Path) -> Run:
    if not path.exists():
        raise SystemExit(f"{path.name}: nothing was measured yet")
    found: Run = json.loads(path.read_text())
    return found
