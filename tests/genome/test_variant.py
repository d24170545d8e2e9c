import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import RefMismatch
from zoo.genome.codes import encode
from zoo.genome.variant import Reason, Variant, classify_alt, letters_agree, normal_form, normalise


class Contig:
    """A genome of one contig, chr1."""

    def __init__(self, letters):
        self._letters = letters

    def codes(self, contig):
        return encode(self._letters)

    def letters(self, interval):
        return self._letters[max(0, interval.start) : max(0, interval.end)]


def normalised(letters, position, ref, alt):
    found = normalise(Variant("chr1", position, ref, alt), Contig(letters))
    return found.position, found.ref, found.alt


@pytest.mark.parametrize(
    ("genome", "variant", "expected"),
    [
        pytest.param("ACGTA", (3, "G", "T"), (3, "G", "T"), id="SNV"),
        pytest.param("ACGTA", (2, "CGT", "CAT"), (3, "G", "A"), id="SNV spelled with both neighbours"),
        pytest.param("ACGTA", (2, "CG", "AT"), (2, "CG", "AT"), id="MNP"),
        pytest.param("ACGTA", (1, "ACGT", "AATT"), (2, "CG", "AT"), id="MNP with padding on both sides"),
        pytest.param("ACGTA", (2, "CGT", "CA"), (3, "GT", "A"), id="complex"),
        pytest.param("ACGTA", (3, "G", "G"), (3, "G", "G"), id="REF is ALT"),
        pytest.param("ACGTA", (2, "CGT", "CGT"), (2, "C", "C"), id="longer REF is ALT"),
        pytest.param("ACGTA", (3, "G", "GC"), (3, "G", "GC"), id="insertion"),
        pytest.param("ACGTA", (2, "CG", "C"), (2, "CG", "C"), id="deletion"),
        pytest.param("ACGTA", (2, "CGT", "CT"), (2, "CG", "C"), id="deletion spelled with the base after it"),
        pytest.param("GCACACT", (5, "ACT", "AT"), (5, "AC", "A"), id="no repeat to move in"),
        pytest.param("GCACACT", (4, "CAC", "C"), (1, "GCA", "G"), id="deletion moves left through a repeat"),
        pytest.param("GCACACT", (6, "C", "CAC"), (1, "G", "GCA"), id="insertion moves left through a repeat"),
        pytest.param("TAAAC", (4, "A", "AA"), (1, "T", "TA"), id="insertion moves left through a run"),
        pytest.param("AAAC", (3, "A", "AA"), (1, "A", "AA"), id="insertion stops at the contig's start"),
        pytest.param("AAAC", (2, "AA", "A"), (1, "AA", "A"), id="deletion stops at the contig's start"),
        pytest.param("ACGT", (1, "A", "GA"), (1, "A", "GA"), id="insertion before the contig's first base"),
        pytest.param("ACGT", (1, "AC", "C"), (1, "AC", "C"), id="deletion of the contig's first base"),
        pytest.param("ACGT", (1, "ACG", "CG"), (1, "AC", "C"), id="the same spelled longer"),
        pytest.param("TANAAC", (5, "A", "AA"), (4, "A", "AA"), id="insertion stops at an unknown base"),
        pytest.param("TANAAC", (4, "AA", "A"), (4, "AA", "A"), id="deletion stops at an unknown base"),
        pytest.param("TARAAC", (5, "A", "AA"), (4, "A", "AA"), id="R is no base to move across either"),
        pytest.param("taaac", (4, "A", "aa"), (1, "T", "TA"), id="case does not matter"),
        pytest.param("TRAC", (1, "TA", "T"), (1, "TR", "T"), id="REF is written as the reference has it"),
    ],
)
def test_the_normal_form_is_trimmed_and_leftmost_with_one_padding_base(genome, variant, expected):
    assert normalised(genome, *variant) == expected


@st.composite
def alleles(draw):
    """A contig with repeats, a start, a REF length and an ALT of ACGT."""
    contig = "".join(draw(st.lists(st.sampled_from(["A", "C", "AC", "CAG", "AAAA", "N"]), min_size=1, max_size=12)))
    start = draw(st.integers(0, len(contig) - 1))
    ref_length = draw(st.integers(1, min(5, len(contig) - start)))
    return contig, start, ref_length, draw(st.text("ACG", min_size=1, max_size=5))


def apply(contig, start, ref_length, alt):
    return contig[:start] + alt + contig[start + ref_length :]


def letters_of(alt):
    return "".join("ACGT"[code] for code in alt)


@given(alleles(), st.integers(0, 4), st.integers(0, 4))
def test_padding_changes_nothing_in_the_normal_form(allele, left, right):
    contig, start, ref_length, alt = allele
    left, right = min(left, start), min(right, len(contig) - start - ref_length)
    before, after = contig[start - left : start], contig[start + ref_length : start + ref_length + right]
    if "N" in before + after:
        return  # ALT can't spell it
    codes = encode(contig)
    padded = normal_form(codes, start - left, left + ref_length + right, encode(before + alt + after).tobytes())
    if contig[start : start + ref_length] != alt:  # an allele without a change stands wherever it is written
        assert padded == normal_form(codes, start, ref_length, encode(alt).tobytes())


@given(alleles())
def test_the_normal_form_gives_the_same_sequence_and_is_its_own_normal_form(allele):
    contig, start, ref_length, alt = allele
    codes = encode(contig)
    found = normal_form(codes, start, ref_length, encode(alt).tobytes())
    assert apply(contig, found[0], found[1], letters_of(found[2])) == apply(contig, start, ref_length, alt)
    assert min(found[1], len(found[2])) >= 1
    assert normal_form(codes, *found) == found


@given(
    st.text("ACG", min_size=1, max_size=4),
    st.integers(2, 4),
    st.text("ACGT", min_size=1, max_size=3),
    st.text("ACGT", min_size=1, max_size=3),
    st.booleans(),
)
def test_a_copy_of_a_repeat_may_be_lost_or_gained_at_any_place_of_it(unit, copies, before, after, gained):
    contig = before + unit * copies + after
    codes = encode(contig)
    forms = set()
    for start in range(len(before) - 1, len(before) + len(unit) * (copies - 1)):
        pad = contig[start]
        ref, alt = pad, pad + contig[start + 1 : start + 1 + len(unit)]
        if not gained:
            ref, alt = alt, ref
        assert contig.startswith(ref, start)
        forms.add(normal_form(codes, start, len(ref), encode(alt).tobytes()))
    assert len(forms) == 1


@st.composite
def contigs_with_gaps(draw):
    """A short contig of few letters, so that it has many repeats, some of its bases unknown."""
    parts = draw(st.lists(st.sampled_from(["A", "C", "AC", "ACA", "CCC", "G", "N"]), min_size=1, max_size=5))
    return "".join(parts)[:8]


@given(contigs_with_gaps(), st.integers(1, 3), st.data())
def test_two_spellings_of_one_changed_sequence_have_one_normal_form(contig, most, data):
    """Of all spellings, found by trying; none begins to cover an unknown base."""
    codes = encode(contig)
    inserted = data.draw(st.text("ACG", max_size=most))
    start = data.draw(st.integers(0, len(contig)))
    end = data.draw(st.integers(start, min(len(contig), start + most)))
    changed = contig[:start] + inserted + contig[end:]
    gained = len(changed) - len(contig)
    forms = set()
    for first in range(len(contig)):
        for last in range(first + 1, len(contig) + 1):
            alt = changed[first : last + gained]
            spells = changed == contig[:first] + alt + contig[last:]
            if last + gained > first and spells and "N" not in contig[first:last] + alt and alt != contig[first:last]:
                forms.add(normal_form(codes, first, last - first, encode(alt).tobytes()))
    assert len(forms) <= 1
    assert all("N" not in contig[first : first + length] for first, length, _ in forms)


def test_a_long_insertion_moves_through_a_repeat_of_any_length():
    genome = "G" + "AC" * 200_000
    form = normal_form(encode(genome), len(genome) - 1, 1, encode("C" + "AC" * 1000).tobytes())
    assert form[:2] == (0, 1)


def test_a_ref_that_the_genome_does_not_hold_is_an_error_that_shows_both():
    with pytest.raises(RefMismatch, match=r"^chr1:2:G>T: REF is G, the reference holds C there$"):
        normalised("ACGT", 2, "G", "T")
    with pytest.raises(RefMismatch, match=r"^chr1:9:G>T: REF is G, the reference holds nothing there$"):
        normalised("ACGT", 9, "G", "T")
    with pytest.raises(RefMismatch, match=r"REF is TA, the reference holds T there"):
        normalised("ACGT", 4, "TA", "T")
    with pytest.raises(RefMismatch, match=r"^chr1:0:A>T: REF is A, the reference holds nothing"):
        normalised("ACGT", 0, "A", "T")


def test_only_sequence_alleles_have_a_normal_form():
    with pytest.raises(ValueError, match=r"^chr1:2:C><DEL>: only sequence alleles have a normal form$"):
        normalised("ACGT", 2, "C", "<DEL>")


@pytest.mark.parametrize(
    ("alt", "reason"),
    [
        ("A", Reason.OK),
        ("acgt", Reason.OK),
        ("N", Reason.AMBIGUOUS_ALT),
        ("ARA", Reason.AMBIGUOUS_ALT),
        ("-", Reason.AMBIGUOUS_ALT),
        ("", Reason.AMBIGUOUS_ALT),
        ("*", Reason.SPANNING_DELETION),
        (".", Reason.UNSPECIFIED),
        ("<*>", Reason.UNSPECIFIED),
        ("<NON_REF>", Reason.UNSPECIFIED),
        ("<X>", Reason.UNSPECIFIED),
        ("<DEL>", Reason.SYMBOLIC),
        ("<INS:ME:ALU>", Reason.SYMBOLIC),
        ("<CNV:TR>", Reason.SYMBOLIC),
        ("C<ctg1>", Reason.SYMBOLIC),
        ("G]17:198982]", Reason.BREAKEND),
        ("[<ctg1>:7[A", Reason.BREAKEND),
        ("]17:1]G", Reason.BREAKEND),
        ("G.", Reason.BREAKEND),
        (".G", Reason.BREAKEND),
    ],
)
def test_what_is_no_sequence_gets_its_reason(alt, reason):
    assert classify_alt(alt) is reason


@pytest.mark.parametrize(
    ("ref", "found", "agrees"),
    [
        ("ACGT", "acgt", True),
        ("A", "R", True),  # VCF writes the alphabetically first base of an ambiguous one
        ("C", "R", False),
        ("R", "A", True),
        ("R", "Y", False),
        ("N", "T", True),
        ("T", "U", True),
        ("A", "-", False),
        ("AC", "A", False),
        ("A", "\N{GREEK SMALL LETTER ALPHA}", False),
    ],
)
def test_letters_agree_where_they_have_a_base_in_common(ref, found, agrees):
    assert letters_agree(ref, found) is agrees


def test_a_variant_shows_as_it_is_written_and_counts_from_1():
    variant = Variant("chr1", 5, "T", "TCC")
    assert str(variant) == "chr1:5:T>TCC"
    assert variant.start == 4
