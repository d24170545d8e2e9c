"""Bound inputs and outputs, on the CPU's execution provider, which binds like any other."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from tests.model.networks import draw_codes, make_card, make_convolution
from zoo.model.binding import BoundSession, bind_session
from zoo.model.graph import embed_one_hot


@pytest.fixture
def session():
    network = embed_one_hot(make_convolution(), make_card())
    return onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])


class DeviceOfItsOwn:
    """ONNX Runtime with a processor's memory where a GPU's is asked for; counts what is allocated."""

    def __init__(self):
        self.allocated = 0
        runtime = self

        class OrtValue:
            @staticmethod
            def ortvalue_from_shape_and_type(shape, kind, memory, number):
                assert (memory, number) == ("cuda", 0)
                runtime.allocated += 1
                return onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, kind, "cpu", 0)

        self.OrtValue = OrtValue


class BoundToProcessor:
    """A session whose outputs are bound to a processor's memory, whatever is asked for."""

    def __init__(self, session):
        self._session = session
        self.run_with_iobinding = session.run_with_iobinding

    def io_binding(self):
        binding = self._session.io_binding()
        bind = binding.bind_output
        binding.bind_output = lambda name, _: bind(name, "cpu")
        return binding


def expect(session, codes):
    return session.run(["prediction"], {session.get_inputs()[0].name: codes})[0]


def test_outputs_are_those_of_a_plain_run(session):
    bound = BoundSession(onnxruntime, session, "cpu")
    for count in (1, 7, 1, 3):
        codes = draw_codes(count, seed=count)
        (found,) = bound.run(["prediction"], {session.get_inputs()[0].name: codes})
        assert np.array_equal(found, expect(session, codes))


def test_memory_of_a_device_is_filled_anew_and_kept_for_each_shape(session):
    runtime = DeviceOfItsOwn()
    bound = BoundSession(runtime, BoundToProcessor(session), "cuda")
    for seed, count in enumerate((4, 4, 2, 4, 2)):
        codes = draw_codes(count, seed=seed)
        (found,) = bound.run(["prediction"], {session.get_inputs()[0].name: codes})
        assert np.array_equal(found, expect(session, codes))
    assert runtime.allocated == 2


def test_memory_of_shapes_that_are_long_gone_is_given_back(session):
    runtime = DeviceOfItsOwn()
    bound = BoundSession(runtime, BoundToProcessor(session), "cuda")
    for count in (*range(1, 10), 1):
        bound.run(["prediction"], {session.get_inputs()[0].name: draw_codes(count)})
    assert runtime.allocated == 10


def test_each_thread_has_memory_of_its_own(session):
    runtime = DeviceOfItsOwn()
    bound = BoundSession(runtime, BoundToProcessor(session), "cuda")
    feed = {session.get_inputs()[0].name: draw_codes(4)}
    bound.run(["prediction"], feed)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(bound.run, ["prediction"], feed).result()
    assert runtime.allocated == 2


@pytest.mark.parametrize("memory", ["cpu", "cuda"])
def test_threads_do_not_write_over_each_other(session, memory):
    bound = BoundSession(DeviceOfItsOwn(), BoundToProcessor(session), "cuda")
    if memory == "cpu":
        bound = BoundSession(onnxruntime, session, "cpu")
    batches = [draw_codes(16, seed=seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda codes: bound.run(["prediction"], {session.get_inputs()[0].name: codes})[0], batches)
        )
    assert all(np.array_equal(one, expect(session, codes)) for one, codes in zip(found, batches, strict=True))


def test_a_view_that_is_not_contiguous_is_read_as_it_stands(session):
    codes = draw_codes(6)[::2, ::-1]
    (found,) = BoundSession(onnxruntime, session, "cpu").run(["prediction"], {session.get_inputs()[0].name: codes})
    assert np.array_equal(found, expect(session, np.ascontiguousarray(codes)))


def test_a_session_is_bound_where_it_runs_on_a_gpu_and_nowhere_else(session):
    class OnGpu:
        def get_providers(self):
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    assert bind_session(onnxruntime, session) is session
    bound = bind_session(DeviceOfItsOwn(), OnGpu())
    assert isinstance(bound, BoundSession)
    assert bound.get_providers()[0] == "CUDAExecutionProvider"
