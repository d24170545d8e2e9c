import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.genome.codes import IUPAC, IUPAC_BITS, decode, encode, one_hot, reverse_complement

SEQUENCES = st.text("ACGTN", max_size=50)


@given(SEQUENCES)
def test_decoding_brings_back_what_was_encoded(sequence):
    assert decode(encode(sequence)) == sequence


@given(SEQUENCES)
def test_the_reverse_complement_of_the_reverse_complement_is_the_sequence(sequence):
    assert decode(reverse_complement(reverse_complement(encode(sequence)))) == sequence


def test_the_other_strand_is_read_backwards_and_complemented():
    assert decode(reverse_complement(encode("AACGTN"))) == "NACGTT"


def test_each_row_of_a_batch_is_reverse_complemented_by_itself():
    windows = np.stack([encode("AAC"), encode("TGN")])
    assert [decode(row) for row in reverse_complement(windows)] == ["GTT", "NCA"]


def test_codes_are_a_0_c_1_g_2_t_3_and_4_for_anything_else():
    assert encode("ACGTU").tolist() == [0, 1, 2, 3, 3]
    assert encode("acgtu").tolist() == [0, 1, 2, 3, 3]
    assert encode("NRY-*.é\N{GREEK SMALL LETTER ALPHA}").tolist() == [4] * 8
    assert encode(b"AcN").tolist() == [0, 1, 4]
    assert encode("").shape == (0,)
    assert encode("A").dtype == np.uint8


def test_channels_are_in_the_order_a_c_g_t_and_an_unknown_base_is_zeros():
    expected = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    encoded = one_hot(encode("ACGTN"))
    assert encoded.dtype == np.float32
    assert encoded.tolist() == expected
    assert one_hot(np.stack([encode("AC"), encode("GT")])).shape == (2, 2, 4)


@pytest.mark.parametrize(("letter", "bits"), [("A", 1), ("c", 2), ("G", 4), ("U", 8), ("R", 5), ("n", 15), ("-", 0)])
def test_the_bits_of_a_letter_are_the_bases_that_it_may_stand_for(letter, bits):
    assert IUPAC_BITS[ord(letter)] == bits


def test_complementary_iupac_letters_stand_for_complementary_bases():
    complement = str.maketrans("ACGT", "TGCA")
    for letter, other in ("RY", "SS", "WW", "KM", "BV", "DH", "NN"):
        assert set(IUPAC[letter].translate(complement)) == set(IUPAC[other])
