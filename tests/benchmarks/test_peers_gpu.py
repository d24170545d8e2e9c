import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.peers.gpu import Device, Figures, count_multiply_adds, reckon_peak, render
from benchmarks.peers.networks import SHAPES, Shape, draw_weights

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.sh"


def test_the_peak_is_two_operations_of_every_lane_in_every_clock():
    assert reckon_peak(10, 1_000_000, (8, 0)) == 2 * 10 * 64 * 1e9
    assert reckon_peak(10, 1_000_000, (99, 0)) == 2 * 10 * 128 * 1e9


def test_multiply_adds_of_a_graph_are_those_of_its_shape():
    pytest.importorskip("onnx")
    from benchmarks.peers.model_folders import make_exported_graph, make_plain_graph
    from zoo.testing.models import make_model

    shape = Shape("small", 20, ((3, 4, 2), (5, 3, 1)), (6, 2))
    weights = draw_weights(shape)
    for make in (make_exported_graph, make_plain_graph):
        assert count_multiply_adds(make_model(make(shape, weights))) == shape.multiply_adds
    assert round(SHAPES["basset-sized"].multiply_adds / 1e6) == 149


def test_the_table_has_a_row_a_model():
    page = render(Device("Some GPU", 5e13), [Figures("small", 1000.4, 90.0, 0.256, 2e-6)])
    assert page.splitlines()[0] == "Some GPU, 50.0 TFLOP/s in FP32 at its highest clock."
    assert page.splitlines()[-1] == "| small | 1,000 | 90 | 26% | 2.0e-06 |"


def test_without_a_gpu_the_script_says_so_and_ends_well(tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", SCRIPT, tmp_path / "work"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "not measured: no NVIDIA GPU is at hand\n")
    assert not (tmp_path / "work").exists()
