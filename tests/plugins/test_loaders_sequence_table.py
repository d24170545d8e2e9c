import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from zoo_loaders.sequence_table import SEQUENCE_TABLE, SequenceTableConfig

from zoo import IUPAC, DataError, ExampleSet, decode
from zoo.testing.contract import check_data_loader


def load(folder: Path, text: str, name: str = "table.tsv", **config: object) -> ExampleSet:
    data = text.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    chosen = SequenceTableConfig.model_validate({"path": name, "target_columns": ["y"], **config})
    return SEQUENCE_TABLE.load(chosen, None, 0, folder)


def test_the_loader_keeps_the_contract(tmp_path):
    (tmp_path / "t.csv").write_text("sequence,y,z,contig,w\nACGT,1,NA,chr1,0.5\nNNNN,0,2,chr2,1\n", encoding="utf-8")
    config = SequenceTableConfig(path="t.csv", target_columns=("y", "z"), group_column="contig", weight_column="w")
    check_data_loader(SEQUENCE_TABLE, config, tmp_path)


@pytest.mark.parametrize("letter", IUPAC)
def test_every_nucleotide_letter_may_stand_in_a_sequence(tmp_path, letter):
    examples = load(tmp_path, f"sequence\ty\nA{letter}{letter.lower()}\t1\n")

    assert examples.sequences.shape == (1, 3)


@pytest.mark.parametrize(
    ("name", "separator"), [("t.tsv", "\t"), ("t.csv", ","), ("t.csv.gz", ","), ("t.tsv.gz", "\t")]
)
def test_a_table_is_read_by_its_columns_names(tmp_path, name, separator):
    rows = ["id sequence z contig y w", "a ACGT 2.5 chr1 1 1", "b ggnt -1 chr2 0 0.5"]
    text = "\n".join(row.replace(" ", separator) for row in rows)

    examples = load(
        tmp_path, text, name, target_columns=["y", "z"], group_column="contig", weight_column="w", id_column="id"
    )

    assert [decode(codes) for codes in examples.sequences] == ["ACGT", "GGNT"]
    assert examples.targets is not None
    assert examples.targets.tolist() == [[1, 2.5], [0, -1]]
    assert examples.tracks == ("y", "z")
    assert examples.ids == ("a", "b")
    assert examples.groups is not None
    assert examples.groups.tolist() == ["chr1", "chr2"]
    assert examples.weights is not None
    assert examples.weights.tolist() == [1, 0.5]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert len(load(tmp_path, "\ufeffsequence\ty\nACGT\t1\n")) == 1


def test_columns_without_a_header_are_numbers_from_one(tmp_path):
    examples = load(
        tmp_path, "0.5\tACGT\n1.5\tTTTT\n", header=False, sequence_column=2, target_columns=[1], tracks=["y"]
    )

    assert decode(examples.sequences[1]) == "TTTT"
    assert examples.targets is not None
    assert examples.targets.tolist() == [[0.5], [1.5]]
    assert examples.tracks == ("y",)
    assert examples.ids == ("line 1", "line 2")


def test_targets_can_stand_in_a_second_parallel_file(tmp_path):
    (tmp_path / "labels.txt").write_text("0\n1\n", encoding="utf-8")

    examples = load(
        tmp_path, "ACGT\nTTTT", "s.txt", targets_path="labels.txt", header=False, sequence_column=1, target_columns=[1]
    )

    assert examples.targets is not None
    assert examples.targets.tolist() == [[0], [1]]


def test_parallel_files_must_have_as_many_rows(tmp_path):
    (tmp_path / "labels.txt").write_text("0\n", encoding="utf-8")

    with pytest.raises(DataError, match=r"labels\.txt: expected 2 rows as in .*s\.txt, found 1"):
        load(tmp_path, "ACGT\nTTTT", "s.txt", targets_path="labels.txt", header=False, sequence_column=1,
             target_columns=[1])  # fmt: skip


@pytest.mark.parametrize("spelling", ["", "NA", "nan", "."])
def test_a_missing_target_is_nan(tmp_path, spelling):
    examples = load(tmp_path, f"sequence\ty\nACGT\t{spelling}\nTTTT\t1\n")

    assert examples.targets is not None
    assert np.isnan(examples.targets[0, 0])
    assert examples.targets[1, 0] == 1


@pytest.mark.parametrize(
    ("text", "config", "message"),
    [
        ("sequence\ty\nACGT\tone\n", {}, r"table\.tsv, line 2, column 'y': expected a number, found 'one'"),
        ("sequence\ty\nACGT\tinf\n", {}, r"line 2, column 'y': expected a number, found 'inf'"),
        ("sequence\ty\nACGT\t1\n\nAC-T\t1\n", {}, r"line 4, column 'sequence': expected nucleotide letters"),
        ("sequence\ty\nACGT\t1\nACG\t1\n", {}, r"line 3, column 'sequence': expected 4 bases as in line 2, found 3"),
        ("sequence\ty\nACGT\t1\t2\n", {}, r"line 2: expected 2 columns, found 3; the separator is the tab"),
        ("sequence\ty\n", {}, r"expected rows below a header, found none"),
        ("", {}, r"expected rows below a header, found none"),
        ("seqence\ty\nACGT\t1\n", {}, r"line 1: expected a column 'sequence'; did you mean 'seqence'\?"),
        ("sequence\ty\nACGT\t1\n", {"target_columns": [3]}, r"expected a column 3, found 2 columns"),
        ("sequence\ty\tw\nACGT\t1\t-1\n", {"weight_column": "w"}, r"column 'w': expected a weight of 0 or more"),
        ("sequence\ty\tw\nACGT\t1\tNA\n", {"weight_column": "w"}, r"column 'w': expected a number, found 'NA'"),
    ],
)
def test_a_fault_is_named_with_file_line_and_column(tmp_path, text, config, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, text, **config)


def test_a_file_that_is_missing_or_cut_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.tsv: can't be read"):
        SEQUENCE_TABLE.load(SequenceTableConfig(path="none.tsv", target_columns=("y",)), None, 0, tmp_path)
    (tmp_path / "cut.tsv.gz").write_bytes(gzip.compress(b"sequence\ty\nACGT\t1\n" * 50)[:-12])
    with pytest.raises(DataError, match=r"cut\.tsv\.gz: can't be read"):
        SEQUENCE_TABLE.load(SequenceTableConfig(path="cut.tsv.gz", target_columns=("y",)), None, 0, tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"header": False}, "column 'sequence' needs a header"),
        ({"target_columns": [0]}, "columns are counted from 1, found 0"),
        ({"target_columns": ["y", "z"], "tracks": ["y"]}, "2 target columns need as many tracks, found 1"),
        ({"files": [{"path": "u.tsv"}]}, "either path, or files, must be given"),
        ({"path": None}, "either path, or files, must be given"),
        ({"target": "bound"}, "either target_columns, or target, must be given"),
        ({"target_columns": []}, "either target_columns, or target, must be given"),
        ({"target_columns": [], "target": "bound"}, "say complete: false"),
        ({"path": None, "files": [{"path": "u.tsv"}], "complete": False}, "belong to each of the files"),
        ({"prefix": "AC-"}, r"prefix\n.*expected nucleotide letters, found 'AC-'"),
        ({"weight_column": "w", "error_column": "e"}, "only one can weigh the rows"),
        ({"extra": {"sequence": ["w"]}}, "expected a name other than 'sequence' and 'prediction'"),
        ({"extra": {"a b": ["w"]}}, "expected letters, digits and _, a letter first, found 'a b'"),
        ({"extra": {"atac": []}}, "at least one column for each input"),
        ({"target_columns": ["y", "z"], "tracks": ["a", "a"]}, "tracks: expected names that differ, found a, a"),
        ({"keep": {0: "a"}}, "columns are counted from 1, found 0"),
    ],
)
def test_a_configuration_that_fits_no_table_is_refused(config, message):
    with pytest.raises(ValueError, match=message):
        SequenceTableConfig.model_validate({"path": "t.tsv", "target_columns": ["y"], **config})


def test_rna_letters_and_flanks_make_one_dna_sequence(tmp_path):
    examples = load(tmp_path, "sequence\ty\nacgu\t1\n", prefix="TTu", suffix="gg")

    assert decode(examples.sequences[0]) == "TTTACGTGG"


@pytest.mark.parametrize(
    ("side", "rows"),
    [
        ("left", ["TNNAC", "TGGGG", "TNGGG"]),
        ("right", ["TACNN", "TGGGG", "TGGGN"]),
        ("centre", ["TNACN", "TGGGG", "TGGGN"]),
    ],
)
def test_shorter_sequences_are_filled_up_inside_the_flanks(tmp_path, side, rows):
    examples = load(tmp_path, "sequence\ty\nAC\t1\nGGGG\t1\nGGG\t0\n", pad=side, prefix="T")

    assert [decode(codes) for codes in examples.sequences] == rows
    assert examples.notes == (f"2 sequences were padded to 4 bases ({side})",)


def test_a_standard_error_becomes_a_weight(tmp_path):
    text = "sequence\ty\tse\nACGT\t1\t0.5\nTTTT\t0\t2\n"

    assert load(tmp_path, text, error_column="se").weights.tolist() == [4, 0.25]
    assert load(tmp_path, text, error_column="se", noise=2).weights == pytest.approx([1 / 4.25, 1 / 8])
    with pytest.raises(DataError, match="line 2, column 'se': expected a standard error above 0, found '0'"):
        load(tmp_path, "sequence\ty\tse\nACGT\t1\t0\n", error_column="se")
    tiny = "sequence\ty\tse\nACGT\t1\t1e-30\n"
    with pytest.raises(
        DataError, match=r"line 2, column 'se': expected a standard error of at least 3\.2e-08, or noise"
    ):
        load(tmp_path, tiny, error_column="se")
    assert load(tmp_path, tiny, error_column="se", noise=2).weights.tolist() == [0.25]


def test_rows_are_kept_and_dropped_by_their_values(tmp_path):
    text = "sequence\ty\tsubset\tn\nAAAA\t1\tnative\t1\nCCCC\t2\trandom\t2\nGGGG\t3\tdrift\t1\n"

    kept = load(tmp_path, text, keep={"subset": ["native", "random"]}, drop={"n": 2}, group_column="subset")

    assert [decode(codes) for codes in kept.sequences] == ["AAAA"]
    assert kept.groups.tolist() == ["native"]
    assert kept.ids == ("line 2",)
    assert kept.notes == ("2 rows were left out by keep and drop",)
    with pytest.raises(DataError, match=r"table\.tsv: expected rows that keep and drop allow, found none"):
        load(tmp_path, text, keep={"subset": "nativ"})
    with pytest.raises(DataError, match="expected a column 'subst'; did you mean 'subset'"):
        load(tmp_path, text, keep={"subst": "native"})


def test_a_file_of_positives_stands_beside_a_labelled_one(tmp_path):
    (tmp_path / "train.tsv").write_text("sequence\ty\nAAAA\t1\n", encoding="utf-8")
    (tmp_path / "test.csv").write_text("y,sequence\n0,CCCC\n1,GGGG\n", encoding="utf-8")
    files = [{"path": "train.tsv", "group": "train", "complete": False}, {"path": "test.csv", "group": "test"}]
    config = SequenceTableConfig.model_validate({"files": files, "target_columns": ["y"]})

    examples = SEQUENCE_TABLE.load(config, None, 0, tmp_path)

    assert examples.complete.tolist() == [False, True, True]
    assert examples.groups.tolist() == ["train", "test", "test"]
    assert examples.targets.tolist() == [[1], [0], [1]]
    assert examples.ids == ("train.tsv line 2", "test.csv line 2", "test.csv line 3")
    check_data_loader(SEQUENCE_TABLE, config, tmp_path)


def test_positives_need_no_column_of_targets(tmp_path):
    examples = load(tmp_path, "sequence\nACGT\nTTTT\n", target_columns=[], target="bound", complete=False)

    assert examples.complete is False
    assert examples.targets.tolist() == [[1], [1]]
    assert examples.tracks == ("bound",)
    with pytest.raises(DataError, match="line 2, column 'y': expected a positive, as complete: false says"):
        load(tmp_path, "sequence\ty\nACGT\t0\n", complete=False)


def test_further_inputs_are_vectors_of_columns(tmp_path):
    text = "sequence\ty\ta\tb\nACGT\t1\t0.5\t-1\nTTTT\t0\t2\t3\n"

    examples = load(tmp_path, text, extra={"second": ["b"], "first": ["b", "a"]})

    assert {name: values.tolist() for name, values in examples.extra.items()} == {
        "second": [[-1], [3]],
        "first": [[-1, 0.5], [3, 2]],
    }
    with pytest.raises(DataError, match="line 2, column 'a': expected a number, found 'NA'"):
        load(tmp_path, "sequence\ty\ta\nACGT\t1\tNA\n", extra={"atac": ["a"]})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a", "y"], "column 'y' is an input and a target: leave it out of one"),
        ([2], "column 'y' is an input and a target"),
        (["e"], "column 'e' is an input and the standard error"),
        (["c"], "column 'c' is an input and the group"),
        (["a", 3], "column 'a' is named twice as an input"),
    ],
)
def test_an_input_is_neither_named_twice_nor_has_another_part(tmp_path, columns, message):
    text = "sequence\ty\ta\te\tc\nACGT\t1\t2\t3\t4\n"

    with pytest.raises(DataError, match=rf"table\.tsv: {message}"):
        load(tmp_path, text, extra={"atac": columns}, error_column=4, group_column="c")


def test_an_input_may_be_called_as_a_target_in_a_table_of_its_own(tmp_path):
    (tmp_path / "labels.tsv").write_text("y\n0\n", encoding="utf-8")

    examples = load(tmp_path, "sequence\ty\nACGT\t5\n", targets_path="labels.tsv", extra={"before": ["y"]})

    assert examples.extra["before"].tolist() == [[5]]
    with pytest.raises(DataError, match="column 'y' is an input and a target"):
        load(tmp_path, "sequence\ty\nACGT\t5\n", targets_path="table.tsv", extra={"before": ["y"]})


def test_parquet_is_read_like_a_text(tmp_path):
    frame = pd.DataFrame({"sequence": ["ACGT", "TTTT"], "y": [0.5, None], "bound": [True, False]})
    frame.to_parquet(tmp_path / "t.parquet")
    config = SequenceTableConfig(path="t.parquet", target_columns=("y", "bound"))

    examples = SEQUENCE_TABLE.load(config, None, 0, tmp_path)

    np.testing.assert_array_equal(examples.targets, [[0.5, 1], [np.nan, 0]])
    assert examples.ids == ("row 1", "row 2")
    frame.assign(sequence=["ACGT", "AC-T"]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t\.parquet, row 2, column 'sequence': expected nucleotide letters"):
        SEQUENCE_TABLE.load(config, None, 0, tmp_path)
    (tmp_path / "t.parquet").write_bytes(b"no such thing")
    with pytest.raises(DataError, match=r"t\.parquet: can't be read"):
        SEQUENCE_TABLE.load(config, None, 0, tmp_path)


def test_a_stream_gives_the_same_rows_in_pieces(tmp_path):
    letters = np.random.default_rng(0).choice(list("ACGT"), (9000, 6))
    rows = [f"{''.join(row)}\t{number}" for number, row in enumerate(letters)]
    whole = load(tmp_path, "sequence\ty\n" + "\n".join(rows), drop={"y": 17})
    config = SequenceTableConfig(path="table.tsv", target_columns=("y",), drop={"y": (17,)})

    pieces = list(SEQUENCE_TABLE.stream(config, None, 0, tmp_path))

    assert [len(piece) for piece in pieces] == [4095, 4096, 808]
    np.testing.assert_array_equal(np.concatenate([piece.sequences for piece in pieces]), whole.sequences)
    np.testing.assert_array_equal(np.concatenate([piece.targets for piece in pieces]), whole.targets)
    assert [piece.notes for piece in pieces] == [(), (), ("1 rows were left out by keep and drop",)]


def test_parallel_files_are_filtered_together(tmp_path):
    (tmp_path / "y.tsv").write_text("y\n1\n2\n3\n", encoding="utf-8")

    examples = load(tmp_path, "sequence\tset\nAA\ta\nCC\tb\nGG\ta\n", targets_path="y.tsv", keep={"set": "a"})

    assert examples.targets.tolist() == [[1], [3]]
    assert [decode(codes) for codes in examples.sequences] == ["AA", "GG"]


def test_a_column_that_stands_there_twice_is_refused(tmp_path):
    with pytest.raises(DataError, match="expected one column 'y', found 2"):
        load(tmp_path, "sequence\ty\ty\nACGT\t1\t2\n")


def test_tables_that_measure_different_things_give_tracks_of_their_own(tmp_path):
    (tmp_path / "a.tsv").write_text("sequence\tvalue\nACGT\t1\nCCCC\t2\n", encoding="utf-8")
    (tmp_path / "b.tsv").write_text("sequence\tvalue\nACGT\t3\n", encoding="utf-8")
    config = {
        "files": [{"path": "a.tsv", "tracks": ["complex"]}, {"path": "b.tsv", "tracks": ["defined"]}],
        "target_columns": ["value"],
    }

    examples = SEQUENCE_TABLE.load(SequenceTableConfig.model_validate(config), None, 0, tmp_path)

    nan = float("nan")
    assert examples.tracks == ("complex", "defined")
    np.testing.assert_array_equal(examples.targets, [[1, nan], [2, nan], [nan, 3]])


@pytest.mark.parametrize(
    "change", [{"files": [{"path": "a", "tracks": ["x"]}, {"path": "b"}]}, {"tracks": ["x"]}], ids=["one file", "twice"]
)
def test_either_every_file_names_its_tracks_or_none(change):
    config = {"files": [{"path": "a", "tracks": ["x"]}], "target_columns": ["value"], **change}

    with pytest.raises(ValidationError, match="expected a name for each target column in every file, and none above"):
        SequenceTableConfig.model_validate(config)


def test_a_number_that_no_float32_holds_is_named(tmp_path):
    with pytest.raises(DataError, match="line 3, column 'y': expected a number, found '1e39'"):
        load(tmp_path, "sequence\ty\nACGT\t3e38\nTTTT\t1e39\n")


def test_two_tracks_of_one_name_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"table\.tsv: expected tracks of names that differ, found 'y' twice"):
        load(tmp_path, "sequence\ty\nACGT\t1\n", target_columns=["y", "y"])
