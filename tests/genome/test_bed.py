import gzip
import math
import re

import numpy as np
import pytest

from zoo.errors import BedError
from zoo.genome.bed import read_bed, read_peaks
from zoo.genome.interval import Interval


def test_regions_are_0_based_and_half_open_with_their_names_and_strands(tmp_path):
    path = tmp_path / "a.bed"
    path.write_text("# made by hand\ntrack name=x\n\nchr1\t0\t5\nchr2\t3\t4\tpeak\t0\t-\r\nchr2 7 9 .\n\nchr2\t8\t9 \n")
    first, second, third, fourth = read_bed(path)
    assert first == Interval("chr1", 0, 5, "chr1:0-5", ".")
    assert second == Interval("chr2", 3, 4, "peak", "-")
    assert third == Interval("chr2", 7, 9, "chr2:7-9", ".")
    assert fourth == Interval("chr2", 8, 9, "chr2:8-9", ".")
    assert len(first) == 5
    assert str(first) == "chr1:0-5"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_byte_order_mark_is_no_part_of_the_first_contig(tmp_path, pack):
    path = tmp_path / "a.bed"
    path.write_bytes(pack(b"\xef\xbb\xbfchr1\t0\t5\n"))
    assert [region.contig for region in read_bed(path)] == ["chr1"]


def test_gzip_makes_no_difference(tmp_path):
    path = tmp_path / "a.bed.gz"
    path.write_bytes(gzip.compress(b"chr1\t0\t5\n"))
    assert [str(region) for region in read_bed(path)] == ["chr1:0-5"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"chr1\t0\t5\nchr1\t7\n", ", line 2: expected contig, start and end, found 2 columns"),
        (b"\nchr1\tone\t5\n", ", line 2: expected whole numbers for start and end, found 'one' and '5'"),
        (b"chr1\t1_0\t5\n", ", line 1: expected whole numbers for start and end, found '1_0' and '5'"),
        ("chr1\t0\t\u0661\u0662\n".encode(), ", line 1: expected whole numbers for start and end, found '0' and '"),
        (b"chr1\t0\t" + b"9" * 5000, ", line 1: expected whole numbers for start and end, found '0' and '99999"),
        (b"chr1\t5\t5\n", ", line 1: expected 0 <= start < end, found start 5 and end 5"),
        (b"chr1\t0\t2147483648\n", ", line 1: expected an end below 2147483648, found 2147483648"),
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


def test_a_narrow_peak_has_a_signal_and_a_summit_counted_from_its_start(tmp_path):
    path = tmp_path / "a.narrowPeak"
    path.write_text("# made by hand\nchr2\t100\t200\tp1\t5\t.\t7.5\t3\t2\t40\nchr1\t0\t9\tp2\t6\t.\t2\t-1\t-1\t-1\n")
    peaks = read_peaks(path)

    assert len(peaks) == 2
    assert peaks.regions.contigs.tolist() == ["chr2", "chr1"]
    assert peaks.regions.starts.tolist() == [100, 0]
    assert peaks.regions.ends.tolist() == [200, 9]
    assert peaks.summits.tolist() == [140, -1]
    assert peaks.signals.tolist() == [7.5, 2.0]
    assert peaks.where(1) == f"{path}, line 3"


@pytest.mark.parametrize("columns", [3, 4, 5, 6, 9, 12])
def test_a_bed_file_has_no_summit_and_its_score_is_the_signal(tmp_path, columns):
    path = tmp_path / "a.bed.gz"
    fields = ["chr1", "10", "20", "name", "300", "+", "10", "20", "0", "1", "10,", "0,"][:columns]
    path.write_bytes(gzip.compress(("\t".join(fields) + "\n").encode()))
    peaks = read_peaks(path)

    assert peaks.summits.tolist() == [-1]
    assert np.array_equal(peaks.signals, [300.0 if columns > 4 else math.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t0\t9\t.\t0\t.\t1\t-1\t-1\t9", "expected a summit inside the peak, from 0 to 8, or -1 for none"),
        ("chr1\t0\t9\t.\t0\t.\t1\t-1\t-1\t-2", "expected a summit inside the peak, from 0 to 8, or -1 for none"),
        ("chr1\t0\t9\t.\t0\t.\t1\t-1\t-1\tx", "expected a whole number in column 10, the summit, found 'x'"),
        ("chr1\t0\t99\t.\t0\t.\t1\t-1\t-1\t1_0", "expected a whole number in column 10, the summit, found '1_0'"),
        ("chr1\t0\t9\t.\t0\t.\t1_0\t-1\t-1\t1", "expected a number for the signal of a peak, found '1_0'"),
        ("chr1\t0\t9\t.\t0\t.\thigh\t-1\t-1\t1", "expected a number for the signal of a peak, found 'high'"),
        ("chr1\t0\t9\t.\t0\t.\tinf\t-1\t-1\t1", "expected a number for the signal of a peak, found 'inf'"),
        ("chr1\t0\t9\t.\t0\t.\t1\t-1\t-1", "expected 10 columns as in line 1, found 9"),
        ("chr1\t9\t9\t.\t0\t.\t1\t-1\t-1\t0", "expected 0 <= start < end, found start 9 and end 9"),
    ],
)
def test_a_malformed_peak_is_an_error_that_names_file_and_line(tmp_path, line, message):
    path = tmp_path / "a.narrowPeak"
    path.write_text(f"chr1\t0\t9\t.\t0\t.\t1\t-1\t-1\t8\n{line}\n")
    with pytest.raises(BedError, match=rf"^{re.escape(f'{path}, line 2: {message}')}"):
        read_peaks(path)


def test_a_peak_file_without_peaks_is_an_error(tmp_path):
    (tmp_path / "a.bed").write_text("# nothing\n")
    with pytest.raises(BedError, match=r"a\.bed: expected regions, found none"):
        read_peaks(tmp_path / "a.bed")
