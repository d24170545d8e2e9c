import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from zoo.errors import CardError, ChecksumMismatch, ModelError, UnsafeModel
from zoo.model import probation
from zoo.model.probation import examine
from zoo.testing.hostile import list_hostile
from zoo.testing.models import make_base_at_anchor_graph, make_model

HOSTILE = {hostile.name: hostile for hostile in list_hostile()}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stands in for the child with a script")


def test_a_good_model_passes_and_stays_as_it_is(g_at_anchor_folder):
    before = {path: path.stat().st_mtime_ns for path in g_at_anchor_folder.rglob("*")}
    examine(g_at_anchor_folder)
    assert {path: path.stat().st_mtime_ns for path in g_at_anchor_folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("ConstantOfShape", UnsafeModel),
        ("whole numbers", CardError),
        ("a card: aliases of aliases", CardError),
        ("a file above", ChecksumMismatch),
    ],
)
def test_what_a_child_refuses_is_told_as_if_it_had_been_here(tmp_path, name, error):
    hostile = HOSTILE[name]
    hostile.write(tmp_path / "model")
    with pytest.raises(error, match=hostile.match):
        examine(tmp_path / "model")


def test_a_network_that_fails_when_it_runs_is_refused(tmp_path):
    graph = make_base_at_anchor_graph()
    graph.node[-1].output[0] = "plain"
    # Which row is looked up depends on the bases, so that nothing is known of it before.
    graph.node.append(helper.make_node("ReduceSum", ["sequence"], ["sum"], keepdims=0))
    graph.node.append(helper.make_node("Cast", ["sum"], ["number"], to=TensorProto.INT64))
    graph.node.append(helper.make_node("Add", ["number", "far"], ["row"]))
    graph.node.append(helper.make_node("Gather", ["table", "row"], ["looked_up"]))
    graph.node.append(helper.make_node("Add", ["plain", "looked_up"], ["prediction"]))
    graph.initializer.append(numpy_helper.from_array(np.int64(1000), "far"))
    graph.initializer.append(numpy_helper.from_array(np.zeros(10, np.float32), "table"))
    model = make_model(graph)
    write_with(tmp_path / "model", model)
    with pytest.raises(ModelError, match="the network failed"):
        examine(tmp_path / "model")


def write_with(folder, model):
    from zoo.model.checksums import write_checksums
    from zoo.testing.models import write_model_folder

    write_model_folder(folder, make_base_at_anchor_graph())
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    write_checksums(folder)


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Put a shell script in the place of the child."""

    def stand_in(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr("zoo.apart.sys.executable", str(path))

    return stand_in


@pytest.mark.parametrize("name", ["SEGV", "KILL", "ABRT", "FPE"])
def test_a_file_that_ends_the_child_is_unsafe(child, tmp_path, name):
    child(f"kill -{name} $$")
    with pytest.raises(UnsafeModel, match=f"ended the process that tried it, with SIG{name}$"):
        examine(tmp_path)


def test_a_file_that_uses_up_the_processor_is_unsafe(child, tmp_path):
    child("kill -XCPU $$")
    with pytest.raises(UnsafeModel, match=r"took too long$"):
        examine(tmp_path)


def test_a_file_that_hangs_is_unsafe(child, tmp_path, monkeypatch):
    monkeypatch.setattr(probation, "_SECONDS", 0.2)
    child("exec sleep 60")
    with pytest.raises(UnsafeModel, match=r"expected a prediction within 0\.2 s, waited longer"):
        examine(tmp_path)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo what went wrong >&2; exit 3", "can't be examined: .*status 3 and no answer: what went wrong"),
        ("exit 3", "can't be examined: .*status 3 and no answer"),
        ("exit 0", "can't be examined: .*status 0 and no answer"),
        ("echo '{}'", "can't be examined: .*status 0 and no answer"),
        ("echo '[1]'", "can't be examined: .*status 0 and no answer"),
        ("echo not json", "can't be examined: .*status 0 and no answer"),
        ("""echo '{"error": "SystemExit", "message": "x"}'""", "can't be examined: .*status 0 and no answer"),
        ("""echo '{"error": "no", "kind": "Iterable"}'""", "can't be examined: no"),
        ("""echo '{"error": "no", "kind": "near_match"}'""", "can't be examined: no"),
    ],
)
def test_a_child_that_says_nothing_of_use_is_no_pass(child, tmp_path, script, message):
    child(script)
    with pytest.raises(ModelError, match=f"{message}$"):
        examine(tmp_path)


def test_what_a_child_says_is_raised_here(child, tmp_path):
    child("""echo 'ONNX Runtime says' >&2; echo '{"value": null}'""")
    examine(tmp_path)
    child("""echo '{"error": "no", "kind": "CardError"}'""")
    with pytest.raises(CardError, match=r"^no$"):
        examine(tmp_path)
    child("""echo '{"error": "MemoryError: ", "kind": "MemoryError"}'""")
    with pytest.raises(UnsafeModel, match="takes more memory than it is given to be tried"):
        examine(tmp_path)


@pytest.mark.parametrize(("end", "message"), [("kill -SEGV $$", "with SIGSEGV"), ("exit 3", "status 3")])
def test_what_ends_badly_after_its_answer_is_no_pass(child, tmp_path, end, message):
    child(f"""echo '{{"value": null}}'; {end}""")
    with pytest.raises(ModelError, match=message):
        examine(tmp_path)


@pytest.mark.parametrize("name", ["ZOO_KEY_PASSWORD", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "google_credentials"])
def test_a_child_sees_no_secret(child, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "hush")
    child("""env | grep -q hush && exit 3; echo '{"value": null}'""")
    examine(tmp_path)


def test_a_python_that_is_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr("zoo.apart.sys.executable", str(tmp_path / "none"))
    with pytest.raises(ModelError, match="can't be examined: no process can be started: No such file or directory"):
        examine(tmp_path)


def test_the_child_has_little_memory_and_time_and_writes_no_file():
    code = """
import resource
from zoo.model.probation import _bound_process
from zoo.model.sizes import Need
_bound_process(1000, None)
first = resource.getrlimit(resource.RLIMIT_AS)
_bound_process(1000, Need(500, 10**11))
print(*first, *resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU)[0],
      resource.getrlimit(resource.RLIMIT_FSIZE)[0])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    base, most = 4 * 2**30 + 4 * 1000, 2 * 8 * 2**30
    assert [int(value) for value in found] == [base, base + most, base + 2 * 500, base + most, 60 + 50, 0]


def test_the_folder_from_which_it_is_called_has_no_say(g_at_anchor_folder, tmp_path, monkeypatch):
    (tmp_path / "onnx.py").write_text("raise SystemExit('somebody else\\'s code')")
    (tmp_path / "zoo.py").write_text("raise SystemExit('somebody else\\'s code')")
    monkeypatch.chdir(tmp_path)
    examine(g_at_anchor_folder)
