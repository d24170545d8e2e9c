import pytest

from zoo.genome.contig_lines import ContigLine, named_assembly, read_contig_lines

MD5 = "f126cdf8a6e0c7f379d618ff66beb2da"
REFGET = "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ID=20", ContigLine("20")),
        (f"ID=20,length=5,md5={MD5}", ContigLine("20", md5=MD5)),
        (f"ID=20,M5={MD5.upper()},length=5", ContigLine("20", md5=MD5)),
        (f'ID=20,md5="{MD5}"', ContigLine("20", md5=MD5)),
        ("ID=20,md5=unknown", ContigLine("20")),
        (f"ID=20,refget={REFGET}", ContigLine("20", refget=REFGET)),
        (f"ID=20,sha512t24u=ga4gh:{REFGET}", ContigLine("20", refget=REFGET)),
        ('ID=20,species="Homo sapiens, ID=7",assembly=B36', ContigLine("20", assembly="B36")),
        (f'assembly="b37",md5={MD5},ID=20', ContigLine("20", md5=MD5, assembly="b37")),
    ],
)
def test_a_contig_line_states_digests_and_assembly(body, expected):
    header = f"##fileformat=VCFv4.3\n##contig=<{body}>\n##INFO=<ID=20,md5={MD5}>\n"
    assert read_contig_lines(header) == {"20": expected}


@pytest.mark.parametrize(
    ("header", "build"),
    [
        ("##reference=file:///seq/human_g1k_v37.fasta\n", "GRCh37"),
        ("##assembly=GRCh38.p2\n", "GRCh38 (hg38)"),
        ("##contig=<ID=1,assembly=b37>\n##contig=<ID=2,assembly=b37>\n##contig=<ID=GL1>\n", "GRCh37"),
        ("##reference=hg19.fa\n##contig=<ID=1,assembly=b37>\n", "GRCh37"),
        ("##reference=hg38.fa\n##contig=<ID=1,assembly=b37>\n", None),
        ("##source=hg38\n", None),
        ("", None),
    ],
)
def test_a_header_may_name_the_build(header, build):
    assert named_assembly(header) == build
