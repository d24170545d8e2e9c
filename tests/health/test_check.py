import json
import warnings
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import onnx
import pytest
import yaml

from zoo.apart import Answer
from zoo.errors import DownloadError, UnknownModel, UnsafeModel, ZooError
from zoo.health import check as checking
from zoo.health.check import check
from zoo.health.devices import Devices
from zoo.model.checksums import verify_checksums
from zoo.model.folder import load_folder
from zoo.registry.pull import Location
from zoo.registry.refreshing import Opened
from zoo.registry.sources import Source
from zoo.registry.trust import Signer
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Examine and verify without a process for each model, which takes a second; and on the CPU alone."""

    def run(task, arguments, limit):
        assert task == "zoo.health.check:verify"
        try:
            return Answer(checking.verify(*arguments))
        except ZooError as error:
            return Answer(error=str(error), kind=type(error).__name__)

    monkeypatch.setattr(checking, "run_apart", run)
    monkeypatch.setattr(checking, "examine", load_folder)
    monkeypatch.setattr(checking, "choose_devices", lambda names: Devices(("cpu",)))


def drift(folder):
    """Have the example tell other predictions than the network makes."""
    document = json.loads((folder / "example.json").read_text())
    document["predictions"]["prediction"][0][0] += 0.5
    (folder / "example.json").write_text(json.dumps(document))


def name_states(health):
    return {row.model: row.state for row in health.rows}


def test_a_model_that_predicts_what_it_did_passes(publish, tmp_path):
    folder = publish("sound")
    health = check(["sound"])
    (row,) = health.rows
    assert (row.model, row.device, row.state, row.error) == ("sound@1.0.0", "cpu", "passed", "")
    assert row.registry == str(tmp_path / "registry.yaml")
    assert row.digest == verify_checksums(folder)
    assert (row.largest_difference, row.tolerance) == (0.0, 1e-5)
    assert row.seconds > 0
    assert (health.passed, health.sound) == (1, True)


def test_a_model_that_predicts_otherwise_fails_and_the_others_are_checked(publish):
    publish("drifted", change=drift)
    publish("sound")
    health = check(["drifted", "sound"])
    assert name_states(health) == {"drifted@1.0.0": "failed", "sound@1.0.0": "passed"}
    assert "the card allows 1e-05" in health.rows[0].error
    assert health.rows[0].largest_difference is None
    assert (health.passed, health.sound) == (1, False)


def test_a_changed_file_fails(publish):
    (publish("changed") / "model.yaml").write_text("")
    (row,) = check(["changed"]).rows
    assert row.state == "failed"
    assert "model.yaml: expected sha256" in row.error


def use_custom_operator(folder):
    network = onnx.load(folder / "model.onnx")
    network.graph.node[0].domain = "custom"
    network.opset_import.append(onnx.helper.make_opsetid("custom", 1))
    onnx.save(network, folder / "model.onnx")


def test_a_network_of_other_operators_is_unsafe(publish):
    publish("custom", change=use_custom_operator)
    assert name_states(check(["custom"])) == {"custom@1.0.0": "unsafe"}


def test_what_is_not_there_is_unreachable_and_has_no_device(publish, tmp_path):
    publish("sound")
    health = check(["nowhere", str(tmp_path / "none"), "sound"])
    assert [(row.state, row.device) for row in health.rows] == [
        ("unreachable", ""),
        ("unreachable", ""),
        ("passed", "cpu"),
    ]


@pytest.mark.parametrize("asked", ["lab-g", "lab-g@1.0.0", "lab:lab-g"])
def test_a_row_names_its_model_once(monkeypatch, asked):
    def refuse(name, **options):
        raise DownloadError("lab-g@1.0.0: https://lab.org/blobs: no route")

    monkeypatch.setattr(checking, "pull", refuse)
    (row,) = check([asked]).rows
    assert (row.model, row.error) == ("lab-g@1.0.0", "https://lab.org/blobs: no route")


@pytest.mark.parametrize("message", ["no route", "near: no route", "other@1.0.0: no route"])
def test_a_row_keeps_a_message_that_begins_with_something_else(monkeypatch, message):
    def refuse(name, **options):
        raise DownloadError(message)

    monkeypatch.setattr(checking, "pull", refuse)
    (row,) = check(["lab-g"]).rows
    assert (row.model, row.error) == ("lab-g", message)


def test_a_folder_is_checked_by_its_path(publish):
    folder = publish("sound")
    (row,) = check([folder]).rows
    assert (row.model, row.registry, row.state) == (str(folder), "", "passed")
    assert row.digest == verify_checksums(folder)


def test_all_is_every_version_that_is_not_withdrawn(publish, tmp_path):
    for version in ("0.8.0", "0.9.0", "1.0.0"):
        publish("sound", version)
    path = tmp_path / "registry.yaml"
    document = yaml.safe_load(path.read_text())
    document["models"]["sound"]["versions"]["0.9.0"]["yanked"] = "wrong anchor"
    path.write_text(yaml.safe_dump(document))
    assert name_states(check()) == {"sound@0.8.0": "passed", "sound@1.0.0": "passed"}


def test_all_of_a_registry_that_lists_nothing_fails(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text(yaml.safe_dump({"schema_version": 1, "models": {}}))
    health = check(registry=path)
    (row,) = health.rows
    assert (row.model, row.state) == ("every model", "failed")
    assert row.error == "expected a registry that lists models, found none, or all of them withdrawn"
    assert not health.sound


def test_a_registry_that_cannot_be_reached_is_a_row_of_its_own(publish, tmp_path, monkeypatch):
    publish("sound")
    here = Source(name="here", url=str(tmp_path / "registry.yaml"))
    away = Source(name="away", url="https://zoo.example.org/registry.yaml")
    real = checking.refresh

    def refresh(source, **options):
        if source == away:
            raise DownloadError("no route")
        return real(source, **options)

    monkeypatch.setattr(checking, "find_source", lambda registry: None)
    monkeypatch.setattr(checking, "read_sources", lambda: (away, here))
    monkeypatch.setattr(checking, "refresh", refresh)
    monkeypatch.setattr(checking, "pull", lambda name, **options: Location(tmp_path / "models" / "sound" / "1.0.0"))
    first, second = check().rows
    assert (first.registry, first.state, first.error) == ("away", "unreachable", "no route")
    assert (second.model, second.state) == ("sound@1.0.0", "passed")


@pytest.mark.parametrize(("offline", "states"), [(False, ["unreachable", "passed"]), (True, ["passed"])])
def test_a_registry_of_which_only_an_old_copy_is_left_is_unreachable_unless_no_network_was_to_be_asked(
    g_at_anchor_folder, monkeypatch, offline, states
):
    listing = SimpleNamespace(full_name="g-at-anchor@1.0.0", entry=SimpleNamespace(yanked=None))
    away = Source(name="away", url="https://zoo.example.org/registry.yaml")

    def refresh(source, **options):
        if not offline:
            warnings.warn("timed out", stacklevel=1)
        return Opened(source, SimpleNamespace(search=lambda query: [listing]), 9.0)

    monkeypatch.setattr(checking, "find_source", lambda registry: away)
    monkeypatch.setattr(checking, "refresh", refresh)
    monkeypatch.setattr(checking, "pull", lambda name, **options: Location(g_at_anchor_folder))
    rows = check(offline=offline).rows
    assert [row.state for row in rows] == states
    assert [row.error for row in rows if row.error] == ["timed out"] * (not offline)


@pytest.mark.parametrize(
    ("signer", "shown"),
    [
        (None, ""),
        (Signer("unsigned"), "unsigned"),
        (Signer("unknown", "3f9a"), "unknown: 3f9a"),
        (Signer("trusted", "lab"), "lab"),
        (Signer("trusted", "lab", datetime(2026, 1, 2, tzinfo=UTC)), "lab (certificate expired)"),
    ],
)
def test_a_row_names_who_signed(g_at_anchor_folder, monkeypatch, signer, shown):
    monkeypatch.setattr(checking, "pull", lambda name, **options: Location(g_at_anchor_folder, signer=signer))
    assert check(["anything"]).rows[0].signer == shown


def test_a_model_passes_only_on_every_device(g_at_anchor_folder, monkeypatch):
    differences = {"cpu": 0.0, "cuda": 3e-6, "tensorrt": None}

    def run(task, arguments, limit):
        _, device, threads = arguments
        assert threads == 2
        if differences[device] is None:
            return Answer(error="expected 1, found 2", kind="ModelError")
        return Answer({"device": device, "largest_difference": differences[device], "tolerance": 1e-5})

    monkeypatch.setattr(checking, "choose_devices", lambda names: Devices(tuple(differences)))
    monkeypatch.setattr(checking, "run_apart", run)
    health = check([g_at_anchor_folder], ["all"], threads=2)
    assert [(row.device, row.state, row.largest_difference) for row in health.rows] == [
        ("cpu", "passed", 0.0),
        ("cuda", "passed", 3e-6),
        ("tensorrt", "failed", None),
    ]
    assert (len(health.models), health.passed) == (1, 0)


def test_an_error_that_nobody_foresaw_fails_one_row(publish, monkeypatch):
    def pull(name, **options):
        raise RuntimeError("a\nbug")

    monkeypatch.setattr(checking, "pull", pull)
    (row,) = check(["anything"]).rows
    assert (row.state, row.error) == ("failed", "RuntimeError: a bug")


def test_each_row_is_reported_as_it_is_known(publish):
    publish("one")
    publish("two")
    told = []
    check(["one", "two"], ("cpu",), lambda row, done, total: told.append((row.model, done, total)))
    assert told == [("one@1.0.0", 1, 2), ("two@1.0.0", 2, 2)]


def test_the_time_is_told_in_utc(publish):
    made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert check(publish("sound"), made=made).made == "2026-01-02T01:04:05+00:00"


def test_the_versions_are_those_of_what_predictions_depend_on(publish):
    assert {"python", "assayzoo", "numpy", "onnx"} < set(check(publish("sound")).versions)


def test_a_folder_is_examined_before_it_is_run(g_at_anchor_folder, monkeypatch):
    def examine(folder):
        raise UnsafeModel(f"{folder.name}: takes too much memory")

    monkeypatch.setattr(checking, "examine", examine)
    (row,) = check([g_at_anchor_folder]).rows
    assert (row.state, row.device, row.error) == ("unsafe", "", "g-at-anchor: takes too much memory")


def test_one_model_and_one_device_may_be_named_alone(publish, monkeypatch):
    publish("sound")
    asked = []
    monkeypatch.setattr(checking, "choose_devices", lambda names: asked.append(list(names)) or Devices(("cpu",)))
    assert name_states(check("sound", "cpu")) == {"sound@1.0.0": "passed"}
    assert asked == [["cpu"]]


def test_no_name_at_all_is_an_error():
    with pytest.raises(UnknownModel, match="expected at least one model, found none; leave the names out"):
        check([])


def test_a_card_that_names_a_scorer_which_is_not_installed_passes_with_a_warning(tmp_path):
    card = {"scorer": {"name": "weighted", "config": {}}}
    folder = write_model_folder(tmp_path / "model", make_base_at_anchor_graph(), card)
    with pytest.warns(UserWarning, match="its card names the scorer 'weighted', which no plugin here offers"):
        assert check(folder).sound
