import pytest

from zoo.prediction.haplotypes.genotypes import parse_genotype


@pytest.mark.parametrize(
    ("text", "copies", "homozygous"),
    [
        pytest.param("0|1", [(1, 2)], False, id="phased"),
        pytest.param("2|1", [(2, 1), (1, 2)], False, id="two ALT alleles"),
        pytest.param("1|1", [(1, 1), (1, 2)], True, id="homozygous"),
        pytest.param("1/1", [(1, 1), (1, 2)], True, id="homozygous, so the mark between says nothing"),
        pytest.param("0|0", [], False, id="REF alone"),
        pytest.param("1", [(1, 1)], True, id="one copy"),
        pytest.param("0", [], False, id="one copy of REF"),
        pytest.param(".", [], False, id="nothing known"),
        pytest.param("./.", [], False, id="nothing known of two"),
        pytest.param(".|1", [(1, 2)], False, id="half missing"),
        pytest.param("1|.", [(1, 1)], False, id="the other half missing"),
        pytest.param("0/1", [(1, 0)], False, id="unphased"),
        pytest.param("1/2", [(1, 0), (2, 0)], False, id="two of them unphased"),
        pytest.param("./1", [(1, 0)], False, id="half missing, unphased"),
        pytest.param("0|1|1|0", [(1, 2), (1, 3)], False, id="four copies"),
        pytest.param("0/1/1/0", [(1, 0)], False, id="four copies, unphased, told once"),
        pytest.param("1/1/1", [(1, 1), (1, 2), (1, 3)], True, id="three equal copies"),
        pytest.param("|0|1", [(1, 2)], False, id="the mark of the first copy written, VCF 4.4"),
        pytest.param("/0/1", [(1, 0)], False, id="written, unphased"),
        pytest.param("/1|2", [(1, 0), (2, 2)], False, id="the second copy alone is phased"),
        pytest.param("|1/2", [(1, 1), (2, 0)], False, id="the first copy alone is phased"),
        pytest.param("1/2|3", [(1, 0), (2, 0), (3, 3)], False, id="unwritten, the first is phased if all others are"),
        pytest.param("10|0", [(10, 1)], False, id="the tenth ALT"),
    ],
)
def test_a_genotype_tells_which_haplotype_carries_what(text, copies, homozygous):
    genotype = parse_genotype(text)
    assert list(genotype.copies) == copies
    assert genotype.homozygous is homozygous


@pytest.mark.parametrize("text", ["", "x", "0|", "0||1", "0-1", "|", "A|T", "0|1 ", "1,1"])
def test_what_is_no_genotype_is_refused(text):
    with pytest.raises(ValueError, match=r"expected a genotype such as 0\|1"):
        parse_genotype(text)
