import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.genome.codes import decode, encode
from zoo.genome.variant import Reason
from zoo.genome.vcf import ALT, CONTIG, POS, REF
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.alleles.structural import spell_structural

GENOME = "TGCAATCCGGTTAACG"
#         1   5    10   15


class Contig:
    """A genome of one contig, chr1."""

    def __init__(self, letters):
        self._letters = letters
        self.lengths = {"chr1": len(letters)}

    def codes(self, contig):
        return encode(self._letters)

    def letters(self, interval):
        return self._letters[max(0, interval.start) : max(0, interval.end)]


def read(letters, *records, longest=None, contig="chr1"):
    """Return the alleles of records ``POS REF ALT INFO``, the symbolic ones spelled."""
    columns = []
    for record in records:
        position, ref, alt, info = record.split(" ")
        columns.append([contig, position, ".", ref, alt, ".", ".", info])
    reference = Contig(letters)
    alleles = build_alleles(
        [record[CONTIG] if record[CONTIG] == "chr1" else None for record in columns],
        [int(record[POS]) for record in columns],
        [record[REF] for record in columns],
        [record[ALT] for record in columns],
        reference,
    )
    return spell_structural(alleles, columns, reference, longest)


def spell(alleles, allele=0):
    """Return POS, REF length, ALT and reason."""
    first = alleles.alt_start[allele]
    alt = decode(alleles.alt[first : first + alleles.alt_length[allele]])
    return int(alleles.start[allele]) + 1, int(alleles.ref_length[allele]), alt, Reason(alleles.reason[allele])


@pytest.mark.parametrize(
    ("record", "spelled_out"),
    [
        pytest.param("3 C <DEL> SVLEN=-3", "3 CAAT C .", id="a deletion takes the bases after POS"),
        pytest.param("3 C <DEL> SVLEN=3", "3 CAAT C .", id="VCF 4.4 writes its length without a sign"),
        pytest.param("3 C <DEL> END=6", "3 CAAT C .", id="END is the last base of it"),
        pytest.param("3 C <DEL> END=6;SVLEN=-3;SVTYPE=DEL", "3 CAAT C .", id="END and SVLEN agree"),
        pytest.param("3 C <DEL:ME:ALU> END=6", "3 CAAT C .", id="a subtype"),
        pytest.param("3 C <CN0> END=6", "3 CAAT C .", id="no copy is left"),
        pytest.param("3 C <DUP> SVLEN=3", "3 C CAAT .", id="the copy of a duplication stands beside the original"),
        pytest.param("3 C <DUP> SVLEN=3", "6 T TAAT .", id="on either side of it, which is the same"),
        pytest.param("3 C <DUP:TANDEM> END=6", "3 C CAAT .", id="tandem, as it says"),
        pytest.param("3 C <INV> END=8", "3 CAATCC CGGATT .", id="an inversion is the reverse complement"),
        pytest.param("3 C <INV> SVLEN=5", "3 CAATCC CGGATT .", id="its length is that of the inverted bases"),
        pytest.param("3 C <INV> SVLEN=0;END=8", "3 CAATCC CGGATT .", id="or the difference in length, which is none"),
        pytest.param("3 CAA <DEL> SVLEN=-3", "3 CAAT C .", id="REF may be longer than the padding base"),
        pytest.param("3 c <DEL> CIPOS=0,0;CIEND=0,0;END=6", "3 CAAT C .", id="no doubt about its ends"),
        pytest.param("13 A <DEL> END=16", "13 AACG A .", id="up to the contig's last base"),
    ],
)
def test_a_symbol_whose_sequence_is_known_is_the_allele_that_spells_it_out(record, spelled_out):
    found = spell(read(GENOME, record))
    assert found == spell(read(GENOME, spelled_out))
    assert found[3] is Reason.OK


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("3 C <DEL> .", "neither END nor SVLEN"),
        ("3 C <DEL> SVLEN=.;END=.", "neither"),
        ("3 C <DEL> IMPRECISE;END=6", "imprecise"),
        ("3 C <DEL> CIPOS=-1,1;END=6", "its place is uncertain"),
        ("3 C <DEL> CIPOS=0,0;CIEND=0,9;END=6", "its end is uncertain"),
        ("3 C <DEL> END=17", "beyond the contig"),
        ("3 C <DEL> SVLEN=-14", "beyond the contig"),
        ("3 C <DEL> END=3", "no bases"),
        ("3 C <DEL> END=2", "before POS"),
        ("3 C <DEL> SVLEN=0", "no bases"),
        ("3 C <DEL> END=6;SVLEN=-4", "END and SVLEN disagree"),
        ("3 C <DEL> END=six", "no number"),
        ("3 C <DEL> SVLEN=-3,-4", "two lengths of one ALT"),
        ("3 C <DEL>,<DUP> SVLEN=3", "one length of two ALT"),
        ("3 C <DEL> END=6;SVCLAIM=D", "told from the depth of reads alone"),
        ("3 C <DUP> SVLEN=-3", "a duplication loses nothing"),
        ("3 C <DUP:INT> SVLEN=3", "a copy somewhere else"),
        ("3 C <INV> SVLEN=0", "no length"),
        ("3 C <INS> SVLEN=3", "what is inserted is not told"),
        ("3 C <INS:ME:ALU> SVLEN=3", "nor here"),
        ("3 C <CN2> END=6", "copies of which nobody knows where they are"),
        ("3 C <CNV> END=6", "any number of copies"),
        ("3 C <CNV:TR> END=6;RN=1", "a tandem repeat of any number"),
        ("3 C <BND> END=6", "no sequence"),
        ("0 N <DEL> END=6", "POS 0 is the telomere"),
    ],
)
def test_a_symbol_whose_sequence_is_not_known_stays_one(record, why):
    assert set(read(GENOME, record).reason.tolist()) == {Reason.SYMBOLIC}, why


def test_each_alt_has_a_length_of_its_own():
    found = read(GENOME, "3 C <DEL>,A,<DUP>,<INS> SVLEN=-2,.,3,9;END=6")
    expected = read(GENOME, "3 CAA C .", "3 C A .", "3 C CAAT .")
    assert [spell(found, allele) for allele in range(3)] == [spell(expected, allele) for allele in range(3)]
    assert Reason(found.reason[3]) is Reason.SYMBOLIC


def test_end_serves_every_alt_where_no_length_is_told():
    found = read(GENOME, "3 C <CN0>,<CN2> END=6")
    assert spell(found) == spell(read(GENOME, "3 CAAT C ."))
    assert Reason(found.reason[1]) is Reason.SYMBOLIC


@pytest.mark.parametrize("event", ["<DEL>", "<DUP>", "<INV>"])
def test_ref_has_to_agree_with_the_genome(event):
    assert read(GENOME, f"3 G {event} END=6").reason.tolist() == [Reason.REF_MISMATCH]
    assert read(GENOME, f"3 S {event} END=6").reason.tolist() == [Reason.OK]


def test_a_contig_that_the_genome_lacks_leaves_the_symbol():
    assert read(GENOME, "3 C <DEL> END=6", contig="chr2").reason.tolist() == [Reason.SYMBOLIC]


@pytest.mark.parametrize(
    ("record", "longest"),
    [("3 C <DEL> END=6", 4), ("3 C <DUP> END=6", 4), ("3 C <INV> END=8", 5), ("2 G <INV> END=9", 5)],
)
def test_an_allele_longer_than_any_window_is_too_long_and_one_that_just_fits_is_not(record, longest):
    # The last one, CAATCCG to CGGATTG, changes five bases of its seven.
    assert read(GENOME, record, longest=longest).reason.tolist() == [Reason.OK]
    assert read(GENOME, record, longest=longest - 1).reason.tolist() == [Reason.TOO_LONG]


def test_an_inversion_that_reads_the_same_changes_nothing():
    assert spell(read("TGAATTCT", "2 G <INV> END=6"))[1:3] == (1, "A")


@pytest.mark.parametrize(
    ("letters", "record", "holds"),
    [
        ("TGCANNCCGG", "3 C <DEL> END=6", True),
        ("TGCANNCCGG", "3 C <DUP> END=6", True),
        ("TGCANNCCGG", "3 C <INV> END=6", True),
        ("TGCANNCCGG", "6 N <DEL> END=8", False),
        ("TGCANNCCGG", "6 N <DEL> END=10", True),
        ("TGCANNCCGG", "6 N <DUP> END=8", False),
        ("TGCANNCCGA", "6 N <INV> END=8", False),
    ],
)
def test_unknown_bases_in_the_event_are_told_and_those_beside_it_are_not_part_of_it(letters, record, holds):
    alleles = read(letters, record)
    assert alleles.reason.tolist() == [Reason.OK]
    assert alleles.holds_unknown.tolist() == [holds]


def test_without_symbols_the_alleles_are_what_they_were():
    columns = [["chr1", "3", ".", "C", "A", ".", ".", "."]]
    alleles = build_alleles(["chr1"], [3], ["C"], ["A"], Contig(GENOME))
    assert spell_structural(alleles, columns, None) is alleles


def test_a_deletion_of_a_hundred_thousand_bases_moves_through_its_repeat():
    letters = "G" + "AC" * 100_000
    alleles = read(letters, f"{len(letters) - 100_000} C <DEL> END={len(letters)}")
    assert spell(alleles) == (1, 100_001, "G", Reason.OK)


@given(
    st.text("ACGT", min_size=2, max_size=12),
    st.data(),
    st.sampled_from(["<DEL>", "<DUP>", "<INV>"]),
)
def test_any_event_gives_the_sequence_that_its_symbol_means(letters, data, symbol):
    position = data.draw(st.integers(1, len(letters) - 1))
    end = data.draw(st.integers(position + 1, len(letters)))
    alleles = read(letters, f"{position} {letters[position - 1]} {symbol} END={end}")
    bases = letters[position:end]
    turned = bases[::-1].translate(str.maketrans("ACGT", "TGCA"))
    meant = {"<DEL>": "", "<DUP>": bases * 2, "<INV>": turned}[symbol]
    found, ref_length, alt, reason = spell(alleles)
    assert reason is Reason.OK
    assert letters[: found - 1] + alt + letters[found - 1 + ref_length :] == letters[:position] + meant + letters[end:]
    written = read(letters, f"{position} {letters[position - 1 : end]} {letters[position - 1]}{meant} .")
    if bases != turned or symbol != "<INV>":
        assert spell(alleles) == spell(written)
    assert np.array_equal(alleles.checkable, [True])
