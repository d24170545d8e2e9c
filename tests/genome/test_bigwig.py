import math
import os
import struct
import sys
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.signal_files import write_bigwig
from zoo.errors import DataError, MissingExtra, UnknownContig
from zoo.genome.bigwig import BigWig

# Bases 0 to 9 of chr1: 1 1 2 2 2 · · 4 4 ·, then nothing up to base 20.
ROWS = [("chr1", 0, 2, 1.0), ("chr1", 2, 5, 2.0), ("chr1", 7, 9, 4.0), ("chr2", 0, 3, 8.0)]
LENGTHS = {"chr1": 20, "chr2": 3}
NAN = math.nan


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_bigwig(tmp_path_factory.mktemp("signal") / "a.bw", LENGTHS, ROWS)


@pytest.fixture
def signal(path):
    with BigWig(path) as opened:
        yield opened


def same(found, expected):
    return np.array_equal(found, np.array(expected, dtype=np.float32), equal_nan=True) and found.dtype == np.float32


def test_each_base_has_its_value_counted_from_0(signal):
    assert signal.lengths == LENGTHS
    assert same(signal.values("chr1", 0, 10), [1, 1, 2, 2, 2, NAN, NAN, 4, 4, NAN])
    assert same(signal.values("chr1", 4, 8, fill=0), [2, 0, 0, 4])
    assert same(signal.values("chr1", 4, 4), [])


def test_beyond_the_contig_stands_what_stands_where_nothing_is_stated(signal):
    assert same(signal.values("chr2", -2, 5), [NAN, NAN, 8, 8, 8, NAN, NAN])
    assert same(signal.values("chr2", -2, 5, fill=-1), [-1, -1, 8, 8, 8, -1, -1])
    assert same(signal.values("chr2", 7, 9, fill=-1), [-1, -1])


@pytest.mark.parametrize(
    ("how", "fill", "expected"),
    [
        ("sum", NAN, [[4, 4], [4, 8], [NAN, NAN]]),
        ("mean", NAN, [[4 / 3, 2], [2, 4], [NAN, NAN]]),
        ("max", NAN, [[2, 2], [2, 4], [NAN, NAN]]),
        ("sum", 0, [[4, 4], [4, 8], [0, 0]]),
        ("mean", 0, [[4 / 3, 4 / 3], [4 / 3, 8 / 3], [0, 0]]),
        ("max", 0, [[2, 2], [2, 4], [0, 0]]),
    ],
)
def test_bins_are_summarised_over_the_bases_that_have_a_value(signal, how, fill, expected):
    found = signal.summarise("chr1", np.array([0, 3, 12]), 6, 2, how, fill)

    assert same(found, expected)


@settings(max_examples=40)
@given(
    starts=st.lists(st.integers(-8, 25), min_size=1, max_size=8),
    bins=st.integers(1, 4),
    width=st.integers(1, 5),
    fill=st.sampled_from([NAN, 0.0, 3.0]),
)
def test_windows_in_any_order_hold_what_their_bases_do(path, starts, bins, width, fill):
    with BigWig(path) as signal:
        found = signal.summarise("chr1", np.array(starts), bins * width, bins, "max", fill)
        for row, start in enumerate(starts):
            bases = signal.values("chr1", start, start + bins * width, fill).reshape(bins, width)
            expected = [NAN if np.isnan(part).all() else np.nanmax(part) for part in bases]
            assert same(found[row], expected)


def test_windows_that_are_read_apart_and_in_pieces_are_the_same(tmp_path):
    rows = [("chr1", base, base + 1, float(base % 97)) for base in range(60_000)]
    starts = np.concatenate([np.arange(0, 30_000, 6), [59_000, 45_000]])
    with BigWig(write_bigwig(tmp_path / "a.bw", {"chr1": 60_000}, rows)) as signal:
        found = signal.summarise("chr1", starts, 4, 1, "sum")

    assert found[:, 0].tolist() == [sum(base % 97 for base in range(start, start + 4)) for start in starts.tolist()]


def test_sums_of_many_large_numbers_lose_nothing(tmp_path):
    rows = [("chr1", 0, 1, 2.0**24), ("chr1", 1, 5, 1.0)]
    with BigWig(write_bigwig(tmp_path / "a.bw", {"chr1": 10}, rows)) as signal:
        assert signal.summarise("chr1", np.array([0]), 5, 1, "sum").tolist() == [[2**24 + 4]]


def test_a_window_that_is_no_multiple_of_its_bins_is_a_slip(signal):
    with pytest.raises(ValueError, match="5 bases can't be cut into 2 equal bins"):
        signal.summarise("chr1", np.array([0]), 5, 2)


def test_contigs_go_by_the_genomes_names_where_lengths_agree(path):
    with BigWig(path, {"1": 20, "chr2": 3, "chrX": 9}) as signal:
        assert same(signal.values("1", 0, 3), [1, 1, 2])
        assert same(signal.values("chrX", 0, 2, fill=0), [0, 0])
        with pytest.raises(UnknownContig, match=r"a\.bw: no contig 'chr1'; did you mean"):
            signal.values("chr1", 0, 3)


def test_a_contig_of_another_length_is_an_error_once_it_is_asked_for(path):
    with BigWig(path, {"chr1": 21, "chr2": 3}) as signal:
        assert same(signal.values("chr2", 0, 1), [8])
        with pytest.raises(DataError, match=r"contig 'chr1' has 20 bases, in the genome 21; give a file of the same"):
            signal.values("chr1", 0, 1)


def test_a_file_of_another_genome_is_an_error(path):
    with pytest.raises(
        DataError, match=r"none of its contigs .* it has chr1 \(20\), chr2 \(3\), the genome chr1 \(21\)"
    ):
        BigWig(path, {"chr1": 21})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.bw", None, r"can't be read: No such file"),
        ("a.bw", b"", r"expected a bigWig file, found an empty file"),
        ("a.bw", b"chr1\t0\t5\t1\n", r"expected a bigWig file, found 'chr1'"),
        ("a.txt", b"chr1\t0\t5\t1\n", r"expected a bigWig file whose name ends in \.bw or \.bigWig; rename it"),
    ],
)
def test_what_is_no_bigwig_is_an_error_of_one_line(tmp_path, capfd, name, content, message):
    pytest.importorskip("pybigtools")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as found:
        BigWig(tmp_path / name)
    assert "\n" not in str(found.value)
    assert capfd.readouterr() == ("", "")


def test_a_folder_is_no_bigwig(tmp_path):
    pytest.importorskip("pybigtools")
    (tmp_path / "a.bw").mkdir()
    with pytest.raises(DataError, match=r"a\.bw: can't be read: Is a directory"):
        BigWig(tmp_path / "a.bw")


def test_a_file_that_is_cut_anywhere_is_an_error_and_nothing_else_is_printed(path, tmp_path, capfd):
    whole = path.read_bytes()
    cut = tmp_path / "cut.bw"
    for size in range(0, len(whole), 7):
        cut.write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"cut\.bw: (the file is cut|expected a bigWig file)"):
            BigWig(cut)
    assert capfd.readouterr() == ("", "")


def test_a_damaged_block_is_an_error_for_its_contig_alone(path, tmp_path, capfd):
    with BigWig(path) as signal:
        blocks = signal._layout.blocks
    address, size = int(blocks["address"][0]), int(blocks["bytes"][0])
    content = bytearray(path.read_bytes())
    content[address + size // 2] ^= 0xFF
    (tmp_path / "a.bw").write_bytes(content)

    with BigWig(tmp_path / "a.bw") as signal:
        assert same(signal.values("chr2", 0, 1), [8])
        with pytest.raises(DataError, match=rf"the file is damaged: the block at byte {address} can't be right"):
            signal.values("chr1", 0, 1)
    assert capfd.readouterr() == ("", "")


def test_no_damage_to_header_and_index_does_worse_than_an_error(path, tmp_path):
    whole = path.read_bytes()
    with BigWig(path) as signal:
        index = int(signal._layout.blocks["address"].max())
    generator = np.random.default_rng(1)
    errors = 0
    for place in [*range(4, 64), *generator.integers(index, len(whole), 60).tolist()]:
        content = bytearray(whole)
        content[place] ^= int(generator.integers(1, 256))
        (tmp_path / "a.bw").write_bytes(content)
        try:
            with BigWig(tmp_path / "a.bw") as signal:
                for name, length in signal.lengths.items():
                    signal.values(name, 0, min(length, 1000))
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
            errors += 1
    assert errors > 20


def test_a_panic_of_the_library_is_an_error(signal):
    class Panic(BaseException):
        pass

    class Reader:
        def values(self, *arguments: object, **options: object) -> None:
            raise Panic("called `unwrap()`\non an `Err`")

    reader, signal._reader = signal._reader, Reader()
    with pytest.raises(DataError, match=r"a\.bw: can't be read: called `unwrap\(\)` on an `Err`$"):
        signal.values("chr1", 0, 1)
    signal._reader = reader


def test_a_closed_file_can_not_be_read(path):
    with BigWig(path) as signal:
        pass
    with pytest.raises(DataError, match="can't be read"):
        signal.values("chr1", 0, 1)


def test_without_the_library_the_extra_is_named(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pybigtools", None)
    with pytest.raises(MissingExtra, match=r"needs pybigtools.*pip install 'assayzoo\[train\]'"):
        BigWig(path)


@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_a_file_that_may_not_be_read_is_an_error(path, tmp_path):
    hidden = tmp_path / "a.bw"
    hidden.write_bytes(path.read_bytes())
    hidden.chmod(0)
    if os.access(hidden, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match="can't be read: Permission denied"):
        BigWig(hidden)


def point_root_at_itself(content: bytearray, index: int) -> None:
    content[index + 48 : index + 52] = struct.pack("<BxH", 0, 1)
    content[index + 68 : index + 76] = struct.pack("<Q", index + 48)


def say_block_bytes(count: int) -> Callable[[bytearray, int], None]:
    def change(content: bytearray, index: int) -> None:
        content[52:56] = struct.pack("<I", count)

    return change


def replace_first_block(content: bytearray, index: int, block: bytes) -> None:
    """Write a block before the end marker, and let the first item of the index's only leaf point to it."""
    content[index + 68 : index + 84] = struct.pack("<QQ", len(content) - 4, len(block))
    content[-4:] = block + content[-4:]


def leave_checksum_out(content: bytearray, index: int) -> None:
    replace_first_block(content, index, zlib.compress(read_first_block(content, index))[:-4])


def say_one_item_more(content: bytearray, index: int) -> None:
    block = bytearray(read_first_block(content, index))
    block[22] += 1
    replace_first_block(content, index, zlib.compress(block))


def read_first_block(content: bytearray, index: int) -> bytes:
    address, count = struct.unpack("<QQ", content[index + 68 : index + 84])
    return zlib.decompress(content[address : address + count])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(leave_checksum_out, "the block at byte", id="a block without its end"),
        pytest.param(say_one_item_more, "the block at byte", id="a block that holds less than it says"),
        pytest.param(point_root_at_itself, "an index that runs in a circle", id="circle"),
        pytest.param(say_block_bytes(2**31), "blocks of 2147483648 bytes", id="blocks too large to be true"),
        pytest.param(say_block_bytes(30), "the block at byte", id="a block that holds more than the header says"),
        pytest.param(say_block_bytes(0), "the block at byte", id="a block that is no section"),
    ],
)
def test_a_file_whose_parts_do_not_fit_each_other_is_an_error(path, tmp_path, change, message):
    content = bytearray(path.read_bytes())
    (index,) = struct.unpack("<Q", content[24:32])
    change(content, index)
    (tmp_path / "a.bw").write_bytes(content)
    with (
        pytest.raises(DataError, match=rf"a\.bw: the file is damaged: {message}.*; copy or make it again"),
        BigWig(tmp_path / "a.bw") as signal,
    ):
        signal.values("chr1", 0, 1)


def test_trees_of_several_levels_are_followed(tmp_path):
    lengths = {f"contig{number:04}": 10 + number for number in range(700)}
    rows = [(name, 2, 3, float(length)) for name, length in lengths.items()]
    with BigWig(write_bigwig(tmp_path / "a.bw", lengths, rows)) as signal:
        assert signal.lengths == lengths
        assert len(signal._layout.blocks) == 700
        for name in ("contig0000", "contig0300", "contig0699"):
            assert same(signal.values(name, 1, 4), [NAN, lengths[name], NAN])
