import pytest

from zoo.errors import ModelError, OutputError
from zoo.publishing.target import name_store, open_registry_file
from zoo.registry.sources import Source, add_source, find_source, find_target


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("s3://lab/zoo", "s3://lab/zoo/registry.yaml"),
        ("S3://lab/zoo/", "s3://lab/zoo/registry.yaml"),
        ("s3://lab/zoo/index.yaml", "s3://lab/zoo/index.yaml"),
        ("srv/zoo", "srv/zoo/registry.yaml"),
        ("srv/index.yml", "srv/index.yml"),
        ("word", "word/registry.yaml"),
    ],
)
def test_a_registry_is_its_file_or_what_it_lies_in(given, found):
    assert find_target(given) == found


@pytest.mark.parametrize("given", ["S3://lab/zoo/", "srv/zoo", "srv/index.yml", "srv/plain", "~/zoo", "./word", "lab"])
def test_what_is_written_is_what_is_read(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv" / "plain").write_text("schema_version: 2\n")
    add_source(Source(name="lab", url="https://lab.org/zoo"))
    written, read = find_target(given), find_source(given).url
    assert (written if "://" in written else str(tmp_path / written)) == read


def test_a_known_registry_is_called_by_its_name(tmp_path):
    add_source(Source(name="lab", url=str(tmp_path / "registry.yaml")))
    assert find_target("lab") == str(tmp_path / "registry.yaml")
    assert find_target("./lab") == "lab/registry.yaml"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("ftp://lab/zoo", ModelError, "ftp://lab/zoo: expected https://"),
        ("assayzoo", OutputError, "assayzoo: comes with the package"),
        ("https://lab.org/registry.yaml", OutputError, "a web server can only be read"),
    ],
)
def test_a_registry_that_can_not_be_changed_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        open_registry_file(given)


@pytest.mark.parametrize("given", ["ftp://user:s3cret@lab/zoo", "s3+x://user:s3cret@lab", "https://user:s3cret@lab/a"])
def test_a_refusal_shows_no_password(given):
    with pytest.raises((ModelError, OutputError), match="lab") as caught:
        open_registry_file(given)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("store", "registry", "named"),
    [
        ("zoo", "zoo/registry.yaml", "."),
        ("zoo/a/b", "zoo/registry.yaml", "a/b"),
        ("s3://lab/zoo", "s3://lab/zoo/registry.yaml", "."),
        ("s3://lab/zoo/", "s3://lab/zoo/registry.yaml", "."),
        ("S3://lab/zoo/deep", "s3://lab/zoo/registry.yaml", "deep"),
        ("s3://lab", "s3://lab/zoo/registry.yaml", "s3://lab"),
        ("s3://lab/zoo-2", "s3://lab/zoo/registry.yaml", "s3://lab/zoo-2"),
        ("oci://user:secret@ghcr.io/lab/models", "zoo/registry.yaml", "oci://ghcr.io/lab/models"),
        ("gs://lab", "s3://lab/registry.yaml", "gs://lab"),
    ],
)
def test_a_store_is_named_below_the_registry_where_it_can_be(store, registry, named):
    assert name_store(store, registry) == named


@pytest.mark.parametrize(
    ("store", "registry", "message"),
    [
        ("zoo", "lab/registry.yaml", "zoo: expected a folder inside .*/lab"),
        ("lab/../zoo", "lab/registry.yaml", "expected a folder inside .*/lab"),
        ("zoo", "s3://lab/registry.yaml", "readers of s3://lab/registry.yaml can't reach a folder of this machine"),
    ],
)
def test_a_store_that_readers_would_not_find_is_refused(store, registry, message):
    with pytest.raises(OutputError, match=message):
        name_store(store, registry)
