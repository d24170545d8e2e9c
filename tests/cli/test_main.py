import subprocess
import sys
import warnings

import pytest

import zoo.cli
from zoo import __version__
from zoo.cli import VERBS, main
from zoo.errors import DataError

CALLED_BY_LIST = "zoo.registry.open_registry"


def fail_with(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(CALLED_BY_LIST, fail)


def test_help_names_every_verb(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    assert "..." not in shown.split("Commands:")[1]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_command_has_an_example_of_it(capsys, verb):
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example:" in shown
    assert f"zoo {verb}" in shown.partition("Example:")[2]


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"zoo {__version__}\n"


def test_an_unknown_verb_is_wrong_usage_with_a_near_match(capsys):
    assert main(["plugin"]) == 2
    assert capsys.readouterr().err == "zoo: error: no command 'plugin'; did you mean 'plugins'? (see zoo --help)\n"


@pytest.mark.parametrize("arguments", [[], ["list", "--jsn"], ["info"], ["test", "x", "--threads", "0"]])
def test_wrong_usage_exits_2_and_shows_no_traceback(capsys, arguments):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "Usage: zoo" in error
    assert "Traceback" not in error


def test_an_error_of_the_users_is_one_line(monkeypatch, capsys):
    fail_with(monkeypatch, DataError("table.tsv, line 3:\nexpected a number, found 'x'"))
    assert main(["list"]) == 1
    assert capsys.readouterr().err == "zoo: error: table.tsv, line 3: expected a number, found 'x'\n"


def test_a_bug_is_one_line_that_asks_to_report_it(monkeypatch, capsys):
    monkeypatch.delenv("ZOO_TRACEBACK", raising=False)
    fail_with(monkeypatch, ValueError("a slip"))
    assert main(["list"]) == 1
    expected = (
        "zoo: internal error: ValueError: a slip; this is a bug, please report it with what ZOO_TRACEBACK=1 shows\n"
    )
    assert capsys.readouterr().err == expected


def test_the_traceback_of_a_bug_is_shown_to_who_asks(monkeypatch, capsys):
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    fail_with(monkeypatch, ValueError("a slip"))
    assert main(["list"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_ctrl_c_exits_130_without_a_traceback(monkeypatch, capsys):
    fail_with(monkeypatch, KeyboardInterrupt())
    assert main(["list"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_warning_is_one_line(monkeypatch, capsys):
    def warn():
        warnings.simplefilter("always")
        warnings.warn("a model was withdrawn", UserWarning, stacklevel=2)
        raise DataError("done")

    monkeypatch.setattr(CALLED_BY_LIST, warn)
    main(["list"])
    assert capsys.readouterr().err == "zoo: warning: a model was withdrawn\nzoo: error: done\n"


@pytest.mark.parametrize("unbuffered", ["0", "1"])
def test_a_reader_that_goes_away_causes_no_noise(unbuffered):
    code = "import sys; from zoo.cli import main; sys.exit(main(['plugins', '--json']))"
    environment = {"PYTHONUNBUFFERED": unbuffered} if unbuffered == "1" else {}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**environment}
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1


def test_only_the_module_of_the_verb_is_loaded(monkeypatch, capsys):
    monkeypatch.setitem(zoo.cli.VERBS, "info", "no_such_module")
    assert main(["list", "--help"]) == 0
