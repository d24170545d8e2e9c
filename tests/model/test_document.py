from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from zoo.errors import CardError
from zoo.model.document import Document, parse_document, read_document, validate


class Circle(Document):
    kind: Literal["circle"]
    radius: float


class Square(Document):
    kind: Literal["square"]
    side: float


class Plain(Document):
    side: float


class Drawing(Document):
    shapes: tuple[Annotated[Circle | Square, Field(discriminator="kind")], ...] = ()
    named: dict[str, Plain] = Field(default_factory=dict)
    either: Circle | Plain | None = None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"shape": []}, "unknown field 'shape'; did you mean 'shapes'?"),
        ({"shapes": [{"kind": "circle", "radios": 1, "radius": 1}]},
         "unknown field 'shapes.0.radios'; did you mean 'radius'?"),
        ({"shapes": [{"kind": "circle", "radios": 1}]},
         "unknown field 'shapes.0.radios'; did you mean 'radius'? (and 1 more)"),
        ({"shapes": [{"kind": "cirle"}]}, "field 'shapes.0.kind': unknown kind 'cirle'; did you mean 'circle'?"),
        ({"shapes": [{"side": 1}]}, "field 'shapes.0.kind' is missing"),
        ({"shapes": [{"kind": "square"}]}, "field 'shapes.0.side' is missing"),
        ({"named": {"side": {"sid": 1, "side": 1}}}, "unknown field 'named.side.sid'; did you mean 'side'?"),
        ({"named": {"a": {"side": []}}}, "field 'named.a.side': Input should be a valid number, found []"),
        ({"either": {"sid": 1, "side": 1}}, "unknown field 'either.sid'; did you mean 'side'? (and 4 more)"),
    ],
)  # fmt: skip
def test_a_fault_is_named_at_any_depth_with_a_near_match(document, message):
    with pytest.raises(CardError) as error:
        validate(Drawing, document, "d.yaml", CardError)
    assert str(error.value) == f"d.yaml: {message}"


def test_a_file_is_read_into_its_schema(tmp_path):
    (tmp_path / "d.yaml").write_text("named: {a: {side: 2}}\n", encoding="utf-8")
    assert read_document(tmp_path / "d.yaml", Drawing, CardError).named["a"].side == 2


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(CardError, match=r"none\.yaml: can't be read: No such file or directory$"):
        read_document(tmp_path / "none.yaml", Drawing, CardError)
    (tmp_path / "d.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(CardError, match=r"d\.yaml: expected text, found bytes that are none \(invalid start byte\)$"):
        read_document(tmp_path / "d.yaml", Drawing, CardError)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"d\.yaml: expected YAML: "),
        ("3", "expected a mapping of fields, found int"),
        ("", "found NoneType"),
        ("a: 2001-99-99", r"d\.yaml: expected YAML, found a value that can't be read: month must be in 1\.\.12"),
        ("a: !!int x", r"d\.yaml: expected YAML, found a value that can't be read: invalid literal"),
        ("a: !!int ''", r"d\.yaml: expected YAML, found a value that can't be read: "),
        ("a: !!bool x", r"d\.yaml: expected YAML, found a value that can't be read: 'x'"),
        ("a: !!timestamp x", r"d\.yaml: expected YAML, found a value that can't be read: "),
        ("a: 2001-01-01 00:00:00+99:99", r"d\.yaml: expected YAML, found a value that can't be read: "),
        ("a: " + "[" * 5000, r"d\.yaml: expected YAML of few levels, found a text nested too deep"),
    ],
)
def test_what_is_no_mapping_is_refused(tmp_path, text, message):
    with pytest.raises(CardError, match=message) as error:
        parse_document(text, Drawing, tmp_path / "d.yaml", CardError)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("named: {}\nnamed: {}\n", r"field 'named' stands twice .*line 2"),
        ("named: {a: {side: 1, side: 2}}\n", "field 'side' stands twice"),
    ],
)
def test_a_field_that_stands_twice_is_refused(tmp_path, text, message):
    with pytest.raises(CardError, match=message):
        parse_document(text, Drawing, tmp_path / "a.yaml", CardError)


def test_merged_fields_may_be_overridden():
    text = "named: {a: &a {side: 1}, b: {<<: *a, side: 2}}\n"

    assert parse_document(text, Drawing, Path("a.yaml"), CardError, aliases=True).named["b"].side == 2


def test_an_alias_is_refused_unless_it_is_asked_for():
    with pytest.raises(CardError, match=r"^a\.yaml: expected every value written out, found an alias \('\*'\)$"):
        parse_document("named: {a: &a {side: 1}, b: *a}\n", Drawing, Path("a.yaml"), CardError)


def test_a_star_or_an_ampersand_within_a_text_is_no_alias():
    assert parse_document("kind: square  # 2 * 3 & 4\nside: 1\n", Square, Path("a.yaml"), CardError).side == 1


@pytest.mark.parametrize("count", [10, 11])
def test_more_values_than_allowed_are_refused_before_they_are_built(count):
    # The stream, the document, the mapping, the list and the key start, or start and end: ten events without values.
    text = f"a: [{', '.join('1' for _ in range(count - 1))}]"
    with pytest.raises(
        CardError, match="unknown field 'a'" if count == 10 else "expected at most 18 values, found mor"
    ):
        parse_document(text, Plain, Path("a.yaml"), CardError, nodes=18)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "a.yaml").write_text("side: 1     \n")
    assert read_document(tmp_path / "a.yaml", Plain, CardError, limit=13).side == 1
    with pytest.raises(CardError, match=r"a\.yaml: expected at most 12 bytes, found more$"):
        read_document(tmp_path / "a.yaml", Plain, CardError, limit=12)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("- " * 200_000 + "a", id="lists in a line"),
        pytest.param("[" * 200_000, id="brackets"),
        pytest.param("? " * 200_000 + "a", id="keys of keys"),
        pytest.param("".join(" " * level + "a:\n" for level in range(3_000)), id="fields below fields"),
    ],
)
def test_a_text_that_is_nested_deep_ends_in_one_line(text):
    with pytest.raises(CardError, match=r"expected (YAML|a mapping)") as caught:
        parse_document(text, Circle, Path("model.yaml"), CardError)
    assert "\n" not in str(caught.value)


def test_brackets_within_texts_are_no_levels():
    text = f"kind: square\nside: 1  # {'[' * 1000}\n"

    assert parse_document(text, Square, Path("a.yaml"), CardError).side == 1


def test_a_hundred_levels_are_read(tmp_path):
    with pytest.raises(CardError, match="unknown field 'a'"):
        parse_document("a: " + "[" * 99 + "]" * 99, Plain, tmp_path / "a.yaml", CardError)
    with pytest.raises(CardError, match=r"expected YAML of few levels, found a text nested too deep$"):
        parse_document("a: " + "[" * 100 + "]" * 100, Plain, tmp_path / "a.yaml", CardError)


def test_a_long_value_is_shown_in_part():
    with pytest.raises(CardError) as caught:
        validate(Plain, {"side": "x" * 1000}, "d.yaml", CardError)
    assert str(caught.value).endswith(f", found '{'x' * 199}…")


def test_a_long_key_is_shown_in_part():
    with pytest.raises(CardError) as caught:
        validate(Drawing, {"named": {"x" * 1000: {"side": "wide"}}}, "d.yaml", CardError)
    assert str(caught.value).startswith(f"d.yaml: field 'named.{'x' * 200}….side': ")


class Said(Document):
    value: str | int | float


@pytest.mark.parametrize(
    ("text", "value"),
    [("1:30", "1:30"), ("-1:30:00", "-1:30:00"), ("1:30.5", "1:30.5"), ("90", 90), ("-0x1f", -31), ("1_000", 1000),
     ("1.5", 1.5), ("1.0e+3", 1000.0), ("!!int 90", 90), ("!!float 2", 2.0)],
)  # fmt: skip
def test_what_has_a_colon_is_a_text_and_no_number_to_the_base_of_60(tmp_path, text, value):
    read = parse_document(f"value: {text}\n", Said, tmp_path, CardError).value
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize("text", ["!!int 1:30", "!!float 1:30.5", "!!int [1, 2]"])
def test_a_tag_makes_no_number_of_it(tmp_path, text):
    with pytest.raises(CardError, match="expected YAML: "):
        parse_document(f"value: {text}\n", Said, tmp_path, CardError)


@pytest.mark.parametrize("start", ["9", "0b1", "0x1", "0", "1.", "-1", "!!int 1", "!!float 1"])
def test_a_number_of_very_many_digits_is_refused_by_its_place(tmp_path, start):
    with pytest.raises(
        CardError, match=r"expected a number of at most 64 letters, found 1,000,00\d in .*, line 1"
    ) as caught:
        parse_document(f"value: {start}{'1' * 1_000_000}\n", Said, tmp_path, CardError)
    assert len(str(caught.value)) < 1000


def test_a_text_of_very_many_digits_is_a_text(tmp_path):
    assert parse_document(f"value: '{'1' * 5000}'\n", Said, tmp_path, CardError).value == "1" * 5000
