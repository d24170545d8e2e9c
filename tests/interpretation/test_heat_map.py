from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from zoo import mutate
from zoo.errors import MissingExtra, OutputError
from zoo.interpretation import heat_map as module
from zoo.interpretation import panel
from zoo.interpretation.heat_map import PALETTES, check_picture, check_plotting, draw_maps, make_figure

pytest.importorskip("matplotlib", reason="drawing needs the extra `plot`")
pytest.importorskip("logomaker", reason="drawing needs the extra `plot`")


def draw(maps, theme="light"):
    return make_figure(maps, PALETTES[theme])


def find_axes(figure, label):
    return [axes for axes in figure.axes if axes.get_ylabel().startswith(label)]


def find_heats(figure):
    """The axes whose four rows are A, C, G and T, and their cells."""
    found = []
    for axes in figure.axes:
        if [label.get_text() for label in axes.get_yticklabels()] == list("ACGT"):
            mesh, *_ = axes.collections
            found.append((axes, mesh.get_array().reshape(4, -1), mesh))
    return found


def test_a_cell_is_the_score_of_its_base_and_a_dot_marks_the_one_that_stands_there(place_model):
    (found,) = mutate(["ACGTACGTA"], place_model)
    ((axes, cells, _),) = find_heats(draw([found]))
    np.testing.assert_array_equal(cells, found.scores[:, :, 0].T)
    dots = axes.collections[1].get_offsets()
    assert dots.tolist() == [[0, 0], [1, 1], [2, 2], [3, 3], [4, 0], [5, 1], [6, 2], [7, 3], [8, 0]]
    top, bottom = axes.get_ylim()[1], axes.get_ylim()[0]
    assert top < bottom  # A stands above T


def test_colours_are_centred_at_no_change(place_model):
    (found,) = mutate(["ACGTACGTA"], place_model)
    ((_, _, mesh),) = find_heats(draw([found]))
    # The last T, at index 7, becomes A: -24. The last A becomes T: 27.
    assert (mesh.norm.vmin, mesh.norm.vmax) == (-27, 27)


def test_a_scorer_without_a_sign_has_one_colour_from_zero(place_model):
    (found,) = mutate(["ACGTACGTA"], place_model, scorer="absolute")
    figure = draw([found])
    ((_, _, mesh),) = find_heats(figure)
    assert (mesh.norm.vmin, mesh.norm.vmax) == (0, 27)
    assert find_axes(figure, "absolute")
    assert len(find_axes(figure, "largest\neffect")) == 1


def test_unknown_bases_have_no_cell_and_no_dot(place_model):
    (found,) = mutate(["ACGTNACGT"], place_model)
    ((axes, cells, _),) = find_heats(draw([found]))
    assert np.ma.getmaskarray(cells)[:, 4].all()
    assert not np.ma.getmaskarray(cells)[:, [3, 5]].any()
    assert len(axes.collections[1].get_offsets()) == 8


def test_the_axis_counts_as_the_contig_does(place_model, write_genome):
    (found,) = mutate("chr1:1,001-1,060", place_model, genome=write_genome(chr1="ACGT" * 500))
    ((axes, _, _),) = find_heats(draw([found]))
    ticks = dict(zip([label.get_text() for label in axes.get_xticklabels()], axes.get_xticks(), strict=True))
    assert ticks["1,010"] == 9
    assert axes.get_xlabel() == "chr1, position; dotted: from here on in the next window"


def test_long_maps_are_broken_into_rows_of_one_scale(place_model, write_genome):
    (found,) = mutate("chr1:1-500", place_model, genome=write_genome(chr1="ACGT" * 200))
    heats = find_heats(draw([found]))
    assert [cells.shape[1] for _, cells, _ in heats] == [167, 167, 166]
    assert len({mesh.norm.vmax for _, _, mesh in heats}) == 1
    np.testing.assert_array_equal(np.hstack([cells for _, cells, _ in heats]), found.scores[:, :, 0].T)


def test_borders_of_windows_are_drawn_unless_they_are_everywhere(make_place_model, write_genome):
    model = make_place_model(tracks=("place",), length=101)
    genome = write_genome(chr1="ACGT" * 200)
    for step, expected in ((50, [49.5, 99.5]), (1, [])):
        (found,) = mutate("chr1:1-150", model, genome=genome, step=step)
        (axes,) = find_axes(draw([found]), "largest")
        dotted = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() != "-"]
        assert dotted == expected


def test_rows_without_room_for_letters_have_none(place_model, write_genome, monkeypatch):
    monkeypatch.setattr(panel, "_MOST_ROWS", 1)
    (found,) = mutate("chr1:1-500", place_model, genome=write_genome(chr1="ACGT" * 200))
    figure = draw([found])
    assert [cells.shape[1] for _, cells, _ in find_heats(figure)] == [500]
    assert not find_axes(figure, "mean loss")


def test_each_track_of_each_map_has_a_panel_with_a_title(make_place_model, write_genome, tmp_path):
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t10\t19\tsite\t0\t-\nchr1\t40\t49\n")
    figure = draw(mutate(bed, make_place_model(), genome=write_genome(chr1="ACGT" * 200)))
    titles = [text.get_text() for text in figure.texts if text.get_fontweight() == "bold"]
    assert titles == [
        "place: site, chr1:11-19 (models read the \N{MINUS SIGN} strand)",
        "gs: site, chr1:11-19 (models read the \N{MINUS SIGN} strand)",
        "place: chr1:41-49",
        "gs: chr1:41-49",
    ]
    about = " ".join(text.get_text() for text in figure.texts if text.get_fontweight() != "bold")
    formula = "ALT \N{MINUS SIGN} REF, in the unit of the predictions"
    assert about.count(f"place@1.0.0 · none (steps) · score difference: {formula}") == 4


def test_a_title_of_any_length_stays_inside_the_picture(make_place_model, tmp_path):
    (tmp_path / "a.fa").write_text(f">{'_'.join(['name'] * 60)}\nACGTACGTA\n")
    figure = draw(mutate(tmp_path / "a.fa", make_place_model(), scorer="log2_ratio"))
    figure.canvas.draw()
    for text in figure.texts:
        assert text.get_window_extent().x1 < figure.bbox.x1
    heights = [text.get_window_extent().y0 for text in figure.texts]
    assert heights == sorted(heights, reverse=True)


def test_letters_are_as_high_as_their_change_costs(place_model):
    (found,) = mutate(["AAAAAAAAT"], place_model)
    (axes,) = find_axes(draw([found]), "mean loss")
    # T costs (27 + 18 + 9) / 3; of the eight A the last gains (8 + 16 + 24) / 3.
    assert axes.get_ylim() == (-16, 18)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_same_maps_make_the_same_picture(place_model, suffix, theme):
    maps = mutate(["ACGTACGTA", "ACGTNACGT"], place_model)
    picture = draw_maps(maps, f"map{suffix}", theme)
    assert picture == draw_maps(maps, f"map{suffix}", theme)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert picture.startswith(start)
    if suffix == ".svg":
        assert PALETTES[theme].background in picture.decode()
        assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314 - drawn a line above


def count_pages(picture):
    return picture.count(b"/Type /Page\n") + picture.count(b"/Type /Page ")


def test_a_pdf_has_a_page_a_map(place_model):
    assert count_pages(draw_maps(mutate(["ACGTACGTA"] * 3, place_model), "map.pdf")) == 3


def test_a_pdf_has_further_pages_for_columns_that_do_not_fit(make_place_model):
    columns = [make_place_model("one"), make_place_model("two"), make_place_model("three"), make_place_model("four")]
    assert count_pages(draw_maps(mutate(["ACGTACGTA"] * 2, columns[:3]), "map.pdf")) == 2
    assert count_pages(draw_maps(mutate(["ACGTACGTA"] * 2, columns), "map.pdf")) == 4


def test_maps_without_any_score_are_drawn(place_model, write_genome):
    maps = mutate("chr1:4-6", place_model, genome=write_genome(chr1="N" * 9))
    assert draw_maps(maps, "map.png")


@pytest.mark.parametrize(
    ("lengths", "columns", "fit"),
    [
        ([220] * 7, 1, 6),
        ([220], 7, 6),
        # More than 220 bases take two rows, more than 440 three.
        ([221] * 4, 1, 3),
        ([221, 441, 1], 2, 2),
        ([2640, 9], 1, 1),
    ],
)
def test_a_picture_holds_so_many_maps_as_can_be_read(lengths, columns, fit):
    maps = [("site", length) for length in lengths]
    message = rf"^map\.png: expected at most {fit} maps, as many .* found {len(maps) * columns}, one .* write a \.pdf,"
    for path in ("map.png", "map.svg"):
        with pytest.raises(OutputError, match=message.replace(r"\.png", rf"\{path[3:]}")):
            check_picture(path, maps, columns)
    check_picture("map.pdf", maps, columns)
    check_picture("map.png", maps[:fit] if columns == 1 else maps[:1], 1 if len(maps) > 1 else fit)


def test_a_map_of_many_rows_may_stand_alone():
    check_picture("map.png", [("site", 24_000)], 1)


def test_more_positions_than_pixels_are_refused_with_the_longest_map_named():
    with pytest.raises(
        OutputError, match=r"^map\.pdf: b has 24,001 positions, a picture shows at most 24,000; write a"
    ):
        check_picture("map.pdf", [("a", 9), ("b", 24_001)], 1)


def test_what_was_made_is_refused_like_what_was_asked_for(place_model):
    with pytest.raises(OutputError, match=r"^map\.png: expected at most 6 maps"):
        draw_maps(mutate(["ACGTACGTA"] * 7, place_model), "map.png")


def test_small_differences_of_probabilities_are_told_of_in_the_picture(place_model):
    (found,) = mutate(["ACGTACGTA"], place_model)
    for largest, expected in ((0.09, 1), (0.2, 0)):
        column = replace(found.columns[0], unit="probability")
        shown = replace(found, columns=(column,), scores=found.scores / 27 * np.float32(largest))
        lines = " ".join(text.get_text() for text in draw([shown]).texts)
        told = "No score exceeds 0.1: where a prediction is near 0 or 1, the scorer logit_difference shows more."
        assert lines.count(told) == expected


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "logomaker" else object())
    with pytest.raises(MissingExtra, match=r"^pictures need logomaker, .*: pip install 'assayzoo\[plot\]'$"):
        check_plotting()
