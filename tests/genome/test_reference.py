import base64
import gzip
import hashlib
import os
import random
import re
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from zoo.errors import FastaError, UnknownContig
from zoo.genome import reference as module
from zoo.genome.bgzf import BgzfSink
from zoo.genome.codes import decode
from zoo.genome.interval import Interval
from zoo.genome.reference import Reference, fetch_window

TEXT = ">chr1 the first\nACGTA\nCGTac\ngtR\n>chr2\nTTTT\n>chr3\nGG\n"


def write_bgzf(path, content):
    with path.open("wb") as file:
        sink = BgzfSink(file)
        sink.write(content)
        sink.finish()
    return path


@pytest.fixture(params=["plain", "bgzf"])
def genome(request, tmp_path):
    """One genome in each form that can be read: chr1 of 13 bases, chr2 of 4, chr3 of 2."""
    if request.param == "bgzf":
        return write_bgzf(tmp_path / "genome.fa.gz", TEXT.encode())
    path = tmp_path / "genome.fa"
    path.write_text(TEXT)
    return path


def test_contigs_have_names_lengths_codes_and_letters(genome):
    with Reference(genome) as reference:
        assert reference.lengths == {"chr1": 13, "chr2": 4, "chr3": 2}
        assert decode(reference.codes("chr1")) == "ACGTACGTACGTN"
        assert reference.letters(Interval("chr1", 4, 13)) == "ACGTacgtR"
        assert decode(reference.fetch(Interval("chr1", 6, 9))) == "GTA"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(-2, 3, "NNTTT"), (2, 6, "TTNN"), (-1, 5, "NTTTTN"), (9, 12, "NNN"), (-9, -5, "NNNN"), (0, 4, "TTTT")],
)
def test_bases_beyond_a_contig_are_unknown_but_have_no_letters(genome, start, end, expected):
    with Reference(genome) as reference:
        interval = Interval("chr2", start, end)
        assert decode(reference.fetch(interval)) == expected
        assert reference.letters(interval) == expected.strip("N")


def test_lower_case_is_known_as_soft_masked(genome):
    with Reference(genome) as reference:
        found = reference.soft_masked(Interval("chr1", 7, 11))
        assert found.tolist() == [False, True, True, True]
        assert reference.soft_masked(Interval("chr1", -1, 1)).tolist() == [False, False]


def test_codes_are_shared_and_read_only(genome):
    with Reference(genome) as reference:
        with pytest.raises(ValueError, match="read-only"):
            reference.codes("chr2")[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            fetch_window(reference.codes("chr2"), 0, 2)[0] = 0


def test_of_large_contigs_at_most_two_are_kept_the_oldest_goes_first(genome, monkeypatch):
    monkeypatch.setattr(module, "SMALL_BASES", 0)
    read = []
    with Reference(genome) as reference:
        original = reference._read
        monkeypatch.setattr(reference, "_read", lambda *place: read.append(place[0]) or original(*place))
        for contig in ("chr1", "chr2", "chr1", "chr3", "chr1", "chr2"):
            reference.codes(contig)
            assert len(reference._codes) <= 2
    assert read == ["chr1", "chr2", "chr3", "chr2"]


def test_small_contigs_are_kept_as_long_as_all_together_are_small(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SMALL_BASES", 8)
    path = tmp_path / "a.fa"
    path.write_text(">a\nAC\n>b\nACG\n>c\nACG\n>d\nA\n>large\nACGTACGTA\n")
    with Reference(path) as reference:
        for contig in "abcd":
            reference.codes(contig)
        assert list(reference._codes) == ["b", "c", "d"]  # with the first there would be nine bases
        reference.codes("large")
        assert list(reference._codes) == ["d", "large"]


def test_digests_are_refgets_of_the_upper_cased_letters(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text(">upper\nACGT\n>lower\nac\ngt\n")
    with Reference(path) as reference:
        assert reference.digest("upper") == "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2"  # of the refget specification
        assert reference.digest("lower") == reference.digest("upper")


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("letters", ["ACGTacgtNn", "ACGTRYSWKMBDHVNacgtryswkmbdhvn", "ACGU-acgu", ""])
def test_digests_are_the_same_from_memory_as_from_the_file(tmp_path, monkeypatch, letters, loaded):
    monkeypatch.setattr(module, "_PIECE", 7)
    path = tmp_path / "a.fa"
    path.write_text(f">a\n{letters}AC\nGT\n>b\nA\n")
    whole = (letters + "ACGT").upper().encode()
    with Reference(path) as reference:
        if loaded:
            reference.codes("a")
        assert reference.md5("a") == hashlib.md5(whole).hexdigest()  # noqa: S324 - as SAM has it
        shortened = base64.urlsafe_b64encode(hashlib.sha512(whole).digest()[:24]).decode()
        assert reference.digest("a") == f"SQ.{shortened}"


def test_a_contig_in_memory_is_not_read_again_for_its_digests(genome, monkeypatch):
    with Reference(genome) as reference:
        for contig in ("chr1", "chr2"):  # chr1 has an R, which its codes don't tell
            reference.codes(contig)
        read = []
        original = reference._read
        monkeypatch.setattr(reference, "_read", lambda *place: read.append(place[0]) or original(*place))
        for _ in range(2):
            for contig in ("chr1", "chr2", "chr3"):
                reference.digest(contig)
        assert read == ["chr1", "chr3"]
        with pytest.raises(UnknownContig, match="no contig 'chr_1'"):
            reference.md5("chr_1")


def test_threads_may_share_a_reference(tmp_path):
    letters = {f"c{number}": "ACGT"[number % 4] * (1000 + number) for number in range(8)}
    path = tmp_path / "a.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in letters.items()))
    with Reference(path) as reference, ThreadPoolExecutor(8) as pool:
        names = [name for name in letters for _ in range(50)]
        random.Random(1).shuffle(names)
        assert list(pool.map(lambda name: decode(reference.codes(name)), names)) == [letters[name] for name in names]


def test_the_digest_of_names_and_lengths_forgets_their_order_and_nothing_else(tmp_path):
    found = {}
    for name, text in {
        "one": ">a\nAC\n>b\nA\n",
        "turned": ">b\nT\n>a\nGG\n",
        "renamed": ">a\nAC\n>c\nA\n",
        "longer": ">a\nAC\n>b\nAA\n",
    }.items():
        path = tmp_path / f"{name}.fa"
        path.write_text(text)
        with Reference(path) as reference:
            found[name] = reference.name_length_digest
    assert found["one"] == found["turned"]
    assert len(set(found.values())) == 3


def test_an_alias_is_resolved_where_lengths_agree(genome):
    with Reference(genome) as reference:
        assert reference.resolve("2") == "chr2"
        assert reference.resolve("2", 4) == "chr2"
        assert reference.resolve("2", 5) is None


def test_an_unknown_contig_is_an_error_with_a_near_match(genome):
    with Reference(genome) as reference:
        for ask in (reference.codes, lambda name: reference.letters(Interval(name, 0, 1))):
            with pytest.raises(UnknownContig, match=r"genome\.fa.*: no contig 'chr_1'; did you mean 'chr1'\?"):
                ask("chr_1")


def test_plain_gzip_is_an_error_that_says_how_to_convert_it(tmp_path):
    path = tmp_path / "genome.fa.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    expected = f"convert it: gunzip -k {path}, or: gunzip -c {path} | bgzip > {tmp_path}/genome.fa.bgz"
    with pytest.raises(FastaError, match=f"found plain gzip.*{re.escape(expected)}$"):
        Reference(path)


def test_a_bgzf_file_that_was_cut_anywhere_is_an_error(tmp_path):
    whole = write_bgzf(tmp_path / "whole.fa.gz", TEXT.encode()).read_bytes()
    path = tmp_path / "cut.fa.gz"
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(FastaError, match=r"cut\.fa\.gz"):
            Reference(path)
        path.unlink()


def test_a_damaged_block_is_an_error_that_names_the_contig(tmp_path):
    letters = "".join(random.Random(1).choices("ACGT", k=300_000))
    path = write_bgzf(tmp_path / "a.fa.gz", f">chr1\nACGT\n>chr2\n{letters}\n".encode())
    Reference(path).close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))
    time = path.stat().st_mtime_ns
    for suffix in (".fai", ".gzi"):
        os.utime(f"{path}{suffix}", ns=(time, time))
    with Reference(path) as reference:
        assert decode(reference.codes("chr1")) == "ACGT"
        with pytest.raises(FastaError, match=r"a\.fa\.gz: contig 'chr2' can't be read: "):
            reference.codes("chr2")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.fa", b"", "a.fa: expected a FASTA file, found an empty one"),
        ("a.fa", b"\n \n", "a.fa: expected a FASTA file, found an empty one"),
        ("a.fa", b"chr1\t5\n", "a.fa, line 1: expected a FASTA header that starts with '>', found 'chr1"),
        (
            "a.fa",
            b">a\nACGT\n>a\nAC\n",
            "a.fa: can't be indexed: expected each name once, found two contigs 'a'; rename",
        ),
        (
            "a.fa",
            b">a\nACGT\nAC\nACGT\n",
            "a.fa: can't be indexed: contig 'a', line 3: expected lines of one length.*seqkit",
        ),
        ("a.fa", b">a\nAC\n\nGT\n", "a.fa: can't be indexed: contig 'a', line 3: .*, and no blank ones; reformat it"),
        ("a.fa", b">a\nAC\n\n\n", "a.fa: can't be indexed: contig 'a': expected lines of one length, .*reformat it"),
        ("a.fa", b">a\nAC\nACGT\n>b\nAC\n", "a.fa: contig 'a': expected lines of one length, .*reformat it"),
        ("a.fa", b">a\nAC\nACGT\n", "a.fa: contig 'a': expected lines of one length, .*reformat it"),
        ("a.fa", b">a\nAC\n>\nAC\n", "a.fa: can't be indexed: line 3: expected a name after '>', found none; name"),
        ("a.fa", b">a\rAC\r>b\rAC\r", "a.fa: before contig 'a': expected lines of one length"),
        ("a.fa", b">a\nA\xffC\n", "a.fa: can't be indexed: expected text, found byte 0xff"),
        ("a.fa.gz", b">a\nACGT\n", "found plain text in a file whose name ends with .gz or .bgz; rename it"),
    ],
)
def test_what_is_no_fasta_is_one_line_that_names_the_file(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FastaError, match=message) as error:
        Reference(path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == [path]


def test_a_bgzf_file_must_be_named_as_one(tmp_path):
    path = write_bgzf(tmp_path / "genome.fa", TEXT.encode())
    with pytest.raises(FastaError, match=r"found BGZF in a file whose name does not end with \.gz or \.bgz; rename it"):
        Reference(path)


def test_a_missing_file_or_a_folder_is_an_error(tmp_path):
    with pytest.raises(FastaError, match=r"nowhere\.fa: expected a FASTA file, found nothing"):
        Reference(tmp_path / "nowhere.fa")
    with pytest.raises(FastaError, match="expected a FASTA file, found a folder"):
        Reference(tmp_path)


def test_the_index_is_kept_beside_the_file_and_made_again_when_it_is_older(genome):
    Reference(genome).close()
    made = {path.name for path in genome.parent.iterdir()} - {genome.name}
    assert made == {f"{genome.name}.fai"} | ({f"{genome.name}.gzi"} if genome.suffix == ".gz" else set())
    content = TEXT.replace("chr2", "chrX")
    if genome.suffix == ".gz":
        write_bgzf(genome, content.encode())
    else:
        genome.write_text(content)
    os.utime(genome.parent / f"{genome.name}.fai", (0, 0))
    with Reference(genome) as reference:
        assert "chrX" in reference.lengths


def test_a_folder_that_cannot_be_written_gets_no_index(genome, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.shutil, "copyfile", refuse)  # root may write into any folder
    before = stat.S_IMODE(genome.parent.stat().st_mode)
    genome.parent.chmod(0o555)
    try:
        with Reference(genome) as reference:
            assert decode(reference.codes("chr2")) == "TTTT"
            assert list(genome.parent.iterdir()) == [genome]
    finally:
        genome.parent.chmod(before)


def test_an_old_index_that_cannot_be_replaced_is_not_believed(genome, monkeypatch):
    index = genome.with_name(f"{genome.name}.fai")
    index.write_text("chr1\t2\t6\t2\t3\n")
    os.utime(index, (0, 0))

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.shutil, "copyfile", refuse)
    with Reference(genome) as reference:
        assert reference.lengths["chr1"] == 13
    assert index.read_text() == "chr1\t2\t6\t2\t3\n"


def test_a_contig_without_bases_has_length_0(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text(">empty\n>a\nAC\n")
    with Reference(path) as reference:
        assert reference.lengths == {"empty": 0, "a": 2}
        assert np.array_equal(reference.codes("empty"), [])
        assert decode(reference.fetch(Interval("empty", -1, 1))) == "NN"


def set_index(genome, edit):
    """Change the lines of a genome's index, and leave it newer than the genome."""
    Reference(genome).close()
    index = genome.with_name(f"{genome.name}.fai")
    right = index.read_text()
    index.write_text(edit(right))
    time = genome.stat().st_mtime_ns + 10**9
    for suffix in (".fai", ".gzi"):
        if genome.with_name(f"{genome.name}{suffix}").exists():
            os.utime(f"{genome}{suffix}", ns=(time, time))
    return index, right


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("chr2\t4\t", "chr2\t-4\t"),
        lambda text: text.replace("chr2\t4\t", "chr2\t3\t"),
        lambda text: text.replace("chr2\t4\t", "chr2\t5\t"),
        lambda text: text.replace("chr2\t4\t", "chr2\tfour\t"),
        lambda text: text.replace("chr1\t13\t16\t5", "chr1\t13\t17\t5"),
        lambda text: text.replace("chr1\t13\t16\t5\t6", "chr1\t13\t16\t4\t6"),
        lambda text: text.replace("chr1\t13\t16\t5\t6", "chr1\t13\t16\t0\t0"),
        lambda text: text.replace("chr1\t13\t16\t5\t6", "chr1\t13\t16\t5"),
        lambda text: text.replace("chr2", "chr7"),
        lambda text: text.replace("chr3", "chr7"),
        lambda text: "".join(text.splitlines(keepends=True)[:2]),
        lambda text: "".join(text.splitlines(keepends=True)[1:]),
        lambda text: "".join(text.splitlines(keepends=True)[::2]),
        lambda text: text[:-6],
        lambda _: "",
    ],
)
def test_an_index_that_does_not_fit_the_file_is_made_again(genome, edit):
    index, right = set_index(genome, edit)
    with Reference(genome) as reference:
        assert reference.lengths == {"chr1": 13, "chr2": 4, "chr3": 2}
        assert decode(reference.codes("chr1")) == "ACGTACGTACGTN"
    assert index.read_text() == right


def test_an_index_that_fits_is_not_made_again(genome, monkeypatch):
    set_index(genome, lambda text: text)
    monkeypatch.setattr(module.tempfile, "TemporaryDirectory", None)
    Reference(genome).close()


@pytest.mark.parametrize(
    "content",
    [
        b"\n\n>a\nACGT\nAC\n>b b b\nAC\n\n>c\nA\n\n",
        b">a\r\nACGT\r\nAC\r\n>b\r\nAC\r\n>c\r\nA",
        b">a " + b"x" * 5000 + b"\nACGT\nAC\n>b\nAC\n>c\nA",
    ],
)
def test_blank_lines_between_records_long_headers_and_either_line_end_are_read(tmp_path, content):
    (tmp_path / "a.fa").write_bytes(content)
    for path in (tmp_path / "a.fa", write_bgzf(tmp_path / "a.fa.gz", content)):
        with Reference(path) as reference:
            assert [decode(reference.codes(name)) for name in "abc"] == ["ACGTAC", "AC", "A"]


def test_of_very_many_contigs_both_ends_of_the_index_are_checked(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.genome.fasta_index._CHECKED_RECORDS", 2)
    path = tmp_path / "a.fa"
    path.write_text("".join(f">c{number}\nACGT\n" for number in range(30)))
    for wrong in ("c1", "c29"):
        index, right = set_index(path, lambda text, wrong=wrong: text.replace(f"{wrong}\t", "other\t"))
        Reference(path).close()
        assert index.read_text() == right


def test_an_index_that_may_not_be_read_is_made_again(genome, monkeypatch):
    index, _ = set_index(genome, lambda text: text)
    import pyfaidx

    original = pyfaidx.Faidx._open_fai

    def refuse(faidx, mode):
        if faidx.indexname == str(index):
            raise PermissionError(13, "Permission denied")
        return original(faidx, mode)

    monkeypatch.setattr(pyfaidx.Faidx, "_open_fai", refuse)  # root may read any file
    with Reference(genome) as reference:
        assert decode(reference.codes("chr2")) == "TTTT"


def test_a_full_temporary_folder_is_told_with_the_way_out(tmp_path, monkeypatch):
    import pyfaidx

    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyfaidx, "TemporaryFile", refuse)
    path = tmp_path / "a.fa"
    path.write_text(TEXT)
    message = (
        r"a\.fa: no index can be made in the temporary folder: No space left on device; set TMPDIR to a folder with"
    )
    with pytest.raises(FastaError, match=message):
        Reference(path)


@pytest.mark.parametrize(("line", "position", "letter"), [("AC1T", 3, "1"), ("ACGL", 4, "L"), ("A CG", 2, " ")])
def test_a_letter_that_stands_for_no_nucleotide_is_an_error_when_its_contig_is_loaded(tmp_path, line, position, letter):
    path = tmp_path / "a.fa"
    path.write_text(f">a\nACGTUNRYKMSWBDHV-*\n>b\n{line}\n")
    with Reference(path) as reference:
        assert len(reference.codes("a")) == 18
        with pytest.raises(
            FastaError, match=rf"a\.fa: contig 'b', position {position}: expected nucleotide letters .*found '{letter}'"
        ):
            reference.codes("b")


def test_a_genome_masked_with_x_is_unknown_there(tmp_path):
    path = tmp_path / "masked.fa"
    path.write_text(">chr1\nACXXgt\n")
    with Reference(path) as reference:
        assert decode(reference.codes("chr1")) == "ACNNGT"
