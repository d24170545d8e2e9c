import gzip
import random
import shutil
import struct
import subprocess

import pytest

from zoo.errors import OutputError
from zoo.prediction.output.formats import choose_format
from zoo.prediction.output.sinks import open_sink

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
KEYS = (
    '##INFO=<ID=END,Number=1,Type=Integer,Description="e">\n##INFO=<ID=SVLEN,Number=A,Type=Integer,Description="s">\n'
    '##ALT=<ID=DEL,Description="d">\n'
)


def header(**lengths):
    contigs = "".join(f"##contig=<ID={name},length={length}>\n" for name, length in lengths.items())
    return f"##fileformat=VCFv4.2\n{contigs}{KEYS}{COLUMNS}"


def line(contig, position, ref="A", alt="C", added="."):
    return f"{contig}\t{position}\t.\t{ref}\t{alt}\t.\t.\t{added}\n"


def write(path, head, lines, step=100):
    with open_sink(path, index=True) as sink:
        sink.write_header(head)
        for first in range(0, len(lines), step):
            sink.write("".join(lines[first : first + step]))
            sink.note(first, {})
        sink.finish(head)


def draw_lines(contig, length, count, rng):
    """Sorted records, some of which are long or in one place; noise makes many blocks."""
    lines = []
    for position in sorted(rng.randrange(1, length) for _ in range(count)):
        kind = rng.random()
        noise = f"ID{rng.getrandbits(400):x}"
        if kind < 0.1:
            lines.append(
                line(contig, position, alt="<DEL>", added=f"END={min(length, position + rng.randrange(90_000))}")
            )
        elif kind < 0.2:
            lines.append(line(contig, position, ref="A" * rng.randrange(1, 500)))
        else:
            lines.append(line(contig, position).replace("\t.\t", f"\t{noise}\t", 1))
    return lines


def reaches(record, first, last):
    columns = record.split("\t")
    start, end = int(columns[1]), int(columns[1]) + len(columns[3]) - 1
    if "END=" in columns[7]:
        end = int(columns[7].partition("END=")[2])
    return start <= last and end >= first


@pytest.mark.parametrize(
    ("name", "length", "suffix"),
    [
        ("a.vcf.gz", 3_000_000, ".tbi"),
        ("a.vcf.bgz", 1 << 29, ".tbi"),
        ("a.vcf.gz", (1 << 29) + 1, ".csi"),
        ("a.bcf", 3_000_000, ".csi"),
        ("a.bcf", 1_000_000_000, ".csi"),
    ],
)
@pytest.mark.parametrize("program", ["tabix", "bcftools"])
def test_programs_find_the_records_of_a_region_by_it(tmp_path, name, length, suffix, program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    if program == "tabix" and name.endswith(".bcf"):
        pytest.skip("tabix reads no BCF")
    rng = random.Random(length)
    lengths = {"chr1": length, "empty": 500, "chr2": 100_000}
    records = {
        "chr1": draw_lines("chr1", length, 3000, rng),
        "empty": [],
        "chr2": draw_lines("chr2", 100_000, 300, rng),
    }
    path = tmp_path / name
    write(path, header(**lengths), [record for lines in records.values() for record in lines])
    assert {file.name for file in tmp_path.iterdir()} == {name, name + suffix}
    regions = [("chr1", 1, length), ("chr2", 1, 100_000), ("chr1", length - 20_000, length)]
    for _ in range(40):
        contig = rng.choice(["chr1", "chr1", "chr2"])
        first = rng.randrange(1, lengths[contig])
        regions.append((contig, first, min(lengths[contig], first + rng.choice([0, 10, 5_000, 300_000, 80_000_000]))))
    for contig, first, last in regions:
        region = f"{contig}:{first}-{last}"
        command = ["tabix", path, region] if program == "tabix" else ["bcftools", "view", "-H", path, "-r", region]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        assert found.stderr == ""
        assert found.stdout.splitlines(keepends=True) == [
            record for record in records[contig] if reaches(record, first, last)
        ], region


@pytest.mark.parametrize("name", ["a.vcf.gz", "a.bcf"])
def test_programs_count_the_records_by_it(tmp_path, name):
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not installed")
    lines = [line("chr1", 5), line("chr1", 5), line("chr2", 1)]
    write(tmp_path / name, header(chr1=100, chr2=50), lines)
    done = subprocess.run(["bcftools", "index", "-s", tmp_path / name], capture_output=True, text=True, check=True)
    assert done.stdout == "chr1\t100\t2\nchr2\t50\t1\n"


def test_a_record_at_position_0_stands_with_the_first_base(tmp_path):
    write(tmp_path / "a.vcf.gz", header(chr1=100), [line("chr1", 0, "N"), line("chr1", 1)])
    # One contig of one bin, the first of the lowest level, with one chunk; then the bin of statistics.
    content = gzip.decompress((tmp_path / "a.vcf.gz.tbi").read_bytes())
    assert struct.unpack_from("<iIi", content, 36 + len("chr1\0")) == (2, 4681, 1)


def test_a_deletion_whose_length_alone_is_told_is_found_behind_its_start(tmp_path):
    lines = [line("chr1", 5, alt="<DEL>", added="SVLEN=-20000"), line("chr1", 9, alt="<INS>", added="SVLEN=20000")]
    write(tmp_path / "a.vcf.gz", header(chr1=100_000), lines)
    content = gzip.decompress((tmp_path / "a.vcf.gz.tbi").read_bytes())
    windows = struct.unpack_from("<i", content, len(content) - 8 - 2 * 8 - 4)
    assert windows == (2,)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([line("chr1", 5), line("chr1", 4)], "the record at chr1:4 is out of order, as the record before it is at 5"),
        (
            [line("chr1", 5), line("chr2", 4), line("chr1", 6)],
            "the record at chr1:6 is out of order, as chr1 had ended",
        ),
    ],
)
@pytest.mark.parametrize("name", ["a.vcf.gz", "a.bcf"])
@pytest.mark.parametrize("step", [1, 3])
def test_unsorted_records_are_an_error_at_once(tmp_path, lines, fault, name, step):
    with pytest.raises(OutputError, match=f"can't be indexed: {fault}.*; sort the input"):
        write(tmp_path / name, header(chr1=100, chr2=50), lines, step)
    assert list(tmp_path.iterdir()) == []


def test_unsorted_records_that_an_earlier_part_of_the_run_wrote_are_an_error_too(tmp_path):
    head = header(chr1=100)
    path = tmp_path / "a.vcf.gz"
    with open_sink(path, fingerprint={}) as sink:
        sink.write_header(head)
        sink.write(line("chr1", 5) + line("chr1", 4))
        sink.note(2, {})
    resumed = open_sink(path, fingerprint={}, index=True, resume=True)
    with resumed as sink, pytest.raises(OutputError, match="chr1:4 is out of order"):
        sink.finish(head)
    with open_sink(path, fingerprint={}, resume=True) as sink:
        sink.finish(head)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.vcf", "a.tsv", "a.tsv.gz", "a.parquet", "-"])
def test_an_index_of_another_format_is_refused(tmp_path, name):
    with pytest.raises(OutputError, match=r"expected a file in the format vcf\.gz or bcf to index; leave --index out"):
        open_sink(name if name == "-" else tmp_path / name, choose_format(name), index=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.vcf.gz", "a.bcf"])
@pytest.mark.parametrize("index", [True, False])
def test_the_index_of_an_earlier_file_does_not_stay(tmp_path, name, index):
    for suffix in (".tbi", ".csi"):
        (tmp_path / f"{name}{suffix}").write_text("stale")
    head = header(chr1=100)
    with open_sink(tmp_path / name, index=index) as sink:
        sink.write_header(head)
        sink.write(line("chr1", 5))
        sink.finish(head)
    expected = {".vcf.gz": ".tbi", ".bcf": ".csi"}[name[1:]]
    assert {path.name for path in tmp_path.iterdir()} == {name, *([name + expected] if index else [])}
    assert all(path.read_bytes() != b"stale" for path in tmp_path.iterdir())


def test_a_file_without_records_can_be_indexed(tmp_path):
    for name in ("a.vcf.gz", "a.bcf"):
        write(tmp_path / name, header(chr1=100), [])
        if shutil.which("bcftools"):
            done = subprocess.run(
                ["bcftools", "view", "-H", tmp_path / name, "-r", "chr1"], capture_output=True, check=False
            )
            assert (done.stdout, done.returncode) == (b"", 0), done
