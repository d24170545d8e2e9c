import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import UnsafeModel
from zoo.model.checksums import write_checksums
from zoo.registry.names import MAX_FILES, blob_path, check_name, parse_checksums

DIGEST = "5" * 64


@pytest.mark.parametrize(
    "name", ["model.onnx", "a/b/c/d.txt", "données.csv", "..a", "a..b", "con1.txt", "-x", "a" * 200]
)
def test_a_plain_name_is_given_back(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", "/etc/passwd", "../a", "a/../b", "a/..", "./a", "a//b", "a/", "a\\b", "..\\a", "C:\\a", "C:a", "a\0b",
        "a\nb", "a\x7fb", "a\u202eb", "a?b", "a*", "a.", "a ", " a", "CON", "nul.txt", "dir/LPT1.x", "com0",
        "a/b/c/d/e", "a" * 201, "é" * 101, "\ud800",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_or_is_not_portable_is_refused(name):
    with pytest.raises(UnsafeModel, match=r"^file name"):
        check_name(name)


@given(st.text(alphabet="ab./\\ :\0é", max_size=12))
def test_a_name_that_passes_stays_in_its_folder(tmp_path_factory, name):
    try:
        check_name(name)
    except UnsafeModel:
        return
    root = tmp_path_factory.getbasetemp()
    inside = (root / name).resolve()
    assert inside != root
    assert inside.relative_to(root.resolve()).as_posix() == name


def test_what_write_checksums_writes_is_read(tmp_path):
    for name in ("model.onnx", "sub/part.txt", "two  words"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    write_checksums(tmp_path)
    files = parse_checksums((tmp_path / "SHA256SUMS").read_bytes(), "SHA256SUMS")
    assert files == {name: hashlib.sha256(name.encode()).hexdigest() for name in sorted(files)}
    assert len(files) == 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "../b"], "line 2: file name '../b': expected a path that stays inside the folder"),
        (["a", "A"], "line 2: 'A' and 'a' are one file somewhere"),
        (["e\u0301", "\u00e9"], "are one file somewhere"),
        (["straße", "STRASSE"], "are one file somewhere"),
        (["a", "a"], "are one file somewhere"),
        (["a", "A/b"], "line 2: 'A/b' and 'a' are one file somewhere"),
        (["a/b", "A"], "line 2: 'A' is a file and a folder"),
        (["SHA256SUMS"], "SHA256SUMS can't list itself"),
        (["SHA256SUMS.sig"], "can't list itself"),
        ([f"f{n}" for n in range(MAX_FILES + 1)], f"expected at most {MAX_FILES} files, found 101"),
        (["a\rb"], "holds a character"),
    ],
)
def test_a_list_whose_names_may_not_be_written_is_refused(names, message):
    content = "".join(f"{DIGEST}  {name}\n" for name in names).encode()
    with pytest.raises(UnsafeModel, match=message):
        parse_checksums(content, "SHA256SUMS")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"abc  a\n", DIGEST.encode() + b" a\n", b"\xff" * 70, DIGEST.upper().encode() + b"A  a\n"]
)
def test_a_text_that_is_no_list_is_refused(content):
    with pytest.raises(UnsafeModel, match="line 1: expected a sha256 and a file name"):
        parse_checksums(content, "SHA256SUMS")


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(UnsafeModel, match="line 1: expected a name in UTF-8"):
        parse_checksums(DIGEST.encode() + b"  \xff\n", "SHA256SUMS")


def test_a_blob_lies_under_its_digest():
    assert blob_path("52aa") == "blobs/sha256/52/52aa"
