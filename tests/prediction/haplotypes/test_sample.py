import numpy as np
import pytest

from zoo.errors import VcfError
from zoo.genome.codes import decode
from zoo.genome.variant import Reason
from zoo.prediction.alleles.agreement import GenomeAgreement
from zoo.prediction.haplotypes import sample as module
from zoo.prediction.haplotypes.sample import read_sample

GENOME = "ACGTTGCAAT"


def spell(alleles):
    """Return each allele as position:length of REF:ALT, with its phase set and haplotypes."""
    told = []
    for allele in range(len(alleles)):
        first = alleles.alt_start[allele]
        alt = decode(alleles.alt[first : first + alleles.alt_length[allele]])
        number = alleles.phase_set[allele]
        haplotypes = alleles.copy_haplotype[alleles.copy_allele == allele].tolist()
        name = "all" if number < 0 else alleles.phase_sets[number]
        told.append((f"{alleles.start[allele] + 1}:{alleles.ref_length[allele]}>{alt}", name, haplotypes))
    return told


def test_only_what_the_sample_carries_is_read(read):
    alleles, _ = read(["chr1 2 C A 0|0", "chr1 5 T A,G 0|2", "chr1 7 C T ."], GENOME)
    assert spell(alleles) == [("5:1>G", ".", [2])]
    assert (alleles.record.tolist(), alleles.number.tolist()) == ([1], [2])
    assert alleles.records == 3


def test_alleles_come_in_normal_form(read):
    alleles, _ = read(["chr1 4 TTG TG 0|1", "chr1 7 CAAT CAGT 1|0"], GENOME)
    assert spell(alleles) == [("3:2>G", ".", [2]), ("9:1>G", ".", [1])]


def test_a_homozygous_allele_belongs_to_every_haplotype_and_phase_set(read):
    alleles, _ = read(["chr1 2 C A 1/1:7", "chr1 5 T A 1:9", "chr1 7 C T 1|0:9"], GENOME)
    assert spell(alleles) == [("2:1>A", "all", [1, 2]), ("5:1>A", "all", [1]), ("7:1>T", "9", [1])]


def test_phase_sets_may_be_words_or_missing(read):
    alleles, _ = read(["chr1 2 C A 0|1:a", "chr1 5 T A 0|1:.", "chr1 7 C T 0|1"], GENOME, set_type="String")
    assert [name for _, name, _ in spell(alleles)] == ["a", ".", "."]


def test_an_unphased_allele_is_on_no_known_haplotype(read):
    alleles, _ = read(["chr1 2 C A,G 1/2:7"], GENOME)
    assert [haplotypes for _, _, haplotypes in spell(alleles)] == [[0], [0]]


@pytest.mark.parametrize("version", ["4.2", "4.4", "4.5"])
def test_one_sample_of_many_is_read(read, version):
    records = ["chr1 2 C A 1|0 0|1 0|0", "chr1 5 T G 0|0 1|0 1|1"]
    for sample, found in (("A", ["2:1>A"]), ("B", ["2:1>A", "5:1>G"]), ("C", ["5:1>G"])):
        alleles, _ = read(records, GENOME, samples=("A", "B", "C"), sample=sample, version=version)
        assert [text for text, _, _ in spell(alleles)] == found


def test_one_sample_of_many_more_is_read(read):
    samples = [f"S{number}" for number in range(300)]
    others = " 1|1" * 297
    alleles, _ = read(
        [f"chr1 2 C A 0|1 1|0 0|0{others}", f"chr1 5 T G 0|0 0|1 1|1{others}"], GENOME, samples=samples, sample="S1"
    )
    assert spell(alleles) == [("2:1>A", ".", [1]), ("5:1>G", ".", [2])]


def test_the_written_mark_of_the_first_copy_is_read_where_vcf_allows_it(read, write_genotypes, open_genome):
    records = ["chr1 2 C A |0|1:1", "chr1 5 T G /0/1:1", "chr1 7 C T /1:1"]
    alleles, _ = read(records, GENOME, version="4.4")
    assert spell(alleles) == [("2:1>A", "1", [2]), ("5:1>G", "1", [0]), ("7:1>T", "all", [1])]
    path = write_genotypes(records)
    with pytest.raises(VcfError, match="record 1"):
        read_sample(path, "S", GenomeAgreement(open_genome(chr1=GENOME), "in", {}))


def test_an_unsorted_file_is_sorted(read):
    records = ["chr2 5 T A 0|1", "chr1 7 C T 0|1", "chr2 2 C A 0|1", "chr1 2 C A 0|1"]
    alleles, _ = read(records, {"chr1": GENOME, "chr2": GENOME})
    assert [alleles.contigs[number] for number in alleles.contig] == ["chr2", "chr2", "chr1", "chr1"]
    assert alleles.start.tolist() == [1, 4, 1, 6]
    assert alleles.record.tolist() == [2, 0, 3, 1]
    assert [alleles.copy_allele.tolist().index(allele) for allele in range(4)] == [2, 0, 3, 1]


def test_what_can_not_be_scored_is_kept_with_its_reason(read):
    records = ["chr1 2 G A 0|1", "chr1 5 T <DEL>,* 1|2", "chr1 7 C R 1|1", "chrZ 7 C A 0|1"]
    alleles, _ = read(records, GENOME)
    reasons = [Reason.REF_MISMATCH, Reason.SYMBOLIC, Reason.SPANNING_DELETION, Reason.AMBIGUOUS_ALT]
    assert alleles.reason.tolist() == [*reasons, Reason.UNKNOWN_CONTIG]
    assert alleles.texts == {0: "2:G>A", 1: "5:T><DEL>", 2: "5:T>*", 3: "7:C>R", 4: "7:C>A"}
    assert alleles.start.tolist() == [1, 4, 4, 6, 6]


def test_an_allele_of_unknown_bases_has_none_to_change(read):
    alleles, _ = read(["chr1 2 N A 0|1"], "ANGT")
    assert alleles.reason.tolist() == [Reason.UNKNOWN_BASES]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_the_batch_size_changes_nothing(read, monkeypatch, size):
    records = ["chr1 2 C A,G 1|2:4", "chr1 5 T TAC 1|1:4", "chr1 7 C R 0|1:5", "chr1 8 AA A 0/1:4"]
    expected, _ = read(records, GENOME)
    monkeypatch.setattr(module, "RECORDS_A_BATCH", size)
    found, _ = read(records, GENOME)
    assert spell(found) == spell(expected)
    for name in ("contig", "start", "ref_length", "reason", "record", "number", "copy_allele", "copy_haplotype"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert found.texts == expected.texts


def test_a_sample_that_is_not_there_gets_a_near_match(read):
    with pytest.raises(VcfError, match=r"genotypes\.vcf: no sample 'NA12787'; did you mean 'NA12878'\?"):
        read(["chr1 2 C A 0|1"], GENOME, samples=("NA12878",), sample="NA12787")


def test_a_file_without_samples_says_so(write_vcf, open_genome):
    path = write_vcf(["chr1 2 . C A"])
    with pytest.raises(VcfError, match="expected genotypes of sample 'S', found no samples at all"):
        read_sample(path, "S", GenomeAgreement(open_genome(chr1=GENOME), "in", {}))


def test_a_file_without_genotypes_says_so(write_genotypes, open_genome):
    path = write_genotypes(["chr1 2 C A 1"])
    path.write_text(path.read_text().replace("GT\t1", "PS\t1"))
    with pytest.raises(VcfError, match="expected GT in FORMAT, found it in none of the 1 records"):
        read_sample(path, "S", GenomeAgreement(open_genome(chr1=GENOME), "in", {}))


def test_a_genotype_of_an_allele_that_is_not_there_names_its_record(read):
    with pytest.raises(VcfError, match=r"record 2, sample S: the genotype names ALT allele 2, the record has 1"):
        read(["chr1 2 C A 0|1", "chr1 5 T A 0|2"], GENOME)
    with pytest.raises(VcfError, match=r"record 1, sample S: the genotype names ALT allele 1, the record has 0"):
        read(["chr1 2 C . 0|1"], GENOME)


def test_a_malformed_genotype_names_its_record(read):
    with pytest.raises(VcfError, match=r"record 2, sample S: expected a genotype such as 0\|1, found '0\|x'"):
        read(["chr1 2 C A 0|1", "chr1 5 T A 0|x"], GENOME, version="4.4")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("chr1\t5\t.\tT\tA", r"record 2: expected at least 10 columns between tabs, found 5", id="short"),
        pytest.param("chr1\tx\t.\tT\tA\t.\t.\t.\tGT\t0|1", r"record 2: POS: expected a whole number", id="POS"),
        pytest.param("chr1\t5\t.\t\tA\t.\t.\t.\tGT\t0|1", r"record 2: expected REF and ALT", id="REF"),
    ],
)
def test_a_malformed_line_of_a_new_version_names_its_record(write_genotypes, open_genome, line, message):
    path = write_genotypes(["chr1 2 C A 0|1"], version="4.4")
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(VcfError, match=message):
        read_sample(path, "S", GenomeAgreement(open_genome(chr1=GENOME), "in", {}))


def test_contigs_that_the_header_lacks_are_read(write_genotypes, open_genome):
    path = write_genotypes(["chr1 2 C A 0|1", "chr1 5 T A 0|1"])
    path.write_text(path.read_text().replace("##contig=<ID=chr1>\n", ""))
    alleles = read_sample(path, "S", GenomeAgreement(open_genome(chr1=GENOME), "in", {}))
    assert alleles.start.tolist() == [1, 4]
