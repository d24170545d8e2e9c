import os
import signal
import subprocess
import sys
import threading

import pytest

from zoo.errors import OutputError
from zoo.genome import output as module
from zoo.genome.output import MADE_ON_THE_WAY, OutputFile, holding_signals, refuse_same_file


def test_the_file_appears_under_its_name_with_commit(tmp_path):
    path = tmp_path / "out.txt"
    with OutputFile(path) as output:
        output.file.write(b"abc")
        assert not path.exists()
        output.commit()
        assert path.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == [path]


def test_an_earlier_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old and longer")
    with OutputFile(path) as output:
        output.file.write(b"new")
        output.file.flush()
        assert path.read_text() == "old and longer"
        output.commit()
    assert path.read_text() == "new"


def test_without_commit_nothing_is_left(tmp_path):
    def fail():
        with OutputFile(tmp_path / "out.txt") as output:
            output.file.write(b"abc")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_written_over(tmp_path):
    (tmp_path / "out.txt.partial").write_text("much longer than the new content")
    with OutputFile(tmp_path / "out.txt") as output:
        output.file.write(b"new")
        output.commit()
    assert (tmp_path / "out.txt").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1


def test_two_runs_never_write_one_file(tmp_path):
    path = tmp_path / "out.txt"
    with OutputFile(path) as first:
        first.file.write(b"first")
        with pytest.raises(
            OutputError, match=r"^.*out\.txt: another run is writing it \(.*out\.txt\.partial is locked\)"
        ):
            OutputFile(path)
        first.commit()
    assert path.read_text() == "first"
    OutputFile(path).__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_that_ends_while_the_next_one_waits_for_its_lock_keeps_its_file(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    first = OutputFile(path)
    first.file.write(b"first")
    lock = module._lock
    moments = iter([first.commit])

    def lock_after_the_other_ended(*arguments):
        for end in moments:
            end()
        lock(*arguments)

    monkeypatch.setattr(module, "_lock", lock_after_the_other_ended)
    with OutputFile(path) as second:
        second.file.write(b"half of the sec")
    assert path.read_text() == "first"


def test_another_file_that_was_made_from_it_can_have_the_name(tmp_path):
    path = tmp_path / "out.txt"
    with OutputFile(path) as output:
        output.file.write(b"text")
        output.whole.write_bytes(b"converted")
        output.text.write_bytes(b"on the way")
        output.padded.write_bytes(b"on the way")
        output.index.write_bytes(b"index")
        output.commit(whole=True)
        assert {left.name for left in tmp_path.iterdir()} == {"out.txt", "out.txt.partial.index"}
    assert path.read_bytes() == b"converted"
    assert list(tmp_path.iterdir()) == [path]  # an index that nobody moved belongs to no file


def test_what_was_made_from_a_file_goes_with_it(tmp_path):
    for left in (".partial.whole", ".partial.text", ".partial.padded", ".partial.index", ".journal.partial"):
        (tmp_path / f"out.txt{left}").write_text("of a killed run")
    with OutputFile(tmp_path / "out.txt") as output:
        assert [path.name for path in tmp_path.iterdir()] == ["out.txt.partial"]
        output.whole.write_text("half")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_to_be_resumed_stays_and_can_be_cut(tmp_path):
    path = tmp_path / "out.txt"
    with OutputFile(path) as output:
        output.file.write(b"one two thr")
        output.file.flush()
        output.keeps = True
    assert (tmp_path / "out.txt.partial").read_bytes() == b"one two thr"
    with OutputFile(path, resumed=True) as output:
        output.cut(8)
        output.file.write(b"3")
        output.commit()
    assert path.read_bytes() == b"one two 3"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_was_to_be_resumed_and_holds_nothing_goes(tmp_path):
    with OutputFile(tmp_path / "out.txt", resumed=True):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_an_error_that_names_it(tmp_path):
    with pytest.raises(OutputError, match=r"nowhere/out\.txt: can't be written: there is no folder .*nowhere; make it"):
        OutputFile(tmp_path / "nowhere" / "out.txt")
    with pytest.raises(OutputError, match="expected a file to write, found a folder"):
        OutputFile(tmp_path)
    with pytest.raises(OutputError, match="can't be written: File name too long"):
        OutputFile(tmp_path / ("x" * 250))


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    code = """
import resource, sys
from zoo.errors import OutputError
from zoo.genome.output import OutputFile
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with OutputFile(sys.argv[1]) as output, output.writing():
        output.file.write(bytes(200_000))
        output.commit()
except OutputError as error:
    print(error)
"""
    path = tmp_path / "out.txt"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{path}: can't be written: File too large\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_closed_pipe_is_an_error_that_says_so(tmp_path):
    def fail():
        with OutputFile(tmp_path / "out.txt") as output, output.writing():
            raise BrokenPipeError

    with pytest.raises(OutputError, match=r"^standard output: the program that reads it closed the pipe"):
        fail()


def test_an_output_that_is_an_input_is_refused_under_any_name(tmp_path):
    source = tmp_path / "in.vcf"
    source.write_text("precious")
    (tmp_path / "link.vcf").symlink_to(source)
    os.link(source, tmp_path / "hard.vcf")
    for name in ("in.vcf", "link.vcf", "hard.vcf", "../" + tmp_path.name + "/in.vcf"):
        with pytest.raises(OutputError, match=r"the output is the input .*in\.vcf; name another file"):
            refuse_same_file(tmp_path / name, None, "-", source)
    refuse_same_file(tmp_path / "other.vcf", source)
    assert source.read_text() == "precious"


WRITES_TO_STANDARD_OUTPUT = """
import sys
from zoo.errors import OutputError
from zoo.genome.output import OutputFile
print("first")
try:
    with OutputFile("-") as output:
        with output.writing():
            output.file.write(bytes(300_000))
        output.commit()
except OutputError as error:
    print(error, file=sys.stderr)
"""


@pytest.mark.parametrize("unbuffered", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_a_disk_that_fills_under_standard_output_is_an_error(tmp_path, unbuffered):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    command = [sys.executable, *unbuffered, "-c", limit + WRITES_TO_STANDARD_OUTPUT]
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "standard output: can't be written: File too large\n")


@pytest.mark.parametrize("unbuffered", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_a_pipe_that_would_block_is_an_error(unbuffered):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    command = [sys.executable, *unbuffered, "-c", WRITES_TO_STANDARD_OUTPUT]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    os.close(reading)
    assert done.stderr == "standard output: can't be written: write could not complete without blocking\n"


@pytest.mark.parametrize("unbuffered", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_standard_output_comes_whole_and_after_what_was_printed(unbuffered):
    command = [sys.executable, *unbuffered, "-c", WRITES_TO_STANDARD_OUTPUT]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"first\n" + bytes(300_000), b"")


def test_a_standard_output_without_a_descriptor_is_written_and_left_open(capsysbinary):
    with OutputFile("-") as output:
        output.file.write(b"abc")
        output.commit()
    sys.stdout.write("d\n")
    assert capsysbinary.readouterr().out == b"abcd\n"


@pytest.mark.parametrize("suffix", [suffix for suffix in MADE_ON_THE_WAY if suffix != ".journal"])
def test_a_symlink_in_the_place_of_a_partial_file_is_not_followed(tmp_path, suffix):
    (tmp_path / "precious").write_text("kept")
    link = tmp_path / f"out.txt{suffix}"
    link.symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match=rf"out\.txt: it is written by way of .*out\.txt{suffix}, which is a symlink"):
        OutputFile(tmp_path / "out.txt")
    assert (tmp_path / "precious").read_text() == "kept"
    assert link.is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_pipe_in_the_place_of_a_partial_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "out.txt.partial")
    with pytest.raises(OutputError, match=r"out\.txt\.partial, which is a folder, pipe or device; remove that"):
        OutputFile(tmp_path / "out.txt")


@pytest.mark.parametrize("suffix", MADE_ON_THE_WAY)
def test_an_input_that_writing_the_output_would_destroy_is_refused(tmp_path, suffix):
    source = tmp_path / "in.vcf"
    source.write_text("precious")
    os.link(source, tmp_path / f"out.bcf{suffix}")
    (tmp_path / "link.bcf").symlink_to(tmp_path / "out.bcf")
    for name in ("out.bcf", "link.bcf"):
        with pytest.raises(
            OutputError, match=rf"writing it makes .*out\.bcf{suffix}, which is the input .*in\.vcf; name"
        ):
            refuse_same_file(tmp_path / name, source)


def test_standard_output_is_no_input_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_text("a file of that name")
    refuse_same_file("-", tmp_path / "-")


def test_a_target_that_is_no_regular_file_is_refused_and_stays(tmp_path):
    pipe = tmp_path / "out.txt"
    os.mkfifo(pipe)
    expected = r"out\.txt: expected a regular file or none, found a pipe or device; write to - and redirect$"
    with pytest.raises(OutputError, match=expected):
        OutputFile(pipe)
    assert pipe.is_fifo()


@pytest.mark.parametrize("dangling", [True, False])
def test_a_symlink_is_kept_and_what_it_names_is_replaced(tmp_path, dangling):
    (tmp_path / "store").mkdir()
    target = tmp_path / "store" / "real.txt"
    if not dangling:
        target.write_text("old")
    link = tmp_path / "out.txt"
    link.symlink_to("store/real.txt")
    with OutputFile(link) as output:
        output.file.write(b"new")
        output.commit()
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.rglob("*.txt*")] == ["out.txt", "real.txt"]


def test_a_symlink_that_leads_in_a_circle_is_refused(tmp_path):
    (tmp_path / "out.txt").symlink_to("out.txt")
    with pytest.raises(OutputError, match=r"out\.txt: can't be written: the symlink leads in a circle"):
        OutputFile(tmp_path / "out.txt")


def test_a_folder_that_became_read_only_hides_no_earlier_error(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    def fail():
        with OutputFile(tmp_path / "out.txt"):
            monkeypatch.setattr(module.Path, "unlink", refuse)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_wait_for_what_belongs_together(number):
    done = []

    def interrupt(*_):
        raise KeyboardInterrupt

    def write():
        with holding_signals():
            os.kill(os.getpid(), number)
            with holding_signals():
                os.kill(os.getpid(), number)
            done.append("all")

    before = signal.signal(number, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            write()
        assert signal.getsignal(number) is interrupt
    finally:
        signal.signal(number, before)
    assert done == ["all"]


def test_other_threads_hold_no_signals():
    before = signal.getsignal(signal.SIGINT)
    found = []

    def look():
        with holding_signals():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before]
