import re

import pytest

from zoo.cli import main
from zoo.model.folder import load_folder
from zoo.prediction.scoring.background import read_background
from zoo.prediction.scoring.kept_backgrounds import find_background


@pytest.fixture
def arguments(tmp_path, g_at_anchor_folder):
    """The command that makes a background of 100 alleles that gain a G."""
    genome, vcf = tmp_path / "genome.fa", tmp_path / "common.vcf"
    genome.write_text(f">chr1\n{'ACGT' * 200}\n")
    rows = [f"chr1\t{4 * number + 1}\t.\tA\tG\t.\t.\t.\n" for number in range(5, 105)]
    rows.append("chr1\t1\t.\tA\t<DEL>\t.\t.\t.\n")
    header = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    vcf.write_text(header + "".join(rows))
    return ["background", str(g_at_anchor_folder), "-f", str(genome), str(vcf), "--threads", "1"]


def test_what_was_kept_is_told_and_found(arguments, tmp_path, g_at_anchor_folder, monkeypatch, capsys):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert re.fullmatch(
        r"model g-at-anchor@1\.0\.0, 1 track; scorer difference\n"
        r"kept the scores of 100 of 101 alleles in .*/home/backgrounds/g-at-anchor/\w{16}-difference-\w{8}\.npz\n",
        shown.out,
    )
    assert shown.err == "  not scored: 1 SYMBOLIC\n"
    found = find_background(load_folder(g_at_anchor_folder), "difference", {}, {"shifts": [0]})
    assert found.scores.tolist() == [[1] * 100]


def test_options_go_where_they_belong(arguments, tmp_path):
    output = tmp_path / "out.npz"
    options = ["-o", str(output), "--scorer", "logit_difference", "--scorer-option", "epsilon=0.25", "--shifts=0,-1"]
    assert main([*arguments, *options]) == 0
    document = read_background(output).document
    assert (document.scorer, document.config, document.settings) == (
        "logit_difference",
        {"epsilon": 0.25},
        {"shifts": [-1, 0]},
    )


def test_windows_at_regions_have_a_background_of_their_own(arguments, tmp_path):
    regions, output = tmp_path / "regions.bed", tmp_path / "out.npz"
    # Windows of 9 whose base 4 is the allele's.
    rows = [f"chr1\t{4 * number - 4}\t{4 * number + 5}\tr{number}\t0\t+\n" for number in range(5, 105)]
    regions.write_text("".join(rows))
    assert main([*arguments, "-o", str(output), "--windows", str(regions)]) == 0
    background = read_background(output)
    assert set(background.document.settings) == {"shifts", "windows"}
    assert background.scores.shape[1] > background.document.alleles == 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scorer", "diference"], "no scorer 'diference'; did you mean 'difference'?"),
        (["--scorer", "l2"], "scorer 'l2' takes binned outputs"),
        (["--scorer-option", "width=3"], "unknown field 'width'"),
        (["-o", "out.vcf"], "out.vcf: expected a file whose name ends with .npz"),
        (["--windows", "none.bed"], "none.bed"),
    ],
)
def test_an_error_of_the_users_is_one_line(arguments, tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith("zoo: error: ")
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "options", [["--shifts", "a"], ["--shifts", "0,0"], ["--scorer-option", "epsilon"], ["--threads", "0"]]
)
def test_wrong_usage_exits_2(arguments, capsys, options):
    assert main([*arguments, *options]) == 2
    assert "Usage: zoo background" in capsys.readouterr().err
