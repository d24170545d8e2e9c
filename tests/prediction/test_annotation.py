import gzip
import re
import shutil
import subprocess

import pytest

from zoo import annotate
from zoo.errors import GenomeError, OutputError, RefMismatch, UnknownContig, UnknownModel, VcfError
from zoo.model.folder import load_folder
from zoo.prediction import streaming
from zoo.prediction.annotation import preview
from zoo.testing.golden import write_golden
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

GENOME = "GATTACAGATTGGACCGTACACGTACGTTACA" * 40


@pytest.fixture
def genome(write_genome):
    return write_genome(chr1=GENOME, chr2=GENOME, chr7=GENOME)


@pytest.fixture
def model(g_at_anchor_folder):
    return load_folder(g_at_anchor_folder, device="cpu", threads=1)


def snvs(contig, count, first=1):
    return [
        f"{contig} {position} . {GENOME[position - 1]} {'C' if GENOME[position - 1] == 'G' else 'G'}"
        for position in range(first, first + count)
    ]


@pytest.fixture
def golden(tmp_path):
    return write_golden(tmp_path / "golden")


def test_every_format_holds_the_same_numbers(golden, tmp_path, read_lines):
    for name in ("a.vcf", "a.vcf.gz", "a.tsv", "a.bcf"):
        annotate(golden.vcf, golden.genome, golden.models, tmp_path / name, threads=1)
    lines = read_lines(tmp_path / "a.vcf")
    packed = gzip.decompress((tmp_path / "a.vcf.gz").read_bytes()).decode().splitlines()
    assert [line for line in packed if not line.startswith("#")] == lines
    table = [row.split("\t") for row in (tmp_path / "a.tsv").read_text().splitlines()[1:]]
    for column, key in ((8, "ZOO_AT"), (10, "ZOO_AFTER"), (12, "ZOO_EITHER")):
        info = [re.search(rf"(?:^|;){key}=([^;]*)", line.split("\t")[7]) for line in lines]
        expected = [text for found in info for text in (found[1] if found else ".").split(",")]
        assert [row[column] for row in table] == expected


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
def test_bcftools_reads_every_format_and_compares_scores_as_numbers(golden, tmp_path):
    found = {}
    for name in ("a.vcf", "a.vcf.gz", "a.bcf"):
        annotate(golden.vcf, golden.genome, golden.models, tmp_path / name, threads=1)
        for query in ("POS>0", "ZOO_AT>0", "ZOO_AFTER<0", "ZOO_EITHER=0.5"):
            arguments = ["bcftools", "view", "-H", "-i", query, tmp_path / name]
            done = subprocess.run(arguments, capture_output=True, text=True, check=True)
            found.setdefault(query, []).append(done.stdout)
    assert all(len(set(outputs)) == 1 for outputs in found.values())
    assert found["POS>0"][0].splitlines() == list(golden.expected)
    assert [line.split("\t")[1] for line in found["ZOO_AT>0"][0].splitlines()] == [
        "2",
        "22",
        "28",
        "51",
        "52",
        "60",
    ]
    assert [line.split("\t")[1] for line in found["ZOO_AFTER<0"][0].splitlines()] == ["16", "52"]


def test_batches_of_any_length_and_size_give_the_same_file(genome, model, write_vcf, tmp_path, monkeypatch):
    vcf = write_vcf(snvs("chr1", 50) + snvs("chr2", 50), declared=("chr1", "chr2"))
    annotate(vcf, genome, model, tmp_path / "all.vcf")
    monkeypatch.setattr(streaming, "RECORDS_A_BATCH", 7)
    annotate(vcf, genome, model, tmp_path / "parts.vcf", batch_size=3)
    assert (tmp_path / "all.vcf").read_bytes() == (tmp_path / "parts.vcf").read_bytes()


def test_the_header_keeps_every_line_and_gains_ours_before_the_columns(genome, model, write_vcf, tmp_path):
    odd = '##note="a\N{NEXT LINE}b\N{LINE SEPARATOR}c"'
    vcf = write_vcf(snvs("chr1", 3), header=[odd, '##INFO=<ID=DP,Number=1,Type=Integer,Description="d">'])
    annotate(vcf, genome, model, tmp_path / "out.vcf", command='zoo annotate "in put"')
    given = [line for line in vcf.read_text().split("\n") if line.startswith("#")]
    found = [line for line in (tmp_path / "out.vcf").read_text().split("\n") if line.startswith("#")]
    assert [line for line in found if "ZOO_" not in line and "##zoo_" not in line and "ID=PASS" not in line] == given
    assert found[-1] == given[-1]
    assert '##zoo_command=zoo annotate "in put"' in found
    (score,) = [line for line in found if "<ID=ZOO_G_AT_ANCHOR," in line]
    assert f"g-at-anchor@1.0.0, sha256sums {model.digest[:12]}, scorer difference, track g" in score


def test_what_is_undeclared_is_kept_with_one_warning_and_contigs_are_declared(
    genome, model, write_vcf, tmp_path, read_lines
):
    records = [f"{snvs('7', 1)[0]} . low XY=1", *snvs("chr9", 1)]
    vcf = write_vcf(records)
    summary = annotate(vcf, genome, model, tmp_path / "out.vcf")
    lines = read_lines(tmp_path / "out.vcf")
    assert lines[0] == records[0].replace(" ", "\t") + ";ZOO_G_AT_ANCHOR=-1"
    assert lines[1].endswith("\tZOO_G_AT_ANCHOR=.;ZOO_SKIPPED=UNKNOWN_CONTIG")
    header = (tmp_path / "out.vcf").read_text()
    assert f"##contig=<ID=7,length={len(GENOME)}>\n##contig=<ID=chr9>\n" in header
    assert [warning for warning in summary.warnings if "does not declare" in warning] == [
        f"{vcf}: the header does not declare FILTER low, INFO XY, contig 7, contig chr9; kept as found"
    ]
    assert summary.bridged == {"7": "chr7"}
    assert summary.unknown_contigs == ["chr9"]


@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz", "out.bcf"])
def test_a_contig_that_is_undeclared_and_comes_late_mends_the_header(
    genome, model, write_vcf, tmp_path, monkeypatch, name
):
    from cyvcf2 import VCF

    monkeypatch.setattr(streaming, "RECORDS_A_BATCH", 5)
    vcf = write_vcf(snvs("chr1", 23) + snvs("chr7", 9))
    summary = annotate(vcf, genome, model, tmp_path / name)
    assert summary.records == summary.scored == 32
    reader = VCF(str(tmp_path / name))
    assert f"##contig=<ID=chr7,length={len(GENOME)}>" in reader.raw_header
    assert [record.CHROM for record in reader] == ["chr1"] * 23 + ["chr7"] * 9
    reader.close()


def test_a_file_without_records_gives_a_file_without_records(genome, model, write_vcf, tmp_path, read_lines):
    for name in ("out.vcf", "out.tsv", "out.bcf"):
        summary = annotate(write_vcf([]), genome, model, tmp_path / name)
        assert (summary.records, summary.alleles, summary.scored, summary.skipped) == (0, 0, 0, {})
    assert read_lines(tmp_path / "out.vcf") == []
    assert "ID=ZOO_G_AT_ANCHOR" in (tmp_path / "out.vcf").read_text()
    assert (tmp_path / "out.tsv").read_text().startswith("contig\t")


def test_the_summary_counts_alleles_and_reasons(golden, tmp_path):
    summary = annotate(golden.vcf, golden.genome, golden.models, tmp_path / "out.vcf", threads=1)
    assert (summary.records, summary.alleles, summary.scored) == (23, 24, 14)
    general = [
        "AMBIGUOUS_ALT",
        "BREAKEND",
        "NO_ALT",
        "REF_MISMATCH",
        "SPANNING_DELETION",
        "SYMBOLIC",
        "UNKNOWN_CONTIG",
        "UNSPECIFIED",
    ]
    own = [
        f"{model}@1.0.0: {reason}" for model in ("after", "at", "either") for reason in ("TOO_LONG", "UNKNOWN_BASES")
    ]
    twice = {reason: 2 for reason in own if reason.endswith("UNKNOWN_BASES")}
    assert summary.skipped == dict.fromkeys(general + own, 1) | twice
    assert summary.models == ["at@1.0.0", "after@1.0.0", "either@1.0.0"]
    assert summary.keys["at@1.0.0"] == ["ZOO_AT"]
    assert summary.windows["at@1.0.0"] == "9 bases, anchor 4"
    assert set(summary.devices.values()) == {"cpu"}
    assert list(summary.contig_digests) == ["chr1"]
    document = summary.as_dict()
    assert document["alleles_per_second"] > 0
    assert document["output"] == str(tmp_path / "out.vcf")


def test_contigs_of_a_list_that_have_another_name_in_the_genome_are_told(genome, model, tmp_path, read_lines):
    (tmp_path / "list.txt").write_text(f"7:5:{GENOME[4]}:{'A' if GENOME[4] != 'A' else 'C'}\n")
    summary = annotate(tmp_path / "list.txt", genome, model, tmp_path / "out.vcf")
    assert summary.bridged == {"7": "chr7"}
    assert [line.split("\t")[0] for line in read_lines(tmp_path / "out.vcf")] == ["chr7"]


def test_progress_rises_to_the_end(genome, model, write_vcf, tmp_path, monkeypatch):
    monkeypatch.setattr(streaming, "RECORDS_A_BATCH", 100)
    reports = []
    annotate(write_vcf(snvs("chr1", 450)), genome, model, tmp_path / "out.vcf", report=reports.append)
    assert [report.alleles for report in reports] == [100, 200, 300, 400, 450]
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)
    assert 0.9 < fractions[-1] <= 1


def test_a_preview_writes_nothing_runs_nothing_and_stops_after_a_thousand(
    genome, model, write_vcf, tmp_path, monkeypatch
):
    monkeypatch.setattr(model.session, "predict", None)
    vcf = write_vcf([*snvs("chr1", 1200), "chr1 5 . A <DEL>"])
    before = set(tmp_path.iterdir())
    summary = preview(vcf, genome, model)
    assert (summary.alleles, summary.scored, summary.skipped) == (1000, 1000, {})
    assert set(tmp_path.iterdir()) - before <= {tmp_path / "genome.fa.fai"}


def test_an_annotated_file_can_be_annotated_with_another_model_or_anew(genome, model, write_vcf, tmp_path, read_lines):
    other = write_model_folder(tmp_path / "other", make_base_at_anchor_graph("A"), {"name": "other"})
    vcf = write_vcf([*snvs("chr1", 3), "chr1 4 . T <DEL>"])
    first, second, third = (tmp_path / f"{number}.vcf" for number in (1, 2, 3))
    annotate(vcf, genome, model, first)
    for again in (model, other):
        with pytest.raises(OutputError, match=r"1\.vcf: INFO ZOO_\w+ is there already.*--overwrite"):
            annotate(first, genome, again, second)
    annotate(first, genome, model, second, overwrite=True)
    assert read_lines(second) == read_lines(first)
    assert second.read_text().count("##INFO=<ID=ZOO_G_AT_ANCHOR,") == 1
    annotate(first, genome, other, third, overwrite=True)
    assert read_lines(third)[1].endswith("\tZOO_G_AT_ANCHOR=1;ZOO_OTHER=-1")
    assert read_lines(third)[3].endswith("\tZOO_G_AT_ANCHOR=.;ZOO_OTHER=.;ZOO_SKIPPED=SYMBOLIC")


def test_keys_that_the_header_should_have_declared_collide_too(genome, model, write_vcf, tmp_path):
    vcf = write_vcf([f"{snvs('chr1', 1)[0]} . . ZOO_G_AT_ANCHOR=7"])
    with pytest.raises(OutputError, match=r"in\.vcf: INFO ZOO_G_AT_ANCHOR is there already"):
        annotate(vcf, genome, model, tmp_path / "out.vcf")
    assert not (tmp_path / "out.vcf").exists()
    annotate(vcf, genome, model, tmp_path / "out.vcf", overwrite=True)
    assert (tmp_path / "out.vcf").read_text().endswith("\tZOO_G_AT_ANCHOR=-1\n")


def test_keys_can_be_renamed(genome, model, write_vcf, tmp_path, read_lines):
    annotate(write_vcf(snvs("chr1", 1)), genome, model, tmp_path / "out.vcf", keys={"g-at-anchor": "MINE"})
    assert read_lines(tmp_path / "out.vcf")[0].endswith("\tMINE=-1")


@pytest.mark.parametrize(
    ("records", "options", "error", "message"),
    [
        (
            ["chr1 1 . A C"],
            {"on_ref_mismatch": "error"},
            RefMismatch,
            r"in\.vcf, record 1 \(chr1:1\): REF is A, .* holds G there",
        ),
        (["scaffold 1 . A C"], {}, UnknownContig, r"in\.vcf: none of its contigs \(scaffold\) is in"),
        (["chr1 one . A C"], {}, VcfError, r"in\.vcf, record 1: "),
        (["chr1 1 . C A"] * 100, {}, RefMismatch, r"in\.vcf: REF disagrees with .* for 100 of the first 100 alleles"),
        (snvs("chr1", 9), {"keys": {"x": "Y"}}, OutputError, "--key x=Y: 'x' is no model or model:track of this run"),
    ],
)
def test_an_error_leaves_nothing(genome, model, write_vcf, tmp_path, records, options, error, message):
    vcf = write_vcf(records)
    for name in ("out.vcf", "out.vcf.gz", "out.bcf", "out.tsv"):
        with pytest.raises(error, match=message):
            annotate(vcf, genome, model, tmp_path / name, **options)
    assert not list(tmp_path.glob("out*"))


def test_an_output_that_is_an_input_is_refused_before_anything_is_read(genome, model, write_vcf):
    vcf = write_vcf(snvs("chr1", 1))
    with pytest.raises(OutputError, match="the output is the input"):
        annotate(vcf, genome, model, vcf)
    assert "ZOO" not in vcf.read_text()


def test_a_model_must_be_named_and_only_once(genome, model, write_vcf, tmp_path):
    vcf = write_vcf(snvs("chr1", 1))
    with pytest.raises(UnknownModel, match=r"^model g-at-anchor@1\.0\.0 is named twice; name it once$"):
        annotate(vcf, genome, [model, model.folder], tmp_path / "out.vcf", device="cpu")
    with pytest.raises(UnknownModel, match="expected at least one model, found none; `zoo list`"):
        annotate(vcf, genome, [], tmp_path / "out.vcf")


HOSTILE = {
    "an empty line": "\n",
    "a line of spaces": "   \n",
    "too few columns": "chr7\t5\n",
    "POS is a word": "chr7\tfive\t.\tA\tC\t.\t.\t.\n",
    "POS is negative": "chr7\t-5\t.\tA\tC\t.\t.\t.\n",
    "POS is 0": "chr1\t0\t.\tN\tC\t.\t.\t.\n",
    "POS is beyond the contig": "chr1\t2147483647\t.\tA\tC\t.\t.\t.\n",
    "POS is beyond all bounds": "chr1\t99999999999999\t.\tA\tC\t.\t.\t.\n",
    "no REF": "chr1\t5\t.\t\tC\t.\t.\t.\n",
    "REF is missing": "chr1\t5\t.\t.\tC\t.\t.\t.\n",
    "REF is a symbol": "chr1\t5\t.\t<DEL>\tC\t.\t.\t.\n",
    "no ALT": "chr1\t5\t.\tA\t\t.\t.\t.\n",
    "an empty ALT among others": "chr1\t5\t.\tA\tC,,G\t.\t.\t.\n",
    "a comma in REF": "chr1\t5\t.\tA,C\tC\t.\t.\t.\n",
    "letters that are none": "chr1\t5\t.\tA\tXYZ\t.\t.\t.\n",
    "odd INFO": "chr1\t5\t.\tA\tC\t.\t.\t=;;;A=;=B;DP\n",
    "odd QUAL": "chr1\t5\t.\tA\tC\thigh\t.\t.\n",
    "odd FILTER": "chr1\t5\t.\tA\tC\t.\ta;b;;c\t.\n",
    "a colon in the contig": "chr1:5\t5\t.\tA\tC\t.\t.\t.\n",
    "brackets in the contig": "<chr1>\t5\t.\tA\tC\t.\t.\t.\n",
    "a quote and a comma in the contig": 'a",b\t5\t.\tA\tC\t.\t.\t.\n',
    "not UTF-8": b"chr1\t5\t\xff\xfe\tA\tC\t.\t.\t.\n",
    "a NUL": b"chr1\t5\t\x00\tA\tC\t.\t.\t.\n",
    "a second header": "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n",
    "a carriage return": "chr1\t5\t.\tA\tC\t.\t.\t.\r\n",
    "more columns than the header": "chr1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\n",
    "a very long allele": "chr1\t5\t.\tA\tA" + "C" * 100_000 + "\t.\t.\t.\n",
    "very many alleles": "chr1\t5\t.\tA\t" + ",".join("A" + "C" * count for count in range(1, 300)) + "\t.\t.\t.\n",
}


def test_hostile_records_give_a_result_or_an_error_of_one_line(genome, model, write_vcf, tmp_path, read_lines):
    outcomes = {}
    for name, record in HOSTILE.items():
        vcf = write_vcf([])
        with vcf.open("ab") as file:
            file.write(b"chr1\t2\t.\tA\tG\t.\t.\t.\n" + (record if isinstance(record, bytes) else record.encode()))
        out = tmp_path / "out.vcf"
        try:
            annotate(vcf, genome, model, out)
        except GenomeError as error:
            outcomes[name] = f"error: {error}"
        else:
            first, *others = read_lines(out)
            assert first.endswith("ZOO_G_AT_ANCHOR=1"), name
            outcomes[name] = "\n".join(others)
            out.unlink()
        assert not list(tmp_path.glob("out*")), name
    assert all(
        re.match(r"error: .*in\.vcf, record 2: [^\n]+$", found) for found in outcomes.values() if "error" in found
    )
    # The guard against htslib's crash turns these into errors, not results.
    for name in ("too few columns", "POS is a word", "not UTF-8"):
        assert outcomes[name].startswith("error")
    assert outcomes["POS is beyond the contig"].endswith("ZOO_SKIPPED=REF_MISMATCH")
    assert outcomes["a very long allele"].endswith("ZOO_G_AT_ANCHOR_SKIPPED=TOO_LONG")


def test_a_parquet_file_says_what_made_it(golden, tmp_path):
    from pyarrow import parquet

    annotate(golden.vcf, golden.genome, golden.models[0], tmp_path / "out.parquet", scorer="logit_difference")
    told = parquet.read_schema(tmp_path / "out.parquet").metadata[b"zoo"].decode()
    assert '##INFO=<ID=ZOO_AT,Number=A,Type=Float,Description="at@1.0.0, sha256sums ' in told
    assert "scorer logit_difference" in told
    assert "##zoo_reference=<ID=GOLDEN_FA" in told


def test_a_network_alone_is_told_to_have_no_spread(golden, tmp_path):
    summary = annotate(golden.vcf, golden.genome, golden.models[0], tmp_path / "out.vcf", spread=True)
    assert "at@1.0.0: is one network, so that no spread can be told" in summary.warnings
    assert summary.keys == {"at@1.0.0": ["ZOO_AT", "ZOO_AT_SD", "ZOO_AT_DISAGREE"]}
