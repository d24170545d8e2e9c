import gzip
import re
from pathlib import Path

import pytest

from zoo.errors import FastaError
from zoo.genome.fasta import open_text, read_fasta


def test_records_come_in_order_with_whole_headers_and_joined_lines(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text("\n>first one\nACGT\nacg\n\n>second\nN\n")
    assert list(read_fasta(path)) == [("first one", "ACGTacg"), ("second", "N")]


def test_gzip_and_windows_line_ends_make_no_difference(tmp_path):
    path = tmp_path / "a.fa.gz"
    path.write_bytes(gzip.compress(b">a\r\nAC\r\nGT\r\n"))
    assert list(read_fasta(path)) == [("a", "ACGT")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected FASTA records, found an empty file"),
        (b"ACGT\n", ", line 1: expected a header that starts with '>', found 'ACGT'"),
        (b">a\nAC\nA!G\n", ", line 3: expected nucleotide letters, found '!'"),
        (b">a\n>b\nACGT\n", "record 'a' holds no sequence"),
        (b">a\nACGT\n>b\n", "record 'b' holds no sequence"),
        (b">a\n\xff\xfe\n", "expected text, found bytes that are none"),
        (gzip.compress(b">a\nACGT\n" * 9, mtime=0)[:-12], "can't be read: "),
    ],
)
def test_what_is_no_fasta_is_an_error_that_names_file_and_line(tmp_path, content, message):
    path = tmp_path / "a.fa"
    path.write_bytes(content)
    with pytest.raises(FastaError, match=rf"^{re.escape(str(path))}.*{re.escape(message)}"):
        list(read_fasta(path))


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FastaError, match=r"nowhere\.fa: can't be read: .*No such file"):
        list(read_fasta(tmp_path / "nowhere.fa"))


@pytest.mark.parametrize("write", [str, Path])
def test_a_text_is_opened_by_its_path_or_as_text(tmp_path, write):
    (tmp_path / "a.bed").write_text("chr1\t0\t9\n")
    with open_text(write(tmp_path / "a.bed")) as lines:
        assert list(lines) == ["chr1\t0\t9\n"]
