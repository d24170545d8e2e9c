import gzip
import re

import numpy as np
import pandas as pd
import pytest

from zoo import predict
from zoo.errors import BedError, DataError, OutputError, UnknownContig
from zoo.genome.codes import decode, encode, reverse_complement
from zoo.model.folder import load_folder
from zoo.prediction import sequences as module
from zoo.prediction.sequences import predict_to_file
from zoo.testing.models import CARD, make_base_at_anchor_graph, write_model_folder

WITH_G, WITHOUT_G = "AAAAGAAAA", "GGGGAGGGG"
CONTIG = "ACGTTGCAATCCGGTTAGAC"


@pytest.fixture
def model(g_at_anchor_folder):
    return load_folder(g_at_anchor_folder, device="cpu", threads=1)


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "seqs.fa"
    path.write_text(f">one first\n{WITH_G}\n>two\n{WITHOUT_G.lower()}\n>three\nNNNNGNNNN\n")
    return path


def test_sequences_have_a_row_each_in_order(fasta, model):
    table = predict(fasta, model)
    assert table.columns.tolist() == ["id", "g"]
    assert table["id"].tolist() == ["one", "two", "three"]
    assert table["g"].tolist() == [1, 0, 1]
    assert table["g"].dtype == np.float32


def test_sequences_may_be_given_as_they_are(model):
    table = predict([WITHOUT_G, WITH_G], model)
    assert table["id"].tolist() == ["1", "2"]
    assert table["g"].tolist() == [0, 1]
    assert predict([], model).shape == (0, 2)


def test_the_size_of_a_batch_changes_nothing(model, monkeypatch):
    sequences = [CONTIG[place : place + 9] for place in range(11)] * 3
    expected = predict(sequences, model)
    monkeypatch.setattr(module, "_ROWS_A_BATCH", 4)
    pd.testing.assert_frame_equal(predict(sequences, model), expected)


@pytest.mark.parametrize(
    ("region", "window"),
    [
        pytest.param("chr1 0 9", "ACGTTGCAA", id="as long as the window"),
        pytest.param("1 0 9", "ACGTTGCAA", id="alias"),
        pytest.param("chr1 0 9 x 0 -", "TTGCAACGT", id="reverse strand"),
        pytest.param("chr1 4 5", "ACGTTGCAA", id="one base in the middle"),
        pytest.param("chr1 0 20", "CAATCCGGT", id="longer than the window"),
        pytest.param("chr1 0 1", "NNNNACGTT", id="at the contig's start"),
        pytest.param("chr1 19 20", "TAGACNNNN", id="at the contig's end"),
    ],
)
def test_a_region_stands_for_the_window_around_its_middle(write_genome, model, tmp_path, monkeypatch, region, window):
    seen = []
    predict_codes = model.session.predict
    monkeypatch.setattr(model.session, "predict", lambda codes, *_: seen.append(codes) or predict_codes(codes))
    bed = tmp_path / "a.bed"
    bed.write_text(region.replace(" ", "\t") + "\n")
    predict(bed, model, genome=write_genome(chr1=CONTIG))
    assert decode(seen[0][0]) == window


def test_the_reverse_strand_is_the_reverse_complement(write_genome, model, tmp_path):
    bed = tmp_path / "a.bed"
    bed.write_text("".join(f"chr1\t{start}\t{start + 9}\tr{start}\t0\t-\n" for start in range(11)))
    expected = [decode(reverse_complement(encode(CONTIG[start : start + 9]))) for start in range(11)]
    table = predict(bed, model, genome=write_genome(chr1=CONTIG))
    assert table["g"].tolist() == predict(expected, model)["g"].tolist()
    assert table["id"].tolist() == [f"r{start}::chr1:{start}-{start + 9}" for start in range(11)]


@pytest.mark.parametrize("name", ["out.tsv", "out.parquet"])
def test_files_hold_what_the_table_holds(fasta, model, tmp_path, monkeypatch, name):
    monkeypatch.setattr(module, "_ROWS_A_BATCH", 2)
    done = predict_to_file(fasta, model, tmp_path / name)
    read = pd.read_parquet if name.endswith("parquet") else lambda path: pd.read_csv(path, sep="\t")
    found = read(tmp_path / name)
    assert found["id"].tolist() == ["one", "two", "three"]
    assert found["g"].tolist() == [1, 0, 1]
    assert (done.rows, done.recentred, done.model, done.device) == (3, 0, "g-at-anchor@1.0.0", "cpu")
    assert not list(tmp_path.glob("*.partial"))


def test_recentred_regions_are_counted(write_genome, model, tmp_path):
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t0\t9\nchr1\t0\t5\nchr1\t1\t18\n")
    done = predict_to_file(bed, model, tmp_path / "out.tsv", genome=write_genome(chr1=CONTIG))
    assert (done.rows, done.recentred) == (3, 2)
    assert (tmp_path / "out.tsv").read_text().splitlines()[1].split("\t")[0] == "chr1:0-9"


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.fa", ">one\nACGT\n", DataError, r"sequence 1 \(one\): g-at-anchor@1\.0\.0 reads 9 bases, found 4; cut"),
        ("a.bed", "chr9\t0\t9\n", UnknownContig, r"region 1 \(chr9:0-9\): .* has no contig .chr9.; did you mean"),
        ("a.bed", "chr1\t0\t9\nchr1\t15\t25\n", BedError, r"region 2 \(chr1:15-25\): chr1 of .*\.fa ends at 20; is"),
        ("a.bed", "chr1\t9\n", BedError, r"line 1: expected contig, start and end"),
        ("a.bed", "", BedError, "expected regions, found none"),
        ("a.bed", b"\xff\xfe\x00", DataError, "expected FASTA or BED, found a file that can't be read as text"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted_is_an_error_and_leaves_nothing(
    write_genome, model, tmp_path, name, content, error, message
):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    genome = write_genome(chr1=CONTIG)
    with pytest.raises(error, match=rf"{re.escape(str(path))}.*{message}"):
        predict_to_file(path, model, tmp_path / "out.tsv", genome=genome)
    assert not list(tmp_path.glob("out*"))


def test_regions_need_a_genome_and_files_must_be_there(model, tmp_path):
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t0\t9\n")
    with pytest.raises(
        DataError, match=r"a\.bed: regions need the genome that they lie on: name its FASTA file as genome$"
    ):
        predict(bed, model)
    with pytest.raises(DataError, match=r"nowhere\.fa: expected a FASTA or BED file, found nothing; check the path"):
        predict(tmp_path / "nowhere.fa", model)


def test_an_output_needs_a_known_suffix_and_is_no_input(fasta, model, tmp_path):
    with pytest.raises(OutputError, match=r"out\.csv: expected a name that ends with \.tsv or \.parquet, or -"):
        predict_to_file(fasta, model, tmp_path / "out.csv")
    linked = tmp_path / "link.tsv"
    linked.symlink_to(fasta)
    with pytest.raises(OutputError, match=re.escape(f"{linked}: the output is the input {fasta}")):
        predict_to_file(fasta, model, linked)


def test_a_region_without_a_name_is_called_by_its_place(write_genome, model, tmp_path):
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t0\t9\nchr1\t1\t10\tpeak\n")
    table = predict(bed, model, genome=write_genome(chr1=CONTIG))
    assert table["id"].tolist() == ["chr1:0-9", "peak::chr1:1-10"]


def test_regions_of_a_fixed_window_stand_between_its_flanks_and_have_its_length(fasta, write_genome, tmp_path):
    window = {**CARD["window"], "mode": "fixed", "prefix": "AA", "suffix": "AA"}
    folder = write_model_folder(tmp_path / "fixed", make_base_at_anchor_graph(), {"window": window})
    model = load_folder(folder, "cpu")
    assert predict(fasta, model)["g"].tolist() == [1, 0, 1]  # a whole sequence is read as it is
    genome = write_genome(chr1=CONTIG)
    places = [start for start in range(10) if "G" in CONTIG[start + 2]]
    bed = tmp_path / "regions.bed"
    bed.write_text("".join(f"chr1\t{start}\t{start + 5}\n" for start in range(10)))
    # Two bases of the flank, and two of the region, stand before the anchor.
    assert [start for start, g in enumerate(predict(bed, model, genome=genome)["g"]) if g] == places
    bed.write_text("chr1\t0\t9\n")
    with pytest.raises(BedError, match=r"reads 5 bases between its constant flanks, found 9; give regions of that"):
        predict(bed, model, genome=genome)


def test_bytes_are_no_sequence(model):
    with pytest.raises(DataError, match=r"^sequence 2: expected text, found bytes"):
        predict([WITH_G, WITH_G.encode()], model)


@pytest.mark.parametrize("head", [b"##fileformat=VCFv4.2\n", b"\xef\xbb\xbf#CHROM\tPOS\tID\n", b"BCF\x02\x02"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_variants_are_no_regions_and_zoo_annotate_is_named(model, tmp_path, head, pack):
    (tmp_path / "in").write_bytes(pack(head))
    with pytest.raises(DataError, match=r"in: expected sequences .* found variants .*; score them with zoo annotate"):
        predict(tmp_path / "in", model, genome=tmp_path / "genome.fa")


def test_no_header_is_printed_before_an_error(model, tmp_path, capfdbinary):
    (tmp_path / "genome.fa").write_text(f">chr1\n{CONTIG}\n")
    (tmp_path / "regions.bed").write_text("chr1\tzero\t9\n")
    with pytest.raises(BedError):
        predict_to_file(tmp_path / "regions.bed", model, "-", genome=tmp_path / "genome.fa")
    assert capfdbinary.readouterr().out == b""
