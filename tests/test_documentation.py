"""The commands of the README and the docs do what is said there.

Each page is run from top to bottom in a folder that holds a copy of ``examples/``. Blocks of ``bash`` and ``python``
are run; a block of ``text`` below one holds what it prints, with ``…`` for lines left out. A comment above a block
says otherwise: ``<!-- command: … -->`` marks the two that install the package, which ``.ci/run`` runs whole, and
``<!-- needs: … -->`` one that is left out, with what it prints, where that program is not installed.

Numbers with a point may differ from the page's by a thousandth, as they do between processors, and by a tenth where
networks are trained. What Python prints is compared letter by letter: pages round it.
"""

import contextlib
import functools
import io
import itertools
import math
import os
import re
import shutil
import subprocess
import sys
import typing
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]
BENCHMARKS = [f"benchmarks/{page.name}" for page in sorted((ROOT / "benchmarks").glob("*.md"))]
TRAINING = {"README.md", "docs/training.md"}
BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>.*?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
LINK = re.compile(r"(?:\]\(|src=\"|srcset=\")(?!https?://|#)([^)\"#]+)")
VOLATILE = re.compile(r"in \d+\.\d s, [\d,]+ alleles/s|on (cpu|cuda|tensorrt)|device \w+")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    comment: str
    language: str
    code: str

    def __str__(self):
        return f"{self.page}, line {self.line}"


def read_blocks(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found["comment"] or "", found["language"], found["code"])
        for found in BLOCK.finditer(text)
    ]


@pytest.fixture
def folder(tmp_path, tmp_path_factory, monkeypatch):
    """A folder with the examples, in which commands find the ``zoo`` and ``python`` of this environment first.

    What a page tells the zoo to remember, no other page knows.
    """
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", "*.fai"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("home")))
    return tmp_path


def lacks_program(block):
    kind, _, program = block.comment.partition(": ")
    return kind == "needs" and shutil.which(program) is None


def run_bash(block):
    code = block.code
    if block.comment.startswith("command:"):
        code = code.rpartition("&&")[2].replace(".venv/bin/zoo", "zoo")  # what follows the installation
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{block}: exit status {done.returncode}\n{done.stderr}"
    return done.stdout or done.stderr  # where there is a result to show, what is told beside it is left out


def run_python(block, names):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.code, str(block), "exec"), names)  # noqa: S102 - the project's own documentation
    return printed.getvalue()


def agree(expected, found, *, exactly=False, tolerance=0.0):
    """Whether two lines say the same, numbers with a point to a share of their size, or to the letter."""
    if exactly:
        return expected == found
    expected, found = (VOLATILE.sub("…", line.rstrip()) for line in (expected, found))
    if NUMBER.sub("0", expected) != NUMBER.sub("0", found):
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(found), strict=True)
    return all(
        one == other
        or ({".", "e"} & {*one, *other} and math.isclose(float(one), float(other), rel_tol=tolerance, abs_tol=1e-6))
        for one, other in pairs
    )


def check_printed(block, printed, *, exactly=False):
    """Every line of a block stands in what was printed, in order; nothing is left out but where ``…`` says so."""
    lines = iter(printed.splitlines())
    alike = functools.partial(agree, exactly=exactly, tolerance=0.1 if block.page in TRAINING else 1e-3)
    skipping = False
    for expected in block.code.splitlines():
        if expected == "…":
            skipping = True
            continue
        found = next(lines, None)
        while skipping and found is not None and not alike(expected, found):
            found = next(lines, None)
        assert alike(expected, found or ""), f"{block}: expected {expected!r}, found {found!r}"
        skipping = False
    if not skipping:
        assert list(lines) == [], f"{block}: more was printed"


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.training if page in TRAINING else []) for page in PAGES]
)
def test_the_commands_of_a_page_run_and_print_what_it_says(page, folder):
    if page in TRAINING:
        pytest.importorskip("tensorflow", reason="this page trains a model, which needs the extra `train`")
    names = {"__name__": "__main__"}
    printed = None
    left_out = exactly = False
    for block in read_blocks(page):
        if block.language in {"bash", "python"}:
            left_out = block.comment == "command: test" or lacks_program(block)
            exactly = block.language == "python"
            if not left_out:
                printed = run_python(block, names) if exactly else run_bash(block)
        elif block.language == "text" and not left_out:
            assert printed is not None, f"{block}: no command above it"
            check_printed(block, printed, exactly=exactly)


@pytest.mark.parametrize("page", [*PAGES, *BENCHMARKS, "CHANGELOG.md", "examples/plugin-package/README.md"])
def test_every_link_of_a_page_leads_to_a_file(page):
    targets = LINK.findall((ROOT / page).read_text(encoding="utf-8"))
    missing = [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()]
    assert missing == []


def test_the_page_of_benchmarks_links_every_other():
    targets = LINK.findall((ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8"))
    assert {Path(page).name for page in BENCHMARKS} - {"README.md"} <= set(targets)


def test_every_component_and_option_is_documented():
    from zoo.cli import VERBS
    from zoo.genome.variant import Reason
    from zoo.plugins import discover

    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    components = [found.name for found in discover().components if found.distribution == "assayzoo"]
    options = {
        option
        for verb in VERBS
        for option in re.findall(
            r"^\s+(?:-\w, )?(--[a-z-]+)",
            subprocess.run(
                [sys.executable, "-c", f"from zoo.cli import main; main(['{verb}', '--help'])"],
                capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "120"},
            ).stdout,
            re.MULTILINE,
        )
    }  # fmt: skip
    short = {"--model": "-m", "--output": "-o"}
    wanted = itertools.chain(components, (short.get(option, option) for option in options - {"--help"}))
    wanted = [
        *wanted,
        *(reason.name for reason in Reason if reason is not Reason.OK),
        *(f"zoo {verb}" for verb in VERBS),
    ]
    assert [name for name in wanted if name not in text] == []


def list_schemas(schema):
    """Return a document and all that stand in its fields, at any depth."""
    found, fields = [schema], [field.annotation for field in schema.model_fields.values()]
    while fields:
        kind = fields.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += list_schemas(kind)
        else:
            fields += typing.get_args(kind)
    return found


def test_fields_of_recipes_are_documented():
    from zoo.plugins import discover
    from zoo.training.recipe import Recipe

    text = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("architectures.md", "training.md"))
    words = {word for span in re.findall(r"`+([^`]+)`+", text) for word in re.findall(r"\w+", span)}
    configs = [found.component.config for found in discover().components if found.distribution == "assayzoo"]
    schemas = {schema for document in (Recipe, *configs) for schema in list_schemas(document)}
    assert {"DataChoice", "GenomicNegatives", "ListSplit", "Baseline", "Range"} <= {item.__name__ for item in schemas}
    missing = {schema.__name__: [name for name in schema.model_fields if name not in words] for schema in schemas}
    assert {name: fields for name, fields in missing.items() if fields} == {}


def test_whole_recipes_in_pages_are_valid():
    import yaml

    from zoo.plugins import discover
    from zoo.training.recipe import Recipe

    recipes = [
        Recipe.model_validate(yaml.safe_load(block.code))
        for block in read_blocks("docs/training.md")
        if block.language == "yaml" and "limitations:" in block.code
    ]
    assert recipes
    for recipe in recipes:
        discover().data_loader(recipe.data.loader).config.model_validate(recipe.data.config)
        discover().architecture(recipe.architecture.name).config.model_validate(recipe.architecture.config)


def test_the_readme_marks_the_two_commands_that_install():
    marked = {
        block.comment.removeprefix("command: "): block.code for block in read_blocks("README.md") if block.comment
    }
    assert set(marked) == {"annotate", "test"}
    assert all(code.startswith("python3 -m venv .venv && ") for code in marked.values())
    assert "pytest -W error" in marked["test"]
