import importlib.metadata
import os

import pytest

from zoo.errors import DeviceError
from zoo.model.devices import Tuning, available_cpus, check_packages, engine_folder, resolve_device

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"


@pytest.fixture(autouse=True)
def no_word_on_tf32(monkeypatch):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "")  # so that it is taken back
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE")


@pytest.mark.parametrize(
    ("name", "available", "device", "providers"),
    [
        ("auto", [CPU], "cpu", [CPU]),
        ("auto", [TENSORRT, CUDA, CPU], "cuda", [CUDA, CPU]),
        ("cpu", [CUDA, CPU], "cpu", [CPU]),
        ("cuda", [CUDA, CPU], "cuda", [CUDA, CPU]),
        ("tensorrt", [TENSORRT, CUDA, CPU], "tensorrt", [TENSORRT, CUDA, CPU]),
    ],
)
def test_a_name_stands_for_a_device_and_its_providers(name, available, device, providers):
    found_device, found_providers = resolve_device(name, available)
    assert (found_device, [provider for provider, _ in found_providers]) == (device, providers)


def test_tf32_is_off_wherever_cuda_is_used():
    for name in ("cuda", "tensorrt"):
        _, providers = resolve_device(name, [TENSORRT, CUDA, CPU])
        assert dict(providers)[CUDA] == {"use_tf32": "0"}


def test_tf32_is_on_where_it_is_asked_for():
    _, providers = resolve_device("cuda", [CUDA, CPU], Tuning("tf32"))
    assert dict(providers)[CUDA] == {"use_tf32": "1"}


@pytest.mark.parametrize("name", ["cpu", "tensorrt"])
def test_tf32_is_refused_where_it_can_not_be_chosen(name):
    with pytest.raises(DeviceError, match=rf"^precision tf32 is of the device 'cuda', the run is on '{name}'; leave"):
        resolve_device(name, [TENSORRT, CUDA, CPU], Tuning("tf32"))


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    return tmp_path


def tensorrt_options(*tuning):
    _, providers = resolve_device("tensorrt", [TENSORRT, CUDA, CPU], Tuning(*tuning))
    return dict(providers)[TENSORRT]


def test_tensorrt_keeps_its_engines_by_model_and_precision(home):
    options = tensorrt_options("float32", "ab" * 32)
    folder = home / "engines" / "abababababababab" / "float32"
    assert options["trt_engine_cache_enable"] == options["trt_timing_cache_enable"] == "1"
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(folder)
    assert folder.is_dir()
    assert tensorrt_options("float16", "ab" * 32)["trt_engine_cache_path"] == str(folder.parent / "float16")


def test_engines_lie_among_what_can_be_made_again(monkeypatch, tmp_path):
    monkeypatch.delenv("ZOO_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert engine_folder(Tuning(digest="cd" * 32)).is_relative_to(tmp_path / "assayzoo" / "engines")
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert engine_folder(Tuning(digest="cd" * 32)).is_relative_to(tmp_path / ".cache" / "assayzoo" / "engines")


def test_engines_that_can_not_be_kept_are_told(home):
    (home / "engines").write_text("")
    with pytest.warns(UserWarning, match=r"^TensorRT's engines can't be kept .*: each run makes them anew$"):
        options = tensorrt_options("float32", "ab" * 32)
    assert options == {}


@pytest.mark.parametrize(
    ("precision", "flags"),
    [
        ("float32", {}),
        ("float16", {"trt_fp16_enable": "1"}),
        ("bfloat16", {"trt_bf16_enable": "1"}),
        ("int8", {"trt_int8_enable": "1"}),
    ],
)
def test_tensorrt_takes_fewer_bits_only_where_they_are_asked_for(home, precision, flags):
    assert tensorrt_options(precision) == flags


def test_tensorrt_computes_without_tf32_unless_the_user_says_otherwise(home, monkeypatch):
    tensorrt_options()
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0"
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    tensorrt_options()
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "1"


def test_an_unknown_device_gets_a_near_match():
    with pytest.raises(DeviceError, match=r"^no device 'cudda'; did you mean 'cuda'\?$"):
        resolve_device("cudda", [CPU])


@pytest.mark.parametrize("name", ["cuda", "tensorrt"])
def test_a_missing_device_says_what_to_install(name):
    with pytest.raises(DeviceError, match=rf"device '{name}' needs .*has CPUExecutionProvider; .*'assayzoo\[gpu\]'"):
        resolve_device(name, [CPU])


def test_both_onnxruntime_packages_together_are_named(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", {"onnxruntime": "1.31.1", "onnxruntime-gpu": "1.30.0"}.get)
    with pytest.raises(DeviceError, match=r"^onnxruntime 1\.31\.1 and onnxruntime-gpu 1\.30\.0 are both installed"):
        check_packages()


@pytest.mark.parametrize("installed", [[], ["onnxruntime"], ["onnxruntime-gpu"]])
def test_one_onnxruntime_package_or_none_is_fine(monkeypatch, installed):
    def version(name):
        if name in installed:
            return "1.31.1"
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    check_packages()


@pytest.fixture
def many_cpus(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(32)), raising=False)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, 32, id="no quota: the affinity"),
        pytest.param({"cpu.max": "max 100000\n"}, 32, id="version 2, unlimited"),
        pytest.param({"cpu.max": "250000 100000\n"}, 2, id="version 2, two and a half"),
        pytest.param({"cpu.max": "50000 100000\n"}, 1, id="version 2, half a processor"),
        pytest.param({"job/cpu.max": "400000 100000\n"}, 4, id="version 2, the own group"),
        pytest.param({"job/cpu.max": "max 100000\n", "cpu.max": "300000 100000\n"}, 3, id="version 2, the parent's"),
        pytest.param({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 32, id="version 1, none"),
        pytest.param({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2, id="version 1"),
        pytest.param(
            {"cpu/job/cpu.cfs_quota_us": "200000\n", "cpu/job/cpu.cfs_period_us": "100000\n"},
            2,
            id="version 1, own group",
        ),
        pytest.param(
            {"cpu/other/cpu.cfs_quota_us": "200000\n", "cpu/other/cpu.cfs_period_us": "100000\n"},
            32,
            id="version 1, a group of another controller",
        ),
        pytest.param({"cpu.max": "nonsense"}, 32, id="unreadable"),
    ],
)
def test_the_quota_of_a_container_limits_the_processors(many_cpus, tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    membership = tmp_path / "membership"
    membership.write_text("5:memory:/other\n4:cpu,cpuacct:/job\n0::/job\n")
    assert available_cpus(tmp_path, membership) == expected


def test_this_process_may_use_at_least_one_processor():
    assert available_cpus() >= 1
