import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given

from tests.network.random_graphs import random_models
from zoo.errors import UnsafeModel
from zoo.model.card import read_card
from zoo.model.operators import ALLOWED, check_operators
from zoo.model.safety import check_onnx, examine_onnx
from zoo.model.sizes import reckon_need
from zoo.testing.hostile import list_hostile

HOSTILE = {hostile.name: hostile for hostile in list_hostile()}
BUNDLED = sorted((Path(__file__).parents[2] / "models").glob("*/*/model.onnx"))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What became of each folder, in a process of 1 GiB and 20 seconds of its own."""
    if sys.platform == "win32":
        pytest.skip("needs fork")
    folder = tmp_path_factory.mktemp("hostile")
    script = Path(__file__).with_name("hostile_child.py")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ZOO_HOME": str(folder)}
    root = str(Path(__file__).parents[2])
    found = subprocess.run(
        [sys.executable, script, folder], capture_output=True, check=False, env=environment, cwd=root, timeout=300
    )
    assert found.returncode == 0, found.stderr.decode()[-2000:]
    return json.loads(found.stdout)


def test_there_are_more_than_fifty_of_them_and_no_two_of_one_name():
    assert len(HOSTILE) == len(list_hostile()) > 50


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_folder_is_refused_by_message_in_a_line_without_a_crash_or_much_memory(outcomes, name):
    hostile, outcome = HOSTILE[name], outcomes[name]
    assert (outcome["error"], outcome["status"]) == (hostile.error.__name__, 0), outcome["message"][:500]
    assert re.search(hostile.match, outcome["message"]), outcome["message"][:500]
    assert len(outcome["message"]) < 2000
    assert "\n" not in outcome["message"]
    assert outcome["memory"] < 600 << 20


@pytest.mark.skipif(not BUNDLED, reason="the models are not beside the tests")
@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.parts[-3])
def test_every_bundled_model_is_accepted(path):
    model, need = examine_onnx(path, read_card(path.with_name("model.yaml")))
    assert need.held >= sum(len(tensor.raw_data) for tensor in model.graph.initializer)


@given(random_models())
def test_every_network_that_exporters_write_is_accepted(made):
    check_operators(made.model, "network")
    assert reckon_need(made.model).work > 0


def test_no_operator_is_allowed_that_does_not_exist_or_draws_numbers():
    import onnx

    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    newer = {"RMSNormalization", "Swish"}  # that an older ONNX does not have
    assert ALLOWED - newer <= known
    assert not {name for name in ALLOWED if "Random" in name or "Sequence" in name} - {"ReverseSequence"}


def test_a_file_of_a_model_says_where_it_is(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(UnsafeModel, match=rf"^{re.escape(str(tmp_path))}/model\.onnx: "):
        check_onnx(tmp_path / "model.onnx")
