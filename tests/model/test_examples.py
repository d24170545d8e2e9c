import json

import pytest

from zoo.errors import ModelError
from zoo.model.card import Card
from zoo.model.examples import limit_example, read_example, to_array
from zoo.testing.models import CARD

EXAMPLE = {"seed": 0, "sequences": ["AAAAGAAAA"], "extra": {}, "predictions": {"prediction": [[1.0]]}}


def make_card(**fields):
    return Card.model_validate({**CARD, **fields})


def test_an_example_is_read(tmp_path):
    (tmp_path / "example.json").write_text(json.dumps(EXAMPLE))
    assert read_example(tmp_path / "example.json", make_card()).sequences == ("AAAAGAAAA",)


def test_it_may_have_a_megabyte_and_what_64_windows_of_the_model_ask_for(tmp_path):
    # 9 bases and one track; 32 bytes for a number.
    assert limit_example(make_card()) == (1 << 20) + 64 * (9 + 32)
    wide = {"name": "wide", "kind": "binned", "bins": 5, "members": 2, "activation": "linear"}
    output = {**wide, "tracks": [{"name": name, "assay": "none"} for name in "abc"]}
    inputs = [*CARD["inputs"], {"name": "cell", "role": "context", "shape": [7, 2]}]
    assert limit_example(make_card(outputs=[output], inputs=inputs)) == (1 << 20) + 64 * (9 + 32 * (30 + 14))


def test_a_larger_one_is_not_read(tmp_path):
    path = tmp_path / "example.json"
    content = json.dumps(EXAMPLE).encode()
    path.write_bytes(content.ljust(limit_example(make_card())))
    assert read_example(path, make_card()).seed == 0
    path.write_bytes(content.ljust(limit_example(make_card()) + 1))
    with pytest.raises(ModelError, match=r"example\.json: expected at most 1,051,200 bytes, found more$"):
        read_example(path, make_card())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "field 'seed' is missing"),
        (json.dumps({**EXAMPLE, "sequence": []}), "unknown field 'sequence'; did you mean 'sequences'"),
        ("[" * 100_000, r"example\.json: "),
        ("", r"example\.json: "),
    ],
)
def test_what_is_no_example_is_refused_in_a_line(tmp_path, text, message):
    (tmp_path / "example.json").write_text(text)
    with pytest.raises(ModelError, match=message) as caught:
        read_example(tmp_path / "example.json", make_card())
    assert "\n" not in str(caught.value)


def test_a_missing_one_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"example\.json: can't be read: No such file"):
        read_example(tmp_path / "example.json", make_card())


@pytest.mark.parametrize("values", [[[1.0], [1.0, 2.0]], [["x"]], [{}], [None, "a"], [10**400]])
def test_what_is_no_table_of_numbers_is_refused(values):
    with pytest.raises(ModelError, match=r"^here: expected nested lists of numbers, of one length each$"):
        to_array("here", values)


@pytest.mark.parametrize("number", [1e39, -1e39])
def test_a_number_beyond_32_bits_is_refused_without_a_warning(number):
    with pytest.raises(ModelError, match=r"^here: expected numbers of 32 bits, found one beyond 3.4e38$"):
        to_array("here", [[1.0], [number]])


def test_what_is_no_number_stays_what_it_is():
    found = to_array("here", [float("inf"), float("nan"), 1e-60])
    assert [str(number) for number in found] == ["inf", "nan", "0.0"]
