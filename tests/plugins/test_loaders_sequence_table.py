import gzip
from pathlib import Path

import numpy as np
import pytest
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
    ],
)
def test_a_configuration_that_fits_no_table_is_refused(config, message):
    with pytest.raises(ValueError, match=message):
        SequenceTableConfig.model_validate({"path": "t.tsv", "target_columns": ["y"], **config})
