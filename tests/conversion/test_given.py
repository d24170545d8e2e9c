import pytest

from tests.conversion.networks import CARD, make_look_up, make_two_outputs, save
from zoo.conversion.convert import convert
from zoo.conversion.given import Given, ask_about_card, ask_about_tracks, read_given
from zoo.errors import CardError, ConversionError
from zoo.model.card import read_card

FULL = """\
version: 2.1.0
summary: Is the base a C?
license: MIT
authors: [A. Author]
citation: doi:10.1000/1
assay: TF ChIP-seq
biosample: GM12878
organism: Homo sapiens
genome: {name: GRCh38}
tracks:
- {name: CTCF, assay: ChIP-seq, biosample: K562, unit: reads}
strand: {average: true}
scorer: {name: logit_difference}
data: {loader: fasta}
split: {method: contig, train: 3, validation: 2, test: 1}
training: {seed: 1, epochs: 2}
metrics: {test: {CTCF: {auroc: 0.9}}}
limitations: None known.
"""


def convert_with(tmp_path, text, network=None, **options):
    (tmp_path / "card.yaml").write_text(text)
    path = save(network or make_look_up(), tmp_path)
    convert(path, "tiny", output=tmp_path / "tiny", card=tmp_path / "card.yaml", **options)
    return read_card(tmp_path / "tiny" / "model.yaml")


def test_every_field_of_the_file_stands_in_the_card(tmp_path):
    card = convert_with(tmp_path, FULL)
    assert (card.full_name, card.summary, card.license) == ("tiny@2.1.0", "Is the base a C?", "MIT")
    assert (card.authors, card.citation, card.assay) == (("A. Author",), "doi:10.1000/1", "TF ChIP-seq")
    assert (card.biosample, card.organism, card.genome.name) == ("GM12878", "Homo sapiens", "GRCh38")
    (track,) = card.outputs[0].tracks
    assert (track.name, track.assay, track.biosample, track.unit) == ("CTCF", "ChIP-seq", "K562", "reads")
    assert (card.strand.average, card.scorer.name, card.data.loader) == (True, "logit_difference", "fasta")
    assert (card.split.test, card.training.epochs, card.metrics["test"]["CTCF"]["auroc"]) == (1, 2, 0.9)
    assert card.limitations.startswith("None known. Converted from PyTorch.")


def test_a_track_that_is_a_name_alone_has_assay_and_biosample_of_the_card(tmp_path):
    card = convert_with(tmp_path, FULL.replace("{name: CTCF, assay: ChIP-seq, biosample: K562, unit: reads}", "CTCF"))
    (track,) = card.outputs[0].tracks
    assert (track.name, track.assay, track.biosample, track.unit) == ("CTCF", "TF ChIP-seq", "GM12878", "arbitrary")


def test_a_summary_is_made_where_none_is_given(tmp_path):
    card = convert_with(tmp_path, FULL.replace("summary: Is the base a C?\n", ""))
    assert card.summary == "CTCF from 7 bp of sequence; converted from PyTorch."


def test_names_are_dealt_to_outputs_in_their_order(tmp_path):
    track = "\n- {name: CTCF, assay: ChIP-seq, biosample: K562, unit: reads}"
    text = FULL.replace(track, " [one, two, three]")
    text = text.replace("metrics: {test: {CTCF: {auroc: 0.9}}}\n", "")
    card = convert_with(tmp_path, text, make_two_outputs())
    assert [[track.name for track in output.tracks] for output in card.outputs] == [["one"], ["two", "three"]]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("licens", "MIT", "unknown field 'licens'; did you mean 'license'?"),
        ("version", "1", "field 'version': expected three numbers of at most 9 digits, such as 1.0.0, found '1'"),
        ("window", {"length": 7, "anchor": 3}, "unknown field 'window'"),
    ],
)
def test_a_field_that_is_wrong_is_named(field, value, message):
    with pytest.raises(CardError, match=message):
        read_given(None, {field: value})


def test_only_what_is_missing_is_asked_for():
    assert [question.name for question in ask_about_card(Given())] == [
        "license", "authors", "organism", "assay", "limitations",
    ]  # fmt: skip
    said = Given(license="MIT", authors=("A. Author",), assay="ChIP-seq", limitations="Many.")
    assert [question.name for question in ask_about_card(said)] == ["organism"]


def test_as_many_names_as_columns_are_asked_for():
    (one,), (many,) = ask_about_tracks(Given(), 1), ask_about_tracks(Given(), 919)
    assert one.text == "the name of the output"
    assert many.text == "the names of the 919 outputs, with commas, or @FILE"
    assert ask_about_tracks(Given(tracks=("a", "b")), 2) == []
    with pytest.raises(ConversionError, match="tracks: expected 3, a name for each column of the outputs, found 2"):
        ask_about_tracks(Given(tracks=("a", "b")), 3)


def test_two_tracks_of_one_name_are_refused(tmp_path):
    path = save(make_two_outputs(), tmp_path)
    with pytest.raises(CardError, match="card of tiny: outputs: two tracks have one name"):
        convert(path, "tiny", output=tmp_path / "tiny", card=CARD | {"tracks": ["a", "b", "a"]})
    assert not (tmp_path / "tiny").exists()


def test_what_is_said_beside_the_file_replaces_it(tmp_path):
    (tmp_path / "card.yaml").write_text(FULL)
    given = read_given(tmp_path / "card.yaml", {"tracks": ["other"]})
    assert (given.tracks, given.license) == (("other",), "MIT")
