from pathlib import Path

import pytest

from zoo.genome.build import ContigIndex, contig_key, contradicting_build, find_alias, likely_build, named_build
from zoo.genome.fasta import read_fasta

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
        pytest.param("NC_001807.4", None, {"chrM": 16_571}, "chrM", id="the accession of hg19's mitochondrion"),
        pytest.param("CM000682.1", None, {"chr20": HG19_20}, "chr20", id="GenBank's accession"),
        pytest.param("CM000682.2", None, {"chr20": HG19_20}, None, id="GenBank's accession of another build"),
        pytest.param("NC_001142.9", None, {"chrX": 745_751}, "chrX", id="X is a numeral in yeast"),
        pytest.param("NC_001142.9", None, {"chrX": 155_270_560}, None, id="yeast's X is not the human X"),
        pytest.param("BK006934.2", None, {"VIII": 562_643}, "VIII", id="yeast's GenBank accession"),
        pytest.param("Mito", 85_779, {"chrM": 85_779}, "chrM", id="Ensembl's mitochondrion of yeast"),
        pytest.param("21", None, {"chr20": HG19_20}, None, id="another contig"),
        pytest.param("2", None, {"chr20": HG19_20}, None, id="a beginning is no alias"),
    ],
)
def test_a_name_counts_only_where_lengths_agree(name, length, known, expected):
    assert find_alias(name, length, known) == expected


def test_names_of_one_contig_have_one_key():
    assert {contig_key(name) for name in ("chr1", "1", "NC_000001.10", "NC_000001.11", "NC_060925.1")} == {"1"}
    assert {contig_key(name) for name in ("chrM", "MT", "M", "NC_012920.1", "chrMito", "chrmt", "mt")} == {"MT"}
    assert contig_key("chr1_KI270706v1_random") != "1"


@pytest.mark.parametrize(
    ("lengths", "build"),
    [
        ({"chr20": HG19_20}, "hg19"),
        ({"20": HG19_20}, "GRCh37"),
        ({"NC_000020.10": HG19_20}, "GRCh37"),
        ({"20": HG19_20, "MT": 16_569}, "GRCh37"),
        ({"20": HG19_20, "MT": 16_571}, "hg19"),
        ({"chrM": 16_571}, "hg19"),
        ({"MT": 16_569}, None),
        ({"chrX": 745_751}, "sacCer3 (R64)"),
        ({"IV": 1_531_933, "Mito": 85_779}, "sacCer3 (R64)"),
        ({"20": HG38_20, "GL1": 5}, "GRCh38 (hg38)"),
        ({"NC_060925.1": 248_387_328}, "T2T-CHM13v2.0 (hs1)"),
        ({"chr20": HG19_20, "chr1": 248_956_422}, None),
        ({"chr20": 12}, None),
        ({"chr20": None}, None),
        ({}, None),
    ],
)
def test_the_build_is_known_by_the_lengths_of_its_contigs(lengths, build):
    assert likely_build(lengths) == build


def test_a_name_of_many_contigs_is_found_without_looking_at_each():
    asked = []

    class Watched(dict):
        def __getitem__(self, name):
            asked.append(name)
            return super().__getitem__(name)

        def items(self):
            asked.append("all of them")
            return super().items()

    index = ContigIndex(Watched({f"scaffold{number}": 100 for number in range(100_000)}))
    assert index.find("chrscaffold77", 100) == "scaffold77"
    assert index.find("scaffold77", 100) == "scaffold77"
    assert index.find("scaffold77", 99) is None
    assert index.find("nowhere", 100) is None
    assert asked.count("all of them") == 1
    assert len(asked) < 10


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("hg19", "GRCh37"),
        ("GRCh37 (hg19)", "GRCh37"),
        ("file:///data/human_g1k_v37.fasta", "GRCh37"),
        ("hs37d5", "GRCh37"),
        ("b37", "GRCh37"),
        ("GRCh38.p14", "GRCh38 (hg38)"),
        ("hg38.fa", "GRCh38 (hg38)"),
        ("GCF_000001405.26", "GRCh38 (hg38)"),
        ("GCF_000001405.25", "GRCh37"),
        ("hs1", "T2T-CHM13v2.0 (hs1)"),
        ("chm13v2.0.fa", "T2T-CHM13v2.0 (hs1)"),
        ("sacCer3", "sacCer3 (R64)"),
        ("R64-1-1", "sacCer3 (R64)"),
        ("hg19 lifted to hg38", None),
        ("mm10", None),
        ("", None),
    ],
)
def test_builds_go_by_many_names(text, build):
    assert named_build(text) == build


def test_a_build_that_is_named_is_compared_with_the_one_that_lengths_show():
    assert contradicting_build("hg38", {"chr20": HG19_20}) == "hg19"
    assert contradicting_build("hg19", {"20": HG38_20}) == "GRCh38 (hg38)"
    assert contradicting_build("GRCh37", {"chr20": HG19_20}) is None
    assert contradicting_build("mm10", {"chr20": HG19_20}) is None
    assert contradicting_build("hg38", {"chr20": 12}) is None


YEAST = Path(__file__).parents[3] / "shared" / "data" / "yeast" / "sacCer3.fa.gz"


@pytest.mark.skipif(not YEAST.is_file(), reason="needs ../shared/data/yeast")
def test_the_yeast_genome_is_known_by_each_of_its_contigs_but_the_mitochondrion():
    lengths = {header: len(letters) for header, letters in read_fasta(YEAST)}
    assert len(lengths) == 17
    for name, length in lengths.items():
        assert likely_build({name: length}) == (None if name == "chrM" else "sacCer3 (R64)")
    numerals = [name for name in lengths if name != "chrM"]
    accessions = [f"NC_{number:06d}" for number in range(1133, 1149)]
    found = {find_alias(f"{accession}.{version}", None, lengths) for accession in accessions for version in range(11)}
    assert found - {None} == set(numerals)
