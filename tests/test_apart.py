import os
import subprocess
import sys
import time

import pytest

from zoo.apart import Answer, run_apart

posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Write a module that processes of ours can import."""

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return write


def test_what_a_function_returns_comes_back():
    assert run_apart("math:sqrt", [4], 60) == Answer(2.0)


def test_what_is_printed_stands_in_no_answer_and_not_on_our_output(capfd):
    assert run_apart("os:system", ["echo noise"], 60) == Answer(0)
    assert capfd.readouterr() == ("", "")


def test_an_error_of_ours_comes_back_with_its_kind():
    answer = run_apart("zoo.model.folder:load_folder", ["nowhere"], 60)
    assert answer == Answer(error="nowhere: no model folder there", kind="UnknownModel")


def test_any_other_error_is_named_by_its_kind():
    answer = run_apart("math:sqrt", [-1], 60)
    assert answer.kind == "ValueError"
    assert answer.error.startswith("ValueError: ")


def test_a_process_that_hangs_is_ended():
    assert run_apart("time:sleep", [60], 0.5) == Answer(
        error="no answer within 0.5 s; its process was ended", hung=True
    )


@posix
def test_a_process_that_crashes_is_told_by_its_signal():
    answer = run_apart("os:abort", [], 60)
    assert answer.error.startswith("its process was ended by SIGABRT")
    assert (answer.signal, answer.kind, answer.hung) == ("SIGABRT", "", False)


def test_a_process_that_ends_without_an_answer_is_told_by_its_status():
    assert run_apart("os:_exit", [3], 60).error == "its process ended with status 3 and no answer"


@posix
def test_what_a_crashed_process_said_last_is_told(write_module):
    write_module(
        "crashing", "import os, sys\ndef run():\n    print('no\\n memory', file=sys.stderr)\n    os._exit(9)\n"
    )
    assert run_apart("crashing:run", [], 60).error == "its process ended with status 9 and no answer: no memory"


def test_a_process_sees_no_secret_and_the_variables_that_are_given(monkeypatch):
    monkeypatch.setenv("ZOO_KEY_PASSWORD", "hush")
    monkeypatch.setenv("PLAIN", "seen")
    names = ["ZOO_KEY_PASSWORD", "PLAIN", "GIVEN"]
    found = [run_apart("os:getenv", [name], 60, {"GIVEN": "1"}).value for name in names]
    assert found == [None, "seen", "1"]


def test_a_folder_of_our_name_is_not_imported_in_our_place(tmp_path, monkeypatch):
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    assert run_apart("math:sqrt", [4], 60) == Answer(2.0)


def test_a_process_whose_parent_is_gone_ends_by_itself():
    command = [sys.executable, "-P", "-m", "zoo.apart", "time:sleep", "[60]", "0.1"]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=False, timeout=50)
    assert (done.returncode, done.stdout) == (1, b"")
    assert time.monotonic() - started < 50
