import numpy as np
import pytest
from pyarrow import parquet

from zoo.errors import OutputError
from zoo.genome.bgzf import EOF_MARKER, pack
from zoo.genome.output import OutputFile
from zoo.prediction.output import parquet as module
from zoo.prediction.output.parquet import convert_to_parquet

TYPES = {"position": "integer", "score": "float", "seen": "flag"}


def convert(tmp_path, *rows, names="contig position score seen", types=TYPES):
    text = tmp_path / "rows.gz"
    lines = [names, *rows]
    text.write_bytes(pack("".join(line.replace(" ", "\t") + "\n" for line in lines).encode()) + EOF_MARKER)
    with OutputFile(tmp_path / "out.parquet") as output:
        convert_to_parquet(text, output, types)
        output.commit(whole=True)
    return parquet.ParquetFile(tmp_path / "out.parquet")


def test_columns_have_their_types_and_missing_values(tmp_path):
    table = convert(tmp_path, "chr1 5 -0.25 1", "chr1 . . .", ". 7 1e-30 0").read()
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
    assert np.array_equal(convert(tmp_path, *rows).read()["score"].to_numpy(), values)


def test_what_looks_like_another_type_stays_text(tmp_path):
    rows = ["NA", "", "1", '"a"', "true", "nan"]
    found = convert(tmp_path, *(f"{row} {row}" for row in rows), names="a b", types={}).read()
    assert found["a"].to_pylist() == rows


def test_a_table_without_rows_has_its_columns(tmp_path):
    table = convert(tmp_path).read()
    assert (table.num_rows, table.column_names) == (0, ["contig", "position", "score", "seen"])


def test_the_same_table_gives_the_same_bytes(tmp_path):
    rows = [f"chr1 {position} 0.5 1" for position in range(1000)]
    convert(tmp_path, *rows)
    first = (tmp_path / "out.parquet").read_bytes()
    convert(tmp_path, *rows)
    assert (tmp_path / "out.parquet").read_bytes() == first


def test_rows_are_written_a_group_after_the_other_whatever_their_length(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BYTES_OF_A_GROUP", 50)
    # Text is packed in blocks of 65,280 bytes, which rows straddle, one of them two.
    rows = [f"{'A' * (150_000 if position == 20 else 3)} {position} 0.5 1" for position in range(30_000)]
    file = convert(tmp_path, *rows)
    assert file.num_row_groups > 3
    assert file.read()["position"].to_pylist() == list(range(30_000))
    assert file.read()["contig"].to_pylist() == [row.split(" ")[0] for row in rows]


def test_numbers_are_packed_without_a_dictionary(tmp_path):
    columns = convert(tmp_path, "chr1 5 -0.25 1").metadata.row_group(0)
    encodings = {columns.column(place).path_in_schema: columns.column(place).encodings for place in range(4)}
    assert "RLE_DICTIONARY" in encodings["contig"]
    assert "RLE_DICTIONARY" not in encodings["score"]


def test_rows_that_were_damaged_meanwhile_are_told(tmp_path):
    text, output = tmp_path / "rows.gz", tmp_path / "out.parquet"
    packed = bytearray(pack(b"contig\nchr1\n"))
    packed[-8] ^= 1
    text.write_bytes(packed)
    with (
        pytest.raises(OutputError, match=r"out\.parquet: the rows that were kept till the end can't be read \(the "),
        OutputFile(output) as file,
    ):
        convert_to_parquet(text, file, {})
    assert [path.name for path in tmp_path.iterdir()] == ["rows.gz"]


def test_a_cell_of_another_type_is_an_error(tmp_path):
    expected = r"out\.parquet: these rows can't be written as Parquet \(.*'five'.*\); write \.tsv"
    with pytest.raises(OutputError, match=expected):
        convert(tmp_path, "chr1 five 0.5 1")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.gz"]
