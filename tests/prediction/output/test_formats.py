import pytest

from zoo.errors import OutputError
from zoo.prediction.output.formats import choose_format


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("a.vcf", None, "vcf"),
        ("a.vcf.gz", None, "vcf.gz"),
        ("a.vcf.bgz", None, "vcf.gz"),
        ("a.bcf", None, "bcf"),
        ("a.tsv", None, "tsv"),
        ("a.tsv.gz", None, "tsv.gz"),
        ("a.parquet", None, "parquet"),
        ("-", None, "vcf"),
        ("-", "bcf", "bcf"),
        ("a.txt", "tsv", "tsv"),
        ("a.vcf.bgz", "vcf.gz", "vcf.gz"),
    ],
)
def test_a_suffix_or_a_name_chooses_the_format(path, name, expected):
    assert choose_format(path, name).name == expected


@pytest.mark.parametrize("path", ["a.txt", "a.vcf.zip", "a", "a.gz", "vcf"])
def test_an_unknown_suffix_is_an_error_that_lists_the_known(path):
    expected = (
        r"expected a name that ends with \.vcf, \.vcf\.gz, \.vcf\.bgz, \.bcf, \.tsv, \.tsv\.gz, \.tsv\.bgz, "
        r"\.parquet, or - for standard output; or name the format with --format"
    )
    with pytest.raises(OutputError, match=expected):
        choose_format(path)


def test_an_unknown_format_is_an_error_that_lists_the_known():
    with pytest.raises(OutputError, match=r"expected vcf, vcf\.gz, bcf, tsv, tsv\.gz, parquet, found 'vcf\.bgz'"):
        choose_format("a", "vcf.bgz")


def test_a_name_and_a_format_that_disagree_are_an_error():
    with pytest.raises(OutputError, match=r"a\.vcf: the name asks for another format than --format bcf"):
        choose_format("a.vcf", "bcf")
