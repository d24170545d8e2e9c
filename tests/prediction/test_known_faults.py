"""Faults that tools for this have, or had: each as a test of what the zoo does instead, from file to file.

The model reads 7 bases, anchor 3, and spells them: A 1, C 2, G 3, T 4, unknown 0, the first base in the highest digit.
So a score is the number that ALT's window spells, less the one of REF's, and every base of both counts.
"""

import re

import numpy as np
import pytest

from zoo import annotate
from zoo.testing.models import CARD, make_model, write_model_folder

GENOME = "TACGGATCCATGCTTAGACG"
#         1   5    10   15   20
WINDOW = 7


def make_spelling_model(unit=1.0):
    """Build the network that spells its window, the number divided by ``unit``."""
    from onnx import TensorProto, helper, numpy_helper

    places = 10.0 ** np.arange(WINDOW - 1, -1, -1)
    weights = (places[:, None] * np.array([1, 2, 3, 4])).reshape(-1, 1) / unit
    constants = [
        numpy_helper.from_array(weights.astype(np.float32), "weights"),
        numpy_helper.from_array(np.array([0, 4 * WINDOW]), "flat"),
    ]
    nodes = [
        helper.make_node("Reshape", ["sequence", "flat"], ["bases"]),
        helper.make_node("MatMul", ["bases", "weights"], ["prediction"]),
    ]
    inputs = [helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", WINDOW, 4])]
    outputs = [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])]
    return make_model(helper.make_graph(nodes, "spell", inputs, outputs, constants))


def number(window):
    assert len(window) == WINDOW
    return int("".join(str("NACGT".index(letter)) for letter in window))


def effect(ref, alt):
    return number(alt) - number(ref)


@pytest.fixture
def annotate_records(tmp_path, write_genome, write_vcf):
    """Annotate records ``POS REF ALT`` of chr1, and return INFO of each as a dictionary, and the lines."""

    def run(*records, genome=GENOME, unit=1.0, track="x"):
        output = CARD["outputs"][0] | {"tracks": [{"name": track, "assay": "none"}]}
        card = {
            "name": "spell",
            "inputs": [{"name": "sequence", "shape": [WINDOW, 4]}],
            "window": {"length": WINDOW, "anchor": 3},
            "outputs": [output],
        }
        model = write_model_folder(tmp_path / "spell", make_spelling_model(unit), card)
        lines = [f"chr1 {position} . {ref} {alt}" for position, ref, alt in map(str.split, records)]
        annotate(write_vcf(lines), write_genome(chr1=genome), model, tmp_path / "out.vcf", threads=1)
        text = (tmp_path / "out.vcf").read_text().splitlines()
        found = [line.split("\t") for line in text if not line.startswith("#")]
        return [dict(entry.partition("=")[::2] for entry in columns[7].split(";")) for columns in found], text

    return run


def scores(info):
    return [None if score == "." else float(score) for score in info["ZOO_SPELL"].split(",")]


def test_every_alt_is_scored_and_not_the_first_one_alone(annotate_records):
    (info,), _ = annotate_records("10 A C,G,T")
    assert scores(info) == [effect("TCCATGC", alt) for alt in ("TCCCTGC", "TCCGTGC", "TCCTTGC")]


@pytest.mark.parametrize(("alt", "reason"), [(".", "NO_ALT"), ("*", "SPANNING_DELETION"), ("<*>", "UNSPECIFIED")])
def test_an_alt_without_bases_is_no_deletion(annotate_records, alt, reason):
    (info,), _ = annotate_records(f"10 A {alt}")
    assert info["ZOO_SKIPPED"] == reason
    assert info.get("ZOO_SPELL", ".") == "."


def test_a_ref_that_the_genome_does_not_hold_gives_no_score(annotate_records):
    (wrong, right), _ = annotate_records("10 G C", "11 T C")
    assert (wrong["ZOO_SPELL"], wrong["ZOO_SKIPPED"]) == (".", "REF_MISMATCH")
    assert scores(right) == [effect("CCATGCT", "CCACGCT")]


def test_the_window_of_ref_is_the_genome_and_not_what_the_record_says(annotate_records):
    (ambiguous, beside), _ = annotate_records("10 N C", "9 C T")
    assert scores(ambiguous) == [effect("TCCATGC", "TCCCTGC")]
    assert scores(beside) == [effect("ATCCATG", "ATCTATG")]


def test_the_first_base_of_a_long_ref_stands_at_the_anchor_and_not_its_middle(annotate_records):
    (info,), _ = annotate_records("10 ATG CGA")
    assert scores(info) == [effect("TCCATGC", "TCCCGAC")]


def test_an_insertion_pushes_the_bases_after_it_on_and_overwrites_none(annotate_records):
    (info,), _ = annotate_records("10 A AG")
    assert scores(info) == [effect("TCCATGC", "TCCAGTG")]


def test_a_deletion_takes_the_bases_that_it_names_and_draws_in_as_many(annotate_records):
    (one, two), _ = annotate_records("10 AT A", "10 ATG A")
    assert scores(one) == [effect("TCCATGC", "TCCAGCT")]
    assert scores(two) == [effect("TCCATGC", "TCCACTT")]


@pytest.mark.parametrize(
    ("record", "alt"), [("10 AT GCC", "TCCGCCG"), ("10 ATG TC", "TCCTCCT"), ("10 ATGC T", "TCCTTTA")]
)
def test_a_deletion_with_an_insertion_has_a_number_too(annotate_records, record, alt):
    (info,), _ = annotate_records(record)
    assert scores(info) == [effect("TCCATGC", alt)]


def test_a_soft_masked_genome_gives_the_scores_of_one_in_capitals(annotate_records):
    records = ("10 A C", "10 a ag", "10 AT A")
    capitals, _ = annotate_records(*records)
    masked, _ = annotate_records(*records, genome=GENOME.lower())
    assert [scores(info) for info in masked] == [scores(info) for info in capitals]
    assert scores(masked[0]) == [effect("TCCATGC", "TCCCTGC")]


def test_a_contig_s_ends_stop_no_run(annotate_records):
    found, _ = annotate_records("0 N A", "1 T G", "20 G C", "20 GA G", "21 N A", "10 A C")
    assert found[0]["ZOO_SKIPPED"] == found[3]["ZOO_SKIPPED"] == found[4]["ZOO_SKIPPED"] == "REF_MISMATCH"
    assert scores(found[1]) == [effect("NNNTACG", "NNNGACG")]
    assert scores(found[2]) == [effect("GACGNNN", "GACCNNN")]
    assert scores(found[5]) == [effect("TCCATGC", "TCCCTGC")]


def test_scores_keep_every_digit_of_a_float32(annotate_records):
    (info,), text = annotate_records("10 A C", unit=7e9)
    ref, alt = (np.float32(number(window)) / np.float32(7e9) for window in ("TCCATGC", "TCCCTGC"))
    assert scores(info) == pytest.approx([float(alt) - float(ref)], rel=1e-3)
    assert np.float32(info["ZOO_SPELL"]) != np.float32(np.float16(info["ZOO_SPELL"]))
    assert len(info["ZOO_SPELL"].partition("e")[0].replace(".", "").replace("-", "")) == 9
    assert any("ID=ZOO_SPELL,Number=A,Type=Float," in line for line in text)


def test_the_reason_stands_in_the_record_itself_beside_the_allele_that_it_is_of(annotate_records):
    (info,), text = annotate_records("10 A C,<DEL>,G[chr1:3[,AAAAAA")
    assert [score is None for score in scores(info)] == [False, True, True, True]
    assert info["ZOO_SKIPPED"] == ".,SYMBOLIC,BREAKEND,."
    assert info["ZOO_SPELL_SKIPPED"] == ".,.,.,TOO_LONG"
    for key in ("ZOO_SKIPPED", "ZOO_SPELL_SKIPPED"):
        assert sum(f"##INFO=<ID={key},Number=.,Type=String," in line for line in text) == 1


@pytest.mark.parametrize("track", ["CTCF/K562 rep=1;2", "2nd, better", "\N{GREEK SMALL LETTER ALPHA}-helix"])
def test_keys_are_vcf_s_whatever_a_track_is_called(annotate_records, track):
    _, text = annotate_records("10 A C", track=track)
    declared = {line.split("ID=")[1].split(",")[0] for line in text if line.startswith("##INFO")}
    used = {entry.partition("=")[0] for entry in text[-1].split("\t")[7].split(";")}
    assert used <= declared
    assert all(re.fullmatch(r"[A-Za-z_][0-9A-Za-z_.]*", key) for key in declared)


def test_every_record_comes_out_in_its_place_scored_or_not_sorted_or_not(annotate_records):
    records = ["15 T A", "10 A <INS>", "10 A C", "10 A C", "3 G A", "0 N .", "20 G *", "10 A ."]
    found, text = annotate_records(*records)
    assert len(found) == len(records)
    lines = [line.split("\t") for line in text if not line.startswith("#")]
    assert [" ".join([columns[1], columns[3], columns[4]]) for columns in lines] == records
