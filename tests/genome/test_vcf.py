import gzip
import io
import os
import subprocess
import sys
import threading

import pytest

from zoo.errors import VcfError
from zoo.genome.bgzf import BgzfSink
from zoo.genome.vcf import ALT, CONTIG, INFO, RecordBatch, VcfReader

HEADER = (
    "##fileformat=VCFv4.2\n"
    '##FILTER=<ID=PASS,Description="All filters passed">\n'
    "##contig=<ID=chr1,length=1000>\n"
    "##contig=<ID=chr2>\n"
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Count">\n'
)
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
RECORDS = ["chr1\t5\trs1\tA\tC,G\t30\tPASS\tAC=1,2", "chr1\t9\t.\tAC\tA\t.\t.\t.", "chr2\t1\t.\tT\t<DEL>\t.\t.\tAC=7"]
TEXT = HEADER + COLUMNS + "".join(f"{record}\n" for record in RECORDS)


def pack(text):
    buffer = io.BytesIO()
    sink = BgzfSink(buffer)
    sink.write(text.encode())
    sink.finish()
    return buffer.getvalue()


def read(path, size=1000):
    with VcfReader(path) as reader:
        batches = list(reader.batches(size))
        return ["\t".join(record) for batch in batches for record in batch.columns], reader


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "packer", [str.encode, lambda text: gzip.compress(text.encode()), pack], ids=["plain", "gzip", "bgzf"]
)
def test_records_come_as_they_stand_whatever_the_packing(tmp_path, packer):
    lines, reader = read(write(tmp_path / "a.vcf", packer(TEXT)))
    assert lines == RECORDS
    assert reader.header == HEADER + COLUMNS
    assert reader.contigs == {"chr1": 1000, "chr2": None}
    assert reader.warnings == []


@pytest.mark.parametrize("samples", ["", "\tGT\t0/1"])
def test_a_column_has_a_text_for_each_record(samples):
    batch = RecordBatch(0, [f"chr1\t5\trs1\tA\tC\t.\tPASS\tDP=3{samples}", f"2\t6\t.\tG\tT,*\t9\t.\t.{samples}"], 0)
    assert batch.column(CONTIG) == ["chr1", "2"]
    assert batch.column(ALT) == ["C", "T,*"]
    assert batch.column(INFO) == ["DP=3", "."]
    assert batch.has_samples is bool(samples)
    assert ["\t".join(record) for record in batch.columns] == batch.lines


@pytest.mark.parametrize(("size", "expected"), [(1, [0, 1, 2]), (2, [0, 2]), (3, [0]), (9, [0])])
def test_batches_know_how_many_records_came_before(tmp_path, size, expected):
    with VcfReader(write(tmp_path / "a.vcf", TEXT)) as reader:
        batches = list(reader.batches(size))
    assert [batch.first for batch in batches] == expected
    assert sum(len(batch) for batch in batches) == 3
    assert sum(batch.characters for batch in batches) == sum(map(len, RECORDS))


def test_samples_stand_in_one_column(tmp_path):
    record = "chr1\t5\t.\tA\tC\t.\t.\tAC=1\tGT:DP\t0/1:3\t./.:."
    declared = "".join(f'##FORMAT=<ID={key},Number=1,Type=String,Description="{key}">\n' for key in ("GT", "DP"))
    text = HEADER + declared + COLUMNS.replace("\n", "\tFORMAT\tone\ttwo\n") + record + "\n"
    with VcfReader(write(tmp_path / "a.vcf", text)) as reader:
        (batch,) = reader.batches(9)
    assert batch.columns[0][8] == "GT:DP\t0/1:3\t./.:."


def test_a_file_of_no_record_is_read(tmp_path):
    lines, reader = read(write(tmp_path / "a.vcf", HEADER + COLUMNS))
    assert lines == []
    assert reader.header == HEADER + COLUMNS


def test_what_the_header_does_not_declare_is_kept_with_one_warning(tmp_path):
    columns = COLUMNS.replace("\n", "\tFORMAT\tone\n")
    record = "chr7\t5\t.\tA\tC\t.\tlow\tXY=1;AC=2\tZZ\t5"
    path = write(tmp_path / "a.vcf", HEADER + columns + record + "\n")
    lines, reader = read(path)
    assert lines == [record]
    assert reader.undeclared_contigs == ["chr7"]
    assert reader.warnings == [
        f"{path}: the header does not declare FILTER low, FORMAT ZZ, INFO XY, contig chr7; kept as found"
    ]
    assert reader.header == HEADER + columns
    assert reader.info_ids == {"AC", "XY"}


def test_an_undeclared_contig_that_comes_late_loses_and_repeats_no_record(tmp_path):
    records = [
        f"{contig}\t{1 + i}\t.\tA\tC\t.\t.\t." for contig in ("chr1", "chr7", "chr2", "8", "chr1") for i in range(50)
    ]
    lines, reader = read(write(tmp_path / "a.vcf", HEADER + COLUMNS + "\n".join(records) + "\n"), 16)
    assert lines == records
    assert reader.undeclared_contigs == ["chr7", "8"]


def test_undeclared_contigs_can_be_found_before_the_first_record(tmp_path):
    text = TEXT + "chr7\t5\t.\tA\tC\t.\t.\t.\n"
    with VcfReader(write(tmp_path / "a.vcf.gz", pack(text))) as reader:
        reader.declare_contigs_of_records()
        assert reader.undeclared_contigs == ["chr7"]
        assert sum(map(len, reader.batches(2))) == 4


MALFORMED = {
    "POS is no number": "chr7\tx\t.\tA\tC\t.\t.\t.",
    "too few columns": "chr7\t5\t.\tA",
    "too few columns, INFO alone is missing": "chr7\t5\t.\tA\tC\t.\t.",
    "a contig alone": "chr7",
    "an empty line": "\nchr1\t9\t.\tA\tC\t.\t.\t.",
    "no contig": "\t5\t.\tA\tC\t.\t.\t.",
}


@pytest.mark.parametrize("declared", [False, True], ids=["contig undeclared", "contig declared"])
@pytest.mark.parametrize("record", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_record_is_an_error_that_names_its_number(tmp_path, record, declared):
    # On an undeclared contig, htslib makes up a record from a malformed one, or crashes: hence a process of its own.
    header = HEADER + "##contig=<ID=chr7>\n" * declared
    path = write(tmp_path / "a.vcf", header + COLUMNS + RECORDS[0] + "\n" + record + "\n")
    code = """
import sys
from zoo.errors import VcfError
from zoo.genome.vcf import ALT, CONTIG, INFO, RecordBatch, VcfReader
try:
    print([batch.columns for batch in VcfReader(sys.argv[1]).batches(9)])
except VcfError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{path}, record 2: ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_an_empty_line_is_named_as_one(tmp_path):
    with pytest.raises(
        VcfError, match=r"record 2: expected a contig's name, found an empty one; is it an empty line\? remove"
    ):
        read(write(tmp_path / "a.vcf", HEADER + COLUMNS + RECORDS[0] + "\n\n" + RECORDS[0] + "\n"))


def test_an_empty_line_before_a_malformed_record_is_named_too(tmp_path):
    with pytest.raises(VcfError, match=r"record 2: expected a contig's name, found an empty one"):
        read(write(tmp_path / "a.vcf", HEADER + COLUMNS + RECORDS[0] + "\n\nchr1\tx\n"))


@pytest.mark.parametrize("end", ["\n\n", "\n\n\n", "\n\r\n"])
def test_an_empty_last_line_is_left_out_with_a_warning(tmp_path, end):
    with VcfReader(write(tmp_path / "a.vcf", HEADER + COLUMNS + RECORDS[0] + end)) as reader:
        assert sum(map(len, reader.batches(9))) == 1
        assert reader.warnings == [f"{tmp_path}/a.vcf: the last line is empty; it is left out"]


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        ("chr1\t5\t.\tA", r"expected at least 8 columns between tabs, found 4: 'chr1"),
        ("chr1\tx\t.\tA\tC\t.\t.\t.", "POS: expected a whole number, found 'x'"),
    ],
)
def test_a_malformed_record_is_told_by_its_field(tmp_path, record, fault):
    with pytest.raises(VcfError, match="record 2: " + fault):
        read(write(tmp_path / "a.vcf", HEADER + COLUMNS + RECORDS[0] + "\n" + record + "\n"))


@pytest.mark.parametrize("packer", [gzip.compress, pack], ids=["gzip", "BGZF"])
def test_a_damaged_archive_is_told_as_one(tmp_path, packer):
    text = HEADER + COLUMNS
    packed = bytearray(packer(text if packer is pack else text.encode()))
    packed[40] ^= 255

    with pytest.raises(VcfError, match="the file is cut or damaged; copy or compress it again"):
        read(write(tmp_path / "a.vcf.gz", bytes(packed)))


def test_bytes_that_are_not_utf8_are_an_error_in_records_and_a_warning_in_the_header(tmp_path):
    record = b"chr1\t5\t\xff\tA\tC\t.\t.\t.\n"
    with pytest.raises(VcfError, match=r"a\.vcf, record 1: expected UTF-8, found other bytes; .*iconv -f latin1"):
        read(write(tmp_path / "a.vcf", (HEADER + COLUMNS).encode() + record))
    _, reader = read(write(tmp_path / "b.vcf", HEADER.encode() + b"##source=\xff\n" + COLUMNS.encode()))
    assert reader.warnings == [
        f"{tmp_path}/b.vcf: the header holds bytes that are not UTF-8; they are written as U+FFFD"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a VCF or BCF file, found an empty one"),
        (b"hello\n", "line 1: expected '##fileformat=VCFv4.2' or the like, or BCF, found 'hello'"),
        (b">chr1\nACGT\n", "line 1: expected .* found '>chr1'"),
        (pack(""), "line 1: expected .* found ''"),
        (gzip.compress(b"", mtime=0), "line 1: expected .* found ''"),
        ("\n".join(RECORDS), "line 1: expected .* found 'chr1"),
        ("##fileformat=VCFv4.2\n#CHROM POS ID REF ALT QUAL FILTER INFO\n", "expected a line .*, tabs between"),
    ],
    ids=["empty", "text", "FASTA", "empty BGZF", "empty gzip", "no header", "no tabs"],
)
def test_what_is_no_vcf_is_an_error(tmp_path, content, message):
    path = write(tmp_path / "a.vcf", content)
    with pytest.raises(VcfError, match=rf"a\.vcf: {message}"):
        VcfReader(path)


def test_a_missing_file_or_a_folder_is_an_error(tmp_path):
    with pytest.raises(VcfError, match=r"nowhere\.vcf: expected a VCF or BCF file, found nothing; check the path"):
        VcfReader(tmp_path / "nowhere.vcf")
    with pytest.raises(VcfError, match="expected a VCF or BCF file, found a folder"):
        VcfReader(tmp_path)


@pytest.mark.parametrize("packer", [pack, lambda text: gzip.compress(text.encode())], ids=["bgzf", "gzip"])
def test_a_packed_file_that_was_cut_anywhere_is_an_error(tmp_path, packer):
    whole = packer(TEXT * 1)
    for length in range(1, len(whole)):
        with pytest.raises(VcfError, match=r"a\.vcf\.gz"):
            read(write(tmp_path / "a.vcf.gz", whole[:length]))


def test_a_plain_file_without_a_final_newline_gets_a_warning(tmp_path):
    path = write(tmp_path / "a.vcf", TEXT[:-1])
    lines, reader = read(path)
    assert lines == RECORDS
    assert reader.warnings == [f"{path}: the last line has no newline at its end: the file may be cut there"]


def test_bcf_is_read_plain_and_packed_and_needs_no_newline(tmp_path):
    from cyvcf2 import VCF, Writer

    source = VCF(str(write(tmp_path / "a.vcf", TEXT)))
    for mode, name in (("wb", "packed.bcf"), ("wbu", "plain.bcf")):
        writer = Writer(str(tmp_path / name), source, mode=mode)
        for record in VCF(str(tmp_path / "a.vcf")):
            writer.write_record(record)
        writer.close()
        lines, reader = read(tmp_path / name)
        assert lines == RECORDS
        assert reader.warnings == []
    source.close()


def test_a_pipe_is_read_like_a_file(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=write, args=(path, TEXT + "chr7\t5\t.\tA\tC\t.\t.\t.\n"))
    thread.start()
    lines, reader = read(path)
    thread.join()
    assert len(lines) == 4
    assert reader.undeclared_contigs == ["chr7"]


def test_standard_input_is_read_plain_and_packed(tmp_path):
    code = "import sys; from zoo.genome.vcf import VcfReader; print(sum(map(len, VcfReader('-').batches(2))))"
    for content in (TEXT.encode(), pack(TEXT)):
        done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
        assert done.stdout == b"3\n"


def test_an_empty_standard_input_is_an_error_and_leaves_nothing(tmp_path):
    code = """
from zoo.errors import VcfError
from zoo.genome.vcf import ALT, CONTIG, INFO, RecordBatch, VcfReader
try:
    VcfReader("-")
except VcfError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        input=b"",
        capture_output=True,
        check=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.stdout == b"standard input: expected a VCF or BCF file, found an empty one\n"
    assert done.stderr == b""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("packer", [str.encode, pack], ids=["plain", "bgzf"])
def test_the_length_of_the_records_is_told_for_a_progress_bar(tmp_path, packer):
    with VcfReader(write(tmp_path / "a.vcf", packer(TEXT))) as reader:
        assert reader.text_length() == sum(len(record) + 1 for record in RECORDS)


def test_line_ends_other_than_newline_end_no_line_of_the_header(tmp_path):
    odd = '##note="a\N{NEXT LINE}b\N{LINE SEPARATOR}c"\n'
    _, reader = read(write(tmp_path / "a.vcf", HEADER + odd + COLUMNS))
    assert odd in reader.header


def test_a_contig_that_can_not_be_declared_is_an_error(tmp_path):
    records = "".join(f"{name}\t5\t.\tA\tC\t.\t.\t.\n" for name in ("undeclared", "a,b"))
    with pytest.raises(VcfError, match=r"a\.vcf, record 2: contig 'a,b' is not declared, and can't be"):
        read(write(tmp_path / "a.vcf", HEADER + COLUMNS + records))


def test_of_two_declarations_of_a_contig_the_first_counts(tmp_path):
    twice = "##contig=<ID=two,length=7>\n##contig=<ID=two,length=8>\n"
    with VcfReader(write(tmp_path / "a.vcf", HEADER + twice + COLUMNS)) as reader:
        assert reader.contigs["two"] == 7


def test_a_damaged_genotype_on_an_undeclared_contig_is_an_error_and_no_crash(tmp_path):
    header = (
        "##fileformat=VCFv4.2\n##contig=<ID=chr2>\n"
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    )
    path = tmp_path / "in.vcf"
    path.write_text(f"{header}chr2\t1\t.\tA\tG\t.\t.\t.\tGT:PS\t0|1:1\nchr1\t9\t.\tA\tG\t.\t.\t.\tGT:PS\tA\n")
    # In a process of its own: it was htslib that died.
    code = "import sys; from zoo.genome.vcf import VcfReader; list(VcfReader(sys.argv[1]).batches(9))"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "VcfError: " in done.stderr
    assert "in.vcf, record 2: " in done.stderr
