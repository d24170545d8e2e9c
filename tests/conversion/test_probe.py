import pytest

from tests.conversion.networks import CARD, make_channel_along_the_window, make_look_up, save
from zoo.conversion.convert import convert
from zoo.conversion.probe import Wishes, ask_about_shapes, read_window
from zoo.conversion.source import Port
from zoo.errors import ConversionError


class Described:
    """A source of which only the shapes are known."""

    def __init__(self, *inputs, outputs=((None, 1),)):
        self.inputs = tuple(Port(f"input_{number}", shape) for number, shape in enumerate(inputs))
        self.outputs = tuple(Port(f"output_{number}", shape) for number, shape in enumerate(outputs))


def list_asked(source, **wishes):
    return [question.name for question in ask_about_shapes(source, Wishes(**wishes))]


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((None, 201, 4), "NLC"),
        ((None, 4, 201), "NCL"),
        ((None, 1, 4, 201), "N1CL"),
        ((None, 4, 1, 201), "NC1L"),
        ((None, 201, 4, 1), "NLC1"),
        ((None, 1000, 5), "NLC"),
        ((None, 1, 201, 1, 4), "N1L1C"),
    ],
)
def test_a_shape_tells_its_layout_where_one_fits(shape, layout):
    source = Described(shape)
    assert list_asked(source) == []
    _, reading = read_window(source, Wishes())
    assert (reading.layout, reading.shape) == (layout, shape[1:])


@pytest.mark.parametrize("shape", [(None, 4, 4), (None, 5, 4), (None, 1, 5, 5)])
def test_two_axes_that_could_be_the_channels_are_asked_about(shape):
    assert list_asked(Described(shape)) == ["layout"]


def test_a_free_length_is_asked_about_once():
    source = Described((None, None, 4))
    assert list_asked(source) == ["length"]
    assert list_asked(source, length=100) == []
    assert read_window(source, Wishes(length=100))[1].length == 100


def test_which_of_two_inputs_is_the_sequence_is_asked_about():
    source = Described((None, 201, 4), (None, 50, 4), (None, 3))
    (question,) = ask_about_shapes(source, Wishes())
    assert (question.name, question.text) == ("sequence", "which input is the sequence, 'input_0' or 'input_1'")
    assert list_asked(source, sequence="input_1") == []
    assert read_window(source, Wishes(sequence="input_1"))[1].length == 50


def test_outputs_of_more_than_two_axes_are_asked_about():
    source = Described((None, 201, 4), outputs=((None, 1), (None, 10, 3)))
    assert list_asked(source) == ["output-layout"]
    assert list_asked(source, output_layout="NBT") == []


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"sequence": "inptu_0"}, "no input 'inptu_0'; did you mean 'input_0'?"),
        ({"layout": "NCL"}, r"layout NCL: input 'input_0' is \(N, 201, 4\); it fits NLC"),
        ({"layout": "N1CL"}, r"layout N1CL: input 'input_0' is \(N, 201, 4\); it fits NLC"),
        ({"length": 200}, "length 200: input 'input_0' reads 201 bases; leave out --length"),
        ({"alphabet": "ACGTN"}, "alphabet ACGTN: input 'input_0' has 4 channels"),
    ],
)
def test_what_does_not_fit_is_refused(wishes, message):
    source = Described((None, 201, 4))
    with pytest.raises(ConversionError, match=message):
        ask_about_shapes(source, Wishes(**wishes)) or read_window(source, Wishes(**wishes))


@pytest.mark.parametrize("length", [0, -1])
@pytest.mark.parametrize("bases", [None, 201])
def test_a_window_has_a_base(length, bases):
    with pytest.raises(ConversionError, match=f"length {length}: expected a window of 1 base or more"):
        ask_about_shapes(Described((None, bases, 4)), Wishes(length=length))


def test_quarters_beside_a_channel_for_unknown_bases_are_refused():
    with pytest.raises(ConversionError, match="the alphabet ACGTN has a channel for them, N; choose one"):
        read_window(Described((None, 201, 5)), Wishes(unknown="quarter"))


def test_a_network_of_anything_but_one_hot_bases_is_refused_with_what_it_reads():
    with pytest.raises(
        ConversionError, match=r"expected an input of one-hot bases.*found 'input_0' \(N, 201\) float32"
    ):
        ask_about_shapes(Described((None, 201)), Wishes())


@pytest.mark.parametrize("anchor", [7, 100])
def test_an_anchor_outside_the_window_is_refused(tmp_path, anchor):
    path = save(make_look_up(), tmp_path)
    with pytest.raises(ConversionError, match=f"anchor {anchor} lies outside a window of 7 bases, counted from 0"):
        convert(path, "tiny", output=tmp_path / "tiny", card=CARD, anchor=anchor)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("NT", r"output 'answer' has shape \(N, 1, 7\), which NT does not fit; give its axes by output_layout"),
        ("NT1", r"output layout NT1: output 'answer' has shape \(N, 1, 7\)"),
        ("BTN", r"layout 'BTN': expected N first, then T and B, no letter twice"),
    ],
)
def test_axes_of_outputs_that_do_not_fit_are_refused(tmp_path, layout, message):
    path = save(make_channel_along_the_window(), tmp_path)
    with pytest.raises(ConversionError, match=message):
        convert(path, "tiny", output=tmp_path / "tiny", card=CARD, output_layout=layout)
