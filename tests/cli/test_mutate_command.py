import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from onnx import helper, numpy_helper

from zoo.cli import main
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

CONTIG = "ACGTGCAATCCGGTTAGACG"


@pytest.fixture
def genome(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{CONTIG}\n>chr2\nAAAAGAAAA\n")
    return ["-f", str(path)]


@pytest.fixture
def model(g_at_anchor_folder):
    return ["-m", str(g_at_anchor_folder), "--threads", "1"]


def assert_error(capsys, status, message):
    assert status == 1
    error = capsys.readouterr().err
    assert re.match(rf"^zoo: error: .*{message}", error), error
    assert error.count("\n") == 1


def test_a_region_becomes_a_table(genome, model, capsys):
    # The middle of the region is the G at position 5, where the model looks.
    assert main(["mutate", "chr1:4-6", *genome, *model, "-o", "-"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "contig\tposition\tref\talt\tZOO_G_AT_ANCHOR",
        *(f"chr1\t4\tT\t{alt}\t0" for alt in "ACG"),
        *(f"chr1\t5\tG\t{alt}\t-1" for alt in "ACT"),
        *(f"chr1\t6\tC\t{alt}\t0" for alt in "AGT"),
    ]
    assert re.match(
        r"^scored 9 alleles of 3 positions in \d+\.\d s, [\d,]+ alleles/s, on cpu → -\n"
        r"  strongest of ZOO_G_AT_ANCHOR: chr1:5 G>A -1\n$",
        shown.err,
    )


def test_sequences_become_a_table_and_say_what_has_no_score(model, tmp_path, capsys):
    (tmp_path / "a.fa").write_text(">one\nAAAANAAAA\n>two\nAAAAAAAAAA\n")
    output = tmp_path / "map.tsv"
    assert main(["mutate", str(tmp_path / "a.fa"), *model, "-o", str(output)]) == 0
    lines = [line.split("\t") for line in output.read_text().splitlines()]
    assert lines[0] == ["sequence", "position", "ref", "alt", "ZOO_G_AT_ANCHOR"]
    assert len(lines) == 1 + 8 * 3 + 10 * 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "  not scored: 1 position UNKNOWN_BASES\n" in shown.err


@pytest.mark.parametrize("tracks", [10, 11])
def test_of_more_than_ten_columns_those_with_the_largest_scores_are_told(genome, tmp_path, capsys, tracks):
    graph = make_base_at_anchor_graph()
    graph.node[-1].output[0] = "found"
    # Where the G is taken away track n loses n.
    graph.initializer.append(numpy_helper.from_array(np.arange(1, tracks + 1, dtype=np.float32), "sizes"))
    graph.node.append(helper.make_node("Mul", ["found", "sizes"], ["prediction"]))
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = tracks
    named = [{"name": f"t{number}", "assay": "none"} for number in range(1, tracks + 1)]
    outputs = [{"name": "prediction", "tracks": named, "activation": "linear"}]
    folder = write_model_folder(tmp_path / "many", graph, {"name": "many", "outputs": outputs})
    assert main(["mutate", "chr1:5-5", *genome, "-m", str(folder), "-o", str(tmp_path / "map.tsv")]) == 0
    told = capsys.readouterr().err.splitlines()[1:]
    each = [f"  strongest of ZOO_MANY_T{number}: chr1:5 G>A -{number}" for number in range(1, tracks + 1)]
    assert told == (each if tracks == 10 else [*each[:-4:-1], "  and 8 more columns, with smaller scores"])


def test_faint_maps_are_told_of_with_the_scorer_that_shows_more(tmp_path, capsys):
    # A probability of 0.95 where the base at the anchor is a G, else 0.9.
    graph = make_base_at_anchor_graph()
    graph.node[-1].output[0] = "found"
    for name, value in (("step", 0.05), ("level", 0.9)):
        graph.initializer.append(numpy_helper.from_array(np.array([value], dtype=np.float32), name))
    graph.node.append(helper.make_node("Mul", ["found", "step"], ["steps"]))
    graph.node.append(helper.make_node("Add", ["steps", "level"], ["prediction"]))
    tracks = [{"name": "g", "assay": "none", "unit": "probability"}]
    outputs = [{"name": "prediction", "tracks": tracks, "activation": "linear"}]
    folder = write_model_folder(tmp_path / "model", graph, {"outputs": outputs, "scorer": {"name": "difference"}})
    hint = "  in {} no score exceeds 0.1: where predictions are near 0 or 1, --scorer logit_difference shows more"
    for sequences, told in ((["AAAAGAAAA"], "the map"), (["AAAAGAAAA", "NNNNNNNNN", "AAAAAAAAA"], "2 of 3 maps")):
        (tmp_path / "a.fa").write_text("".join(f">one\n{letters}\n" for letters in sequences))
        command = ["mutate", str(tmp_path / "a.fa"), "-m", str(folder), "-o", str(tmp_path / "map.tsv")]
        assert main(command) == 0
        assert capsys.readouterr().err.splitlines()[-1] == hint.format(told)
        assert main([*command, "--scorer", "logit_difference"]) == 0
        assert "no score exceeds" not in capsys.readouterr().err


def test_options_reach_the_map(genome, model, tmp_path, capsys):
    output = tmp_path / "map.npz"
    command = ["mutate", "chr1:4-6", *genome, *model, "-o", str(output), "--predictions", "--step", "1"]
    assert main([*command, "--scorer", "log2_ratio", "--scorer-option", "pseudocount=1", "--track", "g"]) == 0
    with np.load(output) as arrays:
        # Each base in a window around it becomes G: log2((1 + 1) / (0 + 1)).
        assert arrays["scores"][:, 2, 0].tolist() == [1, 0, 1]
        assert arrays["predictions"][:, 2, 0].tolist() == [1, 1, 1]
        assert arrays["scorers"].tolist() == ["log2_ratio"]


def test_a_map_is_drawn_beside_a_table_of_it(genome, model, tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs the extra `plot`")
    pytest.importorskip("logomaker", reason="drawing needs the extra `plot`")
    names = [tmp_path / name for name in ("map.png", "dark.svg", "map.parquet")]
    outputs = [part for name in names for part in ("-o", str(name))]
    assert main(["mutate", "chr1:1-9", *genome, *model, *outputs, "--theme", "dark"]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.*") if path in names) == ["dark.svg", "map.parquet", "map.png"]
    assert "#0d1117" in names[1].read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chr1:15-21"], r"chr1:15-21: chr1 of .*genome\.fa ends at 20; choose positions on it"),
        (["chr1:6-4"], r"chr1:6-4: expected contig:first-last, .*, found a first position behind the last"),
        (["chrm1:4-6"], r"chrm1:4-6: .*genome\.fa has no contig 'chrm1'; did you mean 'chr1'"),
        (["nowhere.bed"], r"nowhere\.bed: expected a region .*, or a FASTA or BED file; found no file of that name"),
        (["chr1:4-6", "--track", "c"], "track 'c': no model of this run has it; did you mean "),
        (["chr1:4-6", "--scorer", "diference"], "'diference'; did you mean 'difference'"),
        (["chr1:4-6", "--device", "cud"], "no device 'cud'; did you mean 'cuda'"),
    ],
)
def test_what_cannot_be_mutated_is_one_line_and_leaves_nothing(genome, model, tmp_path, capsys, arguments, message):
    output = tmp_path / "map.tsv"
    assert_error(capsys, main(["mutate", *arguments, *genome, *model, "-o", str(output)]), message)
    assert not list(tmp_path.glob("map*"))


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_run_that_is_told_to_end_leaves_nothing(genome, model, tmp_path, name, status):
    # A map that was written waits for the signal; a shell may have made a test in the background deaf to Ctrl-C.
    code = (
        "import os, signal, time; from zoo.cli import run; from zoo.interpretation import mutation; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "
        "mutation._count = lambda *_: os.write(1, b'here') and time.sleep(60); run()"
    )
    outputs = [part for suffix in ("tsv", "tsv.gz", "npz") for part in ("-o", str(tmp_path / f"map.{suffix}"))]
    command = [sys.executable, "-c", code, "mutate", "chr1:4-6", *genome, *model, *outputs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.read(4) == b"here"
        assert len(list(tmp_path.glob("map*.partial"))) == 3
        process.send_signal(getattr(signal, name))
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == status
    assert not list(tmp_path.glob("map*"))


def test_a_region_without_a_genome_and_a_short_sequence_are_one_line(model, tmp_path, capsys):
    output = ["-o", str(tmp_path / "map.tsv")]
    assert_error(capsys, main(["mutate", "chr1:4-6", *model, *output]), r"regions need the genome .* as genome")
    (tmp_path / "a.fa").write_text(">one\nACGT\n")
    message = r"a\.fa, sequence 1 \(one\): g-at-anchor@1\.0\.0 reads 9 bases, found 4; give a longer sequence"
    assert_error(capsys, main(["mutate", str(tmp_path / "a.fa"), *model, *output]), message)
    message = r"map\.csv: expected a name that ends with \.tsv"
    assert_error(capsys, main(["mutate", "chr1:4-6", *model, "-o", "map.csv"]), message)


@pytest.mark.parametrize("extra", [[], ["-o", "x.tsv", "--step", "0"], ["-o", "x.tsv", "--engine", "half"]])
def test_wrong_usage_exits_2(model, capsys, extra):
    assert main(["mutate", "chr1:4-6", *model[:2], *extra]) == 2
    assert "Usage: zoo mutate" in capsys.readouterr().err


def test_the_help_says_how_positions_are_counted(capsys):
    assert main(["mutate", "--help"]) == 0
    assert "1-based, both ends included" in " ".join(capsys.readouterr().out.split())


def test_variants_are_no_regions_and_zoo_annotate_is_named(model, tmp_path, capsys):
    (tmp_path / "in.vcf").write_text("##fileformat=VCFv4.2\n")
    status = main(["mutate", str(tmp_path / "in.vcf"), *model, "-o", str(tmp_path / "map.tsv")])
    assert_error(capsys, status, r"in\.vcf: expected sequences .* found variants .*; score them with zoo annotate")
