"""From variants to scores: the incremental engine gives what the full one does."""

import re
import warnings

import numpy as np
import pytest

from tests.model.alleles import draw_alleles, draw_contig, halve, make_card_of, make_large
from zoo import annotate, score_variants
from zoo.cli import main
from zoo.errors import ModelError, OutputError
from zoo.genome.codes import decode
from zoo.model import pairs
from zoo.model.folder import load_folder
from zoo.prediction import streaming
from zoo.prediction.scoring import incremental
from zoo.testing.models import write_model_folder

LENGTH, ANCHOR = 200, 100


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A network that gains, one that gains with padding and both strands, and one of the same window that does not."""
    from tests.prediction.scoring.test_incremental import mix_positions

    found = {}
    for name, made, average in (
        ("gains", make_large(LENGTH), False),
        ("padded", make_large(LENGTH, padded=True), True),
        ("mixes", mix_positions(LENGTH), False),
    ):
        card = make_card_of(made, ANCHOR, average=average).model_dump(mode="json") | {"name": name}
        found[name] = write_model_folder(tmp_path_factory.mktemp("models") / name, made.model, card)
    return found


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    """One contig with unknown bases alone and in runs, and 500 shorter than a window; and their letters."""
    rng = np.random.default_rng(0)
    contigs = {"chr1": draw_contig(rng, 3_000)}
    contigs |= {f"small{number}": draw_contig(rng, int(rng.integers(20, 150))) for number in range(500)}
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text("".join(f">{name}\n{decode(codes)}\n" for name, codes in contigs.items()))
    return path, contigs


@pytest.fixture(scope="module")
def records(genome):
    """Return contig, position, REF and ALT, close together on the large contig and one on each small one."""
    rng = np.random.default_rng(1)
    found = []
    for name, codes in genome[1].items():
        alleles = draw_alleles(rng, codes, 400 if name == "chr1" else 8, LENGTH - ANCHOR)
        for allele in sorted(alleles if name == "chr1" else alleles[:1], key=lambda one: one.start):
            ref = decode(codes[allele.start : allele.start + allele.ref_length])
            found.append((name, allele.start + 1, ref, decode(allele.alt)))
    return found


@pytest.fixture(scope="module")
def vcf(genome, records, tmp_path_factory):
    path = tmp_path_factory.mktemp("vcf") / "in.vcf"
    lines = ["##fileformat=VCFv4.2", *(f"##contig=<ID={name}>" for name in genome[1])]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
    lines += ["\t".join([name, str(at), ".", ref, alt, ".", ".", "."]) for name, at, ref, alt in records]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture
def opened(monkeypatch):
    """Return for which models sessions of pairs and of chunks were made."""
    made = []
    for name in ("PairSession", "ChunkSession"):
        real = getattr(incremental, name)

        def make(whole, anchor, *others, name=name, real=real):
            made.append((whole.card.name, name))
            return real(whole, anchor, *others)

        monkeypatch.setattr(incremental, name, make)
    return made


def read_table(path):
    header, *rows = (line.split("\t") for line in path.read_text().splitlines() if not line.startswith("##"))
    return {name: [row[column] for row in rows] for column, name in enumerate(header)}


def numbers(texts):
    return np.array([np.nan if text == "." else float(text) for text in texts])


def agree(found, expected):
    assert list(found) == list(expected)
    for name, wanted in expected.items():
        if name.startswith("ZOO") and "SKIPPED" not in name:
            given, meant = numbers(found[name]), numbers(wanted)
            np.testing.assert_array_equal(np.isnan(given), np.isnan(meant))
            # A score is the difference of two predictions.
            assert np.nanmax(np.abs(given - meant)) < 2e-5 * max(1, np.nanmax(np.abs(meant))), name
            assert np.nanmax(np.abs(meant)) > 0.1
        else:
            assert found[name] == wanted
    return True


def annotate_all(folders, genome, vcf, output, *, threads=1, **options):
    models = [load_folder(folder, "cpu", threads) for folder in folders]
    annotate(vcf, genome[0], models, output, threads=threads, **options)
    return read_table(output)


def test_a_vcf_gets_the_same_scores_from_each_engine_and_each_way_is_taken(folders, genome, vcf, tmp_path, opened):
    models = [folders["gains"], folders["padded"]]
    full = annotate_all(models, genome, vcf, tmp_path / "full.tsv", engine="full")
    assert opened == []
    for engine in ("auto", "incremental"):
        found = annotate_all(models, genome, vcf, tmp_path / f"{engine}.tsv", engine=engine)
        assert agree(found, full)
    assert sorted(opened) == sorted(
        [(name, session) for name in ("gains", "padded") for session in ("ChunkSession", "PairSession")] * 2
    )
    # There is something to be seen: alleles with and without a score, for each reason that is there.
    skipped = {text for name, texts in full.items() if "SKIPPED" in name for text in texts}
    assert {".", "UNKNOWN_BASES"} <= skipped


@pytest.mark.parametrize(
    "options",
    [{"shifts": (-3, 0, 2)}, {"max_indel": 3}, {"max_unknown": 0.9}, {"batch_size": 1}, {"batch_size": 7}],
    ids=str,
)
def test_a_table_gets_the_same_scores_from_each_engine(folders, genome, records, options):
    import pandas as pd

    chosen = [record for record in records[:500] if set(record[2]) <= set("ACGT")][:150]
    table = pd.DataFrame(chosen, columns=["contig", "position", "ref", "alt"])
    model = load_folder(folders["padded"], "cpu", 1)
    full, found = (
        score_variants(table, genome[0], model, threads=1, engine=engine, **options)
        for engine in ("full", "incremental")
    )
    scores = [name for name in full if name.startswith("ZOO") and "SKIPPED" not in name]
    assert len(scores) == 2
    np.testing.assert_allclose(found[scores], full[scores], rtol=0, atol=2e-5)
    assert found["ZOO_PADDED_SKIPPED"].tolist() == full["ZOO_PADDED_SKIPPED"].tolist()


def test_threads_give_the_same_bytes(folders, genome, vcf, tmp_path):
    one, two = (
        annotate_all([folders["padded"]], genome, vcf, tmp_path / f"{threads}.tsv", threads=threads)
        for threads in (1, 2)
    )
    assert one == two


def test_windows_at_regions_are_scored_by_either_engine(folders, genome, vcf, tmp_path):
    regions = tmp_path / "regions.bed"
    regions.write_text(
        "".join(f"chr1\t{start}\t{start + 50}\t.\t.\t{'+-'[start % 40 == 0]}\n" for start in range(300, 2_500, 20))
    )
    full, found = (
        annotate_all([folders["gains"]], genome, vcf, tmp_path / f"{engine}.tsv", engine=engine, windows=regions)
        for engine in ("full", "incremental")
    )
    assert agree(found, full)
    assert len(set(full["region"])) > 50


def test_a_background_of_haplotypes_is_scored_by_either_engine(folders, genome, records, tmp_path):
    rng = np.random.default_rng(0)
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=chr1>", '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">']
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tNA1")
    lines += [
        f"{name}\t{at}\t.\t{ref}\t{alt}\t.\t.\t.\tGT\t{rng.choice(['0|1', '1|0', '0|0', '1|1'])}"
        for name, at, ref, alt in records[:400]
        if len(ref) < 10 and set(ref) <= set("ACGT")
    ]
    path = tmp_path / "sample.vcf"
    path.write_text("".join(f"{line}\n" for line in lines))
    full, found = (
        annotate_all([folders["gains"]], genome, path, tmp_path / f"{engine}.tsv", engine=engine, background="NA1")
        for engine in ("full", "incremental")
    )
    assert agree(found, full)


def test_models_of_one_window_are_run_each_in_its_own_way(folders, genome, vcf, tmp_path, opened):
    models = [folders["mixes"], folders["gains"]]

    found = annotate_all(models, genome, vcf, tmp_path / "auto.tsv")

    assert {name for name, _ in opened} == {"gains"}
    assert agree(found, annotate_all(models, genome, vcf, tmp_path / "full.tsv", engine="full"))
    with pytest.raises(ModelError, match=r"^mixes@1\.0\.0: the incremental engine gains nothing: "):
        annotate_all(models, genome, vcf, tmp_path / "incremental.tsv", engine="incremental")
    assert not (tmp_path / "incremental.tsv").exists()


def test_an_engine_that_gains_nothing_is_one_line_on_the_command_line(folders, genome, vcf, tmp_path, capsys):
    arguments = [
        "annotate",
        str(vcf),
        "-f",
        str(genome[0]),
        "-m",
        str(folders["mixes"]),
        "-o",
        str(tmp_path / "out.vcf"),
    ]

    assert main([*arguments, "--engine", "incremental"]) == 1

    told = capsys.readouterr().err
    assert re.match(r"zoo: error: (.*: )?mixes@1\.0\.0: the incremental engine gains nothing: ", told)
    assert told.count("\n") == 1
    assert main([*arguments, "--engine", "auto"]) == 0


def test_a_graph_that_fails_its_check_is_a_warning_of_auto_and_an_error_where_it_is_forced(
    folders, genome, vcf, tmp_path, monkeypatch, capsys
):
    # The graph of pairs is never the network's.
    real = pairs.write_pair_graph
    monkeypatch.setattr(pairs, "write_pair_graph", lambda network, spans: real(halve(network), spans))
    arguments = ["annotate", str(vcf), "-f", str(genome[0]), "-m", str(folders["gains"])]

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main([*arguments, "-o", str(tmp_path / "auto.tsv"), "--engine", "auto"]) == 0
    told = capsys.readouterr().err
    assert main([*arguments, "-o", str(tmp_path / "incremental.tsv"), "--engine", "incremental"]) == 1

    warned = [line for line in told.splitlines() if "warning" in line]
    assert len(warned) == 1
    assert "gains@1.0.0: the graph of both alleles predicts otherwise" in warned[0]
    assert warned[0].endswith("; the whole network runs instead")
    told = capsys.readouterr().err
    assert re.fullmatch(r"zoo: error: (.*: )?gains@1\.0\.0: the graph of both alleles predicts otherwise .*\n", told)
    assert agree(
        read_table(tmp_path / "auto.tsv"),
        annotate_all([folders["gains"]], genome, vcf, tmp_path / "full.tsv", engine="full"),
    )


def test_a_run_that_breaks_off_is_resumed_to_the_same_bytes(folders, genome, vcf, tmp_path, monkeypatch, opened):
    monkeypatch.setattr(streaming, "RECORDS_A_BATCH", 100)

    def stop(progress):
        if progress.alleles > 250:
            raise OutputError("stopped")

    whole, resumed = tmp_path / "whole.vcf", tmp_path / "resumed.vcf"
    annotate_all([folders["gains"]], genome, vcf, whole, command="zoo")
    with pytest.raises(OutputError, match="go on with --resume"):
        annotate_all([folders["gains"]], genome, vcf, resumed, command="zoo", report=stop)
    annotate_all([folders["gains"]], genome, vcf, resumed, command="zoo", resume=True)

    assert opened.count(("gains", "ChunkSession")) == 3
    assert resumed.read_bytes() == whole.read_bytes()
