"""The golden file, and that it notices when a convention is broken."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from zoo import annotate
from zoo.genome.variant import MODEL_REASONS, Reason
from zoo.prediction.alleles import batch as alleles
from zoo.prediction.scoring import merging
from zoo.prediction.windows import centred as windows
from zoo.testing.golden import GENOME, RECORDS, write_golden
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


@pytest.fixture
def golden(tmp_path):
    return write_golden(tmp_path / "golden")


def annotated(golden, output):
    annotate(golden.vcf, golden.genome, golden.models, output, threads=1)
    return tuple(line for line in output.read_text().splitlines() if not line.startswith("#"))


def test_every_line_is_as_it_was_written_by_hand(golden, tmp_path):
    found = annotated(golden, tmp_path / "out.vcf")
    for line, record in zip(found, RECORDS, strict=True):
        assert line == record.expected_line, record.why
    assert found == golden.expected


def test_the_genome_has_60_bases_and_every_reason_occurs():
    assert len(GENOME) == 60
    reasons = {reason.name for reason in Reason} - {"OK", "NO_REGION"}
    assert all(any(name in record.expected for record in RECORDS) for name in reasons)
    assert {"TOO_LONG", "UNKNOWN_BASES"} < {reason.name for reason in MODEL_REASONS}


def other_anchor(monkeypatch, golden):
    replace_model(golden, 0, make_base_at_anchor_graph(), {"name": "at", "window": {"length": 9, "anchor": 5}})


def other_channel_order(monkeypatch, golden):
    replace_model(golden, 0, make_base_at_anchor_graph("C"), {"name": "at"})


def one_strand(monkeypatch, golden):
    replace_model(golden, 2, make_base_at_anchor_graph(), {"name": "either"})


def swapped_sign(monkeypatch, golden):
    check = merging._check_scores
    monkeypatch.setattr(merging, "_check_scores", lambda *arguments: -check(*arguments))


def spelling_instead_of_normal_form(monkeypatch, golden):
    monkeypatch.setattr(alleles, "normal_form", lambda _, start, length, alt: (start, length, alt))


def alt_window_of_another_start(monkeypatch, golden):
    build = windows.build_centred

    def shifted(*arguments):
        found = build(*arguments)
        return replace(found, alt=np.roll(found.alt, 1, axis=1))

    monkeypatch.setattr(windows, "build_centred", shifted)


def replace_model(golden, number, graph, card):
    shutil.rmtree(golden.models[number])
    write_model_folder(golden.models[number], graph, card)


@pytest.mark.parametrize(
    "break_convention",
    [
        other_anchor,
        other_channel_order,
        one_strand,
        swapped_sign,
        spelling_instead_of_normal_form,
        alt_window_of_another_start,
    ],
)
def test_a_broken_convention_shows(golden, tmp_path, monkeypatch, break_convention):
    break_convention(monkeypatch, golden)
    assert annotated(golden, tmp_path / "out.vcf") != golden.expected
