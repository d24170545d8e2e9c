import math
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.measured import (
    INSERT,
    join_regions,
    lies_in_motif,
    read_asb,
    read_elements,
    read_sets,
    span_differences,
    spell,
)
from benchmarks.motif import find_best, read_motif
from zoo.errors import DataError
from zoo.genome.codes import encode

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HEADER = (
    "chrom pos1 ref alt TF individual ref_reads alt_reads p_betabinom "
    "region_set region_start0 offset_in_region region_seq"
)
A, B = "ACGTACGTAC", "GTACGTACGG"  # B begins six bases after A, and shares its last four


MEME = "MOTIF CTCF.H12CORE.0.P.B\nletter-probability matrix: w= 3\n 0 0 0 1\n 0 0 1 0\n 0 0 1 0\n"  # TGG, or CCA


@pytest.fixture
def write_asb(tmp_path):
    def write(*rows):
        folder = tmp_path / "measured_effects" / "asb_ctcf"
        folder.mkdir(parents=True)
        lines = ["\t".join(HEADER.split()), *("\t".join(row.split()) for row in rows)]
        (folder / "asb_dev.tsv").write_text("\n".join(lines) + "\n")
        (tmp_path / "motifs").mkdir()
        (tmp_path / "motifs" / "H12CORE_meme_format.meme").write_text(MEME)
        return tmp_path

    return write


def test_reads_are_summed_over_individuals_and_only_rows_of_ctcf_count(write_asb):
    root = write_asb(
        f"chr1 103 G T CTCF one 3 0 0.01 peaks 100 2 {A}",
        f"chr1 103 G T CTCF two 0 1 0.01 peaks 100 2 {A}",
        f"chr1 103 G T CTCF two 4 2 0.01 peaks 100 2 {A}",
        f"chr1 103 G T SA1 three 0 500 0.01 peaks 100 2 {A}",
    )
    (row,) = read_asb(root).variants.itertuples()
    assert (row.contig, row.position, row.ref, row.alt, row.part) == ("chr1_100", 3, "G", "T", "chr1")
    assert row.measured == pytest.approx(math.log2((1 + 2 + 1) / (3 + 4 + 1)))


def test_a_region_that_two_sets_hold_counts_its_reads_once(write_asb):
    rows = [f"chr1 103 G T CTCF one 3 0 0.01 {name} 100 2 {A}" for name in ("peaks", "others")]
    (row,) = read_asb(write_asb(*rows)).variants.itertuples()
    assert row.measured == -2


@pytest.mark.parametrize(
    ("letters", "start", "alt", "expected"),
    [
        pytest.param("AATGGAAA", 3, "C", True, id="what REF has"),
        pytest.param("AATCGAAA", 3, "G", True, id="what ALT makes"),
        pytest.param("AACAAAAA", 3, "C", True, id="what ALT makes on the other strand"),
        pytest.param("AATGGAAA", 6, "C", False, id="beside the match"),
    ],
)
def test_a_site_lies_in_a_motif_where_the_best_match_of_either_allele_covers_it(
    tmp_path, letters, start, alt, expected
):
    (tmp_path / "motifs.meme").write_text(MEME)
    motif = read_motif(tmp_path / "motifs.meme", "CTCF.H12CORE.0.P.B")
    assert lies_in_motif(letters, start, alt, motif) is expected


def test_of_regions_that_overlap_the_most_read_site_counts(write_asb):
    root = write_asb(
        f"chr1 103 G T CTCF one 9 0 0.01 peaks 100 2 {A}",
        f"chr1 116 G T CTCF one 0 15 0.01 peaks 106 9 {B}",
        f"chr2 103 G T CTCF one 1 0 0.01 peaks 100 2 {A}",
    )
    found = read_asb(root)
    assert found.contigs == {"chr1_100": "ACGTACGTACGTACGG", "chr2_100": A}
    first, second = found.variants.itertuples()
    assert (first.position, first.measured, first.region_start, first.region_end) == (16, 4, 6, 16)
    assert second.part == "chr2"


def test_a_base_that_is_not_ref_is_refused(write_asb):
    root = write_asb(f"chr1 103 C T CTCF one 9 0 0.01 peaks 100 2 {A}")
    with pytest.raises(DataError, match=r"asb_dev\.tsv: effect 1: expected C at base 2, found G"):
        read_asb(root)


def test_regions_that_touch_are_apart_and_those_that_disagree_are_refused():
    regions = pd.DataFrame(
        {"chrom": "chr1", "region_start0": [100, 110], "end": [110, 120], "region_seq": [A, B]}, index=[5, 3]
    )
    names, starts, letters = join_regions(regions)
    assert names.tolist() == ["chr1_100", "chr1_110"]
    assert (starts["chr1_110"], letters["chr1_110"]) == (110, B)
    with pytest.raises(DataError, match=r"chr1:107: expected one sequence where regions overlap, found two"):
        join_regions(regions.assign(region_start0=[100, 107], end=[110, 117]))


def test_a_region_inside_another_adds_nothing():
    regions = pd.DataFrame(
        {"chrom": "chr1", "region_start0": [100, 102, 106], "end": [110, 106, 116], "region_seq": [A, A[2:6], B]}
    )
    names, _, letters = join_regions(regions)
    assert set(names) == {"chr1_100"}
    assert letters == {"chr1_100": "ACGTACGTACGTACGG"}


@pytest.mark.parametrize(
    ("position", "ref", "alt", "expected"),
    [
        pytest.param(3, "G", "T", (3, "G", "T"), id="substitution"),
        pytest.param(3, "G", "-", (2, "CG", "C"), id="deletion"),
        pytest.param(1, "A", "-", (1, "AC", "C"), id="deletion of the first base"),
    ],
)
def test_alleles_of_an_element_are_spelled_as_in_a_vcf(position, ref, alt, expected):
    assert spell("ACGT", position, ref, alt) == expected


def test_substitutions_are_one_allele_from_the_first_to_the_last():
    assert span_differences("AACCGG", "ATCCAG") == (2, "ACCG", "TCCA")
    assert span_differences("AACCGG", "AACCGT") == (6, "G", "T")
    with pytest.raises(DataError, match="expected a substitution"):
        span_differences("AA", "AA")


def test_the_best_match_is_found_on_either_strand(tmp_path):
    (tmp_path / "motifs.meme").write_text("MOTIF OTHER\n 1 0 0 0\n" + MEME)
    motif = read_motif(tmp_path / "motifs.meme", "CTCF.H12CORE.0.P.B")
    assert motif.shape == (3, 5)
    assert find_best(encode("AAATGGAA"), motif)[1] == 3
    assert find_best(encode("AACCAAAA"), motif) == (pytest.approx(find_best(encode("TGG"), motif)[0]), 2)
    with pytest.raises(DataError, match="expected a motif CTCF, found none"):
        read_motif(tmp_path / "motifs.meme", "CTCF")


needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the data are not beside the repository")


@needs_data
def test_every_ref_is_what_its_sequence_holds():
    for effects in read_sets(DATA).values():
        for row in effects.variants.itertuples():
            start = row.position - 1
            assert effects.contigs[row.contig][start : start + len(row.ref)] == row.ref
        assert effects.variants["measured"].notna().all()


@needs_data
def test_both_measurements_of_one_element_have_one_sequence_and_groups_of_their_own():
    found = read_elements(DATA)
    assert found.contigs["LDLR"] == found.contigs["LDLR.2"]
    groups = found.variants.groupby("part")["group"].agg(set)
    assert not groups["LDLR"] & groups["LDLR.2"]


@needs_data
def test_substitutions_lie_in_the_inserts_of_the_promoters():
    variants = read_sets(DATA)["yeast-substitutions"].variants
    assert (variants["position"] - 1 >= INSERT[0]).all()
    assert (variants["position"] - 1 + variants["ref"].str.len() <= INSERT[1]).all()
