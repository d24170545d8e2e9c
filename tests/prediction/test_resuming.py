"""What has to be the same for a run to be resumed, and how what was read is known again."""

import pytest

from zoo import annotate
from zoo.errors import OutputError
from zoo.genome.vcf import RecordBatch
from zoo.model.folder import load_folder
from zoo.prediction import streaming
from zoo.prediction.backgrounds import make_background
from zoo.prediction.resuming import InputDigest, digest_input

GENOME = "GATC" * 60


@pytest.fixture
def model(g_at_anchor_folder):
    return load_folder(g_at_anchor_folder, device="cpu", threads=1)


@pytest.fixture
def break_off(model, write_genome, write_vcf, tmp_path, monkeypatch):
    """Annotate three records, one at a time, and break off behind the first; return how to go on with options."""
    monkeypatch.setattr(streaming, "RECORDS_A_BATCH", 1)
    vcf, genome = write_vcf(["chr1 5 . G A", "chr1 6 . A G", "chr1 7 . T C"]), write_genome(chr1=GENOME)

    def stop(progress):
        if progress.alleles == 2:
            raise OutputError("stopped")

    def go_on(**options):
        return annotate(vcf, genome, model, tmp_path / "out.vcf", resume=True, **options)

    def run(**options):
        with pytest.raises(OutputError, match="go on with --resume"):
            annotate(vcf, genome, model, tmp_path / "out.vcf", report=stop, **options)
        return go_on

    return run


def test_another_background_is_not_gone_on_with_wherever_it_is_kept(
    break_off, model, write_genome, write_vcf, tmp_path, monkeypatch
):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    other = {"G": "A", "A": "G", "T": "C", "C": "T"}
    records = [f"chr1 {place + 1} . {GENOME[place]} {other[GENOME[place]]}" for place in range(20, 220)]
    genome, common = write_genome(chr1=GENOME), write_vcf(records, name="common.vcf")
    make_background(common, genome, model)
    make_background(common, genome, model, tmp_path / "same.npz")
    go_on = break_off(percentile=True)
    make_background(write_vcf(records[1:], name="fewer.vcf"), genome, model)
    with pytest.raises(OutputError, match=r"the unfinished run had another background g-at-anchor@1\.0\.0; resume it"):
        go_on(percentile=True)
    done = go_on(percentile=True, percentile_files=(tmp_path / "same.npz",))
    assert done.scored == 3


@pytest.mark.parametrize("option", ["windows", "regions"])
def test_other_regions_are_not_gone_on_with_whatever_their_file_is_called(break_off, tmp_path, option):
    regions, same = tmp_path / "regions.bed", tmp_path / "same.bed"
    for path in (regions, same):
        path.write_text("chr1\t0\t9\nchr1\t3\t12\n")
    go_on = break_off(**{option: regions})
    regions.write_text("chr1\t0\t9\n")
    with pytest.raises(OutputError, match=f"the unfinished run had another options {option}; resume it"):
        go_on(**{option: regions})
    assert go_on(**{option: same}).scored == 3


def test_each_batch_comes_with_what_was_read_up_to_its_end():
    lines = [f"chr1\t{position}\t.\tA\tC\t.\t.\t." for position in range(1, 5)]
    batches = [RecordBatch(0, lines[:3], 30), RecordBatch(3, lines[3:], 10)]
    found = [read for _, read in digest_input(batches)]
    assert [(read.records, read.characters) for read in found] == [(3, 30), (4, 40)]
    first = InputDigest().add(batches[0])
    assert found == [first, first.add(batches[1])]
    other = InputDigest().add(RecordBatch(0, [*lines[:2], f"{lines[2]}changed"], 30))
    assert other.as_text() != first.as_text()
    # A line's end counts: what one line holds is not what two hold.
    assert (
        InputDigest().add(RecordBatch(0, ["ab", "c"], 30)).crc != InputDigest().add(RecordBatch(0, ["a", "bc"], 30)).crc
    )
