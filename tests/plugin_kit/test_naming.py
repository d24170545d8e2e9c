import importlib.metadata
import keyword
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zoo.errors import DuplicateName, PluginError
from zoo.plugin_kit.naming import KINDS, Names, choose_kinds, choose_names, refuse_taken
from zoo.plugins import Plugins, discover

parts = st.lists(st.from_regex("[a-z0-9]{1,6}", fullmatch=True), min_size=1, max_size=5)


def free_names(name="no-such-plugin"):
    return choose_names(name)


@given(parts=parts, sign=st.sampled_from("-_"))
def test_a_name_that_is_taken_fits_all_three_places(parts, sign):
    name = sign.join(parts)
    assume(name[0].isalpha() and not name.startswith(("zoo-", "zoo_")))
    names = choose_names(name)
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", names.distribution)  # normalised, as PEP 503 has it
    assert names.package.isidentifier()
    assert not keyword.iskeyword(names.package)
    assert re.fullmatch("[a-z][a-z0-9_]*", names.component)
    assert names.distribution.replace("-", "_") == names.package == f"zoo_{names.component}"


@pytest.mark.parametrize("name", ["motif-scanner", "motif_scanner", "zoo-motif-scanner", "zoo_motif_scanner"])
def test_the_three_names_of_a_plugin(name):
    assert choose_names(name) == Names("zoo-motif-scanner", "zoo_motif_scanner", "motif_scanner")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Motif Scanner", "; say 'motif-scanner'"),
        ("motif--scanner", "; say 'motif-scanner'"),
        ("2d-motifs", "; say 'd-motifs'"),
        ("motif.scanner", "; say 'motif-scanner'"),
        ("../motif", "; say 'motif'"),
        ("-motif", "; say 'motif'"),
        ("motif-", "; say 'motif'"),
        ("motif\n", "; say 'motif'"),
        ("a" * 41, f"; say '{'a' * 40}'"),
        ("", ""),
        ("zoo-", "; say 'zoo'"),
        ("42", ""),
        ("μ", ""),
    ],
)
def test_a_name_that_fits_no_package_is_refused_with_one_that_does(name, hint):
    message = (
        "a plugin's name: expected up to 40 lower-case letters, digits and single hyphens between them, "
        f"a letter first, found {name!r}{hint}"
    )
    with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
        choose_names(name)


def test_kinds_come_once_each_and_in_one_order():
    assert choose_kinds(["scorer", "loader", "scorer", "architecture"]) == KINDS
    assert choose_kinds(["scorer"]) == ("scorer",)


def test_a_kind_that_is_none_gets_a_near_match():
    with pytest.raises(PluginError, match=r"^expected a kind of component, found 'scorers'; did you mean 'scorer'\?$"):
        choose_kinds(["scorers", "loader"])
    with pytest.raises(
        PluginError, match=r"^expected at least one of the kinds architecture, loader, scorer, found none"
    ):
        choose_kinds([])


def test_free_names_are_free():
    refuse_taken(free_names(), KINDS)


@pytest.mark.parametrize(
    ("name", "kind", "held"),
    [
        ("difference", "scorer", "scorer 'difference' is offered by 'assayzoo:scorers'"),
        ("fasta", "loader", "data loader 'fasta' is offered by 'assayzoo:loaders'"),
        ("primer-cnn", "architecture", "architecture 'primer_cnn' is offered by 'assayzoo:architectures'"),
    ],
)
def test_the_name_of_an_installed_component_of_one_of_the_kinds_is_refused(name, kind, held):
    with pytest.raises(DuplicateName) as caught:
        refuse_taken(choose_names(name), KINDS)
    assert str(caught.value) == f"{held}, and of two of one name neither is used; choose another name"
    refuse_taken(choose_names(name), set(KINDS) - {kind})


def test_a_name_that_two_plugins_claim_already_is_refused(monkeypatch):
    found = Plugins(discover().components, (), {("scorer", "no_such_plugin"): ("one:x", "two:y")})
    monkeypatch.setattr("zoo.plugins.discover", lambda: found)
    with pytest.raises(DuplicateName, match=r"^scorer 'no_such_plugin' is offered by 'one:x' and 'two:y', and of two"):
        refuse_taken(free_names(), ["scorer"])


def test_the_name_of_an_installed_distribution_is_refused(monkeypatch):
    def find_version(name):
        assert name == "zoo-no-such-plugin"
        return "0.3"

    monkeypatch.setattr(importlib.metadata, "version", find_version)
    message = "^zoo-no-such-plugin 0.3 is installed, and yours would replace it; choose another name$"
    with pytest.raises(DuplicateName, match=message):
        refuse_taken(free_names(), ["scorer"])


def test_the_name_of_a_package_that_can_be_imported_is_refused(tmp_path, monkeypatch):
    with pytest.raises(DuplicateName, match=r"^zoo_loaders can be imported from .*zoo_loaders.*, and yours would hide"):
        refuse_taken(choose_names("loaders"), ["scorer"])
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "zoo_no_such_plugin").mkdir()
    refuse_taken(free_names(), ["scorer"])  # a folder of something else
    (tmp_path / "zoo_no_such_plugin" / "__init__.py").touch()
    with pytest.raises(DuplicateName, match=r"^zoo_no_such_plugin can be imported from"):
        refuse_taken(free_names(), ["scorer"])
