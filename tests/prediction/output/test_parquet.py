import numpy as np
import pytest
from pyarrow import parquet

from zoo.errors import OutputError
from zoo.genome.output import OutputFile
from zoo.prediction.output import columns
from zoo.prediction.output.parquet import convert_to_parquet, pack_rows
from zoo.prediction.output.rows import Rows

TYPES = {"position": "integer", "score": "float", "seen": "flag"}


def convert(tmp_path, *groups, names="contig position score seen", types=TYPES):
    kept, columns = tmp_path / "rows", names.split()
    rows = [Rows.split("".join(line.replace(" ", "\t") + "\n" for line in lines), columns) for lines in groups]
    packed = [pack_rows(each, types, "out.parquet") for each in rows]
    kept.write_bytes("\t".join(columns).encode() + b"\n" + b"".join(packed))
    with OutputFile(tmp_path / "out.parquet") as output:
        convert_to_parquet(kept, output, types)
        output.commit(whole=True)
    return parquet.ParquetFile(tmp_path / "out.parquet")


def test_columns_have_their_types_and_missing_values(tmp_path):
    table = convert(tmp_path, ["chr1 5 -0.25 1", "chr1 . . ."], [". 7 1e-30 0"]).read()
    assert [str(field.type) for field in table.schema] == ["string", "int64", "float", "bool"]
    assert table.to_pydict() == {
        "contig": ["chr1", "chr1", None],
        "position": [5, None, 7],
        "score": [-0.25, None, float(np.float32(1e-30))],
        "seen": [True, None, False],
    }


def test_every_float_of_nine_digits_comes_back(tmp_path):
    values = np.random.default_rng(1).integers(0, 0x7F800000, 5000, dtype=np.uint32).view(np.float32)
    rows = [f"chr1 1 {value:.9g} ." for value in values.tolist()]
    assert np.array_equal(convert(tmp_path, rows).read()["score"].to_numpy(), values)


def test_what_looks_like_another_type_stays_text(tmp_path):
    rows = ["NA", "", "1", '"a"', "true", "nan"]
    found = convert(tmp_path, [f"{row} {row}" for row in rows], names="a b", types={}).read()
    assert found["a"].to_pylist() == rows


def test_a_table_without_rows_has_its_columns(tmp_path):
    table = convert(tmp_path).read()
    assert (table.num_rows, table.column_names) == (0, ["contig", "position", "score", "seen"])


def test_the_same_table_gives_the_same_bytes(tmp_path):
    rows = [f"chr1 {position} 0.5 1" for position in range(1000)]
    convert(tmp_path, rows)
    first = (tmp_path / "out.parquet").read_bytes()
    convert(tmp_path, rows)
    assert (tmp_path / "out.parquet").read_bytes() == first


def test_rows_that_were_kept_together_are_written_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "_BYTES_OF_A_GROUP", 1000)
    parts = [[f"chr1 {position} 0.5 1" for position in range(first, first + 20)] for first in range(0, 200, 20)]
    file = convert(tmp_path, *parts)
    assert 1 < file.num_row_groups < 10
    assert file.read()["position"].to_pylist() == list(range(200))


def test_numbers_are_packed_without_a_dictionary(tmp_path):
    columns = convert(tmp_path, ["chr1 5 -0.25 1"]).metadata.row_group(0)
    encodings = {columns.column(place).path_in_schema: columns.column(place).encodings for place in range(4)}
    assert "RLE_DICTIONARY" in encodings["contig"]
    assert "RLE_DICTIONARY" not in encodings["score"]


def test_rows_that_were_damaged_meanwhile_are_told(tmp_path):
    kept, output = tmp_path / "rows", tmp_path / "out.parquet"
    packed = pack_rows(Rows({"contig": ["chr1"]}), {}, "out.parquet")
    zeros = packed[:8] + bytes(len(packed) - 8)
    for content in (packed[:5], packed[:-20], zeros, b"\xff" * 20, bytes(7) + b"\x20ARROW"):
        kept.write_bytes(b"contig\n" + content)
        with (
            pytest.raises(
                OutputError, match=r"out\.parquet: the rows that were kept till the end can't be read \(.+\); "
            ),
            OutputFile(output) as file,
        ):
            convert_to_parquet(kept, file, {})
        assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_a_cell_of_another_type_is_an_error(tmp_path):
    rows = {"chr1 five 0.5 1": "five", "chr1 5 high 1": "high", "chr1 5 0.5 yes": "yes", "chr1 1_0 1 1": "1_0"}
    for row, found in rows.items():
        expected = rf"out\.parquet: these rows can't be written as Parquet \(.*'{found}'.*\); write \.tsv"
        with pytest.raises(OutputError, match=expected):
            convert(tmp_path, [row])
    assert list(tmp_path.iterdir()) == []


def test_text_that_is_no_unicode_is_an_error(tmp_path):
    with pytest.raises(
        OutputError, match=r"out\.parquet: these rows can't be written as Parquet \('utf-8' codec can't"
    ):
        convert(tmp_path, ["chr1\udcff 5 0.5 1"])


def test_text_of_any_length_comes_back(tmp_path):
    texts = ["ÄÖ", "", "chr1", "染色体", ".", "a"]
    assert convert(tmp_path, texts, names="a", types={}).read()["a"].to_pylist() == [
        "ÄÖ",
        "",
        "chr1",
        "染色体",
        None,
        "a",
    ]


def test_numbers_that_never_were_text_are_the_same(tmp_path):
    values = np.array([1.5, np.nan, -0.0, 3e38], np.float32)
    spelled = Rows({"score": values}).spell()
    assert spelled == "1.5\n.\n0\n3.00000001e+38\n"
    kept = tmp_path / "rows"
    kept.write_bytes(b"score\n" + pack_rows(Rows({"score": values}), TYPES, "out.parquet"))
    with OutputFile(tmp_path / "numbers.parquet") as output:
        convert_to_parquet(kept, output, TYPES)
        output.commit(whole=True)

    numbers = parquet.read_table(tmp_path / "numbers.parquet")

    assert numbers == convert(tmp_path, spelled.split(), names="score").read()
    assert not np.signbit(numbers["score"].to_numpy()[2])
