"""Runs that break off, and are resumed from the command line."""

import re
import subprocess
import sys

import pytest

from zoo.cli import main
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

CODE = "import sys; from zoo.cli import main; sys.exit(main(sys.argv[1:]))"
# Says when a batch is noted, and then waits to be stopped.
SLOW = (
    "import os, time; from zoo.prediction.output import sinks; note = sinks.FileSink.note; "
    "sinks.FileSink.note = lambda *a: (note(*a), os.write(1, b'noted'), time.sleep(600)); "
)
NAMES = ["out.vcf", "out.vcf.gz", "out.bcf", "out.tsv", "out.tsv.gz", "out.parquet"]
GENOME = "ACGTTGCAAC" * 100
HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
RECORDS = 5000  # more than a batch


def record(place):
    """Each tenth is longer than others, and each hundredth does not agree with the genome."""
    ref = "N" if place % 100 == 99 else GENOME[place % 1000]
    alt = "TT" if place % 10 == 9 else "A" if ref != "A" else "C"
    return f"chr1\t{1 + place % 1000}\t.\t{ref}\t{alt}\t.\t.\tNEW={place}\n"


@pytest.fixture
def files(tmp_path):
    """Genome, model and VCF, by name."""
    (tmp_path / "genome.fa").write_text(f">chr1\n{GENOME}\n")
    (tmp_path / "in.vcf").write_text(HEADER + "".join(record(place) for place in range(RECORDS)))
    write_model_folder(tmp_path / "model", make_base_at_anchor_graph())
    return tmp_path


@pytest.fixture
def annotate(files):
    """Return the arguments that annotate into a file."""

    def arguments(name, *more, vcf="in.vcf"):
        inputs = ["annotate", str(files / vcf), "-f", str(files / "genome.fa"), "-m", str(files / "model")]
        return [*inputs, "-o", str(files / name), *more]

    return arguments


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command in this process, whose header names it; return its status and what it told."""

    def run_command(arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        status = main(arguments)
        return status, capsys.readouterr().err

    return run_command


def left(folder):
    return sorted(path.name for path in folder.glob("out*"))


def kill_behind_a_batch(arguments):
    """Run until the first batch is noted, then kill it."""
    command = [sys.executable, "-c", SLOW + CODE, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        noted = process.stdout.read(len(b"noted"))
        process.kill()
        told = process.stderr.read().decode()
    assert (noted, told) == (b"noted", "")


def without_times(told):
    return re.sub(r" in .* alleles/s", "", told)


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_run_is_resumed_to_the_bytes_of_one_that_was_not(files, annotate, name, run):
    arguments = annotate(name, "--threads", "1")
    _, told = run(arguments)
    expected = (files / name).read_bytes()
    (files / name).unlink()
    kill_behind_a_batch(arguments)
    assert left(files) == [f"{name}.journal", f"{name}.partial"]
    # Threads are those of the run that is resumed, and the header names its command.
    status, again = run(annotate(name, "--resume"))
    resumed = "  resumed behind record 4,096, which was done before\n"
    assert (status, without_times(again)) == (0, without_times(told) + resumed)
    assert left(files) == [name]
    assert (files / name).read_bytes() == expected


def test_an_index_that_is_asked_for_when_resuming_covers_all(files, annotate, run):
    (files / "in.vcf").write_text(
        HEADER + "".join(f"chr1\t{1 + place // 10}\t.\tN\tA\t.\t.\t.\n" for place in range(RECORDS))
    )
    kill_behind_a_batch(annotate("out.vcf.gz"))
    assert run(annotate("out.vcf.gz", "--resume", "--index"))[0] == 0
    assert left(files) == ["out.vcf.gz", "out.vcf.gz.tbi"]


def test_an_index_of_unsorted_records_is_one_line(files, annotate, run):
    status, told = run(annotate("out.bcf", "--index"))
    assert status == 1
    assert re.fullmatch(
        r"zoo: error: .*out\.bcf: can't be indexed: the record at chr1:1 is out of order, as the record before it is "
        r"at 1000; sort the input \(bcftools sort\), or leave --index out\n",
        told,
    )
    assert left(files) == []


def test_a_run_of_other_options_is_not_resumed(files, annotate, run):
    arguments = annotate("out", "--format", "vcf", "--threads", "1", "--batch-size", "2")
    kill_behind_a_batch(arguments)
    for change, message in [
        (["--batch-size", "3"], "options batch_size 2, this one has 3; resume it with the same"),
        (["--threads", "2"], "threads 1, this one has 2; resume it with the same"),
        (["--seen"], r"extras seen false, this one has true \(and 1 more\); resume"),
        (
            ["--scorer", "logit_difference"],
            r'options scorer null, this one has "logit_difference" \(and 1 more\); resume',
        ),
        (["--format", "vcf.gz"], r'format "vcf", this one has "vcf\.gz" \(and 1 more\); resume'),
    ]:
        status, told = run([*arguments, "--resume", *change])
        assert status == 1
        assert re.match(rf"zoo: error: .*out: the unfinished run had {message}", told)
        assert told.count("\n") == 1
        assert left(files) == ["out.journal", "out.partial"]
    assert run([*arguments, "--seen"])[0] == 0
    assert left(files) == ["out"]


def test_other_inputs_are_not_taken_for_those_of_the_run(files, annotate, run):
    arguments = annotate("out.vcf", "--resume")
    kill_behind_a_batch(arguments)
    vcf, genome = files / "in.vcf", files / "genome.fa"
    whole, letters = vcf.read_text(), genome.read_text()
    lines = whole.splitlines(keepends=True)
    for changed, message in [
        (
            whole.replace("NEW=77\n", "NEW=78\n"),
            r"the first 4,096 records of .*in\.vcf are not those that the unfinished",
        ),
        ("".join(lines[:100]), "the first 4,096 records of .* are not those"),
        (whole.replace("##contig", "##new=1\n##contig"), "the unfinished run had another input header"),
    ]:
        vcf.write_text(changed)
        status, told = run(arguments)
        assert status == 1
        assert re.match(rf"zoo: error: .*{message}", told)
    vcf.write_text(whole)
    genome.write_text(letters.replace("AC\n", "CC\n"))
    status, told = run(arguments)
    assert re.match(r"zoo: error: .*genome\.fa holds another sequence of chr1 than the unfinished run read; give", told)
    genome.write_text(letters)
    vcf.unlink()
    status, told = run(arguments)
    assert re.match(r"zoo: error: .*in\.vcf: expected a VCF or BCF file, found nothing; check the path", told)
    assert left(files) == ["out.vcf.journal", "out.vcf.partial"]
    vcf.write_text(whole)
    assert run(arguments)[0] == 0
    assert left(files) == ["out.vcf"]


def test_a_record_that_cannot_be_read_can_be_mended(files, annotate, run):
    vcf = files / "in.vcf"
    whole = vcf.read_text()
    assert run(annotate("out.vcf"))[0] == 0
    expected = (files / "out.vcf").read_text()
    (files / "out.vcf").unlink()
    vcf.write_text(whole.replace(record(4500), record(4500).replace("chr1\t501", "chr1\tfive")))
    status, told = run(annotate("out.vcf"))
    assert status == 1
    assert re.fullmatch(
        r"zoo: error: .*in\.vcf, record 4501: POS: expected a whole number, found 'five'; the record before it is "
        r"chr1:500; 4,096 records are done and kept; go on with --resume\n",
        told,
    )
    assert left(files) == ["out.vcf.journal", "out.vcf.partial"]
    vcf.write_text(whole)
    assert run(annotate("out.vcf", "--resume"))[0] == 0
    assert (files / "out.vcf").read_text() == expected


@pytest.mark.parametrize("name", ["out.vcf.gz", "out.bcf", "out.parquet"])
def test_a_disk_that_fills_is_one_line_and_the_run_can_be_resumed(files, annotate, name, run):
    arguments = annotate(name, "--threads", "1")
    assert run(arguments)[0] == 0
    expected = (files / name).read_bytes()
    (files / name).unlink()
    # The first batch fits, the whole does not: of the text, or of what is made of it.
    limit = len(expected) - 100
    # The journal's own lines are short; a table takes more room as text than as Parquet.
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit},) * 2); "
    done = subprocess.run([sys.executable, "-c", code + CODE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.match(r"zoo: error: .*out.*(can't be written|is the disk full)", done.stderr), done.stderr
    assert done.stderr.count("\n") == 1
    if left(files):
        assert done.stderr.endswith("records are done and kept; go on with --resume\n")
    assert run([*arguments, "--resume"])[0] == 0
    assert left(files) == [name]
    assert (files / name).read_bytes() == expected


def test_a_reader_that_closes_the_pipe_is_one_line(annotate):
    with subprocess.Popen(
        [sys.executable, "-c", CODE, *annotate("out")[:-2], "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr.read().count(b"\n") == 1
        assert process.wait() == 1


def test_what_went_to_standard_output_cannot_be_resumed(annotate, run):
    status, told = run([*annotate("out")[:-2], "-o", "-", "--resume"])
    assert status == 1
    assert told.startswith("zoo: error: standard output: what went there can't be resumed; name a file")
