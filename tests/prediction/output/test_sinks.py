import gzip
import subprocess
import sys

import pytest

from zoo.errors import OutputError
from zoo.genome.bgzf import EOF_MARKER
from zoo.prediction.output import sinks
from zoo.prediction.output.sinks import open_sink

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n{}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
SCORE = '##INFO=<ID=ZOO_X,Number=A,Type=Float,Description="x">\n'
BODY = "".join(f"chr1\t{position}\t.\tA\tC,G\t.\t.\tZOO_X=0.5,-1.25\n" for position in range(1, 2001))


def write(path, header, *bodies, last=None):
    with open_sink(path) as sink:
        sink.write_header(header)
        for body in bodies:
            sink.write(body)
        sink.finish(header if last is None else last)


def unpack(path):
    return gzip.decompress(path.read_bytes()).decode()


@pytest.mark.parametrize(
    ("name", "read"), [("a.vcf", lambda p: p.read_text()), ("a.vcf.gz", unpack), ("a.vcf.bgz", unpack)]
)
@pytest.mark.parametrize("grown", ["", SCORE, SCORE * 3000], ids=["same header", "longer header", "far longer header"])
def test_text_arrives_whole_with_the_last_header(tmp_path, name, read, grown):
    path = tmp_path / name
    write(path, HEADER.format(""), BODY, BODY, last=HEADER.format(grown))
    assert read(path) == HEADER.format(grown) + BODY + BODY
    assert list(tmp_path.iterdir()) == [path]
    if name != "a.vcf":
        assert path.read_bytes().endswith(EOF_MARKER)
        assert path.read_bytes().count(EOF_MARKER) == 1


def test_bcf_holds_floats_under_a_header_of_floats(tmp_path):
    from cyvcf2 import VCF

    path = tmp_path / "a.bcf"
    undeclared = "chr1\t9000\t.\tA\tC\t.\tlow\tZOO_X=2;NEW=a\n"
    write(path, HEADER.format(SCORE), BODY, undeclared)
    reader = VCF(str(path))
    records = list(reader)
    assert len(records) == 2001
    assert [round(value, 6) for value in records[0].INFO["ZOO_X"]] == [0.5, -1.25]
    assert str(records[-1]) == undeclared
    assert "##INFO=<ID=NEW," in reader.raw_header
    reader.close()
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_is_text_too(tmp_path):
    write(tmp_path / "a.tsv", "contig\tposition\n", "chr1\t5\n")
    assert (tmp_path / "a.tsv").read_text() == "contig\tposition\nchr1\t5\n"


@pytest.mark.parametrize("name", ["a.txt", "a.vcf.zip", "a", "a.gz", "vcf"])
def test_an_unknown_suffix_is_an_error_that_lists_the_known(tmp_path, name):
    expected = r"expected a name that ends with \.vcf, \.vcf\.gz, \.vcf\.bgz, \.bcf, \.tsv, or - for standard output"
    with pytest.raises(OutputError, match=expected):
        open_sink(tmp_path / name)


@pytest.mark.parametrize("name", ["a.vcf", "a.vcf.gz", "a.bcf", "a.tsv"])
def test_a_run_that_breaks_off_leaves_nothing(tmp_path, name):
    def fail():
        with open_sink(tmp_path / name) as sink:
            sink.write_header(HEADER.format(SCORE))
            sink.write(BODY)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.vcf", "a.vcf.gz", "a.bcf"])
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, name):
    code = """
import random, resource, sys
from zoo.errors import OutputError
from zoo.prediction.output.sinks import open_sink
random.seed(1)
letters = "".join(random.choices("ACGT", k=200_000))
body = "".join(f"chr1\\t{1 + i}\\t.\\t{letters[i:i+200]}\\tC\\t.\\t.\\t.\\n" for i in range(0, 199_000, 200))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    with open_sink(sys.argv[1]) as sink:
        sink.write_header(sys.argv[3])
        sink.write(body)
        sink.finish(sys.argv[3])
except OutputError as error:
    print(error)
"""
    limits = {"a.vcf": [100, 100_000], "a.vcf.gz": [100, 30_000], "a.bcf": [100, 100_000]}[name]
    for limit in limits:
        path = tmp_path / name
        arguments = [sys.executable, "-c", code, path, str(limit), HEADER.format("")]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.stdout.startswith(f"{path}: "), done
        assert "can't be written" in done.stdout
        assert "Traceback" not in done.stderr
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", [30, 2000], ids=["the end marker", "records"])
def test_a_bcf_that_htslib_wrote_short_is_an_error(tmp_path, monkeypatch, lost):
    convert = sinks._convert

    def convert_on_a_full_disk(text, bcf):
        count = convert(text, bcf)
        content = bcf.read_bytes()
        bcf.write_bytes(content[:-lost] + EOF_MARKER * (lost > 30))
        return count

    monkeypatch.setattr(sinks, "_convert", convert_on_a_full_disk)
    with pytest.raises(OutputError, match=r"is the disk full\?"):
        write(tmp_path / "a.bcf", HEADER.format(SCORE), BODY)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_never_write_one_bcf(tmp_path):
    with open_sink(tmp_path / "a.bcf"), pytest.raises(OutputError, match=r"a\.bcf: another run is writing it"):
        open_sink(tmp_path / "a.bcf")
    assert list(tmp_path.iterdir()) == []


def test_records_that_bcf_cannot_hold_are_an_error_that_names_another_format(tmp_path):
    with pytest.raises(
        OutputError, match=r"a\.bcf: htslib can't write these records as BCF \(.*\); write \.vcf\.gz instead"
    ):
        write(tmp_path / "a.bcf", HEADER.format(""), "chr1\tfive\t.\tA\tC\t.\t.\t.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_bcf_goes_where_a_symlink_leads(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "a.bcf").symlink_to("store/real.bcf")
    write(tmp_path / "a.bcf", HEADER.format(SCORE), BODY)
    assert sorted(path.name for path in tmp_path.rglob("*.bcf*")) == ["a.bcf", "real.bcf"]
    assert (tmp_path / "a.bcf").is_symlink()
    assert (tmp_path / "store" / "real.bcf").read_bytes().endswith(EOF_MARKER)
