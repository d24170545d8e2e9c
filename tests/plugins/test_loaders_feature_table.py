import numpy as np
import pandas as pd
import pytest
from zoo_loaders.feature_table import FEATURE_TABLE, FeatureTableConfig

from zoo import DataError
from zoo.testing.contract import check_data_loader

TEXT = "id,gc,contig,length,y,w\na,0.5,chr1,10,1,2\nb,0.25,chr2,-3,NA,1\n"


def load(folder, text, path="t.csv", **config):
    (folder / path).write_text(text, encoding="utf-8")
    chosen = FeatureTableConfig.model_validate({"path": path, "target_columns": ["y"], **config})
    return FEATURE_TABLE.load(chosen, None, 0, folder)


def test_columns_of_numbers_are_features_unless_they_have_another_part(tmp_path):
    examples = load(tmp_path, TEXT, group_column="contig", weight_column="w", id_column="id")

    assert examples.sequences.shape == (2, 0)
    assert examples.extra["features"].tolist() == [[0.5, 10], [0.25, -3]]
    np.testing.assert_array_equal(examples.targets, [[1], [np.nan]])
    assert examples.groups.tolist() == ["chr1", "chr2"]
    assert examples.weights.tolist() == [2, 1]
    assert examples.ids == ("a", "b")
    assert examples.notes == ()


def test_columns_without_numbers_are_left_out_and_told(tmp_path):
    examples = load(tmp_path, TEXT)

    assert examples.extra["features"].tolist() == [[0.5, 10, 2], [0.25, -3, 1]]
    assert examples.notes == ("columns that hold no numbers were left out: id, contig",)
    assert examples.ids == ("line 2", "line 3")


def test_features_may_be_chosen_and_named(tmp_path):
    examples = load(tmp_path, TEXT, feature_columns=["w", 2], name="chromatin", tracks=["bound"])

    assert examples.extra["chromatin"].tolist() == [[2, 0.5], [1, 0.25]]
    assert examples.tracks == ("bound",)


def test_the_loader_keeps_the_contract(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT, encoding="utf-8")
    config = FeatureTableConfig(path="t.csv", target_columns=("y",), group_column="contig", weight_column="w")
    check_data_loader(FEATURE_TABLE, config, tmp_path)


def test_tables_may_be_tsv_parquet_or_without_a_header(tmp_path):
    frame = pd.DataFrame({"gc": [0.5, 0.25], "y": [1, 0]})
    frame.to_parquet(tmp_path / "t.parquet")

    parquet = FEATURE_TABLE.load(FeatureTableConfig(path="t.parquet", target_columns=("y",)), None, 0, tmp_path)
    tab = load(tmp_path, "gc\ty\n0.5\t1\n0.25\t0\n", "t.tsv")
    bare = load(tmp_path, "0.5\t1\n0.25\t0\n", "t.txt", header=False, target_columns=[2], tracks=["y"])

    for examples in (parquet, tab, bare):
        assert examples.extra["features"].tolist() == [[0.5], [0.25]]
        assert examples.targets.tolist() == [[1], [0]]
        assert examples.tracks == ("y",)


def test_missing_features_are_an_error_or_zero(tmp_path):
    text = "a,b,y\n1,NA,1\nNA,2,0\n"

    with pytest.raises(DataError, match=r"t\.csv, line 3, column 'a': expected a number, found 'NA'"):
        load(tmp_path, text)
    examples = load(tmp_path, text, missing_features="zero")
    assert examples.extra["features"].tolist() == [[1, 0], [0, 2]]
    assert examples.notes == ("2 missing features were set to 0",)


@pytest.mark.parametrize(
    ("text", "config", "message"),
    [
        ("a,y\n1,2,3\n", {}, r"t\.csv, line 2: expected 2 columns, found 3; the separator is the comma"),
        ("a,y\nx,1\n", {}, r"t\.csv: expected columns of numbers beside the targets, found none"),
        ("a,y\nx,1\n", {"feature_columns": ["a"]}, r"t\.csv, line 2, column 'a': expected a number, found 'x'"),
        ("a,y\n1,x\n", {}, r"t\.csv, line 2, column 'y': expected a number, found 'x'"),
        ("a,z\n1,1\n", {}, r"t\.csv, line 1: expected a column 'y'"),
        ("a,y\n", {}, r"t\.csv: expected rows below a header, found none"),
        ("a,y,w\n1,1,-1\n", {"weight_column": "w"}, "column 'w': expected a weight of 0 or more, found '-1'"),
        ("a,y,w\n1,1,1e16\n", {"weight_column": "w"}, r"column 'w': expected a weight of at most 1e\+15, found '1e16'"),
    ],
)
def test_a_fault_is_named_with_file_line_and_column(tmp_path, text, config, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, text, **config)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["gc", "y"], "column 'y' is an input and a target: leave it out of one"),
        (["gc", 5], "column 'y' is an input and a target"),
        ([6], "column 'w' is an input and the weight"),
        (["contig"], "column 'contig' is an input and the group"),
        (["gc", "length", 2], "column 'gc' is named twice as an input"),
        (["gc", "gc"], "column 'gc' is named twice as an input"),
    ],
)
def test_a_feature_is_neither_named_twice_nor_has_another_part(tmp_path, features, message):
    with pytest.raises(DataError, match=rf"t\.csv: {message}"):
        load(tmp_path, TEXT, feature_columns=features, group_column=3, weight_column="w")


@pytest.mark.parametrize("wrong", ["inf", "-inf", "1e39", "NAN"])
def test_a_column_of_numbers_with_one_that_is_none_is_an_error_and_not_left_out(tmp_path, wrong):
    with pytest.raises(DataError, match=rf"t\.csv, line 3, column 'a': expected a number, found '{wrong}'"):
        load(tmp_path, f"a,b,y\n1,2,3\n{wrong},2,3\n")


@pytest.mark.parametrize("wrong", ["1_0", "\u0661\u0662"])
def test_what_only_python_takes_for_a_number_is_none(tmp_path, wrong):
    with pytest.raises(DataError, match=r"t\.csv, line 2, column 'y': expected a number"):
        load(tmp_path, f"a,y\n1,{wrong}\n")
    assert load(tmp_path, f"a,b,y\n{wrong},2,3\n").notes == ("columns that hold no numbers were left out: a",)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"target_columns": []}, "at least 1 item"),
        ({"feature_columns": [0]}, "columns are counted from 1, found 0"),
        ({"header": False}, "column 'y' needs a header"),
        ({"tracks": ["a", "b"]}, "1 target columns need as many tracks, found 2"),
        ({"name": "sequence"}, "expected a name other than 'sequence' and 'prediction'"),
    ],
)
def test_a_configuration_that_fits_no_table_is_refused(config, message):
    with pytest.raises(ValueError, match=message):
        FeatureTableConfig.model_validate({"path": "t.csv", "target_columns": ["y"], **config})


def test_features_are_the_same_columns_in_every_piece(tmp_path):
    # Column b looks like numbers in the first piece alone.
    rows = [f"{number},{number if number < 4096 else 'x'},1" for number in range(5000)]

    with pytest.raises(DataError, match="line 4098, column 'b': expected a number, found 'x'"):
        load(tmp_path, "a,b,y\n" + "\n".join(rows))
