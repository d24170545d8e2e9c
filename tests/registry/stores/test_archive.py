import io
import tarfile

import pytest

from zoo.errors import DownloadError
from zoo.registry.stores.archive import ArchiveStore, write_archive
from zoo.registry.stores.protocol import Missing

BLOB = f"blobs/sha256/aa/{'a' * 64}"
OTHER = f"blobs/sha256/bb/{'b' * 64}"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "models.tar"


def write(path, *files):
    with path.open("wb") as stream:
        write_archive(stream, files)
    return path


def write_members(path, *members, **options):
    """Write members as any program may: TarInfo with fields of their own."""
    with tarfile.open(path, "w", **{"format": tarfile.USTAR_FORMAT, **options}) as archive:
        for name, content, fields in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(content))
    return path


def read(store, name, start=0):
    return b"".join(store.read(name, start))


def test_what_was_written_is_read_from_any_byte_on(path, tmp_path):
    (tmp_path / "file").write_bytes(b"abcde")
    store = ArchiveStore(write(path, ("registry.yaml", b"models"), (BLOB, tmp_path / "file"), (OTHER, b"")))
    assert [read(store, BLOB, start) for start in (0, 3, 5, 9)] == [b"abcde", b"de", b"", b""]
    assert read(store, OTHER) == b""
    assert store.read_tagged("registry.yaml", 6).content == b"models"
    assert store.read_tagged("registry.yaml", 6, store.read_tagged("registry.yaml", 6).tag).content is None


def test_any_tar_program_reads_it(path):
    write(path, ("registry.yaml", b"models"), (BLOB, b"abc"))
    with tarfile.open(path) as archive:
        assert [(member.name, member.mtime, member.uid, member.uname) for member in archive] == [
            ("registry.yaml", 0, 0, ""),
            (BLOB, 0, 0, ""),
        ]
        assert archive.extractfile(BLOB).read() == b"abc"


def test_the_same_files_give_the_same_bytes(path, tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    first = write(path, ("registry.yaml", b"models"), (BLOB, b"abc")).read_bytes()
    assert write(path, ("registry.yaml", b"models"), (BLOB, tmp_path / "file")).read_bytes() == first


def test_what_is_not_there_is_missing_and_what_is_too_large_refused(path):
    store = ArchiveStore(write(path, ("registry.yaml", b"models")))
    with pytest.raises(Missing, match=f"holds no {BLOB}"):
        read(store, BLOB)
    assert store.read_tagged(BLOB, 9) is None
    with pytest.raises(DownloadError, match=r"registry\.yaml: expected at most 5 bytes, found 6"):
        store.read_tagged("registry.yaml", 5)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("../registry.yaml", {}),
        ("/etc/passwd", {}),
        ("registry.yaml/x", {}),
        (f"blobs/sha256/aa/{'A' * 64}", {}),
        ("blobs/../registry.yaml", {}),
        ("registry.yaml", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("registry.yaml", {"type": tarfile.LNKTYPE, "linkname": BLOB}),
        ("registry.yaml", {"type": tarfile.CHRTYPE}),
        ("registry.yaml", {"type": tarfile.FIFOTYPE}),
        ("blobs", {"type": tarfile.DIRTYPE}),
        ("registry.yaml", {"type": tarfile.GNUTYPE_SPARSE}),
        ("registry.yaml", {"type": tarfile.XHDTYPE}),
    ],
)
def test_anything_but_a_registry_and_blobs_is_refused(path, name, fields):
    with pytest.raises(DownloadError, match="expected a file of a bundle, as zoo bundle writes it, found"):
        ArchiveStore(write_members(path, (name, b"", fields)))


def test_two_files_of_one_name_are_refused(path):
    with pytest.raises(DownloadError, match=r"holds registry\.yaml twice"):
        ArchiveStore(write_members(path, ("registry.yaml", b"a", {}), ("registry.yaml", b"b", {})))


def test_a_name_that_needs_an_extension_of_the_format_is_refused(path):
    with pytest.raises(DownloadError, match="expected a file of a bundle"):
        ArchiveStore(write_members(path, ("é" * 200, b"", {}), format=tarfile.PAX_FORMAT))


@pytest.mark.parametrize("compression", ["gz", "xz"])
def test_a_compressed_file_is_refused(path, compression):
    with tarfile.open(path, f"w:{compression}") as archive:
        archive.addfile(tarfile.TarInfo("registry.yaml"))
    with pytest.raises(DownloadError, match=r"models\.tar.*expected a file of a bundle|cut short"):
        ArchiveStore(path)


@pytest.mark.parametrize("length", [0, 100, 512, 600, 1024, 1500])
def test_a_file_that_is_cut_short_says_so(path, length):
    content = write(path, ("registry.yaml", b"x" * 600), (BLOB, b"abc")).read_bytes()
    path.write_bytes(content[:length])
    with pytest.raises(DownloadError, match="is cut short"):
        ArchiveStore(path)


@pytest.mark.parametrize("place", [0, 124, 130, 148, 156, 257])
def test_a_damaged_header_is_told(path, place):
    content = bytearray(write(path, ("registry.yaml", b"models")).read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DownloadError, match=r"models\.tar, byte 0: expected a file of a bundle"):
        ArchiveStore(path)


def test_a_length_that_no_file_has_is_refused_without_reading_it(path):
    content = bytearray(write(path, ("registry.yaml", b"models")).read_bytes())
    content[124:136] = b"77777777777\0"
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    path.write_bytes(content)
    with pytest.raises(DownloadError, match=r"is cut short: registry\.yaml has 8,589,934,591 bytes, of which"):
        ArchiveStore(path)


def test_a_file_that_is_missing_is_named(path):
    with pytest.raises(DownloadError, match=r"models\.tar: can't be read: No such file"):
        ArchiveStore(path)
