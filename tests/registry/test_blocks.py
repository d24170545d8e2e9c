"""Where a text is cut into models, and where it is left whole."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.registry.made_indexes import INDEXES
from zoo.registry import blocks
from zoo.registry.blocks import cut, find_block
from zoo.registry.writing import format_registry

HEAD = "schema_version: 2\nmodels:\n"


def list_blocks(text):
    return [(block.name, text[block.start : block.end]) for block in cut(text).blocks]


def test_a_block_is_a_name_and_all_that_stands_further_right():
    text = f"{HEAD}  a:\n    x: 1\n  b-1:\n    y:\n    - 2\n"
    assert list_blocks(text) == [("a", "  a:\n    x: 1\n"), ("b-1", "  b-1:\n    y:\n    - 2\n")]


def test_comments_and_empty_lines_between_models_are_no_models_own():
    text = f"# ours\n\n{HEAD}  # first\n  a:\n    x: 1\n    # of x\n\n  # on b\n# too\n  b: # here\n    y: 2\n\n# end\n"
    assert list_blocks(text) == [("a", "  a:\n    x: 1\n    # of x\n"), ("b", "  b: # here\n    y: 2\n")]


def test_the_number_of_the_schema_is_found():
    found = cut(f"# 7\n---\n{HEAD}  a:\n    x: 1\n")
    start, end = found.schema
    assert found.text[start:end] == "2"
    assert found.find("a").name == "a"
    assert found.find("b") is None


@pytest.mark.parametrize(
    "block",
    [
        "    x: 'it''s #1'\n",
        '    x: "two\n      lines"\n',
        "    x: {y: [1, 2],\n  # a comment\n      z: 3}\n",
        "    x: |\n      # no comment\n\n      text\n",
        "    x: >+\n      text\n\n\n",
        "    x: rock & roll, 2 * 3\n",
        "   x: 1\n",
        "    # it's\n    x: 1\n",
    ],
)
def test_what_a_block_holds_does_not_matter_while_it_stays_within(block):
    assert [found.name for found in cut(f"{HEAD}  a:\n{block}  b:\n    y: 2\n").blocks] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD,
        "schema_version: 2\nmodels: {}\n",
        f"{HEAD}  A:\n    x: 1\n",
        f"{HEAD}  a: 1\n",
        f"{HEAD}  - a\n",
        f"{HEAD}    a:\n      x: 1\n",
        f"{HEAD}    x: 1\n  a:\n    x: 1\n",
        f"{HEAD}  a:\n    x: 1\nmore: 1\n",
        f"{HEAD}  a:\n    x: 1\n  a:\n    x: 2\n",
        f"{HEAD}  no:\n    x: 1\n",
        f"{HEAD}  2001-01-01:\n    x: 1\n",
        f"{HEAD}  a:\n    x: &one 1\n",
        f"{HEAD}  a:\n    x: *one\n",
        f'{HEAD}  a:\n    x: "\n  b:\n    y: "\n',
        f'{HEAD}  a:\n    x: "two\nlines"\n',
        f'{HEAD}  a:\n    x: "two\n  # lines"\n  b:\n    y: 2\n',
        f'{HEAD}  a:\n    x: "two\n# lines"\n',
        f"{HEAD}  a:\n    x: {{\n  b:\n    y: }}\n",
        f"{HEAD}  a:\n    x: 'open\n",
        f"{HEAD}  a:\n\tx: 1\n",
        f"{HEAD}  a:\n    x: 1\r  b:\n    y: 1\n",
        f"{HEAD}  a:\n    x: |\n      text without a line end",
        f"%YAML 1.1\n---\n{HEAD}  a:\n    x: 1\n",
        "models:\n  a:\n    x: 1\nschema_version: 2\n",
    ],
)
def test_where_anything_is_in_doubt_the_text_is_left_whole(text):
    assert cut(text) is None


@pytest.mark.parametrize("name", ["'no'", '"123"', "'a'"])
def test_a_name_may_stand_in_quotes(name):
    assert [block.name for block in cut(f"{HEAD}  {name}:\n    x: 1\n").blocks] == [name[1:-1]]


@given(INDEXES, st.integers(1, 200))
@settings(max_examples=50)
def test_a_block_is_found_without_the_text_that_follows_it(index, part):
    text = format_registry(index)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_PART", part)
        for name in index.models:
            block = cut(text).find(name)
            assert find_block(io.BytesIO(text.encode()), name) == text[block.start : block.end]
        assert find_block(io.BytesIO(text.encode()), "not-there") is None


def test_a_block_that_is_too_long_is_not_looked_for(monkeypatch):
    monkeypatch.setattr(blocks, "_PART", 8)
    monkeypatch.setattr(blocks, "_LONGEST", 40)
    text = f"{HEAD}  a:\n    x: 1\n  b:\n    y: {'2' * 60}\n  c:\n    z: 3\n".encode()
    assert [find_block(io.BytesIO(text), name) for name in "abc"] == ["  a:\n    x: 1\n", None, "  c:\n    z: 3\n"]
