import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.errors import BedError, UnknownContig
from zoo.genome.codes import decode
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason
from zoo.model.card import Window
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.windows.fixed import place_window, read_regions

GENOME = "ACGTTGCAATCCGATA"
#         0123456789012345


@pytest.fixture
def place(open_genome, tmp_path):
    """Place alleles of chr1 at regions, written as start-end-strand; give pairs of allele, region, REF and ALT."""

    def place_all(regions, variants, *, fixed_end=None, prefix="", suffix="", mode="fixed", length=None):
        bed = tmp_path / "regions.bed"
        rows = [region.split("-", 2) for region in regions]
        bed.write_text(
            "".join(f"chr1\t{start}\t{end}\tr{i}\t0\t{strand}\n" for i, (start, end, strand) in enumerate(rows))
        )
        insert = int(rows[0][1]) - int(rows[0][0])
        whole = length or insert + len(prefix) + len(suffix)
        window = Window(length=whole, anchor=0, mode=mode, fixed_end=fixed_end, prefix=prefix, suffix=suffix)
        reference = open_genome(chr1=GENOME)
        placer = place_window(reference, read_regions(bed, reference), window, "model@1.0.0")
        positions, refs, alts = zip(*variants, strict=True)
        alleles = build_alleles(["chr1"] * len(variants), positions, refs, alts, reference)
        reason = alleles.reason.copy()
        placement = placer.place(alleles, reason)
        built = placer.build(alleles, placement, reference)
        pairs = [
            (int(allele), int(window), decode(built.ref[built.ref_of[row]]), decode(built.alt[row]))
            for row, (allele, window) in enumerate(zip(placement.allele, placement.window, strict=True))
        ]
        return pairs, [Reason(code) for code in reason], built

    return place_all


@pytest.mark.parametrize(
    ("variant", "strand", "fixed_end", "ref", "alt"),
    [
        pytest.param((6, "G", "T"), "+", None, "GTTGCA", "GTTTCA", id="SNV"),
        pytest.param((6, "G", "T"), "-", None, "TGCAAC", "TGAAAC", id="SNV on the other strand"),
        pytest.param((6, "G", "GTC"), "+", "start", "GTTGCA", "GTTGTC", id="insertion pushes out behind"),
        pytest.param((6, "G", "GTC"), "+", "end", "GTTGCA", "TGTCCA", id="insertion pushes out before"),
        pytest.param((6, "GC", "G"), "+", "start", "GTTGCA", "GTTGAA", id="deletion draws in behind"),
        pytest.param((6, "GC", "G"), "+", "end", "GTTGCA", "CGTTGA", id="deletion draws in before"),
        pytest.param((6, "GC", "G"), "-", "start", "TGCAAC", "TCAACG", id="deletion, start in place, other strand"),
        pytest.param((6, "GC", "G"), "-", "end", "TGCAAC", "TTCAAC", id="deletion, end in place, other strand"),
        pytest.param((2, "CG", "C"), "+", "start", "GTTGCA", "TTGCAA", id="deletion of the region's first base"),
        pytest.param((6, "GC", "TA"), "+", "end", "GTTGCA", "GTTTAA", id="MNV"),
    ],
)
def test_alleles_of_a_region_of_six(place, variant, strand, fixed_end, ref, alt):
    pairs, reasons, _ = place([f"2-8-{strand}"], [variant], fixed_end=fixed_end)
    assert reasons == [Reason.OK]
    assert pairs == [(0, 0, ref, alt)]


def test_constant_flanks_stand_outside_on_either_strand(place):
    pairs, _, _ = place(["2-8-+", "2-8--"], [(6, "G", "T")], prefix="AA", suffix="C")
    assert pairs == [(0, 0, "AAGTTGCAC", "AAGTTTCAC"), (0, 1, "AATGCAACC", "AATGAAACC")]


def test_an_allele_is_scored_in_each_region_that_holds_it_whole(place):
    regions = ["0-4-+", "2-6-+", "3-7--", "5-9-+", "12-16-+"]
    pairs, reasons, _ = place(regions, [(6, "G", "A"), (6, "GC", "TA"), (10, "T", "A")])
    assert [(allele, region) for allele, region, *_ in pairs] == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]
    assert reasons == [Reason.OK, Reason.OK, Reason.NO_REGION]


def test_what_is_inserted_must_stand_between_two_bases_of_the_region(place):
    inside, before, behind = (3, "G", "GA"), (2, "C", "CA"), (8, "A", "AC")
    pairs, reasons, _ = place(["2-8-+"], [inside, before, behind])
    assert reasons == [Reason.OK, Reason.NO_REGION, Reason.NO_REGION]
    assert len(pairs) == 1


def test_what_does_not_fit_beside_the_fixed_end_is_too_long(place):
    insertion = (6, "G", "G" + "CATCA")
    assert place(["2-8-+"], [insertion], fixed_end="start")[1] == [Reason.TOO_LONG]
    assert place(["2-8-+"], [(6, "G", "GCA")], fixed_end="start")[1] == [Reason.OK]
    assert place(["2-8-+", "5-11-+"], [insertion], fixed_end="start")[1] == [Reason.OK]


def test_regions_of_any_length_are_recentred_for_models_of_centred_windows(place):
    # The middle of 2 to 9 is 5, of which 4 bases are 3 to 6.
    pairs, _, _ = place(["2-9-+"], [(6, "G", "T")], mode="centred", length=4)
    assert pairs == [(0, 0, "TTGC", "TTTC")]


def test_a_region_of_another_length_than_the_model_reads_is_an_error(place):
    with pytest.raises(BedError, match=re.escape("chr1:2-8 has 6 bases, model@1.0.0 reads 5 between its constant")):
        place(["2-8-+"], [(6, "G", "T")], length=5)


def test_regions_beyond_the_genome_are_an_error(open_genome, tmp_path):
    reference = open_genome(chr1=GENOME)
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t10\t17\n")
    with pytest.raises(BedError, match=r"chr1:10-17 reaches beyond the contig, which has 16 bases"):
        read_regions(bed, reference)
    bed.write_text("chr2\t1\t7\n")
    with pytest.raises(UnknownContig, match="has no contig 'chr2'; did you mean 'chr1'"):
        read_regions(bed, reference)


LETTERS = st.text("ACGT", min_size=1, max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.integers(3, 12), st.integers(1, 3), LETTERS, st.integers(1, 6), st.sampled_from("+-"), st.booleans())
def test_windows_are_pieces_of_the_two_haplotypes(
    tmp_path_factory, position, ref_length, alt, start, strand, keeps_start
):
    """ALT is the changed contig, cut at the end that stays in place, on the region's strand."""
    folder = tmp_path_factory.getbasetemp()
    (folder / "fixed.fa").write_text(f">chr1\n{GENOME}\n")
    (folder / "fixed.bed").write_text(f"chr1\t{start}\t{start + 9}\tr\t0\t{strand}\n")
    ref = GENOME[position - 1 : position - 1 + ref_length]
    window = Window(length=9, anchor=0, mode="fixed", fixed_end="start" if keeps_start else "end")
    with Reference(folder / "fixed.fa") as reference:
        alleles = build_alleles(["chr1"], [position], [ref], [alt], reference)
        placer = place_window(reference, read_regions(folder / "fixed.bed", reference), window, "m")
        placement = placer.place(alleles, alleles.reason.copy())
        if not len(placement):
            return
        built = placer.build(alleles, placement, reference)
    grown = len(alt) - len(ref)
    haplotype = "N" * 9 + GENOME[: position - 1] + alt + GENOME[position - 1 + len(ref) :] + "N" * 9
    keeps_left = keeps_start == (strand == "+")
    first = 9 + start + (0 if keeps_left else grown)
    forward = GENOME[start : start + 9], haplotype[first : first + 9]
    complement = str.maketrans("ACGTN", "TGCAN")
    expected = forward if strand == "+" else tuple(letters.translate(complement)[::-1] for letters in forward)
    found_ref, found_alt = decode(built.ref[0]), decode(built.alt[0])
    assert (found_ref, found_alt) == expected
    # What the batch says of the place of the change holds: before and behind it both windows are the same.
    at, there = int(built.ref_start[0]), int(built.alt_start[0])
    n, m = int(built.ref_length[0]), int(built.alt_length[0])
    shared = min(at, there)
    assert found_ref[at - shared : at] == found_alt[there - shared : there]
    shared = min(9 - at - n, 9 - there - m)
    assert found_ref[at + n : at + n + shared] == found_alt[there + m : there + m + shared]
