import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from zoo_loaders.bed_peaks import BED_PEAKS, BedPeaksConfig
from zoo_loaders.pieces import PIECE
from zoo_loaders.placing import merge_windows

from tests.signal_files import write_bigwig, write_genome
from zoo import BedError, DataError, ExampleSet, Reference, Regions, decode
from zoo.testing.contract import check_data_loader

LETTERS = "".join(np.random.default_rng(3).choice(list("ACGT"), 400))
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "human_chr20"


@pytest.fixture
def genome(tmp_path) -> Reference:
    """chr2 of 400 bases, the first 40 of them lower case and 10 to 19 unknown; then chr1 of 100."""
    letters = LETTERS[:10].lower() + "n" * 10 + LETTERS[20:40].lower() + LETTERS[40:]
    return write_genome(tmp_path / "genome.fa", {"chr2": letters, "chr1": LETTERS[:100]})


def write(folder: Path, name: str, *rows: str) -> dict[str, str]:
    (folder / name).write_text("".join("\t".join(row.split()) + "\n" for row in rows), encoding="utf-8")
    return {"path": name, "track": name.partition(".")[0]}


def load(folder: Path, genome: Reference, *peaks: dict[str, object], **config: object) -> ExampleSet:
    chosen = BedPeaksConfig.model_validate({"peaks": peaks, "length": 20, "unsorted": "sort", **config})
    return BED_PEAKS.load(chosen, genome, 0, folder)


def targets_of(examples: ExampleSet) -> list[list[float]]:
    assert examples.targets is not None
    return examples.targets.tolist()


def narrow(start: int, end: int, summit: int, signal: float = 1, contig: str = "chr2") -> str:
    return f"{contig} {start} {end} . 0 . {signal} -1 -1 {summit}"


def test_the_loader_keeps_the_contract(tmp_path, genome):
    a = write(tmp_path, "a.narrowPeak", narrow(100, 140, 12), narrow(50, 80, 20, contig="chr1"))
    b = write(tmp_path, "b.bed", "chr2 105 125", "chr2 300 340")
    config = BedPeaksConfig.model_validate({"peaks": [a, b], "length": 21})

    check_data_loader(BED_PEAKS, config, tmp_path, genome)


def test_a_summit_stands_at_the_middle_base_of_its_window(tmp_path, genome):
    peaks = write(tmp_path, "a.narrowPeak", narrow(100, 200, 30))
    for length, start in ((20, 120), (21, 120), (1, 130)):
        examples = load(tmp_path, genome, peaks, length=length)
        assert examples.ids == (f"chr2:{start}-{start + length}",)
        assert decode(examples.sequences[0]) == LETTERS[start : start + length]
        assert decode(examples.sequences[0][length // 2]) == LETTERS[130]


@pytest.mark.parametrize(("row", "centre"), [("chr2 100 200", 150), ("chr2 100 201", 150), (narrow(100, 200, -1), 150)])
def test_without_a_summit_the_middle_of_the_peak_does(tmp_path, genome, row, centre):
    examples = load(tmp_path, genome, write(tmp_path, "a.bed", row))

    assert examples.ids == (f"chr2:{centre - 10}-{centre + 10}",)


def test_the_middle_may_be_asked_for_where_there_is_a_summit(tmp_path, genome):
    examples = load(tmp_path, genome, write(tmp_path, "a.bed", narrow(100, 200, 3)), centre="middle")

    assert examples.ids == ("chr2:140-160",)


def test_what_is_read_beside_sequences_and_targets(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr2 28 50", "chr1 40 60", "chr2 200 220")
    examples = load(tmp_path, genome, peaks)

    assert examples.tracks == ("a",)
    assert examples.complete is False
    assert examples.ids == ("chr2:29-49", "chr2:200-220", "chr1:40-60")
    assert examples.groups is not None
    assert examples.groups.tolist() == ["chr2", "chr2", "chr1"]
    assert examples.regions is not None
    assert examples.regions.starts.tolist() == [29, 200, 40]
    assert examples.regions.ends.tolist() == [49, 220, 60]
    assert examples.repeats is not None
    assert examples.repeats.tolist() == [np.float32(11 / 20), 0, 0]
    assert examples.notes == ()


@pytest.mark.parametrize(
    ("start", "end", "positive"),
    [
        pytest.param(100, 110, True, id="the whole bin"),
        pytest.param(100, 105, True, id="its left half"),
        pytest.param(105, 110, True, id="its right half"),
        pytest.param(105, 300, True, id="its right half and more"),
        pytest.param(100, 104, False, id="less than half"),
        pytest.param(106, 300, False, id="less than half of it, and much beside it"),
        pytest.param(90, 100, False, id="the base before it"),
    ],
)
def test_a_window_is_positive_where_a_peak_covers_half_of_its_centre_bin(tmp_path, genome, start, end, positive):
    # The window at 95 to 114 has base 105 in its middle and the bin 100 to 109.
    first = write(tmp_path, "first.narrowPeak", narrow(95, 115, 10))
    second = write(tmp_path, "second.bed", f"chr2 {start} {end}")
    examples = load(tmp_path, genome, first, second, bin=10, merge_overlap=19)
    rows = dict(zip(examples.ids, targets_of(examples), strict=True))

    assert rows["chr2:95-115"] == [1, float(positive)]


def test_the_centre_bin_is_deepseas_unless_the_window_is_shorter():
    peaks = [{"path": "a.bed", "track": "a"}]

    assert BedPeaksConfig.model_validate({"peaks": peaks, "length": 1000}).centre_bin == 200
    assert BedPeaksConfig.model_validate({"peaks": peaks, "length": 101}).centre_bin == 101


def test_files_of_one_track_are_one_column_and_assays_are_one_matrix(tmp_path, genome):
    a = write(tmp_path, "a.bed", "chr2 100 120")
    b = write(tmp_path, "b.bed", "chr2 100 120", "chr2 200 220")
    again = {**write(tmp_path, "c.bed", "chr2 300 320"), "track": "a"}
    examples = load(tmp_path, genome, a, b, again)

    assert examples.tracks == ("a", "b")
    assert targets_of(examples) == [[1, 1], [0, 1], [1, 0]]


def test_every_peak_is_to_be_avoided_whatever_was_left_out(tmp_path, genome):
    a = write(tmp_path, "a.narrowPeak", narrow(100, 120, 3, signal=1), narrow(200, 220, 3, signal=9), narrow(0, 5, 2))
    examples = load(tmp_path, genome, {**a, "min_signal": 2})

    assert len(examples) == 1
    assert examples.avoid is not None
    assert sorted(examples.avoid.starts.tolist()) == [0, 100, 200]


def test_weaker_peaks_make_no_window_and_no_negative(tmp_path, genome):
    weak, strong = narrow(100, 120, 10, signal=1), narrow(200, 220, 10, signal=9)
    a = write(tmp_path, "a.narrowPeak", weak, strong)
    b = write(tmp_path, "b.bed", "chr2 100 120", "chr2 200 220", "chr2 300 320")
    for chosen in ({"min_signal": 9}, {"top": 1}):
        examples = load(tmp_path, genome, {**a, **chosen}, b)
        assert np.array_equal(targets_of(examples), [[np.nan, 1], [1, 1], [0, 1]], equal_nan=True)
        assert "a.narrowPeak: 1 weaker peaks make no window" in examples.notes


def test_a_choice_by_signal_needs_one(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr2 100 120")
    with pytest.raises(BedError, match=r"a\.bed, line 1: expected a signal in column 7 .* found none"):
        load(tmp_path, genome, {**peaks, "top": 3})


def test_the_blacklist_is_to_be_avoided_too(tmp_path, genome):
    (tmp_path / "black.bed").write_text("2\t300\t310\n", encoding="utf-8")

    examples = load(tmp_path, genome, write(tmp_path, "a.bed", "chr2 100 120"), blacklist="black.bed")

    assert examples.avoid is not None
    assert list(zip(examples.avoid.contigs, examples.avoid.starts, examples.avoid.ends, strict=True)) == [
        ("chr2", 100, 120), ("chr2", 300, 310),
    ]  # fmt: skip


def test_windows_of_one_place_are_one(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr2 100 120", "chr2 100 120", "chr2 90 130", "chr2 200 220")
    examples = load(tmp_path, genome, peaks)

    assert examples.ids == ("chr2:100-120", "chr2:200-220")
    assert examples.notes == ("2 windows were left out: another peak has the same centre",)


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        pytest.param([100, 111], [100, 111], id="an overlap of 9 stays"),
        pytest.param([100, 110], [100, 110], id="an overlap of 10 stays"),
        pytest.param([100, 109], [104], id="an overlap of 11 is merged at the mean, rounded down"),
        pytest.param([100, 100, 109], [103], id="each peak weighs the same"),
        pytest.param([100, 109, 118], [104, 118], id="a chain is cut where its first window ends"),
        pytest.param([100, 101, 109, 110, 111], [106], id="what was moved together is merged in turn"),
        pytest.param([], [], id="none"),
    ],
)
def test_windows_that_overlap_by_more_than_is_allowed_become_one(starts, expected):
    places = np.array(starts, dtype=np.int64)
    windows = Regions(np.full(len(places), "chr1"), places, places + 20)
    merged, _ = merge_windows(windows, 20, 10)

    assert merged.starts.tolist() == expected
    assert merged.ends.tolist() == [start + 20 for start in expected]


@given(st.lists(st.integers(0, 300), max_size=40), st.integers(1, 20), st.integers(0, 19))
def test_no_two_windows_overlap_by_more_once_they_are_merged(starts, length, overlap):
    overlap = min(overlap, length - 1)
    places = np.array(sorted(starts), dtype=np.int64)
    merged, duplicates = merge_windows(Regions(np.full(len(places), "chr1"), places, places + length), length, overlap)

    assert all(second - first >= length - overlap for first, second in itertools.pairwise(merged.starts.tolist()))
    assert duplicates == len(starts) - len(set(starts))
    assert set(merged.contigs.tolist()) <= {"chr1"}
    if starts:
        assert min(starts) <= merged.starts.min()
        assert merged.starts.max() <= max(starts)


def test_windows_of_two_contigs_are_never_merged(tmp_path, genome):
    examples = load(tmp_path, genome, write(tmp_path, "a.bed", "chr1 50 70", "chr2 50 70", "chr2 51 71"))

    assert examples.ids == ("chr2:50-70", "chr1:50-70")
    assert examples.notes == ("3 windows became 2: those that overlap by more than 6 bases were merged",)


def test_the_order_of_the_file_changes_nothing(tmp_path, genome):
    generator = np.random.default_rng(5)
    rows = [
        narrow(int(start), int(start) + 40, int(generator.integers(40)), int(generator.integers(4)))
        for start in generator.integers(0, 350, 60)
    ]
    first = load(tmp_path, genome, {**write(tmp_path, "a.narrowPeak", *sorted(rows)), "top": 30})
    generator.shuffle(rows)
    second = load(tmp_path, genome, {**write(tmp_path, "a.narrowPeak", *rows), "top": 30})

    assert first.ids == second.ids
    assert np.array_equal(first.sequences, second.sequences)
    assert np.array_equal(targets_of(first), targets_of(second), equal_nan=True)
    assert first.notes == second.notes


@pytest.mark.parametrize(
    ("rows", "line", "found"),
    [
        (["chr2 100 120", "chr2 50 70"], 2, "chr2:50 after chr2:100"),
        (["chr2 100 120", "chr1 50 70", "chr2 130 150"], 3, "chr2:130 after chr1:50"),
    ],
    ids=["start", "contig"],
)
def test_a_file_out_of_order_is_an_error_unless_it_may_be_sorted(tmp_path, genome, rows, line, found):
    peaks = write(tmp_path, "a.bed", *rows)

    with pytest.raises(BedError) as error:
        load(tmp_path, genome, peaks, unsorted="error")

    assert str(error.value) == (
        f"{tmp_path / 'a.bed'}, line {line}: expected regions sorted by contig and start, found {found}; sort the file "
        "(sort -k1,1 -k2,2n), or set unsorted: sort"
    )
    assert len(load(tmp_path, genome, peaks, merge_overlap=19)) == len(rows)


def test_a_file_in_order_may_have_its_contigs_in_any_order(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr2 100 120", "chr2 100 130", "chr1 50 70")

    assert len(load(tmp_path, genome, peaks, unsorted="error")) == 2


def test_gzip_and_another_name_of_the_contig_change_nothing(tmp_path, genome):
    (tmp_path / "a.bed.gz").write_bytes(gzip.compress(b"2\t100\t120\n"))

    assert load(tmp_path, genome, {"path": "a.bed.gz", "track": "a"}).ids == ("chr2:100-120",)


def test_windows_beyond_the_contig_are_left_out_and_counted(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr2 0 18", "chr2 0 20", "chr2 380 400", "chr2 382 400")
    examples = load(tmp_path, genome, peaks, max_unknown=1)

    assert examples.ids == ("chr2:0-20", "chr2:380-400")
    assert examples.notes == ("2 windows were left out: they reach beyond their contig",)


def test_windows_on_the_blacklist_are_left_out_and_counted(tmp_path, genome):
    write(tmp_path, "black.bed", "2 119 130", "chrUn 0 5")
    peaks = write(tmp_path, "a.bed", "chr2 100 120", "chr2 130 150", "chr1 50 70")
    examples = load(tmp_path, genome, peaks, blacklist="black.bed")

    assert examples.ids == ("chr2:130-150", "chr1:50-70")
    assert examples.notes == ("1 windows were left out: they touch the blacklist",)


def test_a_blacklist_of_another_genome_is_an_error(tmp_path, genome):
    write(tmp_path, "black.bed", "chr3 119 130")
    with pytest.raises(BedError, match=r"black\.bed: none of its contigs is in the genome: 'chr3'"):
        load(tmp_path, genome, write(tmp_path, "a.bed", "chr2 100 120"), blacklist="black.bed")


def test_windows_of_unknown_bases_are_left_out_and_counted(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr2 18 38", "chr2 17 37", "chr2 40 60")
    examples = load(tmp_path, genome, peaks, merge_overlap=19)

    assert examples.ids == ("chr2:18-38", "chr2:40-60")  # 2 of 20 are unknown, then 3 of 20
    assert examples.notes == ("1 windows were left out: more than 10% of their bases are unknown",)


def test_windows_that_can_not_be_mapped_are_left_out_and_counted(tmp_path, genome):
    write_bigwig(tmp_path / "map.bw", {"chr2": 400}, [("chr2", 100, 110, 1.0), ("chr2", 200, 209, 1.0)])
    peaks = write(tmp_path, "a.bed", "chr2 100 120", "chr2 200 220", "chr1 50 70")
    examples = load(tmp_path, genome, peaks, mappability="map.bw", min_mappability=0.5)

    assert examples.ids == ("chr2:100-120",)
    assert examples.notes == ("2 windows were left out: their mappability is below 0.5",)


def test_windows_that_no_peak_covers_half_of_are_left_out_and_counted(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr2 100 109", "chr2 200 210")
    examples = load(tmp_path, genome, peaks)

    assert examples.ids == ("chr2:195-215",)
    assert examples.notes == ("1 windows were left out: no track's peaks cover half of their centre bin of 20 bases",)


def test_where_no_window_is_left_the_error_says_why(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr2 0 4", "chr2 8 18")
    with pytest.raises(
        DataError, match=r"a\.bed: no window is left; 1 windows .* beyond their contig; 1 windows .*unk"
    ):
        load(tmp_path, genome, peaks)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("chr2 390 401", r"line 2: expected a region inside contig 'chr2' of 400 bases, found 390-401"),
        ("chr2 900 901", r"line 2: expected a region inside contig 'chr2' of 400 bases, found 900-901"),
        ("Chr22 0 20", r"line 2: the genome has no contig 'Chr22'; did you mean 'chr2'\?.*unknown_contigs: drop"),
        ("chr2 0", r"line 2: expected contig, start and end, found 2 columns"),
    ],
)
def test_a_peak_outside_the_genome_is_an_error_that_names_its_line(tmp_path, genome, row, message):
    peaks = write(tmp_path, "a.bed", "chr2 100 120", row)
    with pytest.raises(BedError, match=rf"^{tmp_path}/a\.bed, {message}"):
        load(tmp_path, genome, peaks)


def test_peaks_on_other_contigs_may_be_dropped(tmp_path, genome):
    peaks = write(tmp_path, "a.bed", "chr9 5 9", "chr2 100 120")
    examples = load(tmp_path, genome, peaks, unknown_contigs="drop")

    assert examples.ids == ("chr2:100-120",)
    assert examples.notes == ("a.bed: 1 regions on contigs that the genome lacks were left out",)


def test_an_empty_file_is_an_error(tmp_path, genome):
    with pytest.raises(BedError, match=r"a\.bed: expected regions, found none"):
        load(tmp_path, genome, write(tmp_path, "a.bed"))


def test_further_inputs_come_from_bigwig_files(tmp_path, genome):
    write_bigwig(tmp_path / "one.bw", {"chr2": 400}, [("chr2", 101, 102, 3.0)])
    write_bigwig(tmp_path / "two.bw", {"chr2": 400}, [("chr2", 100, 103, 2.0)])
    inputs = [{"name": "conservation", "paths": ["one.bw", "two.bw"], "missing": -1, "scale": 2}]
    examples = load(tmp_path, genome, write(tmp_path, "a.bed", "chr2 100 104"), length=4, inputs=inputs)

    assert list(examples.extra) == ["conservation"]
    assert examples.extra["conservation"].tolist() == [[[-2, 4], [6, 4], [-2, 4], [-2, -2]]]
    assert examples.extra["conservation"].dtype == np.float32


def test_a_stream_yields_the_same_examples_in_pieces_and_its_notes_last(tmp_path):
    letters = "".join(np.random.default_rng(4).choice(list("ACGT"), 3 * PIECE))
    genome = write_genome(tmp_path / "genome.fa", {"chr1": letters, "chr2": LETTERS})
    rows = [f"chr1 {start} {start + 3}" for start in range(0, 2 * PIECE + 40, 2)]
    peaks = write(tmp_path, "a.bed", *rows, "chr2 100 103", "chr2 0 1", "chr2 100 103")
    config = BedPeaksConfig.model_validate({"peaks": [peaks], "length": 3, "merge_overlap": 1, "unsorted": "sort"})
    assert BED_PEAKS.stream is not None
    pieces = list(BED_PEAKS.stream(config, genome, 0, tmp_path))
    whole = BED_PEAKS.load(config, genome, 0, tmp_path)

    assert [len(piece) for piece in pieces] == [PIECE, 20, 1]
    assert [bool(piece.notes) for piece in pieces] == [False, False, True]
    assert tuple(name for piece in pieces for name in piece.ids) == whole.ids
    assert np.array_equal(np.concatenate([piece.sequences for piece in pieces]), whole.sequences)
    assert all(len(piece.avoid or ()) == len(rows) + 3 for piece in pieces)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"bin": 21}, "bin: expected at most the length of 20 bases, found 21"),
        ({"merge_overlap": 20}, "merge_overlap: expected less than the length of 20, found 20"),
        ({"complete": True}, "one track alone has no negatives"),
        ({"mappability": "a.bw"}, "mappability and min_mappability are given together"),
        ({"inputs": [{"name": "x", "paths": ["a.bw"]}] * 2}, "inputs: expected names that differ"),
        (
            {"inputs": [{"name": "sequence", "paths": ["a.bw"]}]},
            "expected a name other than 'sequence' and 'prediction', found 'sequence'",
        ),
        ({"peaks": []}, "at least 1 item"),
    ],
)
def test_fields_that_do_not_fit_each_other_are_refused(config, message):
    peaks = [{"path": "a.bed", "track": "a"}]
    with pytest.raises(ValidationError, match=message):
        BedPeaksConfig.model_validate({"peaks": peaks, "length": 20, "unsorted": "sort", **config})


def test_several_tracks_may_be_said_to_need_no_negatives(tmp_path, genome):
    tracks = [write(tmp_path, "a.bed", "chr2 100 120"), write(tmp_path, "b.bed", "chr2 200 220")]

    assert load(tmp_path, genome, *tracks, complete=True).complete is True


def test_without_a_genome_the_error_says_what_to_give(tmp_path):
    config = BedPeaksConfig.model_validate({"peaks": [{"path": "a.bed", "track": "a"}], "length": 20})
    with pytest.raises(DataError, match=r"bed_peaks: windows are cut from a genome: name it in data\.reference"):
        BED_PEAKS.load(config, None, 0, tmp_path)


def test_real_peaks_of_four_assays_make_one_matrix(tmp_path):
    if not DATA.is_dir():
        pytest.skip("needs the shared data set human_chr20")
    (tmp_path / "chr20.fa").write_bytes(gzip.decompress((DATA / "hg19_chr20_1_2000000.fa.gz").read_bytes()))
    rows = (DATA / "peaks_GM12878_chr20_1M_2M_hg19.bed").read_text().splitlines()
    assays = sorted({row.split("\t")[3] for row in rows})
    peaks = [write(tmp_path, f"{assay}.bed", *(row for row in rows if f"\t{assay}\t" in row)) for assay in assays]
    examples = load(tmp_path, Reference(tmp_path / "chr20.fa"), *peaks, length=600, merge_overlap=200)
    found = np.array(targets_of(examples))

    assert examples.tracks == ("CTCF", "H3K4me3", "P300", "POL2")
    assert (found.sum(axis=1) >= 1).all()
    assert (found.sum(axis=0) >= 1).all()
    assert (found.sum(axis=1) > 1).any()
    assert len(rows) > len(examples)
    assert (np.diff(examples.regions.starts) >= 400).all()
