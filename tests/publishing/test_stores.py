"""Publishing to servers, which fail as they are told to; a second client then pulls what they list."""

import pytest

from tests.publishing.makers import read_files, write_model
from zoo.errors import ChecksumMismatch, DownloadError, OutputError, VersionExists
from zoo.publishing.publish import publish
from zoo.registry.index_file import is_index_of
from zoo.registry.pull import pull
from zoo.registry.stores.opening import open_store
from zoo.testing.oci import ImageRegistry
from zoo.testing.servers import ALWAYS, Fault, serve, serve_folder


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0.0)
    monkeypatch.setattr("zoo.registry.stores.amending._LONGEST", 0.0)


def pull_back(address, model):
    """Pull as another client would, and compare."""
    folder = pull("g-at-anchor", registry=address).folder
    assert read_files(folder) == read_files(model)


def list_content(address, *paths):
    return [open_store(address).read_tagged(path, 1 << 20).content for path in paths]


def test_a_bucket(model, bucket, tmp_path):
    done = publish(model, bucket.address)
    assert done.registry == f"{bucket.address}/registry.yaml"
    pull_back(done.registry, model)
    registry, index = list_content(bucket.address, "registry.yaml", "registry.index.jsonl")
    assert is_index_of(index, registry)
    assert not publish(model, bucket.address).changed
    with pytest.raises(VersionExists):
        publish(write_model(tmp_path / "other", base="A"), bucket.address)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault(status=503, method="PUT", times=2)], id="refused"),
        pytest.param([Fault(status=500, done=True, method="PUT", path="*/blobs/*")], id="answer-of-a-blob-lost"),
        pytest.param([Fault(status=500, done=True, method="PUT", path="*registry.yaml")], id="answer-of-the-swap-lost"),
        pytest.param([Fault(status=500, method="PUT", path="*registry.yaml", times=2)], id="swap-refused-twice"),
    ],
)
def test_a_bucket_that_fails_for_a_moment(model, bucket, faults):
    bucket.server.faults.extend(faults)
    done = publish(model, bucket.address)
    assert len(bucket.server.met) == sum(fault.times for fault in faults)
    pull_back(done.registry, model)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=500, method="GET", path="*.yaml"), id="registry-not-read-at-first"),
        pytest.param(Fault(cut=0.5, method="GET", path="*/blobs/*", times=2), id="blobs-cut"),
        pytest.param(Fault(wrong=0.5, method="GET", path="*/blobs/*"), id="blob-damaged"),
    ],
)
def test_a_bucket_whose_answers_fail_for_a_moment(model, bucket, fault):
    publish(model, bucket.address)  # so that there are blobs to read
    bucket.server.faults.append(fault)
    done = publish(model, bucket.address, registry=f"{bucket.address}/second.yaml")
    assert (len(bucket.server.met), done.sent) == (fault.times, 0)
    pull_back(done.registry, model)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(Fault(status=500, method="PUT", path="*/blobs/*", times=ALWAYS), OutputError, id="no-blob-taken"),
        pytest.param(Fault(wrong=0.5, method="GET", path="*/blobs/*", times=ALWAYS), ChecksumMismatch, id="damaged"),
        pytest.param(Fault(status=500, method="PUT", path="*registry.yaml", times=ALWAYS), OutputError, id="no-swap"),
    ],
)
def test_a_bucket_that_fails_lists_nothing(model, bucket, fault, error):
    bucket.server.faults.append(fault)
    with pytest.raises(error):
        publish(model, bucket.address)
    assert open_store(bucket.address).read_tagged("registry.yaml", 1 << 20) is None
    bucket.server.faults.clear()
    pull_back(publish(model, bucket.address).registry, model)


def test_a_registry_of_images_keeps_the_blobs_and_a_folder_the_registry(model, tmp_path):
    with serve(ImageRegistry()) as server:
        address = server.address.replace("http://", "oci://") + "/lab/models"
        with pytest.raises(DownloadError, match="keep the index in another store: --registry"):
            publish(model, address)
        done = publish(model, address, registry=tmp_path / "lab")
        assert address in (tmp_path / "lab" / "registry.yaml").read_text()
        pull_back(done.registry, model)
        assert not publish(model, address, registry=tmp_path / "lab").changed


def test_a_web_server_can_only_be_read(model):
    with pytest.raises(OutputError, match="a web server can only be read"):
        publish(model, "https://lab.org/zoo")


def test_an_index_that_a_bucket_does_not_take_is_a_warning(model, bucket):
    bucket.server.faults.append(Fault(status=500, method="PUT", path="*.jsonl", times=ALWAYS))
    with pytest.warns(UserWarning, match=r"readers of s3://.*/registry\.yaml do without its index"):
        done = publish(model, bucket.address)
    pull_back(done.registry, model)


def test_a_folder_that_a_web_server_serves(model, store):
    publish(model, store)
    with serve_folder(store) as server:
        pull_back(f"{server.address}/registry.yaml", model)
