import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.peers.agreement import choose_alleles, largest_difference
from benchmarks.peers.drivers.onnxruntime_maps import list_alternatives
from benchmarks.peers.goals import GOALS, describe_goals
from benchmarks.peers.limits import describe_limits, reckon_bundled
from benchmarks.peers.page import build_section
from benchmarks.peers.processes import ProgramFailed, read_last_object, run_process
from benchmarks.peers.statistics import (
    Floor,
    Row,
    StartUp,
    choose_floor,
    fastest_forms,
    summarise,
    summarise_start_up,
)
from benchmarks.peers.table import Setting, render_page
from benchmarks.peers.tasks import GRELU, TANGERMEME, TASKS, ZOO, find_task, make_command, output_path, start_up_task
from benchmarks.peers.windows import encode
from zoo.genome.codes import decode

FLOOR = Floor("published, codes, 64", (200.0, 100.0, 400.0), (0.01, 0.01, 0.01))


def use(scored, seconds, processor=10.0, peak=100.0):
    return {"scored": scored, "seconds": seconds, "processor_seconds": processor, "peak_mb": peak}


def test_ratios_are_medians_of_each_rounds_own():
    # 100 alleles are 200 windows: 1, 2 and 0.5 seconds at the floor of each round.
    usages = [use(100, 4.0), use(100, 4.0), use(100, 1.0, peak=300.0)]
    row = summarise("x", usages, FLOOR, StartUp(), 2)
    assert (row.scored, row.seconds, row.rate, row.peak_mb) == (100, 4.0, 25.0, 300.0)
    assert row.of_floor == 0.5  # of 0.25, 0.5 and 0.5
    assert row.by_processor == pytest.approx(0.2)  # 200 windows of 0.01 s, by 10 s


def test_start_up_is_taken_away_and_a_run_that_is_little_else_has_no_ratio():
    start_up = summarise_start_up([use(1, 1.0, 4.0), use(1, 5.0, 8.0), {"failed": "gone"}])
    assert start_up == StartUp(3.0, 6.0)
    long, short = ([use(100, seconds, 10.0)] * 3 for seconds in (4.0, 3.3))
    assert summarise("x", long, FLOOR, start_up, 2).steady_of_floor == 1.0  # 1, 2 and 0.5 s by 1 s
    assert summarise("x", long, FLOOR, start_up, 2).by_processor == pytest.approx(0.5)
    assert summarise("x", short, FLOOR, start_up, 2).steady_of_floor is None
    assert summarise_start_up([{"failed": "gone"}]) == StartUp()


def test_a_round_that_failed_leaves_no_figures():
    row = summarise("x", [use(100, 1.0), {"failed": "no memory"}], FLOOR, StartUp(), 2)
    assert row == Row("x", failure="no memory")


def test_the_floor_is_the_form_with_the_highest_median_that_every_round_has():
    rounds = [
        {"rates": {"a": 1.0, "b": 9.0, "c": 99.0}, "processor_seconds": 0.5},
        {"rates": {"a": 5.0, "b": 3.0}, "processor_seconds": 0.4},
        {"rates": {"a": 5.0, "b": 2.0}, "processor_seconds": 0.3},
    ]
    assert choose_floor(rounds) == Floor("a", (1.0, 5.0, 5.0), (0.5, 0.4, 0.3))
    assert fastest_forms(rounds[0]["rates"], 2) == ["c", "b"]


def make_run(programs, floor=200.0):
    entry = {"load": 1.0, "floor": {"rates": {"form, 16": floor}, "processor_seconds": 0.01}}
    start = {program: use(1, 1.0, 1.0) for program in programs}
    task = {program: use(100, seconds) for program, seconds in programs.items()}
    of_round = {
        "start-up-basset": {**entry, "programs": start},
        "indels-basset": {**entry, "programs": task},
    }
    return {"rounds": [of_round], "records": 100, "threads": 2, "differences": {}, "missing": {}}


def test_rows_of_an_earlier_run_stand_beside_the_floor_of_that_run(tmp_path):
    task = find_task("indels-basset")
    now = make_run({ZOO[1].name: 2.0}, floor=200.0)
    earlier = make_run({ZOO[1].name: 9.0, TANGERMEME.name: 4.0}, floor=100.0)
    section = build_section(task, now, earlier, tmp_path)
    rows = {row.name: row for row in section.rows}
    assert list(rows) == [ZOO[1].name, TANGERMEME.name]
    assert rows[ZOO[1].name].of_floor == 0.5
    assert rows[TANGERMEME.name].of_floor == 0.5
    assert section.earlier == {TANGERMEME.name}
    assert section.best_peer == 0.5
    assert [row.name for row in build_section(task, now, None, tmp_path).rows] == [ZOO[1].name]


def test_an_environment_that_could_not_be_made_is_told_in_its_row(tmp_path):
    run = make_run({ZOO[1].name: 2.0}) | {"missing": {"grelu": "could not be installed: see grelu.log"}}
    (_, row) = build_section(find_task("indels-basset"), run, None, tmp_path).rows
    assert row == Row(GRELU.name, failure="could not be installed: see grelu.log")


def test_the_page_has_a_row_a_program_and_every_row_as_many_columns(tmp_path):
    run = make_run({ZOO[1].name: 2.0, TANGERMEME.name: 4.0}) | {"missing": {"grelu": "failed | badly"}}
    names = ("start-up-basset", "indels-basset")
    sections = {name: build_section(find_task(name), run, None, tmp_path) for name in names}
    setting = Setting("2 cores", "abc", 1, 100, 2, [0.5, 2.0], {"onnxruntime": "1"}, "python -m benchmarks.peers")
    page = render_page(setting, list(sections.values()), describe_goals(sections), "Not measured.")
    lines = page.splitlines()
    start = lines.index("## Annotation, Basset-sized, 10 % indels")
    table = [line for line in lines[start:] if line.startswith("|")]
    assert {line.count("|") for line in table} == {11}
    assert table[2].startswith("| floor: `session.run`, form, 16 a batch | | | 100 | 1 | 1 | 1 |")
    assert table[3] == f"| {ZOO[1].name} | 100 | 2.0 | 50.0 | 0.50 | 1.00 | 0.22 | 2.00 | 100 |  |"
    assert "failed / badly" in table[5]
    assert "Load before each task: 0.5 to 2.0." in page
    assert f"| {ZOO[1].name} | 1.0 |" in lines
    assert "## On a GPU\n\nNot measured." in page
    assert "Others used the machine" not in page
    busy = replace(setting, loads=[0.5, 3.5])
    assert "**Others used the machine during this run:**" in render_page(busy, [], [], "")
    assert "| Annotation, Basset-sized, 10 % indels: zoo, engine auto by floor | 1.5 | 0.50 | 1.00 | 0.22 |" in lines


def test_goals_name_tasks_and_rows_that_are_there():
    tasks = {task.name: {program.name for program in task.programs} for task in TASKS}
    for goal in GOALS:
        assert goal.program in tasks[goal.task]
        assert goal.against in {"floor", "best peer", *tasks[goal.task]}


def test_every_task_has_a_start_up_and_outputs_of_its_own(tmp_path):
    assert {start_up_task(task) for task in TASKS} <= {task.name for task in TASKS}
    outputs = [output_path(tmp_path, task, program, 50) for task in TASKS for program in task.programs]
    assert len(set(outputs)) == len(outputs)


def test_the_zoo_runs_as_its_own_command_line(tmp_path):
    task = find_task("cohort-5-basset")
    command = make_command(task, ZOO[0], tmp_path, 50, tmp_path / "out.parquet", 2)
    assert command[:4] == [sys.executable, "-m", "zoo", "annotate"]
    assert command[4] == str(tmp_path / "data" / "50" / "cohort-5.vcf")
    assert command[command.index("--engine") + 1] == "full"


def test_a_process_is_measured_and_its_last_line_read(tmp_path):
    log = tmp_path / "x.log"
    code = "import json; spent = [0] * 8_000_000; print('hello'); print(json.dumps({'scored': 3}))"
    seconds, processor, peak = run_process([sys.executable, "-c", code], log, 1)
    assert seconds > 0
    assert processor > 0
    assert peak > 60  # MB: the list alone has 64 million bytes
    assert read_last_object(log) == {"scored": 3}


def test_a_process_that_fails_says_how(tmp_path):
    with pytest.raises(ProgramFailed, match=r"exit status 1: .*out of luck"):
        run_process([sys.executable, "-c", "raise SystemExit('out of luck')"], tmp_path / "x.log", 1)
    with pytest.raises(ProgramFailed, match="expected a JSON object on the last line"):
        read_last_object(tmp_path / "x.log")


def test_alternatives_are_the_other_three_bases_of_each_position_in_order():
    alternatives = [decode(codes) for codes in list_alternatives(encode(b"AG"))]
    assert alternatives == ["CG", "GG", "TG", "AA", "AC", "AT"]


def test_what_is_compared_is_spread_over_the_list():
    alleles = [("c", 1, "A", "C"), ("c", 2, "A", "AC"), ("c", 3, "A", "C"), ("c", 4, "A", "C")]
    assert choose_alleles(alleles, snvs_alone=True, count=3) == [0, 2, 3]
    assert choose_alleles(alleles, snvs_alone=False, count=2) == [0, 2]


def test_a_missing_score_differs_without_end():
    expected = np.array([0.1, 0.2])
    assert largest_difference(np.array([0.1, 0.3]), expected, 0.5) == pytest.approx(0.2)
    assert largest_difference(np.array([0.1, np.nan]), expected, 0.5) == np.inf


def test_limits_are_told_beside_what_was_asked():
    def timed(seconds, **others):
        return {"seconds": seconds, "processor_seconds": 3.0, "scored": 1000, **others}

    start = {"start_up": 1.0, "start_up_processor": 1.0}
    floor = {"windows_per_second": 2000.0, "form": "published, codes, 16", "window_processor_seconds": 0.0005}
    found = {
        "constant": [timed(3.0, **start), timed(2.0, **start), timed(5.0, **start)],
        "bundled": [timed(9.0, **floor)],
        "peaks": {"genome": {"100k": [100.0], "1m": [105.0]}, "contigs": {"100k": [200.0], "1m": [300.0]}},
        "windows_per_allele": 4,
    }
    assert reckon_bundled(found["bundled"], 4) == (pytest.approx(1.15 * 2 + 0.6), 9.0)
    rows = [line.strip(" |").split(" | ") for line in describe_limits(found)[2:]]
    assert [row[-1] for row in rows] == [
        "500; 500 a second of the processor",
        "9.0 s; 1.50 times the processor time of the windows",
        "1.05: 105 MB by 100 MB",
        "1.50: 300 MB by 200 MB",
    ]
    assert rows[1][1].startswith("at most 2.9 s")
