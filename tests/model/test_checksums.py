import hashlib
import re
import shutil
import subprocess

import pytest

from zoo.errors import ChecksumMismatch, ModelError
from zoo.model.checksums import verify_checksums, write_checksums


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
    message = f"{folder}/plots/roc.svg: expected sha256 {expected}, found {found}; fetch the model again"
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
        ("", "lists no file"),
        ("abc  model.yaml\n", r"line 1: expected a sha256 and a file name, found 'abc  model\.yaml'"),
        (f"{'0' * 64}  x\n{'0' * 64}  x\n", "line 2: 'x' is listed twice"),
        (f"{'0' * 64}  x\n{'0' * 64}  X\n", "line 2: 'X' is 'x' on systems that ignore case"),
        (f"{'0' * 64}  ../secret\n", r"line 1: '\.\./secret' does not stay below its folder"),
        (f"{'0' * 64}  a/../../secret\n", r"'a/\.\./\.\./secret' does not stay below its folder"),
        (f"{'0' * 64}  /etc/passwd\n", "'/etc/passwd' does not stay below its folder"),
        (f"{'0' * 64}  C:/x\n", "'C:/x' has a character that not every system allows"),
        (f"{'0' * 64}  a\\\\b\n", "has a character that not every system allows"),
        (f"{'0' * 64}  a\0b\n", "has a character that not every system allows"),
        (f"{'0' * 64}  {'x' * 201}\n", "is longer than 200 bytes"),
        (f"{'0' * 64}  a/b/c/d/e\n", "lies below more than 3 folders"),
        ("".join(f"{'0' * 64}  {number}\n" for number in range(1001)), "expected at most 1,000 files, found more"),
        (f"{'0' * 64}  {'x' * (1 << 20)}\n", "expected at most 1,048,576 bytes, found more"),
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
    with pytest.raises(ModelError, match="has a character that not every system allows; rename the file"):
        write_checksums(folder)


def test_a_folder_of_very_many_files_is_refused_before_any_is_read(folder):
    for number in range(1001):
        (folder / f"{number}.txt").touch()
    with pytest.raises(ChecksumMismatch, match="expected at most 1,000 files, found more"):
        verify_checksums(folder)
