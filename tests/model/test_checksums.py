import hashlib
import os
import re
import shutil
import subprocess

import pytest

from zoo.errors import ChecksumMismatch, ModelError, UnsafeModel
from zoo.model.checksums import hash_file, parse_checksums, verify_checksums, write_checksums
from zoo.model.limits import FILES

DIGEST = "5" * 64


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "plots").mkdir(parents=True)
    (folder / "model.yaml").write_text("a\n")
    (folder / "plots" / "roc.svg").write_text("b\n")
    write_checksums(folder)
    return folder


def test_the_file_lists_every_file_sorted_and_its_own_hash_is_returned(folder):
    hash_a, hash_b = (hashlib.sha256(text).hexdigest() for text in (b"a\n", b"b\n"))
    expected = f"{hash_a}  model.yaml\n{hash_b}  plots/roc.svg\n"
    assert (folder / "SHA256SUMS").read_text() == expected
    assert write_checksums(folder) == verify_checksums(folder) == hashlib.sha256(expected.encode()).hexdigest()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_sha256sum_itself_accepts_the_file(folder):
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True)


def test_a_signature_is_not_covered(folder):
    digest = verify_checksums(folder)
    (folder / "SHA256SUMS.sig").write_text("signed")
    assert verify_checksums(folder) == write_checksums(folder) == digest


def test_a_changed_byte_is_named_with_expected_and_found(folder):
    (folder / "plots" / "roc.svg").write_text("c\n")
    expected, found = (hashlib.sha256(text).hexdigest() for text in (b"b\n", b"c\n"))
    message = (
        f"{folder}/plots/roc.svg: expected sha256 {expected}, found {found}; fetch the model again; or, if you have "
        "changed it yourself, write SHA256SUMS anew: zoo.model.checksums.write_checksums"
    )
    with pytest.raises(ChecksumMismatch, match=f"^{re.escape(message)}$"):
        verify_checksums(folder)


def test_a_missing_file_is_named(folder):
    (folder / "model.yaml").unlink()
    with pytest.raises(ChecksumMismatch, match=r"model\.yaml: is missing, SHA256SUMS lists it"):
        verify_checksums(folder)


def test_an_added_file_is_named(folder):
    (folder / "plots" / "extra.py").write_text("")
    with pytest.raises(ChecksumMismatch, match=r"plots/extra\.py: is not listed in SHA256SUMS"):
        verify_checksums(folder)


def test_a_folder_without_checksums_is_refused(folder):
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(ChecksumMismatch, match=r"SHA256SUMS: no such file; a model folder needs it"):
        verify_checksums(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected a sha256 and a file name, found b''"),
        ("abc  model.yaml\n", r"line 1: expected a sha256 and a file name, found b'abc  model\.yaml'"),
        (f"{'0' * 64}  ../secret\n", r"line 1: file name '\.\./secret': expected a path that stays inside the folder"),
        (f"{'0' * 64}  {'x' * (1 << 17)}\n", "SHA256SUMS: expected at most 131,072 bytes, found more"),
    ],
)
def test_a_malformed_list_is_refused_by_line(folder, text, message):
    (folder / "SHA256SUMS").write_text(text)
    with pytest.raises(ChecksumMismatch, match=message):
        verify_checksums(folder)


@pytest.mark.parametrize("target", ["file", "folder"])
def test_a_symbolic_link_is_refused_even_if_its_bytes_are_right(folder, tmp_path, target):
    shutil.move(folder / "plots", tmp_path / "plots")
    if target == "folder":
        (folder / "plots").symlink_to(tmp_path / "plots")
    else:
        (folder / "plots").mkdir()
        (folder / "plots" / "roc.svg").symlink_to(tmp_path / "plots" / "roc.svg")
    with pytest.raises(ChecksumMismatch, match="is a symbolic link"):
        verify_checksums(folder)


def test_a_name_that_the_format_cannot_hold_is_refused(folder):
    (folder / "two\nlines").write_text("")
    with pytest.raises(ModelError, match="holds a character that not every system allows; rename the file"):
        write_checksums(folder)


def test_a_folder_of_very_many_files_is_refused_before_any_is_read(folder):
    for number in range(101):
        (folder / f"{number}.txt").touch()
    with pytest.raises(ChecksumMismatch, match="expected at most 100 files, found more"):
        verify_checksums(folder)


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
        ([f"f{n}" for n in range(FILES + 1)], f"expected at most {FILES} files, found 101"),
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


def test_names_that_are_one_on_another_system_are_not_written(folder):
    (folder / "Model.yaml").write_text("")
    if len(list(folder.iterdir())) < 4:
        pytest.skip("this system ignores case")
    with pytest.raises(ModelError, match=r"SHA256SUMS, line 2: 'model\.yaml' and 'Model\.yaml' are one file somewhere"):
        write_checksums(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
@pytest.mark.parametrize("name", ["model.onnx", "SHA256SUMS.sig"])
def test_a_pipe_is_refused_before_anybody_waits_for_what_it_says(folder, name):
    os.mkfifo(folder / name)
    for use in (verify_checksums, write_checksums):
        with pytest.raises(ChecksumMismatch, match=rf"{name}: is a pipe, socket or device"):
            use(folder)
    with pytest.raises(ModelError, match="expected a plain file, found a pipe or device"):
        hash_file(folder / name)
