"""One model's lines change and all others stay; what can't be cut is written anew, and says so."""

import re
import warnings

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.registry.made_indexes import INDEXES, MODELS, NAMES, make_entry, make_versions
from zoo.errors import ModelError
from zoo.registry.blocks import cut
from zoo.registry.index import Index, Versions, parse_registry
from zoo.registry.writing import describe, find_versions, format_registry, rank, splice

PLAIN = """\
schema_version: 2
models:
  a-model:
    latest: 1.0.0
    versions:
      1.0.0:
        url: models/a
        sha256sums: {digest}
        assay: none
        summary: a test
  # of the lab
  c-model:
    latest: 1.0.0
    versions:
      1.0.0: # the first
        url: models/c
        sha256sums: {digest}
        assay: none
        summary: It's "the {{third}}",
          told in two lines
""".format(digest="a" * 64)


def splice_in_silence(text, name, versions):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return splice(text, name, versions)


def test_a_new_model_stands_before_the_next_name_and_above_its_comment():
    spliced = splice(PLAIN, "b-model", make_versions())
    before, after = PLAIN.split("  # of the lab")
    assert spliced.startswith(before + "  b-model:\n    latest: 1.0.0\n")
    assert spliced.endswith("  # of the lab" + after)
    assert len(spliced.splitlines()) == len(PLAIN.splitlines()) + 8


@pytest.mark.parametrize("name", ["a", "z-model"])
def test_a_new_first_or_last_model_stands_at_the_edge(name):
    spliced = splice(PLAIN, name, make_versions())
    added = [line for line in spliced.splitlines() if line not in PLAIN.splitlines()]
    assert added == [f"  {name}:", "        url: m"]
    assert spliced.replace(format_registry(Index(schema_version=2, models={name: make_versions()}))[26:], "") == PLAIN


def test_a_changed_model_keeps_its_place_and_what_is_beside_it():
    spliced = splice(PLAIN, "a-model", make_versions(yanked="wrong anchor"))
    assert spliced.partition("  # of the lab")[2] == PLAIN.partition("  # of the lab")[2]
    assert find_versions(spliced, "a-model", "r").versions["1.0.0"].yanked == "wrong anchor"


def test_comments_within_a_changed_model_go_with_a_warning():
    with pytest.warns(UserWarning, match=r"^lab\.yaml: comments between the lines of c-model are gone$"):
        spliced = splice(PLAIN, "c-model", make_versions(), "lab.yaml")
    assert "# of the lab" in spliced
    assert "# the first" not in spliced


def test_the_same_versions_change_no_byte():
    assert splice(PLAIN, "c-model", find_versions(PLAIN, "c-model", "r")) == PLAIN


def test_line_ends_of_another_system_stay():
    text = PLAIN.replace("\n", "\r\n")
    assert splice(text, "b", make_versions()) == splice(PLAIN, "b", make_versions()).replace("\n", "\r\n")


def test_a_last_line_without_an_end_gets_one():
    assert splice(PLAIN.rstrip(), "z", make_versions()) == splice(PLAIN, "z", make_versions())


def test_the_first_model_makes_a_registry():
    text = splice("", "a", make_versions())
    assert text.startswith("schema_version: 2\nmodels:\n  a:\n")
    assert splice("schema_version: 2\nmodels: {}\n", "a", make_versions()) == text


def test_the_schema_version_rises_where_a_field_needs_it():
    text = PLAIN.replace("schema_version: 2", "schema_version: 1")
    assert splice(text, "b", make_versions()).startswith("schema_version: 1\n")
    assert splice(text, "b", make_versions(license="MIT")).startswith("schema_version: 2\n")
    aliased = rank({"1.0.0": make_entry()}, {"stable": "1.0.0"})
    assert splice(text, "b", aliased).startswith("schema_version: 2\n")


MAPPING = '{latest: 1.0.0, versions: {1.0.0: {url: m, sha256sums: "%s", assay: none, summary: s}}}' % ("a" * 64)
ENTRY = f"url: m, sha256sums: {'a' * 64}, assay: none"
VERSIONS = "schema_version: 2\nmodels:\n  a:\n    latest: 1.0.0\n    versions:"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"schema_version: 2\nmodels: {{a: {MAPPING}}}\n", id="brackets"),
        pytest.param(f"schema_version: 2\nmodels:\n  a: {MAPPING}\n", id="brackets behind a name"),
        pytest.param(f"schema_version: 2\nmodels:\n    a:\n        {MAPPING}\n", id="four spaces"),
        pytest.param(f"schema_version: 2\nmodels:\n a:\n  {MAPPING}\n", id="one space"),
        pytest.param(f"models:\n  a:\n    {MAPPING}\nschema_version: 2\n", id="version last"),
        pytest.param(f"schema_version: 2\nmodels:\n  ? a\n  : {MAPPING}\n", id="question mark"),
        pytest.param(f"schema_version: 2\nmodels:\n  a: &all\n    {MAPPING}\n", id="anchor"),
        pytest.param(f"%YAML 1.1\n---\nschema_version: 2\nmodels:\n  a:\n    {MAPPING}\n", id="directive"),
        pytest.param(f"schema_version: 2\nmodels:\n  a:\n    {MAPPING}\n...\n", id="end of document"),
        pytest.param(f"schema_version: 2\nmodels: !!map\n  a:\n    {MAPPING}\n", id="tag"),
        pytest.param(f"\ufeffschema_version: 2\nmodels:\n  a:\n    {MAPPING}\n", id="byte order mark"),
        pytest.param(f"{{schema_version: 2, models: {{a: {MAPPING}}}}}", id="one line"),
        pytest.param(f'{VERSIONS} {{1.0.0: {{{ENTRY}, summary: "one\n  b:\n  two"}}}}\n', id="a name within quotes"),
        pytest.param(f"{VERSIONS} {{1.0.0: {{{ENTRY}, summary:\n  s\n}}}}\n", id="brackets that end further left"),
        pytest.param(
            f"schema_version: 2\nmodels:\n  a:\n    {MAPPING}\u2028  c:\n    {MAPPING}\n",
            id="a line end that only YAML knows",
        ),
    ],
)
def test_a_text_that_can_not_be_cut_is_written_anew_and_says_so(text):
    assert cut(text) is None
    try:
        before = parse_registry(text, "r").models
    except ModelError:
        with pytest.raises(ModelError):
            splice(text, "b", make_versions())
        return
    with pytest.warns(UserWarning, match=r"^lab\.yaml: expected one block a model.*without comments$"):
        spliced = splice(text, "b", make_versions(), "lab.yaml")
    assert parse_registry(spliced, "r").models == {**before, "b": make_versions()}
    assert cut(spliced) is not None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PLAIN.replace("c-model", "a-model"), id="a name twice"),
        pytest.param(PLAIN + "---\n" + PLAIN, id="two documents"),
        pytest.param(PLAIN.replace("  c-model", "  no"), id="a name that YAML takes for false"),
    ],
)
def test_a_text_that_is_no_registry_is_not_changed(text):
    with pytest.raises(ModelError):
        splice(text, "b", make_versions())


@given(INDEXES)
@settings(max_examples=60)
def test_what_is_written_is_read_again(index):
    assert parse_registry(format_registry(index), "r") == index


@given(INDEXES, NAMES, MODELS)
@settings(max_examples=60)
def test_a_change_in_a_text_of_our_own_is_the_change_and_no_line_more(index, name, versions):
    text = format_registry(index)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spliced = splice(text, name, versions)
    assert spliced == format_registry(Index(schema_version=2, models={**index.models, name: versions}))


@given(
    INDEXES,
    NAMES,
    MODELS,
    st.fixed_dictionaries(
        {
            "indent": st.sampled_from([2, 3, 4]),
            "width": st.sampled_from([10, 40, 1000]),
            "default_flow_style": st.sampled_from([None, True, False]),
            "default_style": st.sampled_from([None, None, '"', "'", "|", ">"]),
            "explicit_start": st.booleans(),
            "allow_unicode": st.booleans(),
            "line_break": st.sampled_from(["\n", "\r\n"]),
            "sort_keys": st.booleans(),
        }
    ),
    st.data(),
)
@settings(max_examples=150)
def test_a_change_in_any_text_that_lists_the_same_is_the_change(index, name, versions, style, data):
    document = index.model_dump(mode="json", exclude_none=True)
    text = "schema_version: 2\n" + yaml.safe_dump({"models": document["models"]}, **style).replace("---", "", 1)
    lines = text.split("\n")
    for number in data.draw(st.lists(st.integers(1, len(lines)), max_size=3)):
        lines.insert(number, data.draw(st.sampled_from(["", "# it's", "  # [", "      # x: {"])))
    text = "\n".join(lines)
    try:
        before = parse_registry(text, "r").models
    except ModelError:
        return
    spliced = splice_in_silence(text, name, versions)
    assert parse_registry(spliced, "r").models == {**before, name: versions}
    blocks, after = cut(text), cut(spliced)
    if blocks is not None:
        kept = {block.name: text[block.start : block.end] for block in blocks.blocks if block.name != name}
        found = {block.name: spliced[block.start : block.end] for block in after.blocks if block.name != name}
        assert {block: lines.rstrip("\n") for block, lines in kept.items()} == {
            block: lines.rstrip("\n") for block, lines in found.items()
        }


def test_one_model_is_read_without_the_others():
    text = PLAIN.replace("assay: none", "asay: none", 1)
    assert find_versions(text, "c-model", "r").latest == "1.0.0"
    assert find_versions(text, "b-model", "r") is None
    with pytest.raises(ModelError, match=re.escape("lab.yaml: unknown field 'models.a-model.versions.1.0.0.asay'")):
        find_versions(text, "a-model", "lab.yaml")


def test_a_listing_holds_the_mean_of_each_metric_over_the_tracks_that_have_it(g_at_anchor_folder):
    from zoo.model.card import read_card

    card = read_card(g_at_anchor_folder / "model.yaml")
    tracks = {"g": {"auroc": 0.5, "n": 3, "confusion": {}}, "h": {"auroc": 1, "mse": 2.0, "threshold": 0.1}}
    entry = describe(card.model_copy(update={"metrics": {"test": tracks, "validation": {}}}), "0" * 64, url="m")
    assert entry.metrics == {"auroc": 0.75, "mse": 2.0}
    assert entry.tracks == card.track_names
    assert (entry.license, entry.organism) == (card.license, card.organism)


def test_the_highest_version_that_is_not_withdrawn_is_ranked_first():
    entries = {"1.9.0": make_entry(), "1.10.0": make_entry(), "2.0.0": make_entry(yanked="wrong")}
    assert rank(entries).latest == "1.10.0"
    assert rank({"2.0.0": entries["2.0.0"]}).latest == "2.0.0"
    assert isinstance(rank(entries), Versions)


def test_a_registry_of_a_later_schema_is_not_changed():
    text = PLAIN.replace("schema_version: 2", "schema_version: 3")
    for call in (lambda: splice(text, "b", make_versions()), lambda: find_versions(text, "b", "r")):
        with pytest.raises(ModelError, match="update assayzoo"):
            call()
