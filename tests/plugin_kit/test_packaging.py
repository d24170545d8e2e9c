"""The templates are in what is built of this project."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = {path.name for path in (ROOT / "zoo" / "plugin_kit" / "templates").iterdir()}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_the_templates_are_shipped(kind):
    builders = pytest.importorskip(f"hatchling.builders.{kind}", reason="needs hatchling, of the extra `dev`")
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip(f"{ROOT} is no source tree")
    builder = {"wheel": "WheelBuilder", "sdist": "SdistBuilder"}[kind]
    files = getattr(builders, builder)(str(ROOT)).recurse_included_files()
    shipped = {Path(file.relative_path) for file in files}
    assert {path.name for path in shipped if path.parent == Path("zoo/plugin_kit/templates")} == TEMPLATES


def test_there_is_nothing_else_among_them():
    assert {Path(name).suffix for name in TEMPLATES} == {".txt"}
