"""Runs that are killed before each single step that changes their folder, and resumed."""

import subprocess
import sys

import pytest

DRIVER = r"""
import os, signal, sys
from itertools import count
from pathlib import Path

import cyvcf2, pyarrow.csv, pyarrow.parquet
from zoo.prediction.output.sinks import open_sink

folder, name, indexed = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
STEPS = {"open", "os.rename", "os.remove", "os.truncate"}
table = name.endswith(("tsv", "parquet"))
head = "contig\n" if table else (
    "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)
last = head.replace("##contig", "##contig=<ID=chr0>\n##contig")
bodies = [f"{number}\n" if table else f"chr1\t{1 + number}\t.\tA\tC\t.\t.\t.\n" for number in range(3)]


def run():
    with open_sink(folder / name, index=indexed, fingerprint={}, resume=True) as sink:
        done = sink.resumed.records if sink.resumed else 0
        if sink.resumed is None:
            sink.write_header(head)
        for number in range(done, 3):
            sink.write(bodies[number])
            sink.note(number + 1, {})
        sink.finish(last)


def run_killed_before(step):
    number = os.fork()
    if number == 0:
        steps = count()

        def look(event, arguments):
            if event in STEPS and name in str(arguments[0]) and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(look)
        run()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def take():
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    return found


run()
expected = take()
assert len(expected) == 1 + indexed, set(expected)
for step in count():
    status = run_killed_before(step)
    if status == 0:
        break
    assert status == -signal.SIGKILL
    for again in range(step % 3):
        run_killed_before(again * 4)
    run()
    found = take()
    assert found == expected, (step, set(found))
take()
print(step)
"""


@pytest.mark.parametrize(
    ("name", "indexed"),
    [("a.vcf", False), ("a.vcf.gz", True), ("a.bcf", True), ("a.tsv", False), ("a.parquet", False)],
)
def test_a_kill_before_any_step_changes_no_byte(tmp_path, name, indexed):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DRIVER, tmp_path, name, str(indexed)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert int(done.stdout) > 10
