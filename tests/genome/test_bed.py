import gzip
import re

import pytest

from zoo.errors import BedError
from zoo.genome.bed import read_bed
from zoo.genome.interval import Interval


def test_regions_are_0_based_and_half_open_with_their_names_and_strands(tmp_path):
    path = tmp_path / "a.bed"
    path.write_text("# made by hand\ntrack name=x\n\nchr1\t0\t5\nchr2\t3\t4\tpeak\t0\t-\r\nchr2 7 9 .\n")
    first, second, third = read_bed(path)
    assert first == Interval("chr1", 0, 5, "chr1:0-5", ".")
    assert second == Interval("chr2", 3, 4, "peak", "-")
    assert third == Interval("chr2", 7, 9, "chr2:7-9", ".")
    assert len(first) == 5
    assert str(first) == "chr1:0-5"


def test_gzip_makes_no_difference(tmp_path):
    path = tmp_path / "a.bed.gz"
    path.write_bytes(gzip.compress(b"chr1\t0\t5\n"))
    assert [str(region) for region in read_bed(path)] == ["chr1:0-5"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"chr1\t0\t5\nchr1\t7\n", ", line 2: expected contig, start and end, found 2 columns"),
        (b"\nchr1\tone\t5\n", ", line 2: expected whole numbers for start and end, found 'one' and '5'"),
        (b"chr1\t5\t5\n", ", line 1: expected 0 <= start < end, found start 5 and end 5"),
        (b"chr1\t-1\t5\n", ", line 1: expected 0 <= start < end, found start -1 and end 5"),
        (b"chr1\t0\t5\ta\t0\tforward\n", ", line 1: expected strand +, - or ., found 'forward'"),
        (b"# nothing\n", ": expected regions, found none"),
        (b"", ": expected regions, found none"),
        (b"chr1\t0\t5\n\xff\n", ": expected text, found bytes that are none"),
        (gzip.compress(b"chr1\t0\t5\n" * 99, mtime=0)[:-12], ": can't be read: "),
    ],
)
def test_what_is_no_bed_is_an_error_that_names_file_and_line(tmp_path, content, message):
    path = tmp_path / "a.bed"
    path.write_bytes(content)
    with pytest.raises(BedError, match=rf"^{re.escape(str(path) + message)}"):
        list(read_bed(path))
