import pytest

from zoo.prediction.inputs.variant_text import split_variant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chr1:100:A:G", ("chr1", "100", "A", "G", None)),
        ("1-100-A-GT", ("1", "100", "A", "GT", None)),
        ("X_100_a_g", ("X", "100", "a", "g", None)),
        ("chr1\t100\tA\tG", ("chr1", "100", "A", "G", None)),
        ("chr1 100 A G", ("chr1", "100", "A", "G", None)),
        ("1:100_A/G", ("1", "100", "A", "G", None)),
        ("1:100:A>G", ("1", "100", "A", "G", None)),
        ("chr1_13550_G_A_b38", ("chr1", "13550", "G", "A", "GRCh38")),
        ("chr1_13550_G_A_b37", ("chr1", "13550", "G", "A", "GRCh37")),
        ("chr1:13550:G:A:hg19", ("chr1", "13550", "G", "A", "hg19")),
        ("1:100:A:G,T", ("1", "100", "A", "G,T", None)),
        ("1:100:A:<DEL>", ("1", "100", "A", "<DEL>", None)),
        ("1:100:A:*", ("1", "100", "A", "*", None)),
        ("1:100:AT:-", ("1", "100", "AT", "-", None)),
        ("1-100---AT", ("1", "100", "-", "AT", None)),
        ("chr1_KI270706v1_random_100_A_G", ("chr1_KI270706v1_random", "100", "A", "G", None)),
        ("HLA-A*01:01:01:01:100:A:G", ("HLA-A*01:01:01:01", "100", "A", "G", None)),
        ("NC_000001.10:100:A:G", ("NC_000001.10", "100", "A", "G", None)),
    ],
)
def test_a_variant_is_contig_position_and_alleles_with_any_usual_sign_between(text, expected):
    assert split_variant(text) == expected


@pytest.mark.parametrize(
    "text", ["", "rs123", "chr1:100", "chr1:100-200", "chr1:A:100:G", "chr1:100:A:1", "chr1:1e5:A:G", "chr1:100:A:G:x",
             "chr1\t100\t101\tA", "chr1:-5:A:G", "chr1:\uff11:A:G"],
)  # fmt: skip
def test_anything_else_is_no_variant(text):
    assert split_variant(text) is None
