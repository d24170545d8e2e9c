import os
import threading

import pytest

from zoo.errors import CardError
from zoo.model.limits import read_bounded


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_a_file_up_to_the_limit_is_read_whole(tmp_path, size):
    (tmp_path / "a").write_bytes(b"x" * size)
    assert read_bounded(tmp_path / "a", 10, CardError) == b"x" * size


def test_a_file_of_several_pieces_is_whole(tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(content)
    assert read_bounded(tmp_path / "a", 3_000_000, CardError) == content


def test_one_byte_more_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 11)
    with pytest.raises(CardError, match=r"a: expected at most 10 bytes, found more$"):
        read_bounded(tmp_path / "a", 10, CardError)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(CardError, match=r"none: can't be read: No such file or directory$"):
        read_bounded(tmp_path / "none", 10, CardError)
    with pytest.raises(CardError, match=r"can't be read: Is a directory$"):
        read_bounded(tmp_path, 10, CardError)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_a_pipe_is_read_too_and_one_without_end_is_not_read_for_ever(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    def write():
        with (tmp_path / "pipe").open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(b"x" * 65536)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(CardError, match="expected at most 100,000 bytes"):
        read_bounded(tmp_path / "pipe", 100_000, CardError)
    writer.join(10)
    assert not writer.is_alive()
