"""How long a start takes: a bare interpreter, `import zoo`, `zoo --help`."""

import subprocess
import sys

import pytest

COMMANDS = {
    "bare interpreter": [sys.executable, "-c", "pass"],
    "import zoo": [sys.executable, "-c", "import zoo"],
    "zoo --help": [sys.executable, "-c", "from zoo.cli import main; main(['--help'])"],
    "zoo list": [sys.executable, "-c", "from zoo.cli import main; main(['list'])"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_start(benchmark, report, name):
    benchmark.pedantic(
        subprocess.run, args=(COMMANDS[name],), kwargs={"check": True, "capture_output": True}, rounds=15
    )
    report(f"{name}: {benchmark.stats.stats.median:.3f} s")
