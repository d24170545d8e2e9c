from types import SimpleNamespace

import numpy as np
import pytest

from zoo.apart import Answer
from zoo.errors import DeviceError, MissingExtra
from zoo.health import devices
from zoo.health.devices import Devices, choose_devices, find_devices, try_device


def answer_with(monkeypatch, built, trials=None):
    """Have ONNX Runtime built for some devices, of which the trials of some fail; return those that are tried."""

    tried = []

    def run(function, arguments, limit):
        if function.endswith(":list_built"):
            return built if isinstance(built, Answer) else Answer(built)
        tried.append(arguments[0])
        return Answer(error=(trials or {}).get(arguments[0], ""))

    monkeypatch.setattr(devices, "run_apart", run)
    return tried


def test_the_cpu_is_here():
    assert "cpu" in find_devices().present


def test_a_device_that_onnxruntime_lists_but_can_not_use_is_absent(monkeypatch):
    answer_with(monkeypatch, ["cpu", "cuda"], {"cuda": "no driver"})
    assert find_devices() == Devices(("cpu",), {"cuda": "no driver"})
    assert choose_devices(["all"]) == Devices(("cpu",), {"cuda": "no driver"})


def test_a_device_that_was_named_must_be_usable(monkeypatch):
    answer_with(monkeypatch, ["cpu", "cuda"], {"cuda": "no driver"})
    with pytest.raises(DeviceError, match="device 'cuda' can't be used here: no driver"):
        choose_devices(["cpu", "cuda"])
    with pytest.raises(DeviceError, match="'tensorrt' can't be used here: the installed onnxruntime was not built"):
        choose_devices(["tensorrt"])


def test_a_device_is_chosen_once_in_the_order_of_the_names(monkeypatch):
    answer_with(monkeypatch, ["cpu", "cuda"])
    assert choose_devices(["cuda", "cpu", "cuda"]).present == ("cuda", "cpu")


def test_an_unknown_device_gets_a_near_match():
    with pytest.raises(DeviceError, match="no device 'cud'; did you mean 'cuda'"):
        choose_devices(["cud"])


@pytest.mark.parametrize("kind", [MissingExtra, DeviceError])
def test_an_onnxruntime_that_cannot_be_loaded_is_an_error(monkeypatch, kind):
    answer_with(monkeypatch, Answer(error="pip install it", kind=kind.__name__))
    with pytest.raises(kind, match="pip install it"):
        find_devices()


def test_a_sum_is_done_on_the_cpu():
    try_device("cpu")


def pretend(monkeypatch, provider, total):
    runtime = SimpleNamespace(get_available_providers=lambda: ["CUDAExecutionProvider"])
    graph = SimpleNamespace(get_providers=lambda: [provider], run=lambda names, feed: [total])
    monkeypatch.setattr("zoo.model.opening.import_onnxruntime", lambda: runtime)
    monkeypatch.setattr("zoo.model.opening.open_graph", lambda *arguments: graph)


def test_a_device_for_which_another_one_works_is_refused(monkeypatch):
    pretend(monkeypatch, "CPUExecutionProvider", np.full((1, 4), 2.0))
    with pytest.raises(DeviceError, match="fell back to CPUExecutionProvider"):
        try_device("cuda")


def test_a_device_that_sums_wrongly_is_refused(monkeypatch):
    pretend(monkeypatch, "CUDAExecutionProvider", np.zeros((1, 4)))
    with pytest.raises(DeviceError, match=r"expected 1 \+ 1 = 2 on cuda, found \[\[0\.0"):
        try_device("cuda")


def test_only_the_devices_that_were_named_are_tried(monkeypatch):
    tried = answer_with(monkeypatch, ["cpu", "cuda"], {"cuda": "no driver"})
    assert choose_devices(["cpu"]) == Devices(("cpu",), {})
    assert tried == ["cpu"]


def test_a_check_on_no_device_at_all_is_refused(monkeypatch):
    answer_with(monkeypatch, ["cpu"], {"cpu": "it is broken"})
    with pytest.raises(DeviceError, match="no device can be used here: cpu: it is broken"):
        choose_devices(["all"])
