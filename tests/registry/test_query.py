"""Which models are what is asked: whole words, synonyms, and the order of what is found."""

import pytest

from zoo.errors import UnknownModel
from zoo.registry.query import Query, check_sort, choose_needle, list_criteria, sort_rows, split_words

ROW = {
    "name": "gm12878-ctcf",
    "assay": "TF ChIP-seq",
    "biosample": "H1-hESC",
    "organism": "Homo sapiens",
    "genome": "GRCh37 (hg19)",
    "license": "Apache-2.0",
    "summary": "Is it bound?",
    "tracks": ["PU.1", "H3K4me3"],
}


def admits(row=ROW, **asked):
    return all(criterion.admits(row) for criterion in list_criteria(Query(**asked)))


@pytest.mark.parametrize(
    ("asked", "admitted"),
    [
        ({"assay": "ctcf"}, True),  # in the name
        ({"assay": "CTCF"}, True),
        ({"assay": "CTC"}, False),
        ({"assay": "pu.1"}, True),  # a track
        ({"assay": "PU1"}, False),
        ({"assay": "chip-seq"}, True),
        ({"assay": "TF ChIP-seq"}, True),
        ({"assay": "seq chip"}, False),
        ({"assay": "me3"}, False),
        ({"biosample": "h1"}, True),
        ({"biosample": "H1 hESC"}, True),
        ({"biosample": "gm12878"}, False),  # that is the name
        ({"organism": "human"}, True),
        ({"organism": "Homo sapiens"}, True),
        ({"organism": "homo"}, True),
        ({"organism": "mouse"}, False),
        ({"genome": "hg19"}, True),
        ({"genome": "GRCh37"}, True),
        ({"genome": "GRCh38"}, False),
        ({"genome": "-"}, False),
        ({"text": "ctc"}, True),
        ({"text": "bound apache"}, True),
        ({"text": "bound mit"}, False),
        ({"text": "Human"}, True),
        ({"text": "K4ME"}, True),
        ({"assay": " ", "text": "  "}, True),
        ({"assay": "ctcf", "organism": "mouse"}, False),
    ],
)
def test_a_model_is_what_is_asked_by_whole_words_and_in_text_by_any(asked, admitted):
    assert admits(**asked) is admitted


@pytest.mark.parametrize("asked", ["human", "Homo sapiens"])
@pytest.mark.parametrize("held", ["human", "Homo sapiens", "Homo sapiens (human)"])
def test_each_name_of_an_organism_finds_all_its_names(asked, held):
    assert admits({"organism": held}, organism=asked)


def test_a_genome_by_either_name_is_one():
    assert admits({"genome": "GRCh38"}, genome="hg38")
    assert admits({"genome": "hg38"}, genome="GRCh38")


def test_punctuation_alone_finds_nothing_not_even_an_empty_field():
    assert not admits({"biosample": ""}, biosample="-")
    assert not admits({}, biosample="-")


def test_words_stand_between_spaces():
    assert split_words("H1-hESC (line)") == " h1 hesc line "
    assert split_words("PU.1_x") == " pu 1 x "
    assert split_words("--") == "  "


def test_the_longest_sure_run_of_letters_is_looked_for_first():
    assert choose_needle(list_criteria(Query(assay="TF ChIP-seq", biosample="GM12878"))) == b"gm12878"
    assert choose_needle(list_criteria(Query(organism="human"))) == b""  # or Homo sapiens
    assert choose_needle(list_criteria(Query(text="é"))) == b""
    assert choose_needle([]) == b""


def make_rows(**values):
    return [
        {"name": name, "metrics": {} if value is None else {"m": value, "mse": value}} for name, value in values.items()
    ]


def names(rows):
    return [row["name"] for row in rows]


def test_the_best_comes_first_and_what_has_no_such_metric_last():
    rows = make_rows(none=None, low=0.5, high=0.9, also_none=None, text="0.99", negative=-1.0)
    assert names(sort_rows(rows, "m")) == ["high", "low", "negative", "none", "also_none", "text"]
    assert names(sort_rows(rows, "mse")) == ["negative", "low", "high", "none", "also_none", "text"]


def test_rows_that_are_equal_keep_their_order():
    assert names(sort_rows(make_rows(b=0.5, a=0.5), "m")) == ["b", "a"]


def test_a_column_is_sorted_by_its_letters_whatever_their_case_and_empty_ones_last():
    rows = [{"name": name, "biosample": held} for name, held in (("1", "b"), ("2", ""), ("3", "A"), ("4", "C"))]
    assert names(sort_rows([*rows, {"name": "5"}], "biosample")) == ["3", "1", "4", "2", "5"]


def test_an_unknown_metric_is_refused_with_a_near_match():
    rows = make_rows(a=0.5)
    check_sort(rows, "m", list)
    check_sort(rows, "biosample", list)
    check_sort([], "auroc", lambda: ["auroc"])
    with pytest.raises(UnknownModel, match=r"^no model has the metric 'aurok'; did you mean 'auroc'\?$"):
        check_sort(rows, "aurok", lambda: ["auroc", "m"])
    with pytest.raises(UnknownModel, match=r"did you mean 'biosample'\?$"):
        check_sort(rows, "biosampel", list)


def test_a_word_that_was_typed_in_another_encoding_is_looked_for_all_the_same():
    assert choose_needle(list_criteria(Query(assay="ctcf\udcff"))) == b"ctcf"
