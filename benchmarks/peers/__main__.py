"""The one command: makes data, models and environments, runs all rounds, and writes `benchmarks/RESULTS.md`.

python -m benchmarks.peers --work DIR
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import EnvironmentFailed, make_environment
from benchmarks.peers.limits import measure_limits
from benchmarks.peers.page import find_commit, write_page
from benchmarks.peers.processes import ROOT, ProgramFailed, read_last_object, run_process
from benchmarks.peers.rounds import Round, run_rounds
from benchmarks.peers.tasks import TASKS, Program, Task, start_up_task

RECORDS = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison."""
    given = _parse(arguments)
    work: Path = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    prepare = [sys.executable, "-m", "benchmarks.peers.prepare", "--work", str(work), "--records", str(given.records)]
    run_process(prepare, work / "logs" / "prepare.log", given.threads)
    tasks = _choose_tasks(given.only)
    missing = {} if given.reuse_peers or given.no_peers else _make_environments(work, tasks)

    def is_chosen(program: Program) -> bool:
        left_out = given.reuse_peers or given.no_peers or program.environment in missing
        if program.environment is not None and left_out:
            return False
        return not given.program or program.name in given.program

    results = work / "results"
    results.mkdir(exist_ok=True)
    setting = {
        "records": given.records,
        "threads": given.threads,
        "missing": missing,
        "command": _show(arguments),
        "commit": find_commit(),
    }

    def keep(rounds: list[Round]) -> None:
        document = json.dumps({**setting, "rounds": rounds}, indent=1)
        (results / "run.json").write_text(document)

    if not given.table_only and not given.only:
        measure_limits(work, given.rounds, given.threads)
    if not given.table_only:
        rounds = run_rounds(tasks, is_chosen, work, given.records, given.threads, given.rounds, keep)
        document: dict[str, Any] = {**setting, "rounds": rounds, "differences": _compare(work, given.records, tasks)}
        (results / "run.json").write_text(json.dumps(document, indent=1))
        if not (given.reuse_peers or given.no_peers or given.program):
            (results / "peers.json").write_text(json.dumps(document, indent=1))
    write_page(given.output, work, use_earlier=given.reuse_peers)
    print(f"→ {given.output}")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for data, models, environments and logs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=RECORDS, help="records of the longest list of SNVs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--only", action="append", default=[], metavar="TASK", help="tasks whose name holds this; may be repeated"
    )
    parser.add_argument("--program", action="append", default=[], help="a row's name; may be repeated")
    parser.add_argument("--no-peers", action="store_true", help="leave the peers out, their environments unmade")
    parser.add_argument(
        "--reuse-peers", action="store_true", help="take the peers' rows from the last run that measured them"
    )
    parser.add_argument("--table-only", action="store_true", help="write the page anew from what was measured")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "RESULTS.md")
    return parser.parse_args(arguments)


def _show(arguments: Sequence[str] | None) -> str:
    """Return the command as it was given, but for the folders of this machine."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for number, word in enumerate(words[:-1]):
        if word in {"--work", "--output"}:
            words[number + 1] = {"--work": "DIR", "--output": "PAGE"}[word]
    return f"python -m benchmarks.peers {shlex.join(words)}"


def _choose_tasks(names: Sequence[str]) -> list[Task]:
    """Return the tasks that are named, each after the one that tells its start-up."""
    chosen = [task for task in TASKS if not names or any(name in task.name for name in names)]
    if not chosen:
        raise SystemExit(f"no such task; there are {', '.join(task.name for task in TASKS)}")
    wanted = {task.name for task in chosen} | {start_up_task(task) for task in chosen}
    return [task for task in TASKS if task.name in wanted]


def _make_environments(work: Path, tasks: Sequence[Task]) -> dict[str, str]:
    """Make the environments that the tasks need, and return why some could not be."""
    missing = {}
    names = {program.environment for task in tasks for program in task.programs if program.environment}
    for name in sorted(names):
        print(f"environment {name}", flush=True)
        try:
            make_environment(work, name)
        except EnvironmentFailed as error:
            print(f"  {error}", flush=True)
            missing[name] = str(error)
    return missing


def _compare(work: Path, records: int, tasks: Sequence[Task]) -> dict[str, dict[str, float]]:
    """Compare what the last round left with the reference, in a process of its own."""
    log = work / "logs" / "agreement.log"
    command = [sys.executable, "-m", "benchmarks.peers.agreement", "--work", str(work), "--records", str(records)]
    for task in tasks:
        command += ["--task", task.name]
    try:
        run_process(command, log, 2)
        return read_last_object(log)
    except ProgramFailed as error:
        print(f"largest differences: {error}", flush=True)
        return {}


if __name__ == "__main__":
    sys.exit(main())
