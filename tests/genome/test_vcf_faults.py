import pytest

from zoo.genome.vcf_faults import explain_header, explain_record

FORMAT = b"##fileformat=VCFv4.2\n"
COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
RECORD = b"chr1\t5\t.\tA\tC\t.\t.\t."


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "line 1: expected '##fileformat=VCFv4.2' or the like, or BCF, found ''"),
        ([b">chr1\n"], "line 1: expected '##fileformat=VCFv4.2' or the like, or BCF, found '>chr1'"),
        ([b"\xef\xbb\xbf" + FORMAT], "line 1: expected '##fileformat', found a byte-order mark before it; remove it:"),
        ([FORMAT], "expected a line '#CHROM POS ID REF ALT QUAL FILTER INFO', tabs between"),
        ([FORMAT, COLUMNS.replace(b"\t", b" ")], "expected a line '#CHROM POS ID REF ALT QUAL FILTER INFO', tabs"),
        ([FORMAT, COLUMNS + b"\tFORMAT\n"], "the line '#CHROM …': expected samples after FORMAT, found none"),
        ([FORMAT, COLUMNS + b"\tFORMAT\tS1\tS2\tS1\r\n"], "the line '#CHROM …': sample 'S1' stands there twice"),
        ([FORMAT, COLUMNS + b"\n"], "the header can't be read"),
    ],
)
def test_a_header_is_told_by_its_first_fault(lines, fault):
    assert explain_header(lines).startswith(fault)


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (b"chr1\t5\t.\tA\n", r"expected at least 8 columns between tabs, found 4: 'chr1\t5\t.\tA'"),
        (RECORD.replace(b"5", b"-5") + b"\tGT\t0/1\n", "POS: expected a whole number, found '-5'"),
        (RECORD + b"\tGT\n", "expected 10 columns between tabs, as the line '#CHROM …' has, found 9"),
        (RECORD + b"\tGT\t0|1\r\n", "the file is cut there, or the record is malformed"),
    ],
)
def test_a_record_is_told_by_its_first_fault(record, fault):
    lines = [FORMAT, COLUMNS + b"\tFORMAT\tS1\n", RECORD + b"\tGT\t0/1\n", b"# a comment\n", record]
    assert explain_record(lines, 1) == fault.replace(r"\t", "\\t")


def test_a_mark_of_phase_before_a_genotype_is_named():
    lines = [b"##fileformat=VCFv4.4\n", b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n"]
    record = b"chr1\t1\t.\tA\tG\t.\t.\t.\tGT:DP\t0|1:3\t|0|1:4\n"
    assert explain_record([*lines, record], 0).startswith("genotype '|0|1' begins with a mark of phase, as VCF 4.4")
