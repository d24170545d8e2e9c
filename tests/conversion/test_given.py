import pytest

from tests.conversion.networks import CARD, make_look_up, make_two_outputs, save
from zoo.conversion.adapt import Writing
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


def make_writings(**tracks):
    """Return outputs of so many columns by name."""
    return [Writing(name, name, "NT", count, None, "linear") for name, count in tracks.items()]


def test_as_many_names_as_columns_are_asked_for():
    (one,), (many,) = (ask_about_tracks(Given(), make_writings(y=count)) for count in (1, 919))
    assert one.text == "the name of the output"
    assert many.text == "the names of the 919 columns, with commas, or @FILE"
    assert ask_about_tracks(Given(tracks=("a", "b")), make_writings(y=2)) == []
    with pytest.raises(ConversionError, match="tracks: expected 3, a name for each column of the outputs, found 2"):
        ask_about_tracks(Given(tracks=("a", "b")), make_writings(y=1, z=2))


def test_the_order_of_several_outputs_is_told():
    (question,) = ask_about_tracks(Given(), make_writings(z_ctcf=1, a_pu1=2))
    assert question.text == "the names of the 3 columns, with commas, or @FILE, 1 of 'z_ctcf', 2 of 'a_pu1'"
    (question,) = ask_about_tracks(Given(), make_writings(**{f"y{number}": 1 for number in range(11)}))
    assert question.text.endswith("1 of 'y9', …")


@pytest.mark.parametrize(
    "tracks",
    [("a_pu1", "z_ctcf"), ("PU1", "CTCF"), ("other", "CTCF"), ("pu.1", {"name": "c", "assay": "ChIP-seq"})],
)
def test_a_column_that_has_the_name_of_another_output_is_refused(tracks):
    given = read_given(None, {"tracks": list(tracks)})
    with pytest.raises(ConversionError, match=r"tracks: .* column of output .*, 1 of 'z_ctcf', 1 of 'a_pu1'$"):
        ask_about_tracks(given, make_writings(z_ctcf=1, a_pu1=1))


@pytest.mark.parametrize(
    "tracks", [("z_ctcf", "a_pu1"), ("CTCF", "PU.1"), ("ctcf", "c"), ("1", "z"), ("-", "?"), ("first", "second")]
)
def test_a_column_may_have_the_name_of_its_own_output_or_of_none(tracks):
    assert ask_about_tracks(Given(tracks=tracks), make_writings(z_ctcf=1, a_pu1=1)) == []


def test_a_name_that_is_an_outputs_counts_more_than_one_that_is_part_of_it():
    writings = make_writings(counts_all=1, counts=1)
    assert ask_about_tracks(Given(tracks=("all", "counts")), writings) == []
    with pytest.raises(ConversionError, match="'counts' would be the name of a column of output 'counts_all', and th"):
        ask_about_tracks(Given(tracks=("counts", "rest")), writings)


def test_columns_of_one_output_may_be_called_anything():
    assert ask_about_tracks(Given(tracks=("b", "a")), make_writings(a=2)) == []


@pytest.mark.parametrize("end", [".", "!", "…"])
def test_limitations_are_a_sentence_before_what_follows(tmp_path, end):
    said = FULL.replace("None known.", f"None known{end}")
    assert convert_with(tmp_path, said).limitations.startswith(f"None known{end} Converted from PyTorch.")


def test_limitations_get_the_full_stop_that_they_lack(tmp_path):
    card = convert_with(tmp_path, FULL.replace("None known.", "None known"))
    assert card.limitations.startswith("None known. Converted from PyTorch.")


def test_two_tracks_of_one_name_are_refused(tmp_path):
    path = save(make_two_outputs(), tmp_path)
    with pytest.raises(CardError, match="card of tiny: outputs: two tracks have one name"):
        convert(path, "tiny", output=tmp_path / "tiny", card=CARD | {"tracks": ["a", "b", "a"]})
    assert not (tmp_path / "tiny").exists()


def test_what_is_said_beside_the_file_replaces_it(tmp_path):
    (tmp_path / "card.yaml").write_text(FULL)
    given = read_given(tmp_path / "card.yaml", {"tracks": ["other"]})
    assert (given.tracks, given.license) == (("other",), "MIT")
