import gzip

import pytest
from zoo_loaders.labelled_fasta import LABELLED_FASTA, LabelledFastaConfig

from zoo import DataError, decode
from zoo.errors import FastaError
from zoo.testing.contract import check_data_loader

TEXT = ">a|1|training\nACGT\n>b|0|testing\nTT\nuu\n"


def load(folder, text, **config):
    (folder / "set.fa").write_text(text, encoding="utf-8")
    return LABELLED_FASTA.load(LabelledFastaConfig.model_validate({"path": "set.fa", **config}), None, 0, folder)


def test_a_header_gives_id_label_and_part(tmp_path):
    examples = load(tmp_path, TEXT, target="promoter")

    assert examples.ids == ("a", "b")
    assert examples.targets.tolist() == [[1], [0]]
    assert examples.tracks == ("promoter",)
    assert examples.groups.tolist() == ["training", "testing"]
    assert [decode(codes) for codes in examples.sequences] == ["ACGT", "TTTT"]
    check_data_loader(LABELLED_FASTA, LabelledFastaConfig(path="set.fa"), tmp_path)


def test_a_file_may_be_gzip_and_an_id_may_hold_the_sign(tmp_path):
    (tmp_path / "set.fa.gz").write_bytes(gzip.compress(b">gi|7 of chr1| 2.5 |testing\nACGT\n"))

    examples = LABELLED_FASTA.load(LabelledFastaConfig(path="set.fa.gz"), None, 0, tmp_path)

    assert examples.ids == ("gi|7 of chr1",)
    assert examples.targets.tolist() == [[2.5]]


@pytest.mark.parametrize(("first", "labels"), [(0, "0 2 enhancer"), (1, "1 3 enhancer")])
def test_classes_become_a_track_each(tmp_path, first, labels):
    text = "".join(f">r|{label}|training\nACGT\n" for label in labels.split())

    examples = load(tmp_path, text, classes=["none", "promoter", "enhancer"], first_class=first)

    assert examples.tracks == ("none", "promoter", "enhancer")
    assert examples.targets.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]


@pytest.mark.parametrize(
    ("text", "config", "message"),
    [
        (">a|1|training\nACGT\n>b 0 testing\nACGT\n", {},
         r"set\.fa, record 2: expected a header id\|label\|training or id\|label\|testing, found 'b 0 testing'$"),
        (">|1|training\nACGT\n", {}, r"record 1: expected a header id"),
        (">a|1|train\nACGT\n", {}, r"record 1 \(a\): expected 'training' or 'testing' after .* found 'train'$"),
        (">a|yes|training\nACGT\n", {}, "record 1: expected a number as label, found 'yes'; name the classes"),
        (">a|nan|training\nACGT\n", {}, "record 1: expected a number as label, found 'nan'"),
        (">a|2|training\nACGT\n", {"classes": ["x", "y"]}, "record 1: expected a label of x, y, or 0 to 1, found '2'"),
        (">a|1|training\nACGT\n>b|1|testing\nACG\n", {}, r"record 2 \(b\): expected 4 bases as in record 1, found 3"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_record(tmp_path, text, config, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, text, **config)


def test_what_is_no_fasta_is_named(tmp_path):
    with pytest.raises(FastaError, match=r"set\.fa, line 1: expected a header"):
        load(tmp_path, "ACGT\n")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"classes": ["a"]}, "at least 2 items"),
        ({"classes": ["a", "a"]}, "two have one name"),
        ({"classes": ["a", "b"], "target": "t"}, "leave it out beside classes"),
    ],
)
def test_a_configuration_that_says_two_things_is_refused(config, message):
    with pytest.raises(ValueError, match=message):
        LabelledFastaConfig.model_validate({"path": "set.fa", **config})


def test_a_stream_is_cut_into_pieces(tmp_path):
    load(tmp_path, "".join(f">r{number}|1|training\nAC\n" for number in range(5000)))

    pieces = list(LABELLED_FASTA.stream(LabelledFastaConfig(path="set.fa"), None, 0, tmp_path))

    assert [len(piece) for piece in pieces] == [4096, 904]
    assert pieces[1].ids[0] == "r4096"
