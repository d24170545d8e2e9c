import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.prediction.alleles.agreement import GenomeAgreement
from zoo.prediction.haplotypes.phasing import place_on_haplotypes
from zoo.prediction.haplotypes.reasons import reason_name
from zoo.prediction.haplotypes.sample import read_sample

GENOME = "ACGTTGCAATCGATCGTACG"


def told(haplotypes):
    """Return each copy as position, haplotype and reason."""
    sample = haplotypes.sample
    starts, names = sample.start[haplotypes.allele] + 1, map(reason_name, haplotypes.reason.tolist())
    return list(zip(starts.tolist(), haplotypes.haplotype.tolist(), names, strict=True))


@pytest.mark.parametrize(
    ("records", "skipped"),
    [
        pytest.param(["chr1 5 T A 0|1", "chr1 6 G A 0|1"], [], id="neighbouring SNVs"),
        pytest.param(["chr1 5 T A 0|1", "chr1 5 T C 0|1"], [5], id="two SNVs at one base"),
        pytest.param(["chr1 5 T A 1|0", "chr1 5 T C 0|1"], [], id="two SNVs at one base, on two haplotypes"),
        pytest.param(["chr1 5 TGC T 0|1", "chr1 5 T A 0|1"], [], id="an SNV of the padding base of a deletion"),
        pytest.param(["chr1 5 TGC T 0|1", "chr1 6 G A 0|1"], [6], id="an SNV of a deleted base"),
        pytest.param(["chr1 5 TGC T 0|1", "chr1 8 A C 0|1"], [], id="an SNV behind a deletion"),
        pytest.param(["chr1 5 TGC T 0|1", "chr1 5 T TCC 0|1"], [], id="an insertion right before a deletion"),
        pytest.param(["chr1 5 TGC T 0|1", "chr1 7 C CTT 0|1"], [], id="an insertion right behind a deletion"),
        pytest.param(["chr1 5 TGC T 0|1", "chr1 6 G GTT 0|1"], [6], id="an insertion inside a deletion"),
        pytest.param(["chr1 5 TG AC 0|1", "chr1 5 T TAA 0|1"], [5], id="an insertion inside an MNV"),
        pytest.param(["chr1 5 T TCC 0|1", "chr1 5 T TA 0|1"], [5], id="two insertions at one place"),
        pytest.param(["chr1 5 T TCC 0|1", "chr1 6 G GA 0|1"], [], id="two insertions a base apart"),
        pytest.param(["chr1 5 TG T 0|1", "chr1 6 GC G 0|1"], [], id="two deletions that touch"),
        pytest.param(["chr1 5 TGC T 0|1", "chr1 6 GCA G 0|1"], [6], id="two deletions that overlap"),
        pytest.param(
            ["chr1 5 TGC T 0|1", "chr1 6 G A 0|1", "chr1 7 CA C 0|1"], [6], id="what was left out blocks nothing"
        ),
        pytest.param(["chr1 5 TGCA T 0|1", "chr1 6 G A 0|1", "chr1 7 C T 0|1"], [6, 7], id="a deletion leaves out two"),
        pytest.param(["chr1 5 T A 0|1:1", "chr1 5 T C 0|1:2"], [], id="phase sets don't meet"),
        pytest.param(["chr1 5 T A 0|1:1", "chr1 5 T C 1/1:2"], [5], id="what every haplotype carries meets all"),
        pytest.param(["chr1 5 TGC T 1/1:1", "chr1 6 G A 0|1:2"], [6], id="and all meet it"),
    ],
)
def test_of_two_that_overlap_on_a_haplotype_the_left_one_stays(place, records, skipped):
    haplotypes, _ = place(records, GENOME)
    assert [position for position, _, reason in told(haplotypes) if reason == "OVERLAPS"] == skipped


def test_of_two_insertions_at_one_place_the_earlier_record_stays(place):
    haplotypes, _ = place(["chr1 5 T TCC 0|1", "chr1 5 T TA 0|1"], GENOME)
    left_out = haplotypes.allele[haplotypes.reason != 0]
    assert haplotypes.sample.record[left_out].tolist() == [1]


def test_what_can_not_be_scored_blocks_nothing(place):
    haplotypes, _ = place(["chr1 5 T <DEL> 0|1", "chr1 5 G A 0|1", "chr1 5 T A 0|1", "chr1 6 G A 0/1"], GENOME)
    assert sorted(told(haplotypes)) == [(5, 2, "OK"), (5, 2, "REF_MISMATCH"), (5, 2, "SYMBOLIC"), (6, 0, "UNPHASED")]


@pytest.mark.parametrize(
    ("records", "sets"),
    [
        pytest.param(["chr1 5 T A 1|1", "chr1 9 A C 1"], [".", "."], id="none on the contig"),
        pytest.param(
            ["chr1 3 G A 0|1:1", "chr1 5 T A 1|1", "chr1 9 A C 0|1:2"], ["1", "1", "2"], id="nearer to the left"
        ),
        pytest.param(["chr1 3 G A 0|1:1", "chr1 8 A C 1|1", "chr1 9 A C 0|1:2"], ["1", "2", "2"], id="to the right"),
        pytest.param(["chr1 3 G A 0|1:1", "chr1 6 G C 1|1", "chr1 9 A C 0|1:2"], ["1", "1", "2"], id="as near to both"),
        pytest.param(
            ["chr1 3 G A 0/1:1", "chr1 6 G C 1|1", "chr1 9 A C 1|0:2"], ["1", "2", "2"], id="unphased tells none"
        ),
    ],
)
def test_a_homozygous_allele_goes_with_the_nearest_heterozygous_one(place, records, sets):
    haplotypes, _ = place(records, GENOME)
    names = haplotypes.sample.phase_sets
    found = dict(zip(haplotypes.allele.tolist(), haplotypes.phase_set.tolist(), strict=True))
    assert [names[found[allele]] for allele in range(len(records))] == sets


alleles = st.tuples(
    st.integers(1, 28),
    st.integers(1, 4),
    st.text("ACGT", min_size=1, max_size=4),
    st.integers(1, 3),
    st.sampled_from([None, "7", "9"]),
)


@given(st.text("AC", min_size=32, max_size=32), st.lists(alleles, min_size=1, max_size=12))
def test_overlaps_and_phase_sets_are_those_of_the_slow_reference(slow, open_letters, tmp_path_factory, genome, found):
    lines, copies = [], []
    with open_letters(genome) as reference:
        for record, (position, length, alt, haplotype, phase_set) in enumerate(found):
            ref = genome[position - 1 : position - 1 + length]
            if phase_set is None:
                value, carriers = "1|1|1", (1, 2, 3)
            else:
                value = "|".join("1" if number == haplotype else "0" for number in (1, 2, 3)) + f":{phase_set}"
                carriers = (haplotype,)
            lines.append(f"chr1\t{position}\t.\t{ref}\t{alt}\t.\t.\t.\tGT:PS\t{value}")
            copies += [
                slow.copy(genome, reference, (position, ref, alt), one, phase_set, (record, 1)) for one in carriers
            ]
        path = tmp_path_factory.mktemp("vcf") / "in.vcf"
        header = '##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
        header += '##FORMAT=<ID=PS,Number=1,Type=String,Description="p">\n'
        header += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
        path.write_text(header + "\n".join(lines) + "\n")
        haplotypes = place_on_haplotypes(read_sample(path, "S", GenomeAgreement(reference, "in", {})), reference)
    sample = haplotypes.sample
    kept = {(copy.order[0], copy.haplotype) for copy in slow.keep(copies)}
    sets = {(copy.order[0], copy.haplotype): name for copy, name in slow.settle(copies).items()}
    for copy in range(len(haplotypes)):
        key = (int(sample.record[haplotypes.allele[copy]]), int(haplotypes.haplotype[copy]))
        assert (reason_name(haplotypes.reason[copy]) == "OK") == (key in kept)
        assert sample.phase_sets[haplotypes.phase_set[copy]] == sets[key]
