import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.publishing.makers import write_model
from zoo.errors import ModelError, UnknownModel
from zoo.publishing.publish import publish
from zoo.publishing.swapping import change_registry
from zoo.publishing.target import open_registry_file
from zoo.publishing.yank import set_alias, yank
from zoo.registry.index import Entry, read_registry
from zoo.registry.pull import pull
from zoo.registry.writing import rank


@pytest.fixture
def two_versions(store, tmp_path):
    """A store of g-at-anchor 1.0.0 and 1.1.0."""
    for version in ("1.0.0", "1.1.0"):
        publish(write_model(tmp_path / version, version), store)
    return store


def resolve(store, name):
    return pull(name, registry=store / "registry.yaml").full_name


def test_a_withdrawn_version_is_passed_over_and_still_to_be_had_by_its_number(two_versions):
    assert resolve(two_versions, "g-at-anchor") == "g-at-anchor@1.1.0"
    done = yank("g-at-anchor@1.1.0", two_versions, "trained on\n the test contigs")
    assert (done.changed, done.versions.newest) == (True, "1.0.0")
    assert resolve(two_versions, "g-at-anchor") == "g-at-anchor@1.0.0"
    with pytest.warns(UserWarning, match="was withdrawn: trained on the test contigs"):
        assert resolve(two_versions, "g-at-anchor@1.1.0") == "g-at-anchor@1.1.0"


def test_taking_it_back_restores_the_registry_to_the_letter(two_versions):
    before = (two_versions / "registry.yaml").read_bytes()
    yank("g-at-anchor@1.1.0", two_versions, "wrong")
    yank("g-at-anchor@1.1.0", two_versions, None)
    assert (two_versions / "registry.yaml").read_bytes() == before
    assert not yank("g-at-anchor@1.1.0", two_versions, None).changed


def test_a_model_whose_versions_are_all_withdrawn_has_no_newest(two_versions):
    yank("g-at-anchor@1.0.0", two_versions, "wrong")
    assert yank("g-at-anchor@1.1.0", two_versions, "wrong, too").versions.newest is None
    with pytest.raises(UnknownModel, match="every version of model 'g-at-anchor' was withdrawn"):
        resolve(two_versions, "g-at-anchor")


def test_an_alias_stands_for_a_version_until_it_is_told_otherwise(two_versions):
    assert set_alias("g-at-anchor", "stable", "1.0.0", two_versions).changed
    assert resolve(two_versions, "g-at-anchor@stable") == "g-at-anchor@1.0.0"
    assert not set_alias("g-at-anchor", "stable", "1.0.0", two_versions).changed
    set_alias("g-at-anchor", "stable", "1.1.0", two_versions)
    assert resolve(two_versions, "g-at-anchor@stable") == "g-at-anchor@1.1.0"
    set_alias("g-at-anchor", "stable", None, two_versions)
    assert read_registry(two_versions / "registry.yaml").index.models["g-at-anchor"].aliases == {}


def test_an_alias_of_a_withdrawn_version_stays_with_a_warning(two_versions):
    set_alias("g-at-anchor", "stable", "1.0.0", two_versions)
    with pytest.warns(UserWarning, match="g-at-anchor@1.0.0 was withdrawn, and stable still stands for it"):
        yank("g-at-anchor@1.0.0", two_versions, "wrong")
    assert read_registry(two_versions / "registry.yaml").index.models["g-at-anchor"].aliases == {"stable": "1.0.0"}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda at: yank("g-at-anchor", at, "wrong"), ModelError, "expected a version: g-at-anchor@1.0.0"),
        (lambda at: yank("g-at-anchor@1.0.0", at, " \n"), ModelError, "expected a reason"),
        (lambda at: yank("g-at-anchor@1.0.1", at, "wrong"), UnknownModel, "no version '1.0.1' .*did you mean '1.0.0'"),
        (lambda at: yank("other@1.0.0", at, "wrong"), UnknownModel, r"no model 'other' in .*registry\.yaml; there is"),
        (lambda at: yank("g-at-anchr@1.0.0", at, "wrong"), UnknownModel, "did you mean 'g-at-anchor'"),
        (lambda at: set_alias("g-at-anchor", "latest", "1.0.0", at), ModelError, "'latest' is the highest version"),
        (lambda at: set_alias("g-at-anchor", "1.0.0", "1.0.0", at), ModelError, "lower-case letters, digits"),
        (lambda at: set_alias("g-at-anchor", "stable", "2.0.0", at), UnknownModel, "no version '2.0.0'"),
        (lambda at: set_alias("g-at-anchor", "stable", None, at), UnknownModel, "no alias 'stable'"),
    ],
)
def test_what_can_not_be_changed_is_told_and_nothing_is(two_versions, call, error, message):
    before = (two_versions / "registry.yaml").read_bytes()
    with pytest.raises(error, match=message):
        call(two_versions)
    assert (two_versions / "registry.yaml").read_bytes() == before


def test_an_alias_can_not_begin_to_stand_for_a_withdrawn_version(two_versions):
    yank("g-at-anchor@1.0.0", two_versions, "wrong")
    with pytest.raises(ModelError, match=r"g-at-anchor@1.0.0 was withdrawn \(wrong\); choose another version"):
        set_alias("g-at-anchor", "stable", "1.0.0", two_versions)


STEP = st.tuples(
    st.sampled_from(["add", "withdraw", "restore", "name"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["1.2.0", "1.9.0", "1.10.0"]),
)


@settings(max_examples=20)
@given(st.lists(STEP, max_size=10))
def test_after_any_steps_the_registry_says_what_a_dictionary_says(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("registry") / "registry.yaml"
    entry = Entry(blobs=".", sha256sums="0" * 64, size=1, assay="none", summary="a test")
    listed, aliases = {}, {}
    for what, name, version in steps:
        if what == "add":
            change_registry(
                open_registry_file(path),
                name,
                lambda old, version=version: rank(
                    {version: entry, **(old.versions if old else {})}, old.aliases if old else {}
                ),
            )
            listed.setdefault(name, {}).setdefault(version, False)
        elif version in listed.get(name, {}):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of aliases of withdrawn versions
                if what == "name" and not listed[name][version]:
                    set_alias(name, "stable", version, path)
                    aliases[name] = version
                elif what != "name":
                    listed[name][version] = what == "withdraw"
                    yank(f"{name}@{version}", path, "wrong" if what == "withdraw" else None)
    found = read_registry(path).index.models if path.exists() else {}
    assert {
        name: {v: e.yanked is not None for v, e in model.versions.items()} for name, model in found.items()
    } == listed
    assert {name: model.aliases["stable"] for name, model in found.items() if model.aliases} == aliases
    order = ["1.2.0", "1.9.0", "1.10.0"]
    for name, model in found.items():
        kept = [version for version in order if listed[name].get(version) is False]
        assert model.newest == (kept[-1] if kept else None)
        assert model.latest == (kept or [version for version in order if version in listed[name]])[-1]


@pytest.mark.parametrize("reason", ["st\udcff", "bell\x07"], ids=ascii)
def test_a_reason_that_no_registry_can_hold_is_refused_as_such(two_versions, reason):
    before = (two_versions / "registry.yaml").read_bytes()
    with pytest.raises(ModelError, match=r"^g-at-anchor@1\.1\.0: expected a reason in UTF-8"):
        yank("g-at-anchor@1.1.0", two_versions, reason)
    assert (two_versions / "registry.yaml").read_bytes() == before


def test_a_model_whose_name_is_no_text_is_none(two_versions):
    with pytest.raises(UnknownModel, match="no model"):
        yank("\udcff@1.1.0", two_versions, "wrong")
    with pytest.raises(UnknownModel, match="no model"):
        resolve(two_versions, "\udcff")
