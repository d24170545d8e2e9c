"""A table that goes to a program has a line for each row, whatever its cells hold."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.cli import tables
from zoo.cli.tables import print_table

TABLES = st.integers(1, 3).flatmap(
    lambda width: st.lists(
        st.lists(st.text("ab |\t\n\u00e9\u00a0\x1b\u2028", max_size=4), min_size=width, max_size=width),
        min_size=1,
        max_size=4,
    )
)


@pytest.mark.parametrize(
    ("cell", "printed"),
    [
        ("one word|two words", "one word|two words"),
        (" at the ends ", "at the ends"),
        ("a  few   spaces", "a few spaces"),
        ("a\ttab and\na line", "a tab and a line"),
        ("a | b", "a | b"),
        ("red\x1b[31m", "red\\x1b[31m"),
        ("été", "été"),
        ("", ""),
    ],
)
def test_a_cell_is_one_line_of_words(capsys, cell, printed):
    print_table(["first", "second"], [["plain", cell], ["", "plain"]])
    assert capsys.readouterr().out == f"first\tsecond\nplain\t{printed}\n\tplain\n"


def print_lines(columns, rows):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        print_table(columns, rows)
    return printed.getvalue().split("\n")


@given(TABLES, st.integers(1, 5))
def test_a_cell_is_printed_as_if_it_stood_alone(rows, slice_length):
    columns = ["c"] * len(rows[0])
    expected = ["\t".join([print_lines(["c"], [[cell]])[1] for cell in row]) for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_SLICE", slice_length)
        assert print_lines(columns, rows) == ["\t".join(columns), *expected, ""]


def test_a_table_without_rows_is_its_columns(capsys):
    print_table(["first", "second"], [])
    assert capsys.readouterr().out == "first\tsecond\n"
