import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.errors import OutputError
from zoo.genome.bgzf import EOF_MARKER
from zoo.prediction.output import bcf
from zoo.prediction.output.formats import FORMATS
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


@pytest.mark.parametrize("grown", ["", "##contig=<ID=chr2>\n"], ids=["same header", "longer header"])
def test_bcf_has_the_last_header(tmp_path, grown):
    from cyvcf2 import VCF

    write(tmp_path / "a.bcf", HEADER.format(SCORE), BODY, last=HEADER.format(grown + SCORE))
    reader = VCF(str(tmp_path / "a.bcf"))
    assert reader.seqnames == ["chr1", "chr2"][: 1 + bool(grown)]
    assert sum(1 for _ in reader) == 2000
    reader.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.bcf"]


def test_a_packed_table_is_blocked(tmp_path):
    write(tmp_path / "a.tsv.gz", "contig\tposition\n", "chr1\t5\n")
    assert unpack(tmp_path / "a.tsv.gz") == "contig\tposition\nchr1\t5\n"
    assert (tmp_path / "a.tsv.gz").read_bytes().endswith(EOF_MARKER)


def test_parquet_has_the_types_that_are_told(tmp_path):
    from pyarrow import parquet

    with open_sink(tmp_path / "a.parquet", types={"position": "integer"}) as sink:
        sink.write_header("contig\tposition\n")
        sink.write("chr1\t5\n")
        sink.finish("contig\tposition\n")
    assert parquet.read_table(tmp_path / "a.parquet").to_pylist() == [{"contig": "chr1", "position": 5}]
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_standard_output_gets_the_bytes_of_a_file(tmp_path, form, capfdbinary):
    head = "contig\tposition\n" if form.table else HEADER.format(SCORE)
    body = "chr1\t5\n" if form.table else BODY
    for path in ("-", tmp_path / "a"):
        with open_sink(path, form) as sink:
            sink.write_header(head)
            sink.write(body)
            sink.note(1, {})
            sink.write(body)
            sink.finish(head)
    assert capfdbinary.readouterr().out == (tmp_path / "a").read_bytes()


def test_standard_output_cannot_be_resumed():
    with pytest.raises(OutputError, match="standard output: what went there can't be resumed"):
        open_sink("-", fingerprint={}, resume=True)


def test_bcf_holds_records_that_end_with_info_in_a_file_of_samples(tmp_path):
    from cyvcf2 import VCF

    sampled = HEADER.format('##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n').replace(
        "INFO\n", "INFO\tFORMAT\tS\tT\n"
    )
    records = "chr1\t5\t.\tA\tC\t.\t.\t.\n", "chr1\t6\t.\tA\tC\t.\t.\t.\tGT\t0/1\t1/1\n"
    write(tmp_path / "a.bcf", sampled, "".join(records))
    reader = VCF(str(tmp_path / "a.bcf"))
    assert [str(record) for record in reader] == [records[0].replace("\n", "\t.\t.\t.\n"), records[1]]
    reader.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.bcf"]


def test_a_table_is_text_too(tmp_path):
    write(tmp_path / "a.tsv", "contig\tposition\n", "chr1\t5\n")
    assert (tmp_path / "a.tsv").read_text() == "contig\tposition\nchr1\t5\n"


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
    limits = {"a.vcf": [100, 100_000], "a.vcf.gz": [100, 30_000], "a.bcf": [100, 30_000]}[name]
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
    convert = bcf._convert

    def convert_on_a_full_disk(text, path, padded):
        count = convert(text, path, padded)
        content = path.read_bytes()
        path.write_bytes(content[:-lost] + EOF_MARKER * (lost > 30))
        return count

    monkeypatch.setattr(bcf, "_convert", convert_on_a_full_disk)
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


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize("grown", ["", "##contig=<ID=chr2>\n"], ids=["same header", "longer header"])
def test_a_run_that_breaks_off_anywhere_ends_in_the_same_bytes(tmp_path, form, grown):
    path = tmp_path / f"a{form.suffixes[0]}"
    head, last = ("contig\n", "contig\n") if form.table else (HEADER.format(SCORE), HEADER.format(grown + SCORE))
    bodies = [f"chr{number}\n" if form.table else BODY for number in range(5)]

    def run(stop, *, resume=False):
        with open_sink(path, form, fingerprint={"run": 1}, resume=resume) as sink:
            done = sink.resumed.records if sink.resumed else 0
            if sink.resumed is None:
                sink.write_header(head)
            for number in range(done, 5):
                sink.write(bodies[number])
                if number == stop:
                    raise KeyboardInterrupt
                sink.note(number + 1, {"sum": number})
            if stop == 5:
                raise KeyboardInterrupt
            sink.finish(last)

    run(None)
    expected = path.read_bytes()
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    for first in range(6):
        for second in range(first, 6):
            for stop, resume in ((first, False), (second, True)):
                with pytest.raises(KeyboardInterrupt):
                    run(stop, resume=resume)
            left = {file.name for file in tmp_path.iterdir()}
            assert left == ({f"{path.name}.partial", f"{path.name}.journal"} if second else set())
            run(None, resume=True)
            assert list(tmp_path.iterdir()) == [path]
            assert path.read_bytes() == expected
            path.unlink()


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_breaks_off_before_anything_is_noted_leaves_nothing(tmp_path, resume):
    def fail():
        with open_sink(tmp_path / "a.vcf", fingerprint={}, resume=resume) as sink:
            sink.write_header(HEADER.format(SCORE))
            sink.write(BODY * 100)  # more than any buffer holds
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.vcf", "a.vcf.gz"])
def test_a_file_that_was_cut_at_any_byte_is_resumed_to_the_same_bytes(tmp_path, name):
    path, partial, journal = (tmp_path / f"{name}{suffix}" for suffix in ("", ".partial", ".journal"))
    head = HEADER.format(SCORE)
    lines = [f"chr1\t{position}\t.\tA\tC\t.\t.\tZOO_X=0.5\n" for position in range(1, 4)]

    def run(*, resume, stop=None):
        with open_sink(path, fingerprint={}, resume=resume) as sink:
            if sink.resumed is None:
                sink.write_header(head)
            for number in range(sink.resumed.records if sink.resumed else 0, 3):
                sink.write(lines[number])
                sink.note(number + 1, {})
            if stop:
                raise KeyboardInterrupt
            sink.finish(head)

    run(resume=False)
    expected = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        run(resume=False, stop=True)
    done, noted = partial.read_bytes(), journal.read_bytes()
    cuts = [(cut, len(noted)) for cut in range(len(done) + 1)] + [(len(done), cut) for cut in range(len(noted))]
    for size, lines_size in cuts:
        partial.write_bytes(done[:size])
        journal.write_bytes(noted[:lines_size])
        run(resume=True)
        assert path.read_bytes() == expected
        assert not partial.exists()
        assert not journal.exists()


@pytest.mark.parametrize("form", [FORMATS[place] for place in (1, 2, 5)], ids=lambda form: form.name)
def test_a_disk_that_fills_leaves_what_is_done_to_be_resumed(tmp_path, form):
    code = """
import random, resource, sys
from zoo.errors import OutputError
from zoo.prediction.output.formats import choose_format
from zoo.prediction.output.sinks import open_sink
path, limit, header, table = sys.argv[1:]
random.seed(1)
letters = "".join(random.choices("ACGT", k=200_000))
cells = "{0}\\n" if table == "True" else "chr1\\t1\\t.\\t{0}\\tC\\t.\\t.\\t.\\n"
if int(limit):
    import cyvcf2, pyarrow.parquet  # which may want to write elsewhere
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit),) * 2)
try:
    with open_sink(path, fingerprint={}, resume=True) as sink:
        if sink.resumed is None:
            sink.write_header(header)
        done = sink.resumed.records if sink.resumed else 0
        print(done)
        for first in range(done, 200_000, 20_000):
            sink.write(cells.format(letters[first : first + 20_000]))
            sink.note(first + 20_000, {})
        sink.finish(header)
except OutputError as error:
    print(error)
"""
    path = tmp_path / f"a{form.suffixes[0]}"
    head = "contig\n" if form.table else HEADER.format("")

    def run(limit):
        command = [sys.executable, "-c", code, path, str(limit), head, str(form.table)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done.stdout.splitlines()

    assert run(0) == ["0"]
    expected = path.read_bytes()
    path.unlink()
    done, error = run(30_000)
    assert done == "0"
    assert error.startswith(f"{path}: ")
    assert "can't be written" in error
    done = run(0)
    assert done[0] != "0"
    assert len(done) == 1
    assert path.read_bytes() == expected
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_behind_the_name_leaves_a_file_that_is_whole_and_nothing_to_resume(tmp_path, monkeypatch):
    replace = Path.replace

    def replace_and_interrupt(self, target):
        if str(target) == str(tmp_path / "a.vcf.gz"):
            os.kill(os.getpid(), signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_and_interrupt)
    with open_sink(tmp_path / "a.vcf.gz", fingerprint={"a": 1}, index=True) as sink:
        sink.write_header(HEADER.format(""))
        sink.write(BODY)
        sink.note(2000, {})
        with pytest.raises(KeyboardInterrupt):
            sink.finish(HEADER.format(""))
    assert sink.last is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.vcf.gz", "a.vcf.gz.tbi"]
    assert unpack(tmp_path / "a.vcf.gz") == HEADER.format("") + BODY


def test_what_was_finished_when_it_was_killed_is_told_before_it_is_done_again(tmp_path):
    path = tmp_path / "a.tsv"
    with open_sink(path, fingerprint={"a": 1}) as sink:
        sink.write_header("A\n")
        sink.write("1\n")
        sink.note(1, {})
        journal = Path(f"{path}.journal")
        kept = journal.read_bytes()
        sink.finish("A\n")
    journal.write_bytes(kept)  # as a kill behind the renaming leaves it
    os.utime(path, ns=(path.stat().st_atime_ns, journal.stat().st_mtime_ns))
    with pytest.warns(UserWarning, match=r"a\.tsv: was finished, it seems, .* all is done again"):
        sink = open_sink(path, fingerprint={"a": 1}, resume=True)
    with sink:
        assert sink.resumed is None
    assert path.read_text() == "A\n1\n"
    assert list(tmp_path.iterdir()) == [path]


def test_the_origin_of_a_table_may_hold_what_is_no_text(tmp_path):
    import pyarrow.parquet

    with open_sink(tmp_path / "a.parquet", origin="zoo annotate bad\udcff.vcf") as sink:
        sink.write_header("A\n")
        sink.finish("A\n")
    assert b"zoo annotate bad\xff.vcf" in pyarrow.parquet.read_schema(tmp_path / "a.parquet").metadata.values()


@pytest.mark.parametrize(("name", "options"), [("bad\udcff.bcf", {}), ("bad\udcff.vcf.gz", {"index": True})])
def test_a_name_that_htslib_can_not_open_is_refused_before_the_run(tmp_path, name, options):
    with pytest.raises(OutputError, match="a name in UTF-8"):
        open_sink(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []
