import numpy as np
from onnx import TensorProto, numpy_helper

from zoo.model.constants import SMALL, read_small


def test_only_small_tensors_are_read():
    assert read_small(numpy_helper.from_array(np.zeros(SMALL, np.int64))).shape == (SMALL,)
    assert read_small(numpy_helper.from_array(np.zeros(SMALL + 1, np.int64))) is None
    assert read_small(numpy_helper.from_array(np.zeros(100, np.float32))) is None
    assert read_small(TensorProto(data_type=TensorProto.INT64, dims=[-1])) is None
    assert read_small(TensorProto(data_type=TensorProto.INT64, dims=[4], raw_data=b"1")) is None
