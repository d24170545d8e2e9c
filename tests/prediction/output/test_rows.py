import numpy as np

from zoo.prediction.output.rows import Rows


def test_rows_are_lines_of_cells_between_tabs():
    rows = Rows({"contig": ["chr1", "chr2"], "score": np.array([0.1, np.nan], np.float32)})
    assert rows.spell() == "chr1\t0.100000001\nchr2\t.\n"


def test_lines_are_rows_whatever_else_breaks_lines():
    text = "a\x0bb\t1\nc\x85d\t.\n"
    rows = Rows.split(text, ["name", "score"])
    assert {name: list(column) for name, column in rows.columns.items()} == {
        "name": ["a\x0bb", "c\x85d"],
        "score": ["1", "."],
    }
    assert rows.spell() == text


def test_no_lines_are_no_rows():
    rows = Rows.split("", ["name", "score"])
    assert list(rows.columns) == ["name", "score"]
    assert rows.spell() == ""
