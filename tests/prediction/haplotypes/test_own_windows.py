import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.genome.codes import decode
from zoo.genome.variant import Reason
from zoo.prediction.alleles.agreement import GenomeAgreement
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.haplotypes.own_windows import HaplotypePlacer
from zoo.prediction.haplotypes.phasing import place_on_haplotypes
from zoo.prediction.haplotypes.sample import read_sample
from zoo.prediction.haplotypes.sample_background import SampleBackground
from zoo.prediction.windows.centred import CentredPlacer

GENOME = "ACGTTGCAATCGATCGTACGCCGTATTAGC"


def cut(background, reference, variants, length, anchor, *, shifts=(0,), shift=0, parts=None):
    """Return the windows of alleles as (allele, haplotype): (REF, ALT)."""
    contigs, positions, refs, alts = zip(*[("chr1", *variant) for variant in variants], strict=True)
    alleles = build_alleles(contigs, positions, refs, alts, reference)
    placer = HaplotypePlacer(background, CentredPlacer(length, anchor, shifts))
    reason = alleles.reason.copy()
    placement = placer.place(alleles, reason)
    windows = {}
    for rows in np.array_split(np.arange(len(placement)), parts or 1):
        if not len(rows):
            continue
        part = placement.take(rows)
        built = placer.build(alleles, part, reference, shift)
        assert built.ref_start.tolist() == [anchor - shift] * len(rows)
        for row, key in enumerate(zip(part.allele.tolist(), part.window.tolist(), strict=True)):
            windows[key] = decode(built.ref[built.ref_of[row]]), decode(built.alt[row])
    return windows, reason


@pytest.fixture
def cut_background(place):
    def cut_records(records, variants, length=9, anchor=4, **options):
        haplotypes, reference = place(records, GENOME)
        background = SampleBackground(haplotypes)
        return cut(background, reference, variants, length, anchor, **options)[0]

    return cut_records


@pytest.mark.parametrize("records", [["chr1 9 A G 0|1"], ["chr1 9 A G 0|1", "chr1 11 C A 0/1"]])
def test_an_allele_that_is_on_no_known_haplotype_stands_on_the_reference(cut_background, records):
    assert cut_background(records, [(11, "C", "A")]) == {(0, 0): ("CAATCGATC", "CAATAGATC")}


def test_both_windows_carry_what_the_haplotype_carries(cut_background):
    records = ["chr1 9 A G 0|1", "chr1 11 C A 0|1", "chr1 12 G T 1|0", "chr1 14 T A 1|1"]
    assert cut_background(records, [(11, "C", "A")]) == {(0, 2): ("CAGTCGAAC", "CAGTAGAAC")}
    assert cut_background(records, [(12, "G", "T")]) == {(0, 1): ("AATCGAACG", "AATCTAACG")}


def test_an_allele_on_both_haplotypes_has_two_windows(cut_background):
    records = ["chr1 9 A G 0|1", "chr1 11 C A 1|1"]
    found = cut_background(records, [(11, "C", "A")])
    assert found == {(0, 1): ("CAATCGATC", "CAATAGATC"), (0, 2): ("CAGTCGATC", "CAGTAGATC")}


def test_what_two_haplotypes_carry_alike_is_one_window_of_ref(place):
    haplotypes, reference = place(["chr1 9 A G 1|1", "chr1 11 C A 1|1", "chr1 20 G T 0|1", "chr1 22 C A 1|1"], GENOME)
    alleles = build_alleles(["chr1"] * 2, [11, 22], ["C"] * 2, ["A"] * 2, reference)
    placer = HaplotypePlacer(SampleBackground(haplotypes), CentredPlacer(9, 4))
    placement = placer.place(alleles, alleles.reason.copy())
    windows = placer.build(alleles, placement, reference)
    assert placement.allele.tolist() == [0, 0, 1, 1]
    assert [decode(window) for window in windows.ref] == ["CAGTCGATC", "ACGCCGTAT", "ACTCCGTAT"]
    assert windows.ref_of.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("neighbour", "ref"),
    [
        pytest.param("chr1 9 A ATT 0|1", "ATTTCGATC", id="an insertion to the left pushes bases out"),
        pytest.param("chr1 8 AA A 0|1", "GCATCGATC", id="a deletion to the left draws bases in"),
        pytest.param("chr1 13 A ATT 0|1", "CAATCGATT", id="an insertion to the right"),
        pytest.param("chr1 13 AT A 0|1", "CAATCGACG", id="a deletion to the right"),
        pytest.param("chr1 10 T TAA 0|1", "ATAACGATC", id="an insertion right before the allele"),
        pytest.param("chr1 11 C CAA 0|1", "CAATCAAGA", id="an insertion right behind it"),
        pytest.param("chr1 12 G GAA 1|0", "CAATCGATC", id="an insertion on the other haplotype"),
        pytest.param("chr1 20 G A 0|1", "CAATCGATC", id="an allele out of reach"),
    ],
)
def test_the_window_follows_the_haplotypes_sequence(cut_background, neighbour, ref):
    found = cut_background([neighbour, "chr1 11 C G 0|1"], [(11, "C", "G")])
    assert found == {(0, 2): (ref, ref[:4] + "G" + ref[5:])}


def test_a_deletion_in_the_background_draws_in_alleles_from_further_away(cut_background):
    records = ["chr1 11 C G 0|1", "chr1 13 ATCG A 0|1", "chr1 18 A T 0|1"]
    assert cut_background(records, [(11, "C", "G")]) == {(0, 2): ("CAATCGATT", "CAATGGATT")}


def test_an_indel_moves_its_neighbours_behind_it_in_alt_alone(cut_background):
    records = ["chr1 9 A G 0|1", "chr1 11 C CTT 0|1", "chr1 13 A G 0|1"]
    assert cut_background(records, [(11, "C", "CTT")]) == {(0, 2): ("CAGTCGGTC", "CAGTCTTGG")}
    records = ["chr1 1 A TTA 0|1", "chr1 1 A G 0|1"]
    assert cut_background(records, [(1, "A", "TTA")]) == {(0, 2): ("NNNNGCGTT", "NNNNTTGCG")}


def test_a_long_deletion_draws_in_alleles_from_beyond_a_windows_length(cut_background):
    records = ["chr1 11 C G 0|1", "chr1 13 ATCGTACGC A 0|1", "chr1 22 C T 0|1"]
    assert cut_background(records, [(11, "C", "G")]) == {(0, 2): ("CAATCGATG", "CAATGGATG")}


def test_a_record_that_stands_in_the_file_twice_is_one_allele(place):
    haplotypes, reference = place(["chr1 11 C G 0|1", "chr1 11 C G 0|1"], GENOME)
    background = SampleBackground(haplotypes)
    alleles = build_alleles(["chr1"], [11], ["C"], ["G"], reference)
    assert background.find(alleles).haplotype.tolist() == [2]
    assert background.count(alleles)["neighbours left out"] == 0
    assert background.name_haplotypes(alleles) == ["2"]


def test_neighbours_of_another_phase_set_are_not_in_the_background(cut_background):
    records = ["chr1 9 A G 0|1:1", "chr1 11 C A 0|1:2", "chr1 14 T A 1/1:3"]
    assert cut_background(records, [(11, "C", "A")]) == {(0, 2): ("CAATCGAAC", "CAATAGAAC")}


def test_neighbours_that_overlap_the_allele_are_left_out_and_counted(place):
    records = ["chr1 10 TCG T 0|1", "chr1 11 C A 0|1", "chr1 13 A T 0|1"]
    haplotypes, reference = place(records, GENOME)
    background = SampleBackground(haplotypes)
    found, _ = cut(background, reference, [(11, "C", "A")], 9, 4)
    assert found == {(0, 2): ("CAATCGTTC", "CAATAGTTC")}
    counts = background.count(build_alleles(["chr1"], [11], ["C"], ["A"], reference))
    assert counts == {"carried": 1, "unphased": 0, "not carried": 0, "neighbours left out": 1}


def test_alleles_are_counted_by_what_the_sample_carries(place):
    haplotypes, reference = place(["chr1 3 G A 0|1", "chr1 5 T A 0/1", "chr1 9 A C 1|1"], GENOME)
    background = SampleBackground(haplotypes)
    alleles = build_alleles(["chr1"] * 5, [3, 5, 9, 12, 2], list("GTAGA"), ["A,C", "A", "C", "T", "T"], reference)
    assert background.count(alleles) == {"carried": 2, "unphased": 1, "not carried": 2, "neighbours left out": 0}
    assert background.name_haplotypes(alleles) == ["2", ".", ".", "1|2", ".", "."]


def test_every_spelling_of_an_allele_is_found(cut_background):
    found = cut_background(["chr1 4 TTG TG 0|1", "chr1 9 A C 0|1"], [(3, "GT", "G"), (7, "CAA", "CAC"), (4, "T", "TA")])
    assert set(found) == {(0, 2), (1, 2), (2, 0)}


def test_a_shift_moves_both_windows_along_the_haplotype(cut_background):
    records = ["chr1 9 A ATT 0|1", "chr1 11 C G 0|1"]
    options = {"shifts": (-1, 0, 1)}
    assert cut_background(records, [(11, "C", "G")], shift=1, **options) == {(0, 2): ("TTTCGATCG", "TTTGGATCG")}
    assert cut_background(records, [(11, "C", "G")], shift=-1, **options) == {(0, 2): ("AATTTCGAT", "AATTTGGAT")}


def test_what_is_too_long_has_no_window(place):
    haplotypes, reference = place(["chr1 11 C CAAAAA 0|1"], GENOME)
    found, reason = cut(SampleBackground(haplotypes), reference, [(11, "C", "CAAAAA")], 9, 4)
    assert found == {}
    assert reason.tolist() == [Reason.TOO_LONG]


def test_an_empty_sample_leaves_every_allele_on_the_reference(cut_background):
    assert set(cut_background(["chr1 1 A C 0|0"], [(11, "C", "A")])) == {(0, 0)}


edits = st.tuples(
    st.integers(1, 36),
    st.integers(1, 4),
    st.text("ACGT", min_size=1, max_size=4),
    st.sampled_from(["0|1:1", "1|0:1", "1|1", "0|1:2", "1|0:2", "0/1", "0|0"]),
)


@settings(max_examples=100)
@given(
    st.text("ACGT", min_size=40, max_size=40),
    st.lists(edits, min_size=1, max_size=10),
    st.sampled_from([(9, 4), (14, 3), (25, 12), (6, 5)]),
    st.integers(1, 4),
)
def test_windows_are_those_of_the_slow_reference(slow, open_letters, tmp_path_factory, genome, found, window, parts):
    length, anchor = window
    lines, copies, variants = [], [], []
    with open_letters(genome) as reference:
        for record, (position, count, alt, value) in enumerate(found):
            ref = genome[position - 1 : position - 1 + count]
            variants.append((position, ref, alt))
            lines.append(f"chr1\t{position}\t.\t{ref}\t{alt}\t.\t.\t.\tGT:PS\t{value}\n")
            genotype, _, phase_set = value.partition(":")
            carriers = [number for number, part in enumerate(genotype.split("|"), start=1) if part == "1"]
            copies += [
                slow.copy(genome, reference, (position, ref, alt), one, phase_set or None, (record, 1))
                for one in carriers
            ]
        path = tmp_path_factory.mktemp("vcf") / "in.vcf"
        header = '##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
        header += '##FORMAT=<ID=PS,Number=1,Type=String,Description="p">\n'
        header += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
        path.write_text(header + "".join(lines))
        sample = read_sample(path, "S", GenomeAgreement(reference, "in", {}))
        background = SampleBackground(place_on_haplotypes(sample, reference))
        windows, reason = cut(background, reference, variants, length, anchor, parts=parts)
        originals = [slow.copy(genome, reference, variant, 0, None, (0, 0)) for variant in variants]
    kept, sets = slow.keep(copies), slow.settle(copies)

    def is_same(one, other):
        return (one.start, one.ref, one.spelled) == (other.start, other.ref, other.spelled)

    expected = {}
    for number, original in enumerate(originals):
        if reason[number] != Reason.OK:
            continue
        mine = {
            copy.haplotype: copy
            for copy in sorted(copies, key=lambda one: one.order, reverse=True)
            if is_same(copy, original)
        }
        for copy in mine.values():
            neighbours = [
                other
                for other in kept
                if other.haplotype == copy.haplotype
                and (other.phase_set is None or sets[other] == sets[copy])
                and not other.slots & copy.slots
            ]
            expected[number, copy.haplotype] = slow.on_haplotype(genome, copy, neighbours, length, anchor)
        if not mine:
            expected[number, 0] = slow.on_haplotype(genome, original, [], length, anchor)
    assert windows == expected
