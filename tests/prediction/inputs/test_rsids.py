import gzip
import re

import pytest

from zoo.errors import DataError, VcfError

DBSNP = [
    "NC_000001.10 1 rs1 A C",
    "NC_000001.10 3 rs2;rs3 G A,T",
    "2 2 RS9 C T",
    "NC_000001.10 5 . A C",
    "chrUn 5 rs4 A C",
    "chr2 4 rs2 T .",
]


@pytest.fixture
def reference(open_genome):
    return open_genome(chr1="ACGTACGTAA", chr2="ACGT")


@pytest.fixture
def dbsnp(write_vcf):
    return write_vcf([record.replace("NC_000001.10", "1") for record in DBSNP], declared=(), name="dbsnp.vcf")


def test_rsids_come_in_the_order_of_the_list_with_every_record_and_alt(write_input, read_records, reference, dbsnp):
    path = write_input("rs4\nrs2\nRS1\nrs3\n")
    records, source = read_records(path, reference, dbsnp=dbsnp, size=2)
    assert records == [
        "chrUn 5 rs4 A C .", "chr1 3 rs2 G A,T .", "chr2 4 rs2 T . .", "chr1 1 rs1 A C .", "chr1 3 rs3 G A,T .",
    ]  # fmt: skip
    assert source.warnings == []
    assert source.undeclared_contigs == ["chrUn"]
    assert source.info_ids == set()


@pytest.mark.parametrize(
    "text",
    ["rs1\n", "rsid\nrs1\n", "#mine\n\nrs1\n", "SNP\r\nrs1\r\n", "SNPS\tP-VALUE\nrs1\t0.1\n", "RSID,P\nrs1,0.1\n"],
)
def test_a_list_may_have_a_heading_or_be_a_column(write_input, read_records, reference, dbsnp, text):
    assert read_records(write_input(text, tabs=False), reference, dbsnp=dbsnp)[0] == ["chr1 1 rs1 A C ."]


def test_ids_that_are_missing_or_repeated_are_told(write_input, read_records, reference, dbsnp):
    path = write_input("".join(f"rs{number}\n" for number in (10, 1, 11, 12, 13, 14, 15, 1, 1)))
    records, source = read_records(path, reference, dbsnp=dbsnp)
    assert records == ["chr1 1 rs1 A C ."]
    assert source.warnings == [
        f"{path}: 2 lines repeat an ID, rs1; each comes out once",
        f"{path}: 6 of 7 IDs are not in {dbsnp} and are left out: rs10, rs11, rs12, rs13, rs14 and 1 more",
    ]


def test_ids_of_another_kind_are_looked_up_on_request(write_input, read_records, reference, write_vcf):
    ids = write_vcf(["chr1 1 COSV5 A C"], name="ids.vcf")
    records, _ = read_records(write_input("COSV5\n"), reference, kind="rsids", dbsnp=ids)
    assert records == ["chr1 1 COSV5 A C ."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rs1\nrs2 rs3\n", "line 2: expected an rsID such as rs12345, found 'rs2\\trs3'"),
        ("rsid p\nrs1 1\nNA 1\n", "line 3: expected an rsID such as rs12345, found 'NA'"),
    ],
)
def test_a_line_that_is_no_id_stops(write_input, read_records, reference, dbsnp, text, message):
    path = write_input(text)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}, {message}')}$"):
        read_records(path, reference, dbsnp=dbsnp)


def test_rsids_alone_need_a_file_that_places_them(write_input, read_records, reference):
    path = write_input("rs1\n")
    message = f"{path}: found IDs without positions; give a dbSNP VCF or BCF that says where they lie (--dbsnp FILE)"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_records(path, reference)


def test_a_file_that_places_nothing_stops(tmp_path, write_input, read_records, reference, dbsnp):
    path = write_input("rs1\n")
    with pytest.raises(VcfError, match=r"absent.vcf: expected a dbSNP VCF or BCF, found nothing$"):
        read_records(path, reference, dbsnp=tmp_path / "absent.vcf")
    with pytest.raises(VcfError, match=r"expected a dbSNP VCF or BCF, found neither$"):
        read_records(path, reference, dbsnp=path)
    text = dbsnp.read_text()
    dbsnp.write_text(text.replace("\t1\trs1", "\tx\trs1"))
    with pytest.raises(VcfError, match=r"dbsnp\.vcf, line 3: expected contig, position, ID, REF and ALT between tabs"):
        read_records(path, reference, dbsnp=dbsnp)
    dbsnp.write_text(text + "1\t5\n")
    with pytest.raises(VcfError, match=r"dbsnp\.vcf, line 9: expected at least 5 columns between tabs$"):
        read_records(path, reference, dbsnp=dbsnp)


@pytest.mark.parametrize("pack", ["gzip", "bcf"])
def test_dbsnp_may_be_packed_and_a_cut_one_stops(tmp_path, write_input, read_records, reference, write_vcf, pack):
    import cyvcf2

    path = write_input("rs2\nrs9\n")
    plain = write_vcf(["chr1 3 rs2;rs3 G A,T", "chr2 2 rs9 C T"], declared=("chr1", "chr2"), name="plain.vcf")
    if pack == "gzip":
        packed = tmp_path / "dbsnp.vcf.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        packed = tmp_path / "dbsnp.bcf"
        reader = cyvcf2.VCF(str(plain))
        writer = cyvcf2.Writer(str(packed), reader, mode="wb")
        for record in reader:
            writer.write_record(record)
        writer.close()
        reader.close()
    assert read_records(path, reference, dbsnp=packed)[0] == ["chr1 3 rs2 G A,T .", "chr2 2 rs9 C T ."]
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(VcfError, match=f"^{packed}: the file is cut"):
        read_records(path, reference, dbsnp=packed)


def test_a_file_that_is_not_needed_is_told(write_input, read_records, reference, dbsnp):
    path = write_input("chr1:2:C:G\n")
    _, source = read_records(path, reference, dbsnp=dbsnp)
    assert source.warnings == [f"{path}: {dbsnp} is not needed: the input says where its variants lie"]
