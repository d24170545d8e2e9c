import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.cli import main
from zoo.testing.golden import RECORDS, write_golden

# Where the tests run in the background, a shell has made them deaf to Ctrl-C; these commands are to hear it.
CODE = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from zoo.cli import run; run()"
GENOME = "GATTACAGATTGGACCGTACACGTACGTTACA" * 40


@pytest.fixture
def golden(tmp_path):
    return write_golden(tmp_path / "golden")


@pytest.fixture
def arguments(golden):
    """The command that annotates the golden file, without its output."""
    return arguments_for(golden.vcf, golden)


def arguments_for(vcf, golden, *, models=3):
    named = [part for folder in golden.models[:models] for part in ("-m", str(folder))]
    return ["annotate", str(vcf), "-f", str(golden.genome), *named, "--threads", "1"]


@pytest.fixture
def long_run(tmp_path, golden):
    """A command that runs for seconds: a VCF of two hundred thousand records, scored one by one."""
    genome, vcf = tmp_path / "long.fa", tmp_path / "long.vcf"
    genome.write_text(f">chr1\n{GENOME}\n")
    rows = [f"chr1\t{1 + i % 1000}\t.\t{GENOME[i % 1000]}\tA\t.\t.\t.\n" for i in range(200_000)]
    vcf.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "".join(rows)
    )
    return ["annotate", str(vcf), "-f", str(genome), "-m", str(golden.models[0]), "--threads", "1", "--batch-size", "1"]


def start(arguments, **options):
    return subprocess.Popen([sys.executable, "-c", CODE, *arguments], stderr=subprocess.PIPE, text=True, **options)


def wait_for(path, process, lines=1):
    for _ in range(1200):
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise AssertionError(f"{path} never appeared")


def assert_error(capsys, status, message):
    assert status == 1
    error = capsys.readouterr().err
    assert re.match(rf"^zoo: error: .*{message}", error), error
    assert error.count("\n") == 1


def test_every_allele_gets_a_number_or_a_reason_and_the_run_is_summed_up(arguments, golden, tmp_path, capsys):
    output = tmp_path / "out.vcf.gz"
    assert main([*arguments, "-o", str(output)]) == 0
    lines = gzip.decompress(output.read_bytes()).decode().splitlines()
    assert tuple(line for line in lines if not line.startswith("#")) == golden.expected
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.search(
        r"^scored 14 of 24 alleles \(23 records\) in \d+\.\d s, [\d,]+ alleles/s, on cpu → .*out\.vcf\.gz$",
        shown.err,
        re.MULTILINE,
    )
    assert "  not scored: 1 SYMBOLIC\n" in shown.err
    assert "  records without ALT: 1 NO_ALT\n" in shown.err  # which is none of the 24 alleles
    assert "  not scored: 1 at@1.0.0: TOO_LONG\n" in shown.err
    assert "zoo: warning: contigs that " in shown.err


def test_standard_output_holds_the_vcf_alone(arguments, golden, capfdbinary):
    assert main([*arguments, "-o", "-"]) == 0
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines[0] == "##fileformat=VCFv4.3"
    assert tuple(line for line in lines if not line.startswith("#")) == golden.expected


def test_standard_output_declares_contigs_that_come_late(golden, tmp_path, capfdbinary):
    vcf = tmp_path / "late.vcf"
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    late = "chr1\t2\t.\tA\tG\t.\t.\t.\n" * 5000 + "chr7\t2\t.\tA\tG\t.\t.\t.\n"
    vcf.write_text(f"##fileformat=VCFv4.2\n##contig=<ID=chr1>\n{columns}{late}")
    assert main([*arguments_for(vcf, golden), "-o", "-"]) == 0
    header, _, records = capfdbinary.readouterr().out.decode().partition("#CHROM")
    assert "##contig=<ID=chr7>\n" in header
    assert records.count("\nchr7\t2\t") == 1


def test_standard_input_is_read(golden):
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments_for("-", golden), "-o", "-"],
        input=golden.vcf.read_bytes(), capture_output=True, check=True,
    )  # fmt: skip
    assert tuple(line for line in done.stdout.decode().splitlines() if not line.startswith("#")) == golden.expected


def test_the_summary_is_written_as_json(arguments, tmp_path):
    summary = tmp_path / "summary.json"
    assert main([*arguments, "-o", str(tmp_path / "out.tsv"), "--summary", str(summary)]) == 0
    document = json.loads(summary.read_text())
    assert (document["records"], document["alleles"], document["scored"]) == (23, 24, 14)
    assert document["skipped"]["at@1.0.0: UNKNOWN_BASES"] == 2
    assert list(document["contig_digests"]) == ["chr1"]
    assert document["devices"] == {"at@1.0.0": "cpu", "after@1.0.0": "cpu", "either@1.0.0": "cpu"}


def test_a_dry_run_prints_the_plan_and_writes_nothing(arguments, tmp_path, capsys):
    before = sorted(tmp_path.rglob("*"))
    assert main([*arguments, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "model at@1.0.0: window 9 bases, anchor 4; scorer difference; device cpu\n  keys: ZOO_AT\n" in shown
    assert "looked at 24 alleles of 23 records: 14 can be scored\n" in shown
    assert "  not scored: 1 BREAKEND\n" in shown
    after = [path for path in sorted(tmp_path.rglob("*")) if path.suffix != ".fai"]
    assert after == before


def test_a_dry_run_tells_contigs_of_another_name(golden, tmp_path, capsys):
    vcf = tmp_path / "renamed.vcf"
    vcf.write_text(golden.vcf.read_text().replace("chr1", "1"))
    assert main([*arguments_for(vcf, golden, models=1), "--dry-run"]) == 0
    assert "contig 1 is chr1 in the genome\n" in capsys.readouterr().out


def test_keys_and_scorers_can_be_chosen(arguments, tmp_path):
    output = tmp_path / "out.vcf"
    assert main([*arguments, "-o", str(output), "--key", "at=EFFECT", "--scorer", "weighted_difference"]) == 0
    text = output.read_text()
    assert "scorer weighted_difference" in text
    assert "\tDP=7;EFFECT=1;ZOO_AFTER=0;ZOO_EITHER=0.25\n" in text


@pytest.mark.parametrize(
    "extra",
    [
        [],
        ["-o", "x.vcf", "--key", "at"],
        ["-o", "x.vcf", "--batch-size", "0"],
        ["-o", "x.vcf", "--on-ref-mismatch", "stop"],
    ],
    ids=["no output", "key without value", "batch of none", "unknown choice"],
)
def test_wrong_usage_exits_2(arguments, capsys, extra):
    assert main([*arguments, *extra]) == 2
    error = capsys.readouterr().err
    assert "Usage: zoo annotate" in error
    assert "Traceback" not in error


FILES = {
    "empty": (b"", r"bad\.vcf: expected a VCF or BCF file, found an empty one"),
    "no VCF": (b"hello\n", r"bad\.vcf, line 1: expected VCF or BCF; .*found 'hello'"),
    "malformed": (b"chr1\t2\t.\tA\tG\t.\t.\t.\nchr1\tx\t.\tA\n", r"record 2: .*; the record before it is chr1:2"),
    "no known contig": (b"scaffold\t2\t.\tA\tG\t.\t.\t.\n", r"none of its contigs \(scaffold\) is in .*\.fa \(chr1\)"),
    "all REF wrong": (b"chr1\t2\t.\tC\tG\t.\t.\t.\n" * 200, r"REF disagrees with .*\.fa for 200 of the first 200"),
    "annotated": (b"chr1\t2\t.\tA\tG\t.\t.\tZOO_AT=1\n", r"bad\.vcf: INFO ZOO_AT is there already; .*--overwrite"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_vcf_that_cannot_be_annotated_is_one_line_and_leaves_nothing(golden, tmp_path, capsys, name):
    content, message = FILES[name]
    vcf = tmp_path / "bad.vcf"
    if b"\t" in content:
        content = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + content
    vcf.write_bytes(content)
    output = tmp_path / "out.vcf"
    assert_error(capsys, main([*arguments_for(vcf, golden), "-o", str(output)]), message)
    assert not list(tmp_path.glob("out*"))


def test_a_missing_or_cut_vcf_is_one_line(golden, tmp_path, capsys):
    output = ["-o", str(tmp_path / "out.vcf")]
    status = main([*arguments_for(tmp_path / "nowhere.vcf", golden), *output])
    assert_error(capsys, status, r"nowhere\.vcf: expected a VCF or BCF file, found nothing; check the path")
    assert main([*arguments_for(golden.vcf, golden), "-o", str(tmp_path / "whole.vcf.gz")]) == 0
    capsys.readouterr()
    cut = tmp_path / "cut.vcf.gz"
    cut.write_bytes((tmp_path / "whole.vcf.gz").read_bytes()[:-40])
    assert_error(
        capsys, main([*arguments_for(cut, golden), *output]), r"cut\.vcf\.gz: the file is cut: .*copy or compress it"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "golden.fa: expected a FASTA file, found nothing"),
        (b"", "golden.fa: expected a FASTA file, found an empty one"),
        (b"chr1\t1\t5\n", "golden.fa, line 1: expected a FASTA header that starts with '>'"),
        (
            gzip.compress(b">chr1\nACGT\n", mtime=0),
            "golden.fa: expected plain text or BGZF, found plain gzip, .*convert it: gunzip",
        ),
        (b">chr1\nACGT\nA\nACGT\n", "golden.fa: can't be indexed: "),
    ],
    ids=["missing", "empty", "BED", "gzip", "uneven lines"],
)
def test_a_fasta_that_is_none_is_one_line(golden, arguments, tmp_path, capsys, content, message):
    golden.genome.unlink()
    if content is not None:
        golden.genome.write_bytes(content)
    assert_error(capsys, main([*arguments, "-o", str(tmp_path / "out.vcf")]), message)
    assert not list(tmp_path.glob("out*"))


def test_a_ref_that_disagrees_is_an_error_where_asked(arguments, tmp_path, capsys):
    status = main([*arguments, "-o", str(tmp_path / "out.vcf"), "--on-ref-mismatch", "error"])
    number = 1 + next(i for i, record in enumerate(RECORDS) if "REF_MISMATCH" in record.expected)
    assert_error(capsys, status, rf"golden\.vcf, record {number} \(chr1:25\): REF is G, .*golden\.fa holds a there")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["-m", "gm12878-ctfc"], "no model 'gm12878-ctfc'"),
        (["-m", "./nowhere"], r"\./nowhere: no model folder there"),
        (["--scorer", "diference"], "'diference'.*did you mean 'difference'"),
        (["--device", "cpus"], "no device 'cpus'; did you mean 'cpu'"),
        (["--key", "att=X"], "--key att=X: 'att' is no model or model:track of this run; expected one of"),
        (
            ["--summary", "nowhere/s.json"],
            "nowhere/s.json: can't be written: there is no folder nowhere; make it first",
        ),
    ],
)
def test_an_unknown_name_is_one_line_with_a_near_match(arguments, tmp_path, capsys, extra, message):
    assert_error(capsys, main([*arguments, "-o", str(tmp_path / "out.vcf"), *extra]), message)
    assert not list(tmp_path.glob("out*"))


def test_a_changed_byte_in_a_model_or_a_wrong_field_on_its_card_is_one_line(golden, arguments, tmp_path, capsys):
    from zoo.model.checksums import write_checksums

    output = ["-o", str(tmp_path / "out.vcf")]
    card = golden.models[1] / "model.yaml"
    card.write_text(card.read_text().replace("anchor: 4", "anchor: 5"))
    assert_error(capsys, main([*arguments, *output]), r"after/model\.yaml: expected sha256 ")
    card.write_text(card.read_text().replace("anchor:", "ancor:"))
    write_checksums(golden.models[1])
    assert_error(capsys, main([*arguments, *output]), r"after/model\.yaml: unknown field 'window\.ancor'")
    assert not list(tmp_path.glob("out*"))


def test_an_output_that_cannot_be_written_is_one_line(golden, arguments, tmp_path, capsys):
    for output, message in {
        tmp_path / "nowhere" / "out.vcf": "there is no folder .*nowhere; make it first",
        tmp_path / "out.txt": r"expected a name that ends with \.vcf",
        golden.vcf: "the output is the input .*golden.vcf; name another file",
        golden.vcf / "out.vcf": "there is no folder .*golden.vcf",
    }.items():
        assert_error(capsys, main([*arguments, "-o", str(output)]), message)
    assert "ZOO_" not in golden.vcf.read_text()


def test_a_summary_never_takes_the_place_of_another_file(golden, arguments, tmp_path, capsys):
    output = str(tmp_path / "out.vcf")
    status = main([*arguments, "-o", output, "--summary", str(golden.genome) + ".fai"])
    assert_error(capsys, status, r"--summary .*\.fai: expected a name that ends with \.json")
    folder = tmp_path / "summary.json"
    folder.mkdir()
    status = main([*arguments, "-o", output, "--summary", str(folder)])
    assert_error(capsys, status, "summary.json: expected a file to write, found a folder")
    assert not (tmp_path / "out.vcf").exists()
    assert_error(capsys, main([*arguments, "-o", output, "--summary", str(golden.vcf)]), "expected a name that ends")
    assert golden.vcf.read_text().startswith("##fileformat")
    circle = tmp_path / "circle.json"
    circle.symlink_to(circle)
    status = main([*arguments, "-o", output, "--summary", str(circle)])
    assert_error(capsys, status, "circle.json: can't be written: the symlink leads in a circle")
    circle.with_suffix(".vcf").symlink_to(circle.with_suffix(".vcf"))
    status = main([*arguments, "-o", str(circle.with_suffix(".vcf"))])
    assert_error(capsys, status, "circle.vcf: can't be written: the symlink leads in a circle")


def test_a_summary_does_not_share_a_file_with_the_standard_output(arguments, tmp_path):
    path = tmp_path / "summary.json"
    with path.open("wb") as file:
        done = subprocess.run([sys.executable, "-c", CODE, *arguments, "-o", "-", "--summary", str(path)], stdout=file,
                              stderr=subprocess.PIPE, check=False)  # fmt: skip
    assert done.returncode == 1
    assert b"--summary and --output name one file; name two" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_run_whose_notes_nobody_can_read_still_writes_all_its_files(arguments, tmp_path):
    output, summary = tmp_path / "out.vcf", tmp_path / "summary.json"
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-c", CODE, *arguments, "-o", str(output), "--summary", str(summary)]
        assert subprocess.run(command, stderr=full, check=False).returncode == 0
    assert output.exists()
    assert json.loads(summary.read_text())["alleles"] > 0


def test_a_reader_that_closes_the_pipe_ends_the_run_with_one_line(long_run):
    with start([*long_run, "-o", "-"], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "##fileformat=VCFv4.2\n"
        process.stdout.close()
        error = process.stderr.read()
        assert process.wait(timeout=60) == 1
    assert error == "zoo: error: standard output: the program that reads it closed the pipe; nothing more was written\n"


def test_an_empty_name_is_no_cache(arguments, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main([*arguments, "-o", "out.vcf", "--cache", ""]) == 2
    error = " ".join(capsys.readouterr().err.replace("│", "").split())
    assert "cache: expected a folder, found an empty name; name one, or leave it out" in error
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize(
    ("name", "number", "status"),
    [
        ("out.vcf", signal.SIGINT, 130),
        ("out.vcf.gz", signal.SIGINT, 130),
        ("out.bcf", signal.SIGINT, 130),
        ("out.vcf", signal.SIGTERM, 143),
    ],
)
def test_an_interrupted_run_says_how_to_go_on(long_run, tmp_path, name, number, status):
    with start([*long_run, "-o", str(tmp_path / name)]) as process:
        wait_for(tmp_path / f"{name}.journal", process, lines=3)  # the fingerprint, and two batches
        process.send_signal(number)
        error = process.stderr.read()
        assert process.wait(timeout=60) == status
    assert re.fullmatch(r"zoo: interrupted; [\d,]+ records are done and kept; go on with --resume\n", error), error
    assert {path.name for path in tmp_path.glob("out*")} == {f"{name}.partial", f"{name}.journal"}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_ends_whose_output_nobody_reads(long_run, number, status):
    with start([*long_run, "-o", "-"], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        time.sleep(1)  # by now the pipe is full
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(timeout=60) == status


def test_after_a_kill_no_file_has_the_final_name_and_the_next_run_succeeds(
    long_run, arguments, golden, tmp_path, capsys
):
    output = tmp_path / "out.vcf"
    with start([*long_run, "-o", str(output)]) as process:
        wait_for(tmp_path / "out.vcf.partial", process)
        process.kill()
    assert not output.exists()
    assert main([*arguments, "-o", str(output)]) == 0
    assert tuple(line for line in output.read_text().splitlines() if not line.startswith("#")) == golden.expected
    assert {path.name for path in tmp_path.glob("out*")} == {"out.vcf"}


def test_two_runs_never_write_one_output(long_run, arguments, tmp_path, capsys):
    output = tmp_path / "out.vcf"
    with start([*long_run, "-o", str(output)]) as process:
        wait_for(tmp_path / "out.vcf.partial", process)
        assert_error(
            capsys, main([*arguments, "-o", str(output)]), r"out\.vcf: another run is writing it .*name another"
        )
        assert process.poll() is None
        assert_error(capsys, main([*arguments, "-o", str(output), "--resume"]), r"out\.vcf: another run is writing it")
        assert process.poll() is None
        process.kill()
    assert not output.exists()


@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz", "out.bcf", "out.tsv"])
def test_a_full_disk_is_one_line_and_leaves_nothing(arguments, tmp_path, name):
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400)); " + CODE
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    limited = [sys.executable, "-c", code, *arguments, "-o", str(tmp_path / name)]
    done = subprocess.run(limited, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert re.match(r"^zoo: error: .*out.* can't be written: File too large\n$", done.stderr)
    assert not list(tmp_path.glob("out*"))
