import io
import os
import re
import sys
import threading
from pathlib import Path

import pytest

from zoo.errors import DataError, VcfError
from zoo.genome.vcf import VcfReader
from zoo.prediction.inputs.opening import ACCEPTED, open_records
from zoo.prediction.inputs.source import InputOptions

ONE_LINE = r"\A[^\n]+\Z"
CORPUS = Path(__file__).parents[4] / "shared" / "data" / "vcf_corpus"


@pytest.fixture
def reference(open_genome):
    return open_genome(chr1="ACGTACGTAA")


def test_vcf_is_read_by_the_reader_of_vcf(write_vcf, reference):
    path = write_vcf(["chr1 2 rs1 C G 30 PASS DP=3"])
    with open_records(path, reference) as source, VcfReader(path) as reader:
        assert type(source) is VcfReader
        assert source.header == reader.header
        assert [batch.columns for batch in source.batches(9)] == [batch.columns for batch in reader.batches(9)]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared/data/vcf_corpus")
def test_every_file_of_the_corpus_that_the_reader_of_vcf_takes_is_vcf(reference):
    for path in sorted(path for path in CORPUS.rglob("*") if path.is_file()):
        try:
            VcfReader(path).close()
        except VcfError:
            with pytest.raises((DataError, VcfError), match=ONE_LINE):
                open_records(path, reference)
            continue
        with open_records(path, reference) as source:
            assert isinstance(source, VcfReader), path


PIPED = {
    "vcf": "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "chr1\t2\t.\tC\tG\t.\t.\t.\n",
    "variants": "chr1\t2\tC\tG\n",
    "table": "chrom,pos,ref,alt\n1,2,C,G\n",
}


@pytest.mark.parametrize("kind", PIPED)
def test_standard_input_may_hold_any_kind(monkeypatch, read_records, reference, kind):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PIPED[kind].encode())))
    records, source = read_records("-", reference)
    assert records == ["chr1 2 . C G ."]
    assert source.name == "standard input"


@pytest.mark.parametrize("kind", PIPED)
def test_a_named_pipe_may_hold_any_kind(tmp_path, read_records, reference, kind):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = threading.Thread(target=pipe.write_text, args=(PIPED[kind],))
    thread.start()
    records, source = read_records(pipe, reference)
    thread.join()
    assert records == ["chr1 2 . C G ."]
    assert source.name == str(pipe)


@pytest.mark.parametrize("text", ["##fileformat=VCFv4.2\n", "variant\nrs1x\n"])
def test_errors_of_a_pipe_name_it_and_not_its_copy(monkeypatch, reference, text):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    with pytest.raises((DataError, VcfError), match=r"^standard input"):
        open_records("-", reference)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match=r"^standard input is closed: pipe variants into it, or name a file$"):
        open_records("-", reference)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("chr1 10 20\n", "'chr1\\t10\\t20', which looks like BED: regions have no alleles"),
        ("chr1 10 A G 0.5\n", "'chr1\\t10\\tA\\tG\\t0.5'"),
        ("# only\nGene Score\nx 1\n", "'Gene\\tScore'"),
        ("../elsewhere/file.vcf.gz\n", "'../elsewhere/file.vcf.gz'"),
    ],
)
def test_anything_else_is_an_error_that_says_what_is_accepted(write_input, reference, text, found):
    path = write_input(text)
    number = text.count("\n", 0, text.index("Gene")) + 1 if "Gene" in text else 1
    message = f"{path}, line {number}: expected {ACCEPTED}; found {found}"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        open_records(path, reference)


def test_files_without_a_line_to_tell_by_are_errors(tmp_path, reference):
    path = tmp_path / "in"
    for content, error, message in [
        (b"", VcfError, "expected a VCF or BCF file, found an empty one"),
        (b"PK\3\4\0\0\0", DataError, "found bytes that are no text"),
        (b"# nothing\n\n", DataError, "found no line that is no comment"),
        (b"\xef\xbb\xbf", DataError, "found no line that is no comment"),
        (b"\n", DataError, "found no line that is no comment"),
        (b"\x1f\x8b\x08\0cut", VcfError, "cut or damaged"),
    ]:
        path.write_bytes(content)
        with pytest.raises(error, match=f"^{re.escape(str(path))}.*{message}"):
            open_records(path, reference)
    with pytest.raises(VcfError, match=r"absent: expected a VCF or BCF file, found nothing"):
        open_records(tmp_path / "absent", reference)
    with pytest.raises(VcfError, match=r"found a folder"):
        open_records(tmp_path, reference)


def test_a_header_of_vcf_without_its_first_line_is_left_to_the_reader_of_vcf(tmp_path, reference):
    path = tmp_path / "in.vcf"
    for text in (PIPED["vcf"].split("\n", 1)[1], PIPED["vcf"].split("\n", 2)[2], "##contig=<ID=chr1>\nchr1 5\n"):
        path.write_text(text)
        with pytest.raises(VcfError, match=r"line 1: expected '##fileformat="):
            open_records(path, reference)


def test_a_kind_that_is_given_is_not_doubted(write_input, read_records, reference):
    path = write_input("where what x A\n1 2 C G\n")
    columns = {"contig": "where", "position": "what", "ref": "x", "alt": "A"}
    assert read_records(path, reference, kind="table", columns=columns)[0] == ["chr1 2 . C G ."]
    assert read_records(path, reference, columns=columns)[0] == ["chr1 2 . C G ."]
    with pytest.raises(DataError, match=r"line 1: expected a variant such as"):
        read_records(path, reference, kind="variants")
    with pytest.raises(VcfError, match=r"line 1: expected '##fileformat="):
        read_records(path, reference, kind="vcf")
    with pytest.raises(DataError, match=r"line 1: expected columns for contig, position and alleles; not found"):
        read_records(path, reference, kind="table")


def test_options_that_do_not_fit_are_errors(write_vcf, reference):
    path = write_vcf(["chr1 2 rs1 C G"])
    with pytest.raises(DataError, match=r"found VCF or BCF, whose columns have fixed names; leave out columns$"):
        open_records(path, reference, InputOptions(columns={"ref": "REF"}))
    with pytest.raises(DataError, match=r"^columns: expected one of contig, .*, found 'chrom'"):
        open_records(path, reference, InputOptions(columns={"chrom": "REF"}))
    with pytest.raises(ValueError, match=r"^kind: expected one of auto, vcf, variants, rsids, table, found 'bed'$"):
        open_records(path, reference, InputOptions(kind="bed"))
