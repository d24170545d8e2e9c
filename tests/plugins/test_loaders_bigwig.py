import gzip
import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import ValidationError
from zoo_loaders.bigwig import BIGWIG, BigwigConfig
from zoo_loaders.pieces import PIECE
from zoo_loaders.signal import Shaping

from tests.signal_files import write_bigwig, write_genome
from zoo import BedError, DataError, ExampleSet, Reference
from zoo.testing.contract import check_data_loader
from zoo.training.plan import plan

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "yeast"
LENGTHS = {"chr1": 9, "chr2": 40}
ONE = {"name": "one", "path": "one.bw"}


@pytest.fixture
def genome(tmp_path) -> Reference:
    """chr2 of 40 bases, then chr1 of 9; the signal of ``one`` is a base's own number on chr2, and 7 at 3 of chr1."""
    write_bigwig(
        tmp_path / "one.bw",
        LENGTHS,
        [("chr1", 3, 4, 7.0), *(("chr2", base, base + 1, float(base)) for base in range(40))],
    )
    write_bigwig(tmp_path / "minus.bw", LENGTHS, [("chr2", 0, 3, -2.0), ("chr2", 30, 40, -4.0)])
    return write_genome(tmp_path / "genome.fa", {"chr2": "ACGTacgtNN" + "ACGTTTTTTT" * 3, "chr1": "CCCCCGGGG"})


def load(folder: Path, genome: Reference, *tracks: dict[str, object], **config: object) -> ExampleSet:
    chosen = BigwigConfig.model_validate(
        {"tracks": tracks or (ONE,), "length": 4, "max_unknown": 1, "unsorted": "sort", **config}
    )
    return BIGWIG.load(chosen, genome, 0, folder)


def targets_of(examples: ExampleSet) -> np.ndarray:
    assert examples.targets is not None
    assert examples.targets.dtype == np.float32
    return examples.targets


@pytest.mark.parametrize("config", [{}, {"bin": 2}, {"bin": 1, "missing": "nan"}, {"step": 3, "contigs": ["chr2"]}])
def test_the_loader_keeps_the_contract(tmp_path, genome, config):
    chosen = BigwigConfig.model_validate({"tracks": [ONE], "length": 4, **config})

    check_data_loader(BIGWIG, chosen, tmp_path, genome)


def test_the_genome_is_tiled_from_base_0_in_its_own_order(tmp_path, genome):
    examples = load(tmp_path, genome, length=10, step=10)
    assert examples.ids == ("chr2:0-10", "chr2:10-20", "chr2:20-30", "chr2:30-40")

    examples = load(tmp_path, genome, length=4, step=18)
    assert examples.ids == ("chr2:0-4", "chr2:18-22", "chr2:36-40", "chr1:0-4")
    assert examples.groups is not None
    assert examples.groups.tolist() == ["chr2", "chr2", "chr2", "chr1"]
    assert examples.complete is True
    assert examples.repeats is not None
    assert examples.repeats.tolist() == [0, 0, 0, 0]
    assert examples.avoid is None


def test_tiles_lie_side_by_side_in_what_is_predicted(tmp_path, genome):
    examples = load(tmp_path, genome, length=20, target_length=10, bin=10)

    assert examples.ids == ("chr2:0-20", "chr2:10-30", "chr2:20-40")
    assert targets_of(examples)[:, 0, 0].tolist() == [9.5, 19.5, 29.5]  # bases 5 to 14, 15 to 24, 25 to 34


def test_a_scale_is_a_number():
    with pytest.raises(ValidationError, match="finite number"):
        Shaping(scale=math.nan)


def test_examples_say_what_their_bins_leave_out(tmp_path, genome):
    config = BigwigConfig.model_validate({"tracks": [ONE], "length": 20, "target_length": 10, "bin": 5})
    pieces = list(BIGWIG.stream(config, genome, 0, tmp_path)) if BIGWIG.stream else []

    assert [piece.crop for piece in pieces] == [5]
    assert ExampleSet.join(pieces).take(np.array([1])).crop == 5
    assert load(tmp_path, genome, length=20, bin=5).crop == 0
    # One number a window has no bins.
    assert load(tmp_path, genome, length=20, target_length=10).crop == 0


@pytest.mark.parametrize("stream", [False, True])
def test_the_network_is_told_what_the_bins_leave_out(tmp_path, genome, stream):
    config = {
        "tracks": [ONE],
        "length": 8,
        "target_length": 4,
        "bin": 2,
        "step": 1,
        "contigs": ["chr2"],
        "max_unknown": 1,
    }
    data = {"loader": "bigwig", "reference": "genome.fa", "stream": stream, "max_unknown": 1}
    architecture = {"name": "multilayer_cnn", "config": {"convolutions": [{"filters": 2, "width": 1}]}}
    recipe = {
        "schema_version": 1,
        "name": "tiny",
        "version": "1.0.0",
        "summary": "Signal of a few bases.",
        "license": "CC0-1.0",
        "authors": ["The assayzoo authors"],
        "assay": "simulation",
        "organism": "none",
        "limitations": "Made for tests.",
        "data": {**data, "config": config},
        "split": {"method": "hash", "test": 0.3, "validation": 0.3},
        "output": {"activation": "softplus"},
        "architecture": architecture,
        "seed": 3,
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")

    task = plan(tmp_path / "recipe.yaml", work_folder=tmp_path / "work").task

    assert (task.output.bins, task.output.crop, task.learned.crop) == (2, 2, 2)


def test_only_the_contigs_that_are_asked_for_are_tiled(tmp_path, genome):
    assert load(tmp_path, genome, step=9, contigs=["1"]).ids == ("chr1:0-4",)
    with pytest.raises(DataError, match=r"bigwig, contigs: the genome has no contig 'chr22'; did you mean"):
        load(tmp_path, genome, contigs=["chr22"])


@pytest.mark.parametrize(
    ("how", "expected"), [("sum", [[10, 35], [60, 85]]), ("mean", [[2, 7], [12, 17]]), ("max", [[4, 9], [14, 19]])]
)
def test_bins_hold_the_sum_the_mean_or_the_largest_of_their_bases(tmp_path, genome, how, expected):
    examples = load(tmp_path, genome, length=10, bin=5, how=how, contigs=["chr2"])

    assert targets_of(examples).shape == (4, 2, 1)
    assert targets_of(examples)[:2, :, 0].tolist() == expected


def test_a_bin_of_one_base_is_base_resolution(tmp_path, genome):
    examples = load(tmp_path, genome, length=6, target_length=4, bin=1, step=20)

    assert targets_of(examples)[:2, :, 0].tolist() == [[1, 2, 3, 4], [21, 22, 23, 24]]


def test_one_bin_is_still_binned_and_none_is_one_number(tmp_path, genome):
    assert targets_of(load(tmp_path, genome, bin=4, contigs=["chr2"])).shape == (10, 1, 1)
    assert targets_of(load(tmp_path, genome, contigs=["chr2"])).shape == (10, 1)
    assert targets_of(load(tmp_path, genome, contigs=["chr2"]))[1].tolist() == [5.5]


def test_each_track_has_its_column_and_a_pair_has_two(tmp_path, genome):
    pair = {"name": "pro", "plus": "one.bw", "minus": "minus.bw", "absolute": True, "scale": 0.5}
    examples = load(tmp_path, genome, ONE, pair, how="sum", step=36)

    assert examples.tracks == ("one", "pro_plus", "pro_minus")
    assert targets_of(examples).tolist() == [[6, 3, 3], [150, 75, 8], [7, 3.5, 0]]


@pytest.mark.parametrize(
    ("missing", "how", "expected"), [("zero", "mean", 1.75), ("nan", "mean", 7), ("nan", "sum", 7)]
)
def test_what_is_not_stated_is_0_or_left_out(tmp_path, genome, missing, how, expected):
    examples = load(tmp_path, genome, contigs=["chr1"], missing=missing, how=how, step=9)

    assert targets_of(examples).tolist() == [[expected]]


def test_a_bin_of_which_nothing_is_stated_is_missing_and_a_whole_window_is_left_out(tmp_path, genome):
    examples = load(tmp_path, genome, bin=2, contigs=["chr1"], missing="nan")

    assert examples.ids == ("chr1:0-4",)
    assert np.array_equal(targets_of(examples), [[[math.nan], [7]]], equal_nan=True)
    assert examples.notes == ("1 windows were left out: no track states anything of them",)


@pytest.mark.parametrize(
    ("shaping", "expected"),
    [
        ({}, [-4, 0, 3, 8]),
        ({"absolute": True}, [4, 0, 3, 8]),
        ({"scale": 0.5}, [-2, 0, 1.5, 4]),
        ({"clip": (-1, 5)}, [-1, 0, 3, 5]),
        ({"transform": "log1p"}, [0, 0, math.log(4), math.log(9)]),
        ({"transform": "sqrt"}, [0, 0, math.sqrt(3), math.sqrt(8)]),
        ({"scale": 2, "clip": (0, 6), "transform": "log1p"}, [0, 0, math.log(7), math.log(7)]),
        ({"absolute": True, "clip": (1, 5), "transform": "sqrt"}, [2, 1, math.sqrt(3), math.sqrt(5)]),
    ],
)
def test_values_are_brought_to_scale_in_the_order_that_is_said(shaping, expected):
    values = np.array([-4, 0, 3, 8, math.nan], dtype=np.float32)
    found = Shaping.model_validate(shaping).shape(values)

    assert found == pytest.approx([*expected, math.nan], nan_ok=True)
    assert found.dtype == np.float32
    assert values[0] == -4


def test_regions_are_read_at_their_middle_or_summit_in_the_genomes_order(tmp_path, genome):
    rows = ["chr1\t2\t8", "chr2\t20\t30", "chr2\t4\t7", "2\t23\t27", "chr2\t0\t2"]
    (tmp_path / "a.bed").write_text("\n".join(rows))
    examples = load(tmp_path, genome, regions="a.bed")

    assert examples.ids == ("chr2:3-7", "chr2:23-27", "chr1:3-7")
    assert targets_of(examples)[:2].tolist() == [[4.5], [24.5]]
    assert examples.notes == (
        "1 windows were left out: they reach beyond their contig",
        "1 windows were left out: another region has the same centre",
    )
    (tmp_path / "a.bed").write_text("\n".join(reversed(rows)))
    assert load(tmp_path, genome, regions="a.bed").ids == examples.ids
    (tmp_path / "a.narrowPeak").write_text("chr2\t20\t30\t.\t0\t.\t1\t-1\t-1\t2\n")
    assert load(tmp_path, genome, regions="a.narrowPeak").ids == ("chr2:20-24",)
    assert load(tmp_path, genome, regions="a.narrowPeak", centre="middle").ids == ("chr2:23-27",)


def test_regions_of_chosen_contigs_alone_are_read(tmp_path, genome):
    (tmp_path / "a.bed").write_text("chr1\t2\t8\nchr2\t20\t30\nchr9\t1\t2\n")
    examples = load(tmp_path, genome, regions="a.bed", contigs=["chr1"], unknown_contigs="drop")

    assert examples.ids == ("chr1:3-7",)
    assert examples.notes == ("a.bed: 1 regions on contigs that the genome lacks were left out",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("chr2\t39\t41", "line 1: expected a region inside contig 'chr2' of 40 bases, found 39-41"),
        ("chrX\t0\t4", "line 1: the genome has no contig 'chrX'"),
    ],
)
def test_a_region_outside_the_genome_is_an_error_that_names_its_line(tmp_path, genome, row, message):
    (tmp_path / "a.bed").write_text(row)
    with pytest.raises(BedError, match=message):
        load(tmp_path, genome, regions="a.bed")


def test_unknown_bases_and_the_blacklist_are_left_out_and_counted(tmp_path, genome):
    (tmp_path / "black.bed").write_text("chr2\t15\t16\n")
    examples = load(tmp_path, genome, blacklist="black.bed", max_unknown=0.4, contigs=["chr2"])

    assert examples.ids[:4] == ("chr2:0-4", "chr2:4-8", "chr2:16-20", "chr2:20-24")
    assert examples.notes == (
        "1 windows were left out: they touch the blacklist",
        "1 windows were left out: more than 40% of their bases are unknown",
    )
    assert examples.repeats is not None
    assert examples.repeats[:3].tolist() == [0, 1, 0]


def test_a_file_of_another_build_is_an_error(tmp_path, genome):
    write_bigwig(tmp_path / "other.bw", {"chr2": 41, "chr1": 9}, [("chr1", 0, 1, 1.0), ("chr2", 0, 1, 1.0)])
    other = {"name": "other", "path": "other.bw"}
    with pytest.raises(DataError, match=r"other\.bw: contig 'chr2' has 41 bases, in the genome 40"):
        load(tmp_path, genome, other)
    assert len(load(tmp_path, genome, other, contigs=["chr1"])) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"one\.bw: can't be read: No such file"),
        (b"chr1\t0\t9\t1.5\n", r"one\.bw: expected a bigWig file, found 'chr1'"),
        (b"", r"one\.bw: expected a bigWig file, found an empty file"),
    ],
)
def test_what_is_no_bigwig_is_an_error(tmp_path, genome, content, message):
    (tmp_path / "one.bw").unlink()
    if content is not None:
        (tmp_path / "one.bw").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(tmp_path, genome)


def test_a_file_that_is_cut_is_an_error(tmp_path, genome):
    content = (tmp_path / "one.bw").read_bytes()
    (tmp_path / "one.bw").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"one\.bw: the file is cut"):
        load(tmp_path, genome)


def test_where_no_window_is_left_the_error_says_so(tmp_path, genome):
    with pytest.raises(DataError, match=r"loader bigwig: no window is left; there was none"):
        load(tmp_path, genome, length=50)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"bin": 3}, "bin: 4 bases can't be cut into equal bins of 3"),
        ({"target_length": 3}, "target_length: expected 4 bases, or less by an even number, .* found 3"),
        ({"target_length": 6}, "target_length: expected 4 bases, or less by an even number, .* found 6"),
        ({"regions": "a.bed", "step": 2}, "step: the genome is tiled where no regions are given"),
        ({"tracks": [ONE, ONE]}, "tracks: expected names that differ, found one, one"),
        ({"tracks": [{"name": "a"}]}, "track 'a': expected a path, or plus and minus"),
        ({"tracks": [{"name": "a", "plus": "a.bw"}]}, "track 'a': expected a path, or plus and minus"),
        ({"tracks": [{**ONE, "plus": "a.bw", "minus": "b.bw"}]}, "track 'one': expected a path, or plus and minus"),
        ({"tracks": [{**ONE, "clip": [3, 1]}]}, "expected the smallest and the largest value, found 3 and 1"),
    ],
)
def test_fields_that_do_not_fit_each_other_are_refused(config, message):
    with pytest.raises(ValidationError, match=message):
        BigwigConfig.model_validate({"tracks": [ONE], "length": 4, **config})


def test_a_stream_yields_the_same_examples_in_pieces(tmp_path):
    size = PIECE + 40
    genome = write_genome(tmp_path / "genome.fa", {"chr1": "ACGT" * (size // 4), "chr2": "ACGTACGT"})
    rows = [("chr1", base, base + 1, float(base % 7)) for base in range(size)]
    write_bigwig(tmp_path / "one.bw", genome.lengths, rows)
    inputs = [{"name": "signal", "paths": ["one.bw"]}]
    config = BigwigConfig.model_validate({"tracks": [ONE], "length": 3, "bin": 1, "step": 1, "inputs": inputs})
    assert BIGWIG.stream is not None
    pieces = list(BIGWIG.stream(config, genome, 0, tmp_path))
    whole = BIGWIG.load(config, genome, 0, tmp_path)

    assert [len(piece) for piece in pieces] == [PIECE, 38, 6]
    assert whole.extra["signal"].shape == (size + 4, 3, 1)
    assert np.array_equal(whole.extra["signal"], targets_of(whole))
    assert targets_of(whole)[PIECE, :, 0].tolist() == [base % 7 for base in range(PIECE, PIECE + 3)]
    for name in ("sequences", "targets", "repeats", "groups"):
        assert np.array_equal(np.concatenate([getattr(piece, name) for piece in pieces]), getattr(whole, name))


def test_gc_content_of_real_windows_is_read_as_their_sequences_say(tmp_path):
    if not DATA.is_dir():
        pytest.skip("needs the shared data set yeast")
    letters = gzip.decompress((DATA / "sacCer3.fa.gz").read_bytes())
    (tmp_path / "yeast.fa").write_bytes(letters[: letters.index(b">", letters.index(b">chrII") + 1)])
    genome = Reference(tmp_path / "yeast.fa")
    rows = []
    for contig in sorted(genome.lengths):
        codes = genome.codes(contig)
        starts = np.flatnonzero((codes == 1) | (codes == 2)).tolist()
        rows.extend((contig, start, start + 1, 1.0) for start in starts)
    write_bigwig(tmp_path / "one.bw", genome.lengths, rows)
    examples = load(tmp_path, genome, length=200, target_length=100, bin=50, step=90)
    middle = examples.sequences[:, 50:150].reshape(-1, 2, 50)

    assert len(examples) > 10_000
    assert targets_of(examples)[..., 0] == pytest.approx(((middle == 1) | (middle == 2)).mean(axis=-1), abs=1e-6)
