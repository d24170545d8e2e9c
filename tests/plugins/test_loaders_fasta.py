import gzip
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from zoo_loaders.fasta import FASTA, FastaConfig

from zoo import DataError, ExampleSet, decode
from zoo.testing.contract import check_data_loader


def write_fasta(path: Path, records: dict[str, str]) -> Path:
    text = "".join(f">{name}\n{letters}\n" for name, letters in records.items())
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, positives: dict[str, str], negatives: dict[str, str], **config: object) -> ExampleSet:
    write_fasta(folder / "positives.fa", positives)
    write_fasta(folder / "negatives.fa.gz", negatives)
    chosen = FastaConfig(positives="positives.fa", negatives="negatives.fa.gz", **config)
    return FASTA.load(chosen, None, 0, folder)


def test_the_loader_keeps_the_contract(tmp_path):
    write_fasta(tmp_path / "positives.fa", {"chr14_1": "acgt", "chr2_1": "GGNG"})
    write_fasta(tmp_path / "negatives.fa", {"chr2_7": "TTTT"})
    check_data_loader(FASTA, FastaConfig(positives="positives.fa", negatives="negatives.fa"), tmp_path)


def test_positives_come_first_with_target_one(tmp_path):
    examples = load(tmp_path, {"chr14_1": "acgt", "chr1:100-104": "GGNG"}, {"chr2_7": "TTTT"}, target="CTCF")

    assert [decode(codes) for codes in examples.sequences] == ["ACGT", "GGNG", "TTTT"]
    assert examples.targets is not None
    assert examples.targets.tolist() == [[1.0], [1.0], [0.0]]
    assert examples.targets.dtype == np.float32
    assert examples.tracks == ("CTCF",)
    assert examples.ids == ("chr14_1", "chr1:100-104", "chr2_7")
    assert examples.notes == ()


@pytest.mark.parametrize(
    ("header", "contig"),
    [
        ("chr14_1", "chr14"),
        ("chr1:100-300", "chr1"),
        ("chr1:100-300(-) a peak", "chr1"),
        ("peak_12::chrX:5-9", "chrX"),
        ("chr1_KI270706v1_random:1-5", "chr1_KI270706v1_random"),
        ("chrUn_gl000220_5", "chrUn_gl000220"),
    ],
)
def test_the_contig_is_read_from_the_header(tmp_path, header, contig):
    examples = load(tmp_path, {header: "ACGT"}, {"chr2_7": "TTTT"})

    assert examples.groups is not None
    assert examples.groups.tolist() == [contig, "chr2"]


def test_the_pattern_for_the_contig_can_be_given(tmp_path):
    examples = load(tmp_path, {"a|chr9|x": "ACGT"}, {"b": "TTTT"}, contig_pattern=r"\|(\w+)\|")

    assert examples.groups is not None
    assert examples.groups.tolist() == ["chr9", ""]


def test_without_any_contig_there_are_no_groups(tmp_path):
    assert load(tmp_path, {"a": "ACGT"}, {"b": "TTTT"}).groups is None


@pytest.mark.parametrize(("pattern", "message"), [("chr", "a group in parentheses is needed"), ("(", "no regular")])
def test_a_pattern_without_a_group_is_refused(pattern, message):
    with pytest.raises(ValueError, match=message):
        FastaConfig(positives="p", negatives="n", contig_pattern=pattern)


def test_a_record_of_another_length_is_named(tmp_path):
    with pytest.raises(DataError, match=r"negatives\.fa\.gz, record 'chr2_7': expected 4 bases .*'chr1_1', found 5"):
        load(tmp_path, {"chr1_1": "ACGT"}, {"chr2_7": "TTTTT"})


def test_duplicates_within_a_class_are_dropped_and_counted(tmp_path):
    positives = {"chr1_1": "ACGT", "chr2_1": "acgt", "chr3_1": "GGGG"}

    dropped = load(tmp_path, positives, {"chr1_9": "TTTT"})
    kept = load(tmp_path, positives, {"chr1_9": "TTTT"}, drop_duplicates=False)

    assert dropped.ids == ("chr1_1", "chr3_1", "chr1_9")
    assert dropped.notes == ("1 duplicates among the positives were left out",)
    assert kept.ids == ("chr1_1", "chr2_1", "chr3_1", "chr1_9")


def test_a_sequence_in_both_classes_is_an_error_that_names_both_records(tmp_path):
    with pytest.raises(DataError, match=r"record 'chr2_7': .*the positive 'chr1_1'; set on_conflict: drop"):
        load(tmp_path, {"chr1_1": "ACGT"}, {"chr2_7": "ACGT"})


def test_a_sequence_in_both_classes_can_be_dropped_from_both(tmp_path):
    examples = load(
        tmp_path, {"chr1_1": "ACGT", "chr1_2": "CCCC"}, {"chr2_7": "ACGT", "chr2_8": "GGGG"}, on_conflict="drop"
    )

    assert examples.ids == ("chr1_2", "chr2_8")
    assert examples.notes == ("1 sequences that stand in both classes were left out",)


def test_sets_give_a_track_each_and_no_value_for_the_others(tmp_path):
    write_fasta(tmp_path / "a.fa", {"chr1_1": "AAAA"})
    write_fasta(tmp_path / "not_a.fa", {"chr1_2": "CCCC"})
    write_fasta(tmp_path / "b.fa", {"chr1_3": "GGGG", "chr1_4": "AAAA"})
    sets = ({"target": "a", "positives": "a.fa", "negatives": "not_a.fa"}, {"target": "b", "positives": "b.fa"})

    examples = FASTA.load(FastaConfig(sets=sets), None, 0, tmp_path)

    nan = float("nan")
    np.testing.assert_array_equal(examples.targets, [[1, nan], [0, nan], [nan, 1], [nan, 1]])
    assert examples.tracks == ("a", "b")
    assert np.array(examples.complete).tolist() == [True, True, False, False]
    assert not examples.is_complete


def test_lower_case_tells_repeats_unless_all_is_of_one_case(tmp_path):
    mixed = load(tmp_path, {"chr1_1": "acGT"}, {"chr2_7": "TTTT"})
    upper = load(tmp_path, {"chr1_1": "ACGT"}, {"chr2_7": "TTTT"})

    assert mixed.repeats is not None
    assert mixed.repeats.tolist() == [0.5, 0.0]
    assert upper.repeats is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "either positives, or sets, must be given"),
        ({"positives": "a.fa", "sets": [{"positives": "b.fa"}]}, "either positives, or sets, must be given"),
        ({"sets": [{"positives": "b.fa"}], "target": "x"}, "negatives and target belong into each of the sets"),
        ({"sets": [{"positives": "a.fa"}, {"positives": "b.fa"}]}, "two of the sets have one target"),
    ],
)
def test_files_are_named_once(config, message):
    with pytest.raises(ValidationError, match=message):
        FastaConfig.model_validate(config)
