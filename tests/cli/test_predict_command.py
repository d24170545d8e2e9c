import re
import subprocess
import sys

import pytest

from zoo.cli import main

CODE = "import sys; from zoo.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "seqs.fa"
    path.write_text(">one\nAAAAGAAAA\n>two\nGGGGAGGGG\n")
    return path


@pytest.fixture
def model(g_at_anchor_folder):
    return ["-m", str(g_at_anchor_folder), "--threads", "1"]


def assert_error(capsys, status, message):
    assert status == 1
    error = capsys.readouterr().err
    assert re.match(rf"^zoo: error: .*{message}", error), error
    assert error.count("\n") == 1


def test_sequences_become_a_table(fasta, model, tmp_path, capsys):
    output = tmp_path / "out.tsv"
    assert main(["predict", str(fasta), *model, "-o", str(output)]) == 0
    assert output.read_text() == "id\tg\none\t1\ntwo\t0\n"
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.match(r"^predicted 2 rows with g-at-anchor@1\.0\.0 on cpu in \d+\.\d s → .*out\.tsv\n$", shown.err)


def test_regions_of_another_length_get_a_warning(model, tmp_path, capsys):
    (tmp_path / "genome.fa").write_text(">chr1\nAAAAGAAAAAAAAAA\n")
    (tmp_path / "a.bed").write_text("chr1\t0\t9\nchr1\t4\t5\tpeak\n")
    command = ["predict", str(tmp_path / "a.bed"), *model, "-f", str(tmp_path / "genome.fa"), "-o", "-"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert shown.out == "id\tg\nchr1:0-9\t1\npeak::chr1:4-5\t1\n"
    assert "zoo: warning: 1 regions of another length than the model's window: the window around" in shown.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (">one\nACGT\n", r"seqs\.fa, sequence 1 \(one\): g-at-anchor@1\.0\.0 reads 9 bases, found 4; cut or pad"),
        (">one\nAAAAGAAAA\n>two\nAC?T\n", r"seqs\.fa, line 4: expected nucleotide letters, found '\?'"),
        ("chr1\t0\t9\n", r"seqs\.fa: regions need the genome that they lie on: name its FASTA file as genome"),
        ("", r"seqs\.fa: regions need the genome|seqs\.fa: expected"),
    ],
)
def test_what_cannot_be_predicted_is_one_line_and_leaves_nothing(fasta, model, tmp_path, capsys, content, message):
    fasta.write_text(content)
    assert_error(capsys, main(["predict", str(fasta), *model, "-o", str(tmp_path / "out.tsv")]), message)
    assert not list(tmp_path.glob("out*"))


def test_names_that_are_wrong_are_one_line(fasta, model, tmp_path, capsys):
    output = ["-o", str(tmp_path / "out.tsv")]
    for command, message in (
        (
            ["predict", str(tmp_path / "nowhere.fa"), *model, *output],
            r"nowhere\.fa: expected a FASTA or BED file, found nothing",
        ),
        (["predict", str(fasta), "-m", "gm12878-ctfc", *output], "no model 'gm12878-ctfc'"),
        (["predict", str(fasta), *model, "--device", "cud", *output], "no device 'cud'; did you mean 'cuda'"),
        (["predict", str(fasta), *model, "-o", str(tmp_path / "out.csv")], r"out\.csv: expected a name that ends with"),
        (["predict", str(fasta), *model, "-o", str(tmp_path / "no" / "out.tsv")], "there is no folder"),
        (["predict", str(fasta), *model, "-o", "seqs.fa"], r"seqs\.fa: expected a name that ends with"),
    ):
        assert_error(capsys, main(command), message)
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("extra", [[], ["-o", "x.tsv", "--threads", "0"]])
def test_wrong_usage_exits_2(fasta, model, capsys, extra):
    assert main(["predict", str(fasta), *model[:2], *extra]) == 2
    assert "Usage: zoo predict" in capsys.readouterr().err


def test_a_reader_that_closes_the_pipe_ends_the_run_with_one_line(fasta, model):
    fasta.write_text(">one\nAAAAGAAAA\n" * 100_000)
    command = [sys.executable, "-c", CODE, "predict", str(fasta), *model, "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "id\tg\n"
        process.stdout.close()
        error = process.stderr.read()
        assert process.wait(timeout=60) == 1
    assert error == "zoo: error: standard output: the program that reads it closed the pipe; nothing more was written\n"


def test_a_second_model_is_refused_rather_than_forgotten(capsys):
    assert main(["predict", "a.fa", "-m", "one", "-m", "two", "-o", "-"]) == 2
    assert "one model a run, found 2" in capsys.readouterr().err
