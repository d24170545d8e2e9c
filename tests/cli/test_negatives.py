import numpy as np
import pytest

from zoo.cli import main
from zoo.cli.negatives import EXAMPLE
from zoo.genome.bed import read_bed
from zoo.genome.fasta import read_fasta
from zoo.genome.interval import Interval
from zoo.genome.reference import Reference


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a genome of two contigs, half of it soft-masked, 30 peaks of different lengths, and others."""
    generator = np.random.default_rng(3)
    with (tmp_path / "genome.fa").open("w", encoding="ascii") as file:
        for contig in ("chr1", "chr2"):
            letters = generator.choice(list("ACGT"), 30_000)
            masked = np.repeat(generator.random(300) < 0.5, 100)
            file.write(f">{contig}\n{''.join(np.where(masked, np.char.lower(letters), letters))}\n")
    write_peaks(tmp_path / "peaks.bed", 0)
    write_peaks(tmp_path / "other.bed", 500)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_peaks(path, shift):
    path.write_text(
        "".join(
            f"chr{1 + row % 2}\t{1000 * (row // 2) + 300 + shift}\t{1000 * (row // 2) + 400 + shift + row}\n"
            for row in range(30)
        ),
        encoding="utf-8",
    )


def run(*arguments):
    return main(["negatives", *map(str, arguments)])


def test_genomic_negatives_match_each_peak_in_contig_and_length(folder, capsys):
    assert run("peaks.bed", "-f", "genome.fa", "-o", "out.bed", "--gc-tolerance", "0.1") == 0

    printed = capsys.readouterr()
    peaks, found = list(read_bed("peaks.bed")), list(read_bed("out.bed"))
    assert [negative.name for negative in found] == [str(peak) for peak in peaks]
    assert [(negative.contig, len(negative)) for negative in found] == [(peak.contig, len(peak)) for peak in peaks]
    assert not any(
        one.contig == other.contig and one.start < other.end and other.start < one.end
        for one in found
        for other in peaks
    )
    header, gc, repeats = (line.split("\t") for line in printed.out.splitlines())
    assert header == ["mean", "positives", "negatives", "ks"]
    assert (gc[0], repeats[0]) == ("GC", "repeats")
    assert float(gc[3]) < 0.2
    assert "30 negatives for 30 positives in" in printed.err


def test_windows_of_one_length_around_the_middles_are_matched_as_sequences(folder):
    assert run("peaks.bed", "-f", "genome.fa", "-o", "out.fa", "--length", 101, "--gc-tolerance", 0.1) == 0

    records = dict(read_fasta("out.fa"))
    assert len(records) == 30
    with Reference("genome.fa") as reference:
        for header, letters in records.items():
            place, matched = header.split(" for ")
            contig, _, ends = place.partition(":")
            start, end = map(int, ends.split("-"))
            assert reference.letters(Interval(contig, start, end)).upper() == letters
            assert len(letters) == 101
            assert matched.startswith(f"{contig}:")
    assert next(iter(records)).endswith(" for chr1:300-401")


def test_excluded_regions_and_a_margin_are_kept_free(folder):
    (folder / "blacklist.bed").write_text("chr1\t0\t15000\n", encoding="utf-8")
    loose = ("--gc-tolerance", 0.3, "--repeat-tolerance", 1)

    assert (
        run("peaks.bed", "-f", "genome.fa", "-o", "out.bed", "--exclude", "blacklist.bed", "--margin", 50, *loose) == 0
    )

    peaks, found = list(read_bed("peaks.bed")), list(read_bed("out.bed"))
    assert all(negative.start >= 15_000 for negative in found if negative.contig == "chr1")
    assert not any(
        one.contig == other.contig and one.start < other.end + 50 and other.start < one.end + 50
        for one in found
        for other in peaks
    )


def test_shuffles_come_from_peaks_or_from_sequences(folder):
    shuffle = ("--method", "dinucleotide_shuffle", "--per-positive", 2)
    assert run("peaks.bed", "-f", "genome.fa", "-o", "first.fa", *shuffle) == 0
    assert run("first.fa", "-o", "second.fa", *shuffle) == 0

    first, second = (list(read_fasta(name)) for name in ("first.fa", "second.fa"))
    assert len(first) == 60
    assert len(second) == 120
    assert first[0][0] == "shuffled::chr1:300-400 for chr1:300-400"
    assert first[1][0] == "shuffled_2::chr1:300-400 for chr1:300-400"
    assert sorted(map(len, dict(first).values())) == sorted(2 * [100 + row for row in range(30)])


def test_other_peaks_are_cut_to_the_length_asked_for(folder, capsys):
    others = ("--method", "other_peaks", "--other", "other.bed")
    assert run("peaks.bed", "-f", "genome.fa", "-o", "out.fa", "--length", 90, *others) == 0
    records = list(read_fasta("out.fa"))
    assert len(records) == 30
    assert {len(letters) for _, letters in records} == {90}
    assert all(header.startswith("other::chr") for header, _ in records)

    assert run("peaks.bed", "-f", "genome.fa", "-o", "out.fa", *others) == 1
    assert "expected sequences of one length, found 100 to 129 bases; give --length" in capsys.readouterr().err


def test_the_seed_decides(folder):
    for name, seed in (("a.bed", 1), ("b.bed", 1), ("c.bed", 2)):
        assert run("peaks.bed", "-f", "genome.fa", "-o", name, "--seed", seed, "--gc-tolerance", 0.1) == 0

    first, again, other = ((folder / name).read_text(encoding="utf-8") for name in ("a.bed", "b.bed", "c.bed"))
    assert first == again != other


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("peaks.bed", 1, "regions need the genome that they lie on; name it with -f"),
        ("genome.fa", 1, "genomic negatives need regions"),
        ("peaks.bed -f genome.fa -o out.tsv", 1, "expected a name that ends with .bed, .fa or .fasta"),
        ("genome.fa --method dinucleotide_shuffle", 1, "ends with .fa or .fasta, as dinucleotide_shuffle gives"),
        ("peaks.bed -f genome.fa -o peaks.bed", 1, "the output is the input peaks.bed"),
        ("none.bed -f genome.fa", 1, "none.bed: can't be read"),
        ("peaks.bed -f genome.fa --per-positive 0", 2, "expected a number above 0"),
        ("peaks.bed -f genome.fa --method other_peaks", 2, "goes with --method other_peaks"),
        ("peaks.bed -f genome.fa --other other.bed", 2, "goes with --method other_peaks"),
        ("peaks.bed -f genome.fa --gc-tolerance 0 --per-positive 20", 1, "loosen gc_tolerance 0"),
        ("far.bed -f genome.fa", 1, "far.bed, line 2: expected an end of at most 30000"),
        ("strange.bed -f genome.fa", 1, "strange.bed, line 1: the genome has no contig 'chr9'"),
        ("peaks.bed -f genome.fa --length 40000", 1, "every window of 40000 bases leaves its contig"),
        ("genome.fa -o o.fa --method dinucleotide_shuffle --length 30001", 1, "has 30000 bases, expected 30001"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_no_file(folder, arguments, status, message, capsys):
    (folder / "far.bed").write_text("chr1\t0\t100\nchr1\t29990\t30001\n", encoding="utf-8")
    (folder / "strange.bed").write_text("chr9\t0\t100\n", encoding="utf-8")
    before = {path.name for path in folder.iterdir()} | {"genome.fa.fai"}

    assert main(["negatives", "-o", "out.bed", *arguments.split()]) == status

    printed = capsys.readouterr()
    assert message in " ".join(printed.err.split())
    assert status == 2 or len(printed.err.splitlines()) == 1
    assert {path.name for path in folder.iterdir()} <= before


def test_windows_lie_around_summits_and_negatives_outside_whole_peaks(folder):
    (folder / "wide.narrowPeak").write_text("chr1\t0\t29000\t.\t0\t.\t1\t-1\t-1\t7000\n", encoding="utf-8")

    for seed in range(5):
        assert run("wide.narrowPeak", "-f", "genome.fa", "-o", "out.bed", "--length", 51, "--seed", seed,
                   "--gc-tolerance", 1, "--repeat-tolerance", 1) == 0  # fmt: skip
        (found,) = read_bed("out.bed")
        assert found.start >= 29_000
        assert found.name == "chr1:6975-7026"


def test_no_shuffle_is_a_positive(folder):
    (folder / "one.fa").write_text(">a\nAACAGATCAGA\n", encoding="utf-8")  # one of 60 orders

    assert run("one.fa", "-o", "out.fa", "--method", "dinucleotide_shuffle", "--per-positive", 50) == 0

    assert "AACAGATCAGA" not in dict(read_fasta("out.fa")).values()


def test_windows_that_leave_their_contig_are_told(folder, capsys):
    assert run("peaks.bed", "-f", "genome.fa", "-o", "out.fa", "--length", 1001, "--gc-tolerance", 0.3,
               "--repeat-tolerance", 1, "--per-positive", 0.1) == 0  # fmt: skip

    assert "note: 2 regions were left out: their windows leave the contig" in capsys.readouterr().err


def test_a_genome_without_soft_masking_is_told(folder, capsys):
    path = folder / "upper.fa"
    path.write_text((folder / "genome.fa").read_text(encoding="utf-8").upper().replace("CHR", "chr"), encoding="utf-8")

    assert run("peaks.bed", "-f", path, "-o", "-") == 0

    printed = capsys.readouterr()
    assert "note: no base of them is soft-masked" in printed.err
    assert len(printed.out.splitlines()) == 30


def test_the_help_has_an_example(capsys):
    assert main(["negatives", "--help"]) == 0

    assert EXAMPLE in capsys.readouterr().out
