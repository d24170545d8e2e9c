import pytest

from zoo.genome.build import contig_key, find_alias, likely_build

HG19_20, HG38_20 = 63_025_520, 64_444_167


@pytest.mark.parametrize(
    ("name", "length", "known", "expected"),
    [
        pytest.param("chr20", HG19_20, {"chr20": HG19_20}, "chr20", id="its own name"),
        pytest.param("chr20", None, {"chr20": HG19_20}, "chr20", id="its own name, length unknown"),
        pytest.param("chr20", HG38_20, {"chr20": HG19_20}, None, id="its own name, another length"),
        pytest.param("20", HG19_20, {"chr20": HG19_20}, "chr20", id="without chr"),
        pytest.param("chr20", None, {"20": 1000}, "20", id="with chr"),
        pytest.param("CHR20", None, {"20": 1000}, "20", id="with CHR"),
        pytest.param("20", HG38_20, {"chr20": HG19_20}, None, id="an alias of another length"),
        pytest.param("NC_000020.10", None, {"chr20": HG19_20}, "chr20", id="accession"),
        pytest.param("NC_000020.10", None, {"chr20": HG38_20}, None, id="accession of another build"),
        pytest.param("chr20", None, {"NC_000020.11": HG38_20}, "NC_000020.11", id="to an accession"),
        pytest.param("chr20", None, {"NC_000020.11": 5}, None, id="to an accession that lies about its length"),
        pytest.param("chrX", None, {"x": 5, "X": 7}, "X", id="X"),
        pytest.param("chrM", 16_569, {"MT": 16_569}, "MT", id="hg38's mitochondrion is GRCh37's"),
        pytest.param("chrM", 16_571, {"MT": 16_569}, None, id="hg19's mitochondrion is not"),
        pytest.param("chrM", None, {"MT": 16_569}, None, id="a mitochondrion of unknown length"),
        pytest.param("NC_012920.1", None, {"chrM": 16_569}, "chrM", id="the mitochondrion's accession"),
        pytest.param("NC_012920.1", None, {"chrM": 16_571}, None, id="the accession is not hg19's chrM"),
        pytest.param("21", None, {"chr20": HG19_20}, None, id="another contig"),
        pytest.param("2", None, {"chr20": HG19_20}, None, id="a beginning is no alias"),
    ],
)
def test_a_name_counts_only_where_lengths_agree(name, length, known, expected):
    assert find_alias(name, length, known) == expected


def test_names_of_one_contig_have_one_key():
    assert {contig_key(name) for name in ("chr1", "1", "NC_000001.10", "NC_000001.11", "NC_060925.1")} == {"1"}
    assert {contig_key(name) for name in ("chrM", "MT", "M", "NC_012920.1")} == {"MT"}
    assert contig_key("chr1_KI270706v1_random") != "1"


@pytest.mark.parametrize(
    ("lengths", "build"),
    [
        ({"chr20": HG19_20}, "GRCh37 (hg19)"),
        ({"20": HG38_20, "GL1": 5}, "GRCh38 (hg38)"),
        ({"NC_060925.1": 248_387_328}, "T2T-CHM13v2.0"),
        ({"chr20": HG19_20, "chr1": 248_956_422}, None),
        ({"chr20": 12}, None),
        ({"chr20": None}, None),
        ({}, None),
    ],
)
def test_the_build_is_known_by_the_lengths_of_its_contigs(lengths, build):
    assert likely_build(lengths) == build
