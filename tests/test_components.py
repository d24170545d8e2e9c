from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from zoo import Architecture, Config, DataLoader, ExampleSet, InputName, Interval, Regions, Scorer


def make_examples() -> ExampleSet:
    """Three examples with every field."""
    numbers = np.arange(3, dtype=np.float32)
    return ExampleSet(
        sequences=np.arange(12, dtype=np.uint8).reshape(3, 4),
        targets=numbers[:, np.newaxis],
        tracks=("bound",),
        ids=("a", "b", "c"),
        groups=np.array(["chr1", "chr1", "chr22"]),
        weights=numbers,
        extra={"cell": numbers[:, np.newaxis]},
        complete=np.array([True, False, True]),
        regions=Regions.of([Interval("chr1", 0, 4), Interval("chr1", 5, 9), Interval("chr22", 0, 4)]),
        avoid=Regions.of([Interval("chr1", 0, 100)]),
        repeats=numbers,
        notes=("one was left out",),
    )


def list_rows(examples: ExampleSet) -> list[tuple[object, ...]]:
    regions = examples.regions
    assert regions is not None
    columns = (
        examples.sequences.tolist(), examples.targets.tolist(), examples.ids, examples.groups, examples.weights,
        examples.extra["cell"].tolist(), examples.complete, regions.contigs, regions.starts, regions.ends,
        examples.repeats,
    )  # fmt: skip
    return list(zip(*columns, strict=True))


def test_rows_are_taken_with_all_that_belongs_to_them():
    examples = make_examples()

    taken = examples.take(np.array([2, 0]))

    assert list_rows(taken) == [list_rows(examples)[2], list_rows(examples)[0]]
    assert taken.avoid is examples.avoid
    assert taken.notes == examples.notes


def test_the_pieces_of_a_stream_are_joined_with_the_notes_of_the_last():
    examples = make_examples()
    pieces = [replace(examples.take(np.array([0, 1])), notes=()), examples.take(np.array([2]))]

    joined = ExampleSet.join(iter(pieces))

    assert list_rows(joined) == list_rows(examples)
    assert joined.avoid is examples.avoid
    assert joined.notes == examples.notes


def test_what_no_piece_has_the_whole_has_not():
    bare = ExampleSet(np.zeros((1, 4), np.uint8), None, ("a",), complete=False)

    joined = ExampleSet.join([bare, bare])

    assert len(joined) == 2
    absent = (joined.targets, joined.groups, joined.weights, joined.regions, joined.repeats)
    assert absent == (None,) * 5
    assert joined.complete is False
    assert joined.ids == ()


@pytest.mark.parametrize("name", ["sequence", "prediction", "", "a b", "a/b", "1st", "é"])
def test_a_name_that_no_input_can_have_is_refused(name):
    class Given(Config):
        name: InputName

    with pytest.raises(ValidationError, match=r"a name other than|letters, digits and _"):
        Given(name=name)
    assert Given(name="cell_2").name == "cell_2"


@pytest.mark.parametrize("component", [ExampleSet, DataLoader, Architecture, Scorer])
def test_authors_are_told_of_every_field(component):
    text = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")

    assert [field.name for field in fields(component) if f"`{field.name}" not in text] == []
