import gzip
import io
import random
import zlib

import pytest
from Bio import bgzf

from zoo.genome import bgzf as module
from zoo.genome.bgzf import EOF_MARKER, BgzfSink, ends_with_marker, is_bgzf, is_gzip, read_blocks, text_length

CONTENT = random.Random(1).randbytes(100_000).hex().encode() + b"A" * 300_000


def pack(content, pieces=1):
    buffer = io.BytesIO()
    sink = BgzfSink(buffer)
    step = -(-len(content) // pieces) or 1
    for first in range(0, len(content), step):
        sink.write(content[first : first + step])
    sink.finish()
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"", b"a", CONTENT], ids=["nothing", "a byte", "many blocks"])
def test_what_was_packed_can_be_unpacked(content):
    assert gzip.decompress(pack(content, 7)) == content


def test_the_file_ends_with_the_marker(tmp_path):
    packed = pack(b"abc")
    assert packed.endswith(EOF_MARKER)
    assert packed.count(EOF_MARKER) == 1
    path = tmp_path / "a.gz"
    path.write_bytes(packed)
    assert ends_with_marker(path)
    path.write_bytes(packed[:-1])
    assert not ends_with_marker(path)
    path.write_bytes(b"x")
    assert not ends_with_marker(path)


def test_every_block_can_be_found_and_has_the_size_that_the_format_allows(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(pack(CONTENT))
    with path.open("rb") as file:
        blocks = list(bgzf.BgzfBlocks(file))
    assert max(length for *_, length in blocks) <= 65_536
    assert sum(length for *_, length in blocks) == len(CONTENT)


@pytest.mark.parametrize("cut", [0, 1, 1000])
def test_a_checksum_goes_on_where_another_ended(cut):
    content = CONTENT[:5000]
    assert module.crc32(content[cut:], module.crc32(content[:cut])) == module.crc32(content) == zlib.crc32(content)


def test_bytes_do_not_depend_on_the_pieces_that_they_came_in():
    assert pack(CONTENT, 1) == pack(CONTENT, 5) == module.pack(CONTENT) + EOF_MARKER


def test_text_that_cannot_be_compressed_fits_a_block(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(pack(random.Random(2).randbytes(70_000)))
    with path.open("rb") as file:
        assert [length for *_, length in bgzf.BgzfBlocks(file)] == [65_280, 70_000 - 65_280, 0]


def test_blocks_are_read_with_their_places():
    packed = pack(CONTENT)
    blocks = list(read_blocks(io.BytesIO(packed)))
    assert b"".join(text for *_, text in blocks) == CONTENT
    assert [start for start, *_ in blocks] == [0, *(end for _, end, _ in blocks)][:-1]
    assert blocks[-1][1] == len(packed) - len(EOF_MARKER)


@pytest.mark.parametrize(("content", "fault"), [(pack(b"abc")[:20], "byte 0 is cut"), (b"x" * 30, "expected a BGZF")])
def test_what_is_no_block_is_not_read(content, fault):
    with pytest.raises(ValueError, match=fault):
        list(read_blocks(io.BytesIO(content)))


def test_flushing_ends_a_block():
    buffer = io.BytesIO()
    sink = BgzfSink(buffer)
    sink.write(b"header")
    sink.flush()
    assert gzip.decompress(buffer.getvalue()) == b"header"


@pytest.mark.parametrize(
    ("content", "gzipped", "blocked"),
    [
        (b"", False, False),
        (b"ACGT", False, False),
        (gzip.compress(b"ACGT", mtime=0), True, False),
        (pack(b"ACGT"), True, True),
        (pack(b"ACGT")[:10], True, False),
    ],
    ids=["empty", "text", "gzip", "bgzf", "cut"],
)
def test_bgzf_is_told_from_gzip_and_from_text(tmp_path, content, gzipped, blocked):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert is_gzip(path) is gzipped
    assert is_bgzf(path) is blocked


@pytest.mark.parametrize("packer", [pack, gzip.compress, bytes], ids=["bgzf", "gzip", "text"])
def test_the_unpacked_length_is_told_without_unpacking(tmp_path, packer):
    path = tmp_path / "file"
    path.write_bytes(packer(CONTENT))
    assert text_length(path) == len(CONTENT)


def test_a_length_that_gzip_states_modulo_4_gib_is_not_believed(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(CONTENT)[:-4] + (5).to_bytes(4, "little"))
    assert text_length(path) is None


def test_a_full_disk_reaches_the_caller():
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        BgzfSink(Full()).write(CONTENT)
