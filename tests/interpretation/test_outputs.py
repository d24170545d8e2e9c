import gzip
import io

import numpy as np
import pandas as pd
import pytest

from zoo import mutate, write_maps
from zoo.errors import OutputError
from zoo.interpretation import outputs as module
from zoo.interpretation.mutation import mutate_to_files

SEQUENCES = ["ACGTNACGT", "TTTTTTTTTAAA"]
CONTIG = "ACGTTGCAATCCGGTTAGACNACGTGA"


@pytest.fixture
def maps(make_place_model):
    models = [make_place_model("one", ("place",)), make_place_model("two", length=7)]
    return mutate(SEQUENCES, models)


def test_all_formats_hold_the_same_numbers(maps, tmp_path):
    names = [tmp_path / name for name in ("a.tsv", "a.tsv.gz", "a.parquet", "a.npz")]
    write_maps(maps, names)
    expected = pd.concat([found.table() for found in maps], ignore_index=True)
    text = names[0].read_text()
    pd.testing.assert_frame_equal(
        pd.read_csv(io.StringIO(text), sep="\t", na_values=".", dtype=expected.dtypes.to_dict()), expected
    )
    assert gzip.decompress(names[1].read_bytes()).decode() == text
    pd.testing.assert_frame_equal(pd.read_parquet(names[2]), expected)
    with np.load(names[3]) as arrays:
        scores, offsets = arrays["scores"], arrays["offsets"]
        assert arrays["columns"].tolist() == ["ZOO_ONE", "ZOO_TWO_PLACE", "ZOO_TWO_GS"]
        assert arrays["names"].tolist() == ["1", "2"]
        assert "".join(arrays["ref"]) == "".join(SEQUENCES)
        assert "".join(arrays["alleles"]) == "ACGT"
        assert arrays["position"].tolist() == [*range(1, 10), *range(1, 13)]
        assert arrays["scorers"].tolist() == ["difference"] * 3
        for number, found in enumerate(maps):
            np.testing.assert_array_equal(scores[offsets[number] : offsets[number + 1]], found.scores)


def test_predictions_are_kept_where_they_were_asked_for(place_model, tmp_path):
    maps = mutate(SEQUENCES, place_model, predictions=True)
    write_maps(maps, [tmp_path / "a.npz", tmp_path / "a.tsv"])
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["predictions"][:9], maps[0].predictions)
    assert (tmp_path / "a.tsv").read_text().split("\n")[0].endswith("\tZOO_PLACE\tZOO_PLACE_REF\tZOO_PLACE_ALT")


def test_what_one_model_has_no_score_for_is_missing(make_place_model, write_genome, tmp_path):
    models = [make_place_model("one", ("place",)), make_place_model("two", ("place",), length=3)]
    genome = write_genome(chr1="NNNNNACNNNNN")
    mutate_to_files("chr1:6-6", models, tmp_path / "a.tsv", genome=genome)
    # Of nine bases around position 6 seven are unknown, of three one.
    lines = (tmp_path / "a.tsv").read_text().splitlines()
    assert lines[:2] == ["contig\tposition\tref\talt\tZOO_ONE\tZOO_TWO", "chr1\t6\tA\tC\t.\t2"]
    mutate_to_files("chr1:6-6", models, tmp_path / "a.parquet", genome=genome)
    assert pd.read_parquet(tmp_path / "a.parquet")["ZOO_ONE"].isna().all()


def test_the_same_maps_make_the_same_bytes(maps, tmp_path):
    suffixes = [".tsv", ".tsv.gz", ".parquet", ".npz"]
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        write_maps(maps, [tmp_path / folder / f"map{suffix}" for suffix in suffixes])
    for suffix in suffixes:
        assert (tmp_path / "first" / f"map{suffix}").read_bytes() == (tmp_path / "second" / f"map{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["map.csv"], r"map\.csv: expected a name that ends with \.tsv, .* or \.pdf, or - for a table on standard"),
        (["map.tsv", "./map.tsv"], r"map\.tsv: is named twice; name it once"),
        ([], "expected at least one file to write, found none"),
        (["no/map.tsv"], r"no/map\.tsv: can't be written: there is no folder no; make it first"),
    ],
)
def test_a_name_that_cannot_be_written_is_refused(maps, tmp_path, monkeypatch, names, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=message):
        write_maps(maps, names)


def test_no_file_gets_its_name_where_one_fails(maps, tmp_path, monkeypatch):
    def fail(*_):
        raise OutputError("too much to draw")

    monkeypatch.setattr(module, "check_plotting", lambda: None)
    monkeypatch.setattr(module, "draw_maps", fail)
    with pytest.raises(OutputError, match="too much to draw"):
        write_maps(maps, [tmp_path / "map.tsv", tmp_path / "map.png"])
    assert not list(tmp_path.glob("map*"))


def test_inputs_and_model_folders_are_not_written_over(place_model, write_genome):
    genome = write_genome(chr1=CONTIG)
    fasta = genome.rename(genome.with_suffix(".tsv"))
    with pytest.raises(OutputError, match="the output is the input"):
        mutate_to_files(fasta, place_model, fasta)
    with pytest.raises(OutputError, match="would stand in the folder of a model"):
        mutate_to_files(fasta, place_model, place_model.folder / "map.tsv")


@pytest.mark.parametrize("name", ["a.tsv", "a.parquet", "a.npz", "a.svg"])
def test_no_maps_make_no_file(tmp_path, monkeypatch, name):
    monkeypatch.setattr(module, "check_plotting", lambda: None)
    with pytest.raises(OutputError, match=rf"^.*{name}: expected at least one map to write, found none$"):
        write_maps([], tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_the_file_that_is_named(maps, tmp_path, monkeypatch):
    def spell(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_spell", spell)
    with pytest.raises(OutputError, match=r"/a\.tsv: can't be written: No space left on device$"):
        write_maps(maps, [tmp_path / "a.tsv", tmp_path / "a.npz"])
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
