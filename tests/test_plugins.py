import dataclasses
import importlib.metadata
import os
import subprocess
import sys
import textwrap
import threading
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from zoo import Architecture, Config, Scorer, hookimpl, plugins
from zoo.announcements import EntryPoint
from zoo.errors import DataError, DuplicateName, PluginError, UnknownName
from zoo.plugins import Plugins, discover, guard, load_plugins


class NoConfig(Config):
    pass


class DemandingConfig(Config):
    threshold: float


def make_scorer(name="plain", **fields):
    return Scorer(**{"name": name, "summary": "a test", "config": NoConfig, "score": np.subtract, **fields})


def make_entry(*components, name="demo", distribution="demo-package", hook="register_scorers"):
    """Announce a plugin whose hook returns these components."""
    module = ModuleType(name)
    setattr(module, hook, hookimpl(lambda: list(components)))
    return EntryPoint(name, distribution, "1.2", lambda: module)


def make_broken(error, name="broken", distribution="broken-package"):
    def load():
        raise error

    return EntryPoint(name, distribution, "0.1", load)


def get_only_error(plugins):
    assert len(plugins.failures) == 1, plugins.failures
    return plugins.failures[0].error


def test_a_component_is_found_by_kind_and_name():
    scorer = make_scorer()
    architecture = Architecture("net", "a test", NoConfig, build=print)
    plugins = load_plugins([make_entry(scorer), make_entry(architecture, name="nets", hook="register_architectures")])
    assert plugins.scorer("plain") is scorer
    assert plugins.architecture("net") is architecture
    assert [(found.kind, found.name, found.plugin, found.version) for found in plugins.components] == [
        ("architecture", "net", "demo-package:nets", "1.2"),
        ("scorer", "plain", "demo-package:demo", "1.2"),
    ]
    with pytest.raises(UnknownName, match=r"^no data loader 'plain'; there are none$"):
        plugins.data_loader("plain")


def test_the_order_of_announcements_changes_nothing():
    entries = [make_entry(make_scorer(name), name=name) for name in ("b", "a", "c")]
    forward, backward = load_plugins(entries), load_plugins(reversed(entries))
    assert forward == backward
    assert [found.name for found in forward.components] == ["a", "b", "c"]


def test_two_distributions_may_give_their_plugins_one_name():
    plugins = load_plugins(
        [make_entry(make_scorer("one"), distribution="first"), make_entry(make_scorer("two"), distribution="second")]
    )
    assert [found.plugin for found in plugins.components] == ["first:demo", "second:demo"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ImportError("No module named 'torch'"), "ImportError: No module named 'torch'"),
        (SystemExit(3), "SystemExit: 3"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
        (GeneratorExit(), "GeneratorExit"),
    ],
)
def test_a_plugin_that_fails_to_import_leaves_the_others_alone(error, message):
    plugins = load_plugins([make_broken(error), make_entry(make_scorer())])
    assert plugins.scorer("plain").name == "plain"
    assert get_only_error(plugins) == message


def test_an_interrupt_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        load_plugins([make_broken(KeyboardInterrupt())])


def test_a_failed_plugin_is_named_to_who_asks_for_something_unknown():
    plugins = load_plugins([make_broken(ImportError("No module named 'torch'")), make_entry(make_scorer())])
    message = (
        "^no scorer 'plian'; did you mean 'plain'\\?; plugin 'broken-package:broken' failed to load: "
        "ImportError: No module named 'torch'$"
    )
    with pytest.raises(UnknownName, match=message):
        plugins.scorer("plian")


def test_a_misspelt_hook_is_a_failure_with_a_near_match():
    plugins = load_plugins([make_entry(make_scorer(), hook="register_scorer")])
    assert plugins.components == ()
    assert get_only_error(plugins) == "PluginLoadError: no hook 'register_scorer'; did you mean 'register_scorers'?"


def test_a_misspelt_hook_beside_a_right_one_fails_the_plugin():
    module = ModuleType("demo")
    module.register_scorers = hookimpl(lambda: [make_scorer()])
    module.register_loaders = hookimpl(lambda: [make_scorer("other")])
    plugins = load_plugins([EntryPoint("demo", "demo-package", "1.2", lambda: module)])
    assert plugins.components == ()
    assert "no hook 'register_loaders'" in get_only_error(plugins)


def test_a_hook_without_its_marker_is_a_failure():
    module = ModuleType("demo")
    module.register_scorers = lambda: [make_scorer()]
    plugins = load_plugins([EntryPoint("demo", "demo-package", "1.2", lambda: module)])
    assert get_only_error(plugins) == "PluginLoadError: register_scorers is not marked with @hookimpl"


def test_a_plugin_without_any_hook_is_a_failure():
    plugins = load_plugins([EntryPoint("demo", "demo-package", "1.2", lambda: ModuleType("demo"))])
    assert get_only_error(plugins).startswith("PluginLoadError: implements none of the hooks register_data_loaders,")


def test_a_hook_that_asks_for_arguments_is_a_failure():
    module = ModuleType("demo")
    module.register_scorers = hookimpl(lambda config: [])
    plugins = load_plugins([EntryPoint("demo", "demo-package", "1.2", lambda: module)])
    assert "PluginValidationError" in get_only_error(plugins)


def test_a_hook_that_raises_fails_its_plugin_alone():
    module = ModuleType("demo")
    module.register_scorers = hookimpl(lambda: 1 // 0)
    bad = EntryPoint("bad", "bad-package", "1", lambda: module)
    plugins = load_plugins([bad, make_entry(make_scorer())])
    assert [found.name for found in plugins.components] == ["plain"]
    assert get_only_error(plugins) == "ZeroDivisionError: integer division or modulo by zero"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"register_scorers() returned None; expected a list of Scorer"),
        ("plain", r"register_scorers() returned str; expected a list of Scorer"),
        (make_scorer(), r"register_scorers() returned Scorer; expected a list of Scorer"),
        ([42], r"register_scorers() returned a int; expected Scorer"),
        (
            [Architecture("net", "a test", NoConfig, build=print)],
            "register_scorers() returned a Architecture; expected Scorer",
        ),
        ([make_scorer("Bad Name")], "Scorer 'Bad Name': expected a name of lower-case letters, digits and underscores"),
        ([make_scorer(summary=" ")], "Scorer 'plain': expected a summary of one line"),
        ([make_scorer(config=dict)], "Scorer 'plain': config: expected a subclass of zoo.Config, found <class 'dict'>"),
        (
            [make_scorer(config=NoConfig())],
            "Scorer 'plain': config: expected a subclass of zoo.Config, found NoConfig()",
        ),
        (
            [make_scorer(config=DemandingConfig)],
            "Scorer 'plain': config: expected a default for every field, 'threshold' has none",
        ),
        ([make_scorer(score=None)], "Scorer 'plain': score: expected a function, found None"),
    ],
)
def test_a_wrong_return_value_is_a_failure(returned, message):
    module = ModuleType("demo")
    module.register_scorers = hookimpl(lambda: returned)
    plugins = load_plugins([EntryPoint("demo", "demo-package", "1.2", lambda: module)])
    assert plugins.components == ()
    assert message in get_only_error(plugins)


def test_what_a_plugin_prints_stays_out_of_the_standard_output(capsys):
    def load():
        sys.stdout.write("welcome to my plugin\n")
        return make_entry(make_scorer()).load()

    load_plugins([EntryPoint("demo", "demo-package", "1.2", load)])
    assert capsys.readouterr() == ("", "welcome to my plugin\n")


def test_what_a_plugin_writes_past_python_stays_out_of_the_standard_output(capfd):
    def load():
        os.write(1, b"welcome to my library\n")
        sys.__stdout__.write("and to its wrapper\n")
        return make_entry(make_scorer()).load()

    os.write(1, b"##fileformat\n")
    load_plugins([EntryPoint("demo", "demo-package", "1.2", load)])
    os.write(1, b"#CHROM\n")
    assert capfd.readouterr() == ("##fileformat\n#CHROM\n", "welcome to my library\nand to its wrapper\n")


@pytest.mark.parametrize("closed", [1, 2])
def test_a_process_without_an_output_loads_plugins(closed):
    program = f"""
        import os
        os.close({closed})
        from zoo.plugins import discover
        os._exit(3 if discover().scorer("difference").name == "difference" else 4)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False).returncode == 3


def test_a_plugin_that_takes_long_is_named_while_it_does(monkeypatch, capsys):
    monkeypatch.setattr(plugins, "_PATIENCE", 0.0)

    class Loader:
        def __call__(self):
            while not (told := capsys.readouterr().err):
                time.sleep(0.001)
            self.told = told
            return make_entry(make_scorer()).load()

    load = Loader()
    found = load_plugins([EntryPoint("slow", "slow-package", "1.2", load)])
    assert load.told == (
        "zoo: plugin slow-package:slow 1.2 is still being imported; if it hangs, interrupt and uninstall it\n"
    )
    assert [component.name for component in found.components] == ["plain"]


def test_of_a_plugin_that_loads_at_once_nothing_is_told(capsys):
    before = set(threading.enumerate())
    load_plugins([make_entry(make_scorer())])
    assert capsys.readouterr() == ("", "")
    assert set(threading.enumerate()) <= before


def test_a_lazily_imported_library_is_not_looked_into():
    class Lazy:
        def __getattr__(self, name):
            raise AssertionError(f"{name} was asked for")

    entry = make_entry(make_scorer())
    entry.load().heavy_library = Lazy()
    assert load_plugins([entry]).failures == ()


def test_one_wrong_component_leaves_out_the_whole_plugin():
    plugins = load_plugins([make_entry(make_scorer(), make_scorer("other", score=None))])
    assert plugins.components == ()


def test_two_components_of_one_kind_and_name_are_both_refused():
    plugins = load_plugins(
        [make_entry(make_scorer(), make_scorer("fine"), distribution="first"), make_entry(make_scorer(), name="second")]
    )
    assert [found.name for found in plugins.components] == ["fine"]
    message = "scorer 'plain' is offered by 'demo-package:second' and 'first:demo'; uninstall or rename all but one"
    with pytest.raises(DuplicateName, match=f"^{message}$"):
        plugins.scorer("plain")
    assert get_only_error(plugins) == f"DuplicateName: {message}"


def test_two_kinds_may_share_a_name():
    architecture = Architecture("plain", "a test", NoConfig, build=print)
    plugins = load_plugins(
        [make_entry(make_scorer()), make_entry(architecture, name="n", hook="register_architectures")]
    )
    assert plugins.scorer("plain").name == plugins.architecture("plain").name


class FakeDistribution:
    def __init__(self, name, entry_points, version="1"):
        self.metadata = {"Name": name}
        self.version = version
        self._path = f"/site-packages/{name}"
        self._entry_points = entry_points

    @property
    def entry_points(self):
        if isinstance(self._entry_points, Exception):
            raise self._entry_points
        return self._entry_points


@pytest.fixture
def fresh_discovery():
    yield
    discover(refresh=True)


def discover_among(monkeypatch, *distributions):
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: distributions)
    return discover(refresh=True)


def test_discovery_reads_the_installed_entry_points(monkeypatch, fresh_discovery):
    module = ModuleType("demo")
    module.register_scorers = hookimpl(lambda: [make_scorer()])
    ours = SimpleNamespace(group="zoo", name="demo", load=lambda: module)
    other = SimpleNamespace(group="console_scripts", name="x", load=None)
    found = discover_among(
        monkeypatch, FakeDistribution("other", [other]), FakeDistribution("demo", [other, ours], "3.4")
    )
    assert [(one.name, one.plugin, one.version) for one in found.components] == [("plain", "demo:demo", "3.4")]


def test_a_distribution_with_broken_metadata_hides_no_other(monkeypatch, fresh_discovery):
    module = ModuleType("demo")
    module.register_scorers = hookimpl(lambda: [make_scorer()])
    ours = SimpleNamespace(group="zoo", name="demo", load=lambda: module)
    broken = FakeDistribution("broken", ValueError("not enough values"))
    found = discover_among(monkeypatch, broken, FakeDistribution("demo", [ours]))
    assert [one.name for one in found.components] == ["plain"]
    expected = "its entry points can't be read: ValueError: not enough values"
    assert (found.failures[0].plugin, get_only_error(found)) == ("/site-packages/broken", expected)


def test_an_older_copy_further_down_the_path_is_ignored(monkeypatch, fresh_discovery):
    def announce(scorer):
        module = ModuleType("demo")
        module.register_scorers = hookimpl(lambda: [scorer])
        return [SimpleNamespace(group="zoo", name="demo", load=lambda: module)]

    new, old = FakeDistribution("demo", announce(make_scorer()), "2"), FakeDistribution("demo", announce(make_scorer()))
    found = discover_among(monkeypatch, new, old)
    assert [one.version for one in found.components] == ["2"]
    assert found.failures == ()


def test_plugins_are_imported_once_a_process(fresh_discovery):
    first = discover(refresh=True)
    assert discover() is first
    assert discover(refresh=True) is not first


def test_the_built_in_plugins_load():
    found = discover(refresh=True)
    built_in = {(one.kind, one.name) for one in found.components if one.distribution == "assayzoo"}
    assert built_in >= {
        ("scorer", "difference"),
        ("scorer", "weighted_difference"),
        ("scorer", "logit_difference"),
        ("data loader", "fasta"),
        ("data loader", "sequence_table"),
        ("architecture", "primer_cnn"),
        ("architecture", "multilayer_cnn"),
    }
    assert [failure for failure in found.failures if failure.distribution == "assayzoo"] == []


def test_values_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Plugins().components = ()


def test_what_a_component_raises_becomes_one_line_that_names_its_plugin(monkeypatch):
    found = load_plugins([make_entry(make_scorer("boom")), make_entry(make_scorer("calm"), distribution="other")])
    monkeypatch.setattr("zoo.plugins.discover", lambda: found)
    message = r"^scorer 'boom' of plugin demo-package:demo failed: ValueError: two lines$"
    with pytest.raises(PluginError, match=message) as caught, guard("scorer", "boom"):
        raise ValueError("two\nlines")
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_component_that_exits_fails_like_any_other(monkeypatch):
    monkeypatch.setattr("zoo.plugins.discover", Plugins)
    with pytest.raises(PluginError, match=r"^data loader 'boom' failed: SystemExit: 3$"), guard("data loader", "boom"):
        raise SystemExit(3)


@pytest.mark.parametrize("error", [DataError("line 3"), KeyboardInterrupt(), GeneratorExit()])
def test_a_components_own_word_and_an_interrupt_pass(error):
    with pytest.raises(type(error)) as caught, guard("scorer", "difference"):
        raise error
    assert caught.value is error
