import importlib.metadata
import sys

import pytest

from zoo.errors import DeviceError
from zoo.health import installation
from zoo.health.devices import Devices
from zoo.health.installation import (
    Requirement,
    examine_devices,
    examine_limits,
    examine_plugins,
    examine_python,
    examine_requirements,
    examine_runtime,
    find_fault,
    read_requirements,
)
from zoo.plugins import Failure, Plugins


@pytest.fixture
def install(monkeypatch):
    """Have packages installed, by name and version, and no others; the zoo asks for some of them."""

    def have(packages, requirements=()):
        def find_version(name):
            if name not in packages:
                raise importlib.metadata.PackageNotFoundError(name)
            return packages[name]

        monkeypatch.setattr(installation.importlib.metadata, "version", find_version)
        monkeypatch.setattr(installation.importlib.metadata, "requires", lambda name: list(requirements))

    return have


def test_python_is_told_with_where_it_lies():
    (finding,) = examine_python()
    assert finding.state == "ok"
    assert sys.executable in finding.found


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("numpy>=2.0", Requirement("numpy", "2.0", "", conditional=False)),
        ("PyYAML (>=6.0)", Requirement("PyYAML", "6.0", "", conditional=False)),
        ("pluggy", Requirement("pluggy", "", "", conditional=False)),
        ("moto[s3]<6,>=5.1; extra == 'dev'", Requirement("moto", "5.1", "dev", conditional=False)),
        ('s3fs>=2024.6; extra == "s3"', Requirement("s3fs", "2024.6", "s3", conditional=False)),
        (
            "tensorflow>=2.19; (platform_machine == 'aarch64' or sys_platform == 'darwin') and extra == 'train'",
            Requirement("tensorflow", "2.19", "train", conditional=True),
        ),
    ],
)
def test_what_a_package_asks_for_is_read(line, requirement):
    assert read_requirements([line]) == [requirement]


def test_every_line_of_our_own_is_read():
    lines = importlib.metadata.requires("assayzoo")
    assert len(read_requirements(lines)) == len(lines)


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ("1.9", "thing: expected 1.10 or later, found 1.9"),
        ("1.10", ""),
        ("1.10.0rc1", ""),
        ("2", ""),
        (None, "thing is not installed"),
    ],
)
def test_versions_are_compared_by_their_numbers(install, found, fault):
    install({} if found is None else {"thing": found})
    assert find_fault(Requirement("thing", "1.10", "", conditional=False)) == fault


def test_a_version_of_zeros_is_the_same_without_them(install):
    install({"thing": "2"})
    assert find_fault(Requirement("thing", "2.0", "", conditional=False)) == ""


def test_this_installation_has_what_it_needs():
    packages, extras = examine_requirements()
    assert (packages.state, extras.state) == ("ok", "ok")


def test_a_package_that_is_missing_fails_and_one_of_an_extra_does_not(install):
    lines = ["numpy>=2.0", 's3fs>=2024.6; extra == "s3"', 'optuna>=4; extra == "tune"', 'mypy; extra == "dev"']
    install({"optuna": "4.1"}, lines)
    packages, extras = examine_requirements()
    assert (packages.state, packages.found) == ("failed", "numpy is not installed")
    assert packages.mend == "pip install -U assayzoo"
    assert (extras.state, extras.found) == ("ok", "installed: tune; not installed: s3 (s3fs)")
    assert extras.mend == "pip install 'assayzoo[NAME]' for each that you need"


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ({"tf2onnx": "1", "tensorflow-cpu": "2"}, "installed: train"),
        ({"tensorflow-cpu": "2"}, "installed: none; not installed: train (tf2onnx)"),
        ({"tf2onnx": "1"}, "installed: none; not installed: train (tensorflow or tensorflow-cpu)"),
    ],
)
def test_of_packages_for_different_systems_one_will_do(install, there, found):
    install(
        there,
        [
            'tf2onnx; extra == "train"',
            "tensorflow; sys_platform == 'darwin' and extra == 'train'",
            "tensorflow-cpu; sys_platform != 'darwin' and extra == 'train'",
        ],
    )
    assert examine_requirements()[1].found == found


def test_a_zoo_that_is_not_installed_is_told(monkeypatch):
    def find_nothing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(installation.importlib.metadata, "requires", find_nothing)
    (finding,) = examine_requirements()
    assert (finding.state, finding.mend) == ("warning", "pip install .")


@pytest.mark.parametrize(
    ("packages", "state", "mend"),
    [
        (["onnxruntime 1.31.1"], "ok", ""),
        ([], "failed", "pip install 'assayzoo[cpu]'"),
        (["onnxruntime 1.31.1", "onnxruntime-gpu 1.31.1"], "failed", "pip uninstall onnxruntime onnxruntime-gpu"),
    ],
)
def test_there_is_one_onnxruntime(monkeypatch, packages, state, mend):
    monkeypatch.setattr(installation, "find_runtimes", lambda: packages)
    (finding,) = examine_runtime()
    assert finding.state == state
    assert finding.mend.startswith(mend)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(installation, "_NVIDIA", ())


def test_a_device_that_cannot_be_used_is_a_warning_unless_it_is_the_cpu(monkeypatch, no_gpu):
    monkeypatch.setattr(installation, "available_cpus", lambda: 2)
    monkeypatch.setattr(installation, "find_devices", lambda: Devices(("cpu",), {"cuda": "no driver"}))
    cpu, cuda = examine_devices()
    assert (cpu.state, cpu.found) == ("ok", "cpu, 2 processors")
    assert (cuda.state, cuda.found) == ("warning", "cuda: no driver")
    monkeypatch.setattr(installation, "find_devices", lambda: Devices((), {"cpu": "it is broken"}))
    assert [finding.state for finding in examine_devices()] == ["failed"]


def test_a_gpu_that_onnxruntime_was_not_built_for_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "_NVIDIA", (tmp_path,))
    monkeypatch.setattr(installation, "find_devices", lambda: Devices(("cpu",)))
    _, gpu = examine_devices()
    assert gpu.state == "warning"
    assert "assayzoo[gpu]" in gpu.mend
    monkeypatch.setattr(installation, "find_devices", lambda: Devices(("cpu",), {"cuda": "no driver"}))
    assert [finding.found for finding in examine_devices()][1:] == ["cuda: no driver"]


def test_devices_that_cannot_be_tried_fail(monkeypatch):
    def find_none():
        raise DeviceError("both are installed")

    monkeypatch.setattr(installation, "find_devices", find_none)
    (finding,) = examine_devices()
    assert (finding.state, finding.found) == ("failed", "both are installed")


def test_our_own_plugins_are_found():
    (finding,) = [finding for finding in examine_plugins() if finding.state == "ok"]
    assert "assayzoo" in finding.found


@pytest.mark.parametrize(
    ("error", "found", "mend"),
    [
        (
            "made for plugin API 2.0, this is 1.0; update assayzoo: pip install -U assayzoo",
            "zoo-motif:motif: made for plugin API 2.0, this is 1.0",
            "pip install -U assayzoo",
        ),
        (
            "ModuleNotFoundError: No module named 'torch.nn'",
            "zoo-motif:motif: ModuleNotFoundError: No module named 'torch.nn'",
            "install the package of torch, or pip uninstall zoo-motif",
        ),
        (
            "DuplicateName: scorer 'difference' is offered by two",
            "zoo-motif:motif: DuplicateName: scorer 'difference' is offered by two",
            "pip uninstall zoo-motif, or the other one",
        ),
        ("SyntaxError", "zoo-motif:motif: SyntaxError", "pip install -U zoo-motif, or pip uninstall zoo-motif"),
    ],
)
def test_each_plugin_that_failed_has_a_mend(monkeypatch, error, found, mend):
    failure = Failure("zoo-motif:motif", "zoo-motif", "0.1", error)
    monkeypatch.setattr(installation, "discover", lambda: Plugins(failures=(failure,)))
    _, finding = examine_plugins()
    assert (finding.area, finding.state, finding.found, finding.mend) == ("plugins", "failed", found, mend)


@pytest.mark.parametrize(("system", "state"), [("linux", "ok"), ("darwin", "warning")])
def test_where_memory_cannot_be_bounded_is_told(monkeypatch, system, state):
    monkeypatch.setattr(installation.sys, "platform", system)
    assert [finding.state for finding in examine_limits()] == [state]
