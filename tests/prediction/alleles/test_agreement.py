import hashlib
import json
import re

import pytest

from zoo.errors import RefMismatch, UnknownContig
from zoo.genome.variant import Reason
from zoo.prediction.alleles.agreement import GenomeAgreement

GENOME = "ACGT" * 300
WRONG = str.maketrans("ACGT", "CGTA")


def read(reference, wrong, right, *, order="wrong first", batch=100, declared=None, mode="skip", contig="chr1"):
    """Read SNVs of which some disagree with the genome, in batches, and finish."""
    agreement = GenomeAgreement(reference, "in.vcf", declared or {}, mode)
    refs = [
        GENOME[position].translate(WRONG) if position < wrong else GENOME[position] for position in range(wrong + right)
    ]
    positions = list(range(1, len(refs) + 1))
    if order == "wrong last":
        refs, positions = refs[::-1], positions[::-1]
    for first in range(0, len(refs), batch):
        part = slice(first, first + batch)
        agreement.read(first, [contig] * len(refs[part]), positions[part], refs[part], ["A,C"] * len(refs[part]))
    agreement.finish()
    return agreement


@pytest.fixture
def reference(open_genome):
    return open_genome(chr1=GENOME, chr2="ACGT")


@pytest.mark.parametrize(("wrong", "right"), [(0, 60), (6, 54), (50, 450)])
def test_a_tenth_of_disagreements_is_borne_in_silence(reference, wrong, right):
    assert read(reference, wrong, right).warnings == []


@pytest.mark.parametrize(("wrong", "right"), [(6, 44), (51, 449), (500, 0), (51, 800)])
def test_more_than_a_tenth_of_the_first_thousand_stops(reference, wrong, right):
    with pytest.raises(
        RefMismatch,
        match=r"^in\.vcf: REF disagrees with .*genome\.fa for \d+ of the first \d+ alleles; annotate with the genome",
    ):
        read(reference, wrong, right)


@pytest.mark.parametrize("batch", [100, 900])
def test_disagreements_after_the_first_thousand_alleles_do_not_stop(reference, batch):
    assert read(reference, 300, 600, order="wrong last", batch=batch).warnings == []


def test_fewer_than_a_hundred_alleles_only_warn(reference):
    (warning,) = read(reference, 20, 20).warnings
    assert re.match(r"^REF disagrees with .*genome\.fa for 40 of the first 80 alleles; annotate with", warning)
    with pytest.raises(RefMismatch, match="50 of the first 100 alleles"):
        read(reference, 25, 25)


def test_the_likely_builds_are_named(reference):
    with pytest.raises(RefMismatch, match=r"alleles \(the variants look like GRCh38 \(hg38\)\); annotate"):
        read(reference, 500, 0, declared={"chr20": 64_444_167})
    reference.lengths["chr20"] = 63_025_520
    with pytest.raises(RefMismatch, match=r"\(the variants look like GRCh38 \(hg38\), the genome looks like hg19\)"):
        read(reference, 500, 0, declared={"20": 64_444_167})


def test_alleles_on_unknown_bases_prove_nothing(open_genome):
    agreement = GenomeAgreement(open_genome(chr1="N" * 500 + "A"), "in.vcf", {})
    agreement.read(0, ["chr1"] * 500, range(1, 501), ["C"] * 500, ["A"] * 500)
    agreement.read(500, ["chr1"], [501], ["C"], ["G"])
    agreement.finish()
    assert agreement.warnings[0].startswith("REF disagrees")
    assert "1 of the first 1 alleles" in agreement.warnings[0]


def test_on_error_the_first_disagreement_stops_and_is_named(reference):
    agreement = GenomeAgreement(reference, "in.vcf", {}, "error")
    agreement.read(0, ["1"], [1], ["A"], ["C"])
    expected = r"^in\.vcf, record 7 \(1:2\): REF is T, .*genome\.fa holds C there; .*: --on-ref-mismatch skip$"
    with pytest.raises(RefMismatch, match=expected):
        agreement.read(5, ["1", "1", "1"], [1, 2, 3], ["A", "T", "T"], ["C", "G", "C"])
    with pytest.raises(RefMismatch, match=r"record 1 \(1:9999\): REF is A{17}… \(30 bases\), .* holds nothing there"):
        agreement.read(0, ["1"], [9999], ["A" * 30], ["C"])


def test_contigs_of_another_name_are_bridged_and_missing_ones_told(reference):
    agreement = GenomeAgreement(reference, "in.vcf", {"2": 4, "1": 77})
    found = agreement.read(0, ["2", "chrUn", "1", "chr2"], [1] * 4, ["A"] * 4, ["C"] * 4)
    agreement.finish()
    unknown = Reason.UNKNOWN_CONTIG
    assert [Reason(reason) for reason in found.reason] == [Reason.OK, unknown, unknown, Reason.OK]
    assert agreement.bridged == {"2": "chr2"}
    assert agreement.unknown == ["chrUn", "1"]
    assert agreement.found == ["chr2"]
    assert re.match(r"^contigs that .*genome\.fa lacks, or has in another length: ", agreement.warnings[0])


def test_none_of_the_contigs_known_is_an_error_that_shows_both_sides(reference):
    message = r"^in\.vcf: none of its contigs \(scaffold1\) is in .*genome\.fa \(chr1, chr2\); annotate with the genome"
    with pytest.raises(UnknownContig, match=message):
        read(reference, 0, 10, contig="scaffold1", declared={"scaffold1": None})
    with pytest.raises(UnknownContig, match=message):
        read(reference, 0, 10, contig="scaffold1")
    lengths = (
        r"\(chr1, chr2\); chr1 has 248,956,422 bases there and 1,200 here \(the variants look like GRCh38 \(hg38\)\)"
    )
    with pytest.raises(UnknownContig, match=lengths):
        read(reference, 0, 10, declared={"chr1": 248_956_422})


def test_a_known_contig_may_come_later(reference):
    agreement = GenomeAgreement(reference, "in.vcf", {"chr1": None})
    agreement.read(0, ["chrUn"], [1], ["A"], ["C"])
    agreement.read(1, ["chr1"], [1], ["A"], ["C"])
    agreement.finish()


def test_contigs_are_told_in_the_order_of_their_first_record(reference):
    names = [f"scaffold{number}" for number in (7, 3, 9, 1, 8, 2)]
    agreement = GenomeAgreement(reference, "in.vcf", {})
    agreement.read(0, [*names, "chr1", *names[::-1]], [1] * 13, ["A"] * 13, ["C"] * 13)
    agreement.finish()
    assert agreement.warnings[0].endswith(": scaffold7, scaffold3, scaffold9, scaffold1, scaffold8 and 1 more")
    agreement = GenomeAgreement(reference, "in.vcf", {})
    agreement.read(0, names, [1] * 6, ["A"] * 6, ["C"] * 6)
    with pytest.raises(UnknownContig, match=r"none of its contigs \(scaffold7, scaffold3, scaffold9\)"):
        agreement.finish()


def test_a_choice_that_there_is_not_is_a_slip(reference):
    with pytest.raises(ValueError, match=r"^on_ref_mismatch: expected 'skip' or 'error', found 'stop'$"):
        GenomeAgreement(reference, "in.vcf", {}, "stop")


def test_builds_that_differ_are_named_wherever_something_does_not_fit(reference):
    reference.lengths["20"] = 63_025_520
    contrast = "(the variants look like GRCh38 (hg38), the genome looks like GRCh37)"
    agreement = GenomeAgreement(reference, "in.vcf", {"20": 64_444_167})
    assert stand_on(agreement, "chr1", "20") == ["OK", "UNKNOWN_CONTIG"]
    agreement.finish()
    assert agreement.warnings[0].endswith(f"lacks, or has in another length: 20 {contrast}")
    strict = GenomeAgreement(reference, "in.vcf", {"20": 64_444_167}, "error")
    with pytest.raises(RefMismatch, match=f"holds C there {re.escape(contrast)}; annotate"):
        strict.read(0, ["chr1"], [2], ["A"], ["T"])
    same = GenomeAgreement(reference, "in.vcf", {"20": 63_025_520})
    assert stand_on(same, "chr1", "Un") == ["OK", "UNKNOWN_CONTIG"]
    same.finish()
    assert same.warnings[0].endswith("lacks, or has in another length: Un")


def md5(letters):
    return hashlib.md5(letters.encode()).hexdigest()  # noqa: S324 - as VCF has it


def stand_on(agreement, *contigs, first=0):
    found = agreement.read(first, contigs, [1] * len(contigs), ["A"] * len(contigs), ["C"] * len(contigs))
    return [Reason(reason).name for reason in found.reason]


def test_an_alias_counts_only_where_the_headers_digest_is_the_genomes_and_a_name_itself_with_a_warning(reference):
    header = (
        f"##contig=<ID=1,md5={md5(GENOME)},assembly=b37>\n##contig=<ID=chr2,length=4,md5={md5('AGGT')}>\n"
        f"##contig=<ID=2,length=4,refget=SQ.{'A' * 32}>\n##contig=<ID=chr1,md5=none>\n"
    )
    agreement = GenomeAgreement(reference, "in.vcf", {"chr2": 4}, header=header)
    assert stand_on(agreement, "1", "chr2", "2", "chr1") == ["OK", "OK", "UNKNOWN_CONTIG", "OK"]
    assert agreement.unknown == ["2"]
    agreement.finish()
    (warning,) = agreement.warnings
    assert re.fullmatch(
        r"contigs whose digest in the header of in\.vcf is not that of .*genome\.fa: chr2, 2 "
        r"\(the variants look like GRCh37\); annotate with the genome that the variants were called on",
        warning,
    )


def test_contigs_of_no_record_are_not_hashed(reference, monkeypatch):
    header = f"##contig=<ID=chr1,md5={md5(GENOME)}>\n##contig=<ID=chr2,md5={md5('ACGT')}>\n"
    asked = []
    original = reference.md5
    monkeypatch.setattr(reference, "md5", lambda contig: asked.append(contig) or original(contig))
    agreement = GenomeAgreement(reference, "in.vcf", {}, header=header)
    for first in range(3):
        assert stand_on(agreement, "chr1", first=first) == ["OK"]
    assert asked == ["chr1"]


def test_none_of_the_contigs_agreeing_is_an_error_that_says_why(reference):
    agreement = GenomeAgreement(reference, "in.vcf", {"2": 4}, header=f"##contig=<ID=2,md5={md5('AGGT')}>\n")
    assert stand_on(agreement, "2") == ["UNKNOWN_CONTIG"]
    message = r"none of its contigs \(2\) is in .* \(chr1, chr2\); the header states another digest of 2; "
    with pytest.raises(UnknownContig, match=message):
        agreement.finish()


def test_a_model_that_was_trained_on_other_sequences_is_told_once(reference):
    agreement = GenomeAgreement(reference, "in.vcf", {})
    agreement.expect("right@1.0.0", "my build", {"1": f"ga4gh:{reference.digest('chr1')}"})
    agreement.expect("wrong@1.0.0", "my build", {"1": "SQ.other", "2": "SQ.other", "chr9": "SQ.x"})
    assert stand_on(agreement, "chr1") == ["OK"]
    resumed = GenomeAgreement(reference, "in.vcf", {})
    resumed.restore(agreement.state())
    for each in (agreement, resumed):
        assert stand_on(each, "chr2", first=1) == ["OK"]
        each.finish()
    assert agreement.warnings == resumed.warnings
    (warning,) = agreement.warnings
    assert re.fullmatch(
        r"wrong@1\.0\.0 was trained on another sequence of chr1 \(my build\) than that of .*genome\.fa", warning
    )


def test_both_builds_are_named_where_they_are_known(reference):
    reference.lengths["chr20"] = 63_025_520
    agreement = GenomeAgreement(reference, "in.vcf", {})
    agreement.expect("one@1.0.0", "GRCh38", {"chr2": "SQ.other"})
    agreement.expect("two@1.0.0", "hg19", {})
    agreement.expect("three@1.0.0", None, {})
    (warning,) = agreement.warnings
    assert re.fullmatch(r"one@1\.0\.0 was trained on GRCh38; .*genome\.fa looks like hg19", warning)
    stand_on(agreement, "chr2")
    agreement.finish()
    assert "of chr2 (GRCh38) than that of" in agreement.warnings[1]
    assert agreement.warnings[1].endswith("genome.fa (looks like hg19)")


def test_the_build_that_the_header_names_is_told_where_lengths_tell_none(reference):
    agreement = GenomeAgreement(reference, "in.vcf", {}, header="##reference=hg38.fa\n")
    agreement.read(0, ["chr1"] * 4, [1, 2, 3, 4], ["C", "G", "T", "A"], ["A"] * 4)
    agreement.finish()
    assert "(the variants look like GRCh38 (hg38)); annotate" in agreement.warnings[0]


@pytest.mark.parametrize("cut", [0, 1, 50, 99, 100, 119, 120, 121])
@pytest.mark.parametrize("wrong", [0, 11, 13])
def test_an_agreement_that_is_restored_goes_on_as_if_nothing_had_happened(reference, cut, wrong):
    header = f"##contig=<ID=chr2,md5={md5('AGGT')}>\n"
    records = [("chr1", place + 1, GENOME[place], "A") for place in range(120 - wrong)]
    records += [("chr2", 1, "A", "C"), ("7", 1, "A", "C")] if not wrong else [("1", 1, "C", "A")] * wrong

    def go_on(agreement, first, part):
        for number, (contig, position, ref, alt) in enumerate(part, start=first):
            agreement.read(number, [contig], [position], [ref], [alt])

    def finish(agreement):
        try:
            agreement.finish()
        except RefMismatch as error:
            return str(error)
        return [agreement.warnings, agreement.bridged, agreement.unknown, agreement.found]

    whole = GenomeAgreement(reference, "in.vcf", {}, header=header)
    go_on(whole, 0, records)
    before = GenomeAgreement(reference, "in.vcf", {}, header=header)
    go_on(before, 0, records[:cut])
    after = GenomeAgreement(reference, "in.vcf", {}, header=header)
    after.restore(json.loads(json.dumps(before.state())))
    go_on(after, cut, records[cut:])
    assert finish(after) == finish(whole)


def test_a_verdict_is_restored_too(reference):
    before = GenomeAgreement(reference, "in.vcf", {})
    before.read(0, ["chr1"] * 1000, range(1, 1001), GENOME[:1000], ["A"] * 1000)
    after = GenomeAgreement(reference, "in.vcf", {})
    after.restore(json.loads(json.dumps(before.state())))
    after.read(1000, ["chr1"] * 200, range(1, 201), GENOME[:200].translate(WRONG), ["A"] * 200)
    after.finish()
    assert after.warnings == []
