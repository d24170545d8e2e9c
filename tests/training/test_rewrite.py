import pytest
import yaml

from zoo.errors import RecipeError
from zoo.training.rewrite import place, rewrite


def test_values_are_placed_without_changing_the_document():
    document = {"a": {"b": [{"c": 1}, {"c": 2}]}, "d": None}

    placed = place(document, {"a.b.1.c": 5, "a.e.f": 6, "d.g": [7]})

    assert placed == {"a": {"b": [{"c": 1}, {"c": 5}], "e": {"f": 6}}, "d": {"g": [7]}}
    assert document == {"a": {"b": [{"c": 1}, {"c": 2}]}, "d": None}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("rate.x", "'rate.x': rate is 1, which has no fields"),
        ("layers.2", "'layers.2': layers has 2 items; there is 0, 1"),
        ("layers.first", "'layers.first': layers is a list; expected the number of an item, from 0, found 'first'"),
        ("blocks.0.width", "'blocks.0.width': the recipe has no list blocks; write it out"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(path, message):
    with pytest.raises(RecipeError) as caught:
        place({"rate": 1, "layers": [{}, {}]}, {path: 3})

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        pytest.param("a: 1 # one\nb: 2\n", {"a": 0.5}, "a: 0.5 # one\nb: 2\n", id="a value"),
        pytest.param("a: {b: 1, c: [2, 3]}\n", {"a.c.1": 4}, "a: {b: 1, c: [2, 4]}\n", id="an item"),
        pytest.param("a: {b: 1 }\n", {"a.c": 4}, "a: {b: 1, c: 4}\n", id="a new field in braces"),
        pytest.param("a: {}\n", {"a.c": 4}, "a: {c: 4}\n", id="a new field in empty braces"),
        pytest.param(
            "a:\n  b: 1 # one\n\n# more\nd: 2\n",
            {"a.c": 4},
            "a:\n  b: 1 # one\n  c: 4\n\n# more\nd: 2\n",
            id="a new field in a block",
        ),
        pytest.param("a:\n- b: 1\n- b: 2\n", {"a.0.c": 4}, "a:\n- b: 1\n  c: 4\n- b: 2\n", id="a new field of an item"),
        pytest.param("a: 1", {"b.c": 2, "b.d": 3}, "a: 1\nb: {c: 2, d: 3}", id="a new block"),
        pytest.param("a:\nb: 1\n", {"a.c": 2}, "a: {c: 2}\nb: 1\n", id="an empty block"),
        pytest.param("a:\n  b: 1\n  c: 2\nd: 3\n", {"a": {"e": 5}}, "a:\n  {e: 5}\nd: 3\n", id="a block for another"),
        pytest.param("a: 1\n", {"a": 1e-5}, "a: 1.0e-05\n", id="a number that YAML reads as one"),
        pytest.param("a: 1\n", {"a": "yes"}, "a: 'yes'\n", id="a word that YAML would read as a truth"),
    ],
)
def test_the_text_changes_where_the_value_stands_alone(before, values, after):
    assert rewrite(before, values, "tune") == after


def test_the_field_left_out_goes_with_the_comment_above_it_and_no_other():
    text = "# recipe\na: 1\n\n# ranges\n# to search\ntune: # here\n  x: {low: 1}\n  y:\n    - 1 # last\n# end\nb: 2\n"

    assert rewrite(text, {}, "tune") == "# recipe\na: 1\n\n# end\nb: 2\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: &x 1\nb: *x\n", id="a shared value"),
        pytest.param("base: &x {a: 1}\nb: 3\n<<: *x\n", id="a merge"),
        pytest.param("{a: 1, tune: {x: 1}}\n", id="all in braces"),
        pytest.param("b: {c: 1,}\na: |\n  text\n", id="a text of several lines"),
    ],
)
def test_what_can_not_be_changed_in_place_is_written_anew(text):
    document = {key: value for key, value in yaml.safe_load(text).items() if key != "tune"}

    assert yaml.safe_load(rewrite(text, {"a": 7, "n.m": 8}, "tune")) == {**document, "a": 7, "n": {"m": 8}}
