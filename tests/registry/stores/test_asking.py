import pytest

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores import asking
from zoo.registry.stores.asking import ask_often
from zoo.registry.stores.protocol import TRIES, Missing


@pytest.fixture
def slept(monkeypatch):
    slept = []
    monkeypatch.setattr(asking.time, "sleep", slept.append)
    return slept


def make_ask(*faults):
    left = list(faults)

    def ask():
        if left:
            raise left.pop(0)
        return "answer"

    return ask


@pytest.mark.parametrize("fault", [DownloadError, OutputError])
def test_a_store_that_fails_for_a_moment_is_asked_again_after_longer_waits(slept, fault):
    assert ask_often(make_ask(*[fault()] * (TRIES - 1))) == "answer"
    assert [0.5 <= seconds / 2**number <= 1 for number, seconds in enumerate(slept)] == [True] * (TRIES - 1)


def test_a_store_that_fails_each_time_is_left(slept):
    with pytest.raises(DownloadError, match="last"):
        ask_often(make_ask(DownloadError("first"), DownloadError("last")), 2)
    assert len(slept) == 1


def test_what_is_missing_is_asked_for_once(slept):
    with pytest.raises(Missing):
        ask_often(make_ask(Missing("none")))
    assert slept == []
