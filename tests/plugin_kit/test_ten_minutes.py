"""Every command of ``docs/write-a-plugin.md`` is run, those that install something in a fresh environment.

``tests/test_documentation.py`` runs the blocks of ``bash``; the blocks of ``sh`` need the plugin installed, and are run
here, between the others. What a block without a language shows is what the one above it prints.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fresh_environment import OFFLINE, make_fresh_environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "write-a-plugin.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.training
def test_the_page_runs_from_top_to_bottom(tmp_path):
    pytest.importorskip("tensorflow", reason="the page trains a model, which needs the extra `train`")
    if not PAGE.is_file():
        pytest.skip(f"{PAGE} is not there")
    environment = make_fresh_environment(tmp_path / "env")
    folder = tmp_path / "work"
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__", "*.fai"))
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert sum(language == "sh" for language, _ in blocks) == 4
    printed = ""
    for language, code in blocks:
        if language in {"bash", "sh"}:
            # Nothing is fetched: what a package needs is there.
            offline = code.replace("pip install", f"python -m pip install --quiet {' '.join(OFFLINE)}")
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", offline],
                cwd=folder, env=environment.variables, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
            printed = done.stdout
        elif not language:
            assert printed == code
