"""What is measured: lists of alleles and sequences, the programs that score them, and how each is called."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.environments import interpreter

ZOO_ENGINES = ("full", "auto")


@dataclass(frozen=True, slots=True)
class Program:
    """One row of the table.

    Attributes:
        name: As the table has it.
        driver: Module of ``drivers``; absent for the zoo, which is called by its own command line.
        environment: The virtual environment; absent where this very interpreter runs it.
        engine: The zoo's ``--engine``.
        scores: ``all`` alleles, or ``snvs`` alone.
        anchor: Where the first base of REF stands, relative to L // 2.
        is_peer: Whether others made it.
        start_up: The program whose run on one allele tells its start-up; by default itself.
    """

    name: str
    driver: str | None = None
    environment: str | None = None
    engine: str | None = None
    scores: str = "all"
    anchor: int = 0
    is_peer: bool = True
    start_up: str | None = None

    @property
    def file_name(self) -> str:
        return self.name.replace(" ", "-").replace(",", "")


@dataclass(frozen=True, slots=True)
class Task:
    """One table: a model, a list, and the programs that take their turns with it.

    Attributes:
        source: The file of the list, below the folder of lists.
        limits: How many of the list's sequences a program takes, by its name; all by default.
    """

    name: str
    title: str
    model: str
    source: str
    programs: tuple[Program, ...]
    is_map: bool = False
    limits: tuple[tuple[str, int], ...] = ()

    def limit_of(self, program: Program) -> int:
        return dict(self.limits).get(program.name, 10**9)


ZOO = tuple(Program(f"zoo, engine {engine}", engine=engine, is_peer=False) for engine in ZOO_ENGINES)
LOOP = Program("ONNX Runtime loop", driver="onnxruntime_loop", is_peer=False)
SELENE = Program("selene-sdk", driver="selene", environment="selene", anchor=-1)
TANGERMEME = Program("tangermeme", driver="tangermeme", environment="tangermeme", scores="snvs")
GRELU = Program("gReLU", driver="grelu", environment="grelu", scores="snvs", anchor=-1)
PEERS = (SELENE, TANGERMEME, GRELU)

ZOO_MAPS = tuple(
    Program(f"zoo mutate, engine {engine}", engine=engine, is_peer=False, start_up=f"zoo, engine {engine}")
    for engine in ZOO_ENGINES
)
LOOP_MAPS = Program("ONNX Runtime loop, 3L windows", driver="onnxruntime_maps", is_peer=False, start_up=LOOP.name)
TANGERMEME_MAPS = Program(
    "tangermeme, fast", driver="tangermeme_maps", environment="tangermeme", start_up=TANGERMEME.name
)
MAPS = (ZOO_MAPS[1], LOOP_MAPS, TANGERMEME_MAPS)

ALL = (*ZOO, LOOP, *PEERS)
BASSET, DEEPSEA = "basset-sized", "deepsea-sized"
START_UP = "start-up"

# The peers tell their rate once: where alleles stand makes no difference to them, and five rounds take an hour.
AUTO = ZOO[1]
TASKS = (
    Task(f"{START_UP}-basset", "Basset-sized", BASSET, "one.vcf", ALL),
    Task("indels-basset", "Annotation, Basset-sized, 10 % indels", BASSET, "indels.vcf", (AUTO, *PEERS)),
    Task("snvs-basset", "Annotation, Basset-sized, SNVs only", BASSET, "snvs.vcf", (AUTO,)),
    Task("cohort-34-basset", "Cohort, Basset-sized, a SNV every 34 bases", BASSET, "cohort-34.vcf", (AUTO,)),
    Task("cohort-5-basset", "Cohort, Basset-sized, a SNV every 5 bases", BASSET, "cohort-5.vcf", (AUTO,)),
    Task(
        "maps-basset", "Mutation maps, Basset-sized", BASSET, "sequences-600.fa", MAPS,
        is_map=True, limits=((LOOP_MAPS.name, 4), (TANGERMEME_MAPS.name, 50)),
    ),
    Task(f"{START_UP}-deepsea", "DeepSEA-sized", DEEPSEA, "one.vcf", (*ZOO, LOOP, TANGERMEME)),
    Task("indels-deepsea", "Annotation, DeepSEA-sized, 10 % indels", DEEPSEA, "indels-short.vcf", (AUTO,)),
    Task(
        "maps-deepsea", "Mutation maps, DeepSEA-sized", DEEPSEA, "sequences-1000.fa", MAPS,
        is_map=True, limits=((LOOP_MAPS.name, 1), (TANGERMEME_MAPS.name, 10)),
    ),
)  # fmt: skip


def find_task(name: str) -> Task:
    """Return a task by its name."""
    return next(task for task in TASKS if task.name == name)


def start_up_task(task: Task) -> str:
    """The name of the task that tells the start-up of a task's programs."""
    return next(other.name for other in TASKS if other.model == task.model and other.name.startswith(START_UP))


def lists_folder(work: Path, records: int) -> Path:
    """Where the lists of so many records lie."""
    return work / "data" / str(records)


def make_command(task: Task, program: Program, work: Path, records: int, output: Path, threads: int) -> list[str]:
    """Return the command line of a program for a task."""
    source, model = str(lists_folder(work, records) / task.source), work / "models" / task.model
    if program.driver is None:
        zoo = [sys.executable, "-m", "zoo"]
        options = ["-m", str(model), "-o", str(output), "--device", "cpu", "--threads", str(threads)]
        options += ["--engine", program.engine or "auto"]
        if task.is_map:
            return [*zoo, "mutate", source, *options]
        genome = str(work / "data" / "genome.fa")
        return [*zoo, "annotate", source, "-f", genome, *options, "--summary", str(summary_path(output))]
    python = sys.executable if program.environment is None else str(interpreter(work, program.environment))
    command = [python, "-m", f"benchmarks.peers.drivers.{program.driver}", "--work", str(work), "--model", task.model]
    command += ["--source", source, "--output", str(output), "--threads", str(threads)]
    if task.limit_of(program) < 10**9:
        command += ["--limit", str(task.limit_of(program))]
    return command


def output_path(work: Path, task: Task, program: Program, records: int) -> Path:
    """Where a program's differences go: every track of every allele."""
    ending = ".npy" if program.driver is not None else ".parquet"
    return work / "out" / str(records) / task.name / (program.file_name + ending)


def summary_path(output: Path) -> Path:
    """Where the zoo tells how many alleles it scored."""
    return output.with_suffix(".json")
