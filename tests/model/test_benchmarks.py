import re

import pytest

from zoo.errors import CardError, ChecksumMismatch
from zoo.model.benchmarks import Benchmark, Benchmarks, Figure, read_benchmarks, write_benchmarks
from zoo.model.checksums import verify_checksums
from zoo.model.folder import load_folder


def make_benchmarks(digest, **changes):
    row = {
        "effects": "asb-ctcf",
        "part": "all",
        "track": "g",
        "scorer": "difference",
        "windows": "centred",
        "n": 4,
        "figures": {"spearman": {"value": 0.5, "interval": [0.25, 0.75]}, "pearson": {"value": None}},
    }
    return Benchmarks.model_validate(
        {"name": "g-at-anchor", "version": "1.0.0", "digest": digest, "benchmarks": [{**row, **changes}]}
    )


def test_a_model_that_was_not_measured_has_none(g_at_anchor_folder):
    assert read_benchmarks(g_at_anchor_folder, verify_checksums(g_at_anchor_folder)) is None


def test_what_is_written_beside_a_folder_is_read_again_and_the_folder_still_loads(g_at_anchor_folder):
    digest = verify_checksums(g_at_anchor_folder)
    path = write_benchmarks(make_benchmarks(digest), g_at_anchor_folder)
    assert path == g_at_anchor_folder.parent / "g-at-anchor.benchmarks.yaml"
    found = read_benchmarks(g_at_anchor_folder, load_folder(g_at_anchor_folder).digest)
    assert found is not None
    (row,) = found.benchmarks
    assert (row.effects, row.n) == ("asb-ctcf", 4)
    assert row.figures == {"spearman": Figure(value=0.5, interval=(0.25, 0.75)), "pearson": Figure(value=None)}


def test_the_dots_of_a_version_stay_in_the_name(g_at_anchor_folder):
    folder = g_at_anchor_folder.rename(g_at_anchor_folder.with_name("1.0.0"))
    path = write_benchmarks(make_benchmarks(verify_checksums(folder)), folder)
    assert path.name == "1.0.0.benchmarks.yaml"


def test_a_folder_given_as_the_working_directory_has_its_file_beside_it(g_at_anchor_folder, monkeypatch):
    monkeypatch.chdir(g_at_anchor_folder)
    digest = verify_checksums(g_at_anchor_folder)
    write_benchmarks(make_benchmarks(digest), g_at_anchor_folder)
    assert read_benchmarks(type(g_at_anchor_folder)(), digest) is not None


def test_benchmarks_of_another_folder_are_refused(g_at_anchor_folder):
    path = write_benchmarks(make_benchmarks("0" * 64), g_at_anchor_folder)
    digest = verify_checksums(g_at_anchor_folder)
    message = f"{path}: expected benchmarks of the digest {digest}, found those of {'0' * 64}; measure this model"
    with pytest.raises(ChecksumMismatch, match=f"^{re.escape(message)}"):
        read_benchmarks(g_at_anchor_folder, digest)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": -1}, r"field 'benchmarks\.0\.n': .* found -1"),
        ({"figures": {}}, "figures: expected at least one"),
        ({"figures": {"pearson": {"value": 0.5, "interval": [0.75, 0.25]}}}, "expected the lower end first"),
        ({"windos": "centred"}, r"unknown field 'benchmarks\.0\.windos'; did you mean 'windows'\?"),
    ],
)
def test_a_wrong_field_is_named(g_at_anchor_folder, changes, message):
    digest = verify_checksums(g_at_anchor_folder)
    path = write_benchmarks(make_benchmarks(digest), g_at_anchor_folder)
    text = path.read_text()
    document = make_benchmarks(digest).model_dump(mode="json")
    document["benchmarks"][0] |= changes
    path.write_text(str(document).replace("None", "null").replace("'", '"'))
    assert text != path.read_text()
    with pytest.raises(CardError, match=f"^{re.escape(str(path))}: .*{message}"):
        read_benchmarks(g_at_anchor_folder, digest)


def test_a_figure_may_be_undefined():
    assert (
        Benchmark.model_validate(make_benchmarks("0" * 64).benchmarks[0].model_dump()).figures["pearson"].value is None
    )
