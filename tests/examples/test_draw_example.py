"""The README's picture is drawn by its script, from the model that the registry holds."""

import re
import runpy
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("matplotlib", reason="drawing needs the extra `plot`")
pytest.importorskip("logomaker", reason="drawing needs the extra `plot`")

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("example-light.svg", "example-dark.svg")


def test_the_script_draws_both_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["draw_example.py", str(tmp_path / "images")])
    runpy.run_path(str(ROOT / "examples" / "draw_example.py"), run_name="__main__")
    for name in NAMES:
        assert ET.parse(tmp_path / "images" / name).getroot().tag.endswith("svg")  # noqa: S314 - drawn a line above


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_picture_was_drawn_from_the_model_as_it_is(name):
    text = (ROOT / "docs" / "images" / name).read_text(encoding="utf-8")
    drawn = re.search(r"<dc:description>(.*)</dc:description>", text)
    assert drawn is not None
    assert drawn[1] == runpy.run_path(str(ROOT / "examples" / "draw_example.py"))["describe_model"]()
