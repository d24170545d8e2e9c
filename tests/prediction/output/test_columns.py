import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from zoo.prediction.output import columns
from zoo.prediction.output.columns import ParquetFile, make_column, make_text, make_typed


@pytest.mark.parametrize("count", [0, 1, 8, 19])
def test_numbers_that_are_missing_are_null(count):
    values = np.arange(count, dtype=np.float32)
    values[3::5] = np.nan
    expected = [None if number % 5 == 3 else float(number) for number in range(count)]
    found = make_column(values)
    found.validate(full=True)
    assert found.to_pylist() == expected
    assert make_column(np.stack([values, values], axis=1)[:, 1]).to_pylist() == expected


def test_whole_numbers_stay_so():
    found = make_column(np.arange(5))
    found.validate(full=True)
    assert (found.type, found.to_pylist()) == (pa.int64(), [0, 1, 2, 3, 4])


def test_letters_are_text_of_one_letter_each():
    found = make_text("ACGTN")
    found.validate(full=True)
    assert (found.type, found.to_pylist()) == (pa.string(), list("ACGTN"))
    assert make_text("").to_pylist() == []


def test_only_text_has_a_dictionary(tmp_path):
    table = pa.table({"a.b": make_text("AC"), "score": make_column(np.ones(2, np.float32))})
    with ParquetFile(tmp_path / "a.parquet", table.schema) as written:
        written.add(table)

    file = parquet.ParquetFile(tmp_path / "a.parquet")
    both = [file.metadata.row_group(0).column(place) for place in range(2)]
    assert [column.has_dictionary_page for column in both] == [True, False]
    assert file.read() == table


def test_rows_are_written_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "_BYTES_OF_A_GROUP", 100)
    table = pa.table({"score": make_column(np.arange(20, dtype=np.float32))})
    with ParquetFile(tmp_path / "a.parquet", table.schema) as written:
        for _ in range(3):
            written.add(table)

    file = parquet.ParquetFile(tmp_path / "a.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [40, 20]
    assert file.read() == pa.concat_tables([table] * 3)


def test_nothing_is_null_where_there_are_to_be_no_nulls():
    found = make_column(np.array([1, np.nan], np.float32), nulls=False)
    assert found.null_count == 0
    assert np.isnan(found.to_numpy()[1])
    assert make_text(["a", "."], nulls=False).to_pylist() == ["a", "."]


def test_columns_are_made_without_pandas():
    code = """
import sys
import numpy as np
from zoo.prediction.output import columns
from zoo.prediction.output.columns import make_column, make_text
make_column(np.ones(3, np.float32)), make_text("ACG")
assert "pyarrow" in sys.modules and "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_columns_have_the_type_that_is_asked_for():
    found = {
        kind: make_typed(texts, kind)
        for kind, texts in {
            "text": ["a", "."],
            "integer": [".", "-5"],
            "float": ["2.5", "."],
            "flag": ["1", "0"],
        }.items()
    }
    for array in found.values():
        array.validate(full=True)
    assert {kind: (str(array.type), array.to_pylist()) for kind, array in found.items()} == {
        "text": ("string", ["a", None]),
        "integer": ("int64", [None, -5]),
        "float": ("float", [2.5, None]),
        "flag": ("bool", [True, False]),
    }


@pytest.mark.parametrize(
    ("kind", "text"),
    [("integer", "1.5"), ("integer", "1_0"), ("integer", " 7"), ("float", "x"), ("flag", "true"), ("text", "\udcff")],
)
def test_a_text_of_another_type_is_an_error(kind, text):
    with pytest.raises(ValueError, match=r"1\.5|1_0|' 7'|'x'|'true'|udcff"):
        make_typed([text], kind)


def test_numbers_that_are_none_are_null_and_those_too_large_infinite():
    assert make_typed(["nan", "1e39"], "float").to_pylist() == [None, np.inf]
