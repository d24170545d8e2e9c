"""Segments: what comes out is what went in, to the last bit, or nothing."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zoo.prediction.cache.keys import take_prefixes
from zoo.prediction.cache.segment import DamagedSegment, open_segment, segment_bytes, write_segment

OWNER = bytes(range(32))
KEPT = [3, 1, 4, 15, 9]


@pytest.fixture
def written(tmp_path, make_keys, make_values):
    path = tmp_path / "a.segment"
    write_segment(path, OWNER, make_keys(KEPT), make_values(KEPT))
    return path


def read_all(path):
    segment, prefixes = open_segment(path, OWNER, 2)
    return prefixes, *segment.read(np.arange(segment.records))


def test_a_segment_gives_back_keys_and_predictions(written, make_keys, make_values):
    prefixes, keys, values = read_all(written)
    assert prefixes.tolist() == take_prefixes(make_keys(KEPT)).tolist()
    assert keys.tolist() == make_keys(KEPT).tolist()
    assert values.tolist() == make_values(KEPT).tolist()
    assert written.stat().st_size == segment_bytes(len(KEPT), 2)
    assert [path.name for path in written.parent.iterdir()] == ["a.segment"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bits=arrays(np.uint32, st.tuples(st.integers(1, 5), st.integers(1, 3))))
def test_every_bit_of_a_prediction_is_kept(tmp_path, make_keys, bits):
    path = tmp_path / "bits.segment"
    write_segment(path, OWNER, make_keys(range(len(bits))), bits.view(np.float32))
    segment, _ = open_segment(path, OWNER, bits.shape[1])
    _, values = segment.read(np.arange(len(bits)))
    assert values.dtype == np.float32
    assert np.array_equal(values.view(np.uint32), bits)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(rows=st.sets(st.integers(0, 11_999), min_size=1).map(sorted))
def test_records_near_and_far_are_read(tmp_path, make_keys, make_values, rows):
    path = tmp_path / "long.segment"
    if not path.exists():
        write_segment(path, OWNER, make_keys(range(12_000)), make_values(range(12_000)))
    segment, _ = open_segment(path, OWNER, 2)
    keys, values = segment.read(np.array(rows))
    assert keys.tolist() == make_keys(rows).tolist()
    assert values.tolist() == make_values(rows).tolist()


def test_a_change_of_any_byte_is_seen(written):
    whole = written.read_bytes()
    for place in range(len(whole)):
        written.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DamagedSegment, match=f"^{written}: "):
            read_all(written)


def test_a_cut_or_a_longer_file_is_seen(written):
    whole = written.read_bytes()
    for content in (*(whole[:length] for length in range(len(whole))), whole + b"\0", bytes(len(whole))):
        written.write_bytes(content)
        with pytest.raises(DamagedSegment, match=f"^{written}: "):
            open_segment(written, OWNER, 2)


def test_a_file_that_is_cut_after_it_was_opened_is_seen(written):
    segment, _ = open_segment(written, OWNER, 2)
    written.write_bytes(written.read_bytes()[:-1])
    with pytest.raises(DamagedSegment, match="is cut"):
        segment.read(np.array([4]))


@pytest.mark.parametrize(("owner", "width"), [(bytes(32), 2), (OWNER, 1), (OWNER, 3)])
def test_a_segment_of_another_is_refused(written, owner, width):
    with pytest.raises(DamagedSegment, match="is another model's or of another format"):
        open_segment(written, owner, width)


def test_a_segment_that_can_not_be_written_leaves_nothing(tmp_path, monkeypatch, make_keys, make_values):
    def fill_disk(keys, values):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zoo.prediction.cache.segment._make_records", fill_disk)
    with pytest.raises(OSError, match="No space left"):
        write_segment(tmp_path / "a.segment", OWNER, make_keys(KEPT), make_values(KEPT))
    assert list(tmp_path.iterdir()) == []
