import importlib.metadata
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import Config, Scorer, hookimpl
from zoo.announcements import EntryPoint, explain_refusal, read_entry_points, show_version
from zoo.errors import UnknownName
from zoo.hookspecs import API_VERSION
from zoo.plugins import load_plugins

numbers = st.integers(min_value=0, max_value=999_999)


def announce(*made_for, name="demo"):
    """Announce a plugin with one scorer of its name; the result says whether it was imported, too."""
    imported = []

    def load():
        imported.append(name)
        module = ModuleType(name)
        scorer = Scorer(name=name, summary="a test", config=Config, score=lambda config, ref, alt: ref)
        module.register_scorers = hookimpl(lambda: [scorer])
        return module

    return EntryPoint(name, f"{name}-package", "1.2", load, made_for), imported


@given(ours=st.tuples(numbers, numbers), theirs=st.tuples(numbers, numbers))
def test_a_plugin_fits_with_our_major_version_and_a_minor_one_up_to_ours(ours, theirs):
    entry, _ = announce(show_version(theirs))
    assert (explain_refusal(entry, ours) == "") == (theirs[0] == ours[0] and theirs[1] <= ours[1])


@pytest.mark.parametrize(
    ("made_for", "ours", "fits"),
    [
        (("1.0",), (1, 0), True),
        (("1.0",), (1, 3), True),
        (("1.4",), (1, 3), False),
        (("2.0",), (1, 3), False),
        (("1.9",), (2, 0), False),
        (("1.10",), (1, 9), False),
        (("1.9",), (1, 10), True),
        (("1.0", "2.0"), (2, 1), True),
        ((), (1, 7), True),
        ((), (2, 0), False),
    ],
)
def test_versions_that_fit(made_for, ours, fits):
    entry, _ = announce(*made_for)
    assert (explain_refusal(entry, ours) == "") == fits


@pytest.mark.parametrize(
    ("made_for", "ours", "message"),
    [
        (("2.0",), (1, 0), "made for plugin API 2.0, this is 1.0; update assayzoo: pip install -U assayzoo"),
        (("1.4",), (1, 3), "made for plugin API 1.4, this is 1.3; update assayzoo: pip install -U assayzoo"),
        (("1.0",), (2, 0), "made for plugin API 1.0, this is 2.0; update demo-package"),
        ((), (2, 0), "made for plugin API 1.0, this is 2.0; update demo-package"),
        (
            ("1.0", "3.0"),
            (2, 0),
            "made for plugin API 1.0 and 3.0, this is 2.0; update assayzoo: pip install -U assayzoo",
        ),
    ],
)
def test_a_plugin_of_another_version_is_told_who_is_behind(made_for, ours, message):
    entry, _ = announce(*made_for)
    assert explain_refusal(entry, ours) == message


@pytest.mark.parametrize(
    "text", ["1", "one", "1.0.0", "v1.0", "01.0", "1.0a1", "-1.0", "1.", "", "1." + "9" * 5000, "\u0661.\u0660"]
)
def test_a_version_that_is_none_is_told_even_beside_one_that_fits(text):
    entry, imported = announce("1.0", text)
    message = explain_refusal(entry)
    assert message == (
        f"its package names the plugin API {text[:40]!r} in the entry-point group zoo.api; "
        "expected a version such as '1.0'"
    )
    assert load_plugins([entry]).failures[0].error == message
    assert imported == []


def test_a_plugin_of_another_version_is_left_out_unimported_and_the_others_work():
    later, imported = announce("2.0", name="later")
    fitting, _ = announce("1.0", name="fitting")
    old, _ = announce(name="old")
    plugins = load_plugins([later, fitting, old])
    assert imported == []
    assert [found.name for found in plugins.components] == ["fitting", "old"]
    assert [(failure.plugin, failure.error) for failure in plugins.failures] == [
        ("later-package:later", "made for plugin API 2.0, this is 1.0; update assayzoo: pip install -U assayzoo")
    ]
    with pytest.raises(UnknownName, match=r"plugin 'later-package:later' failed to load: made for plugin API 2\.0"):
        plugins.scorer("later")


def test_the_version_stands_in_the_metadata_of_the_package(monkeypatch):
    entries = [
        SimpleNamespace(group="zoo.api", name="1.0", load=None),
        SimpleNamespace(group="console_scripts", name="9.9", load=None),
        SimpleNamespace(group="zoo", name="one", load=None),
        SimpleNamespace(group="zoo", name="two", load=None),
    ]
    silent = SimpleNamespace(metadata={"Name": "silent"}, version="2", entry_points=[entries[2]])
    versioned = SimpleNamespace(metadata={"Name": "versioned"}, version="1", entry_points=entries)
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: [silent, versioned])
    found, failures = read_entry_points()
    assert [(entry.plugin, entry.made_for) for entry in found] == [
        ("silent:one", ()),
        ("versioned:one", ("1.0",)),
        ("versioned:two", ("1.0",)),
    ]
    assert failures == []


def test_our_own_version_is_shown_as_packages_name_it():
    assert show_version((1, 10)) == "1.10"
    assert show_version() == "{}.{}".format(*API_VERSION)
