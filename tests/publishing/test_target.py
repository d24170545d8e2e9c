from pathlib import Path

import pytest

from zoo.errors import ModelError, OutputError
from zoo.publishing.target import check_apart, name_store, open_registry_file
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
        ("lab/registry.yaml", "lab/registry.yaml", r"expected a store, found what a registry is called; write lab$"),
        ("s3://lab/a.yml/", "s3://lab/registry.yaml", r"expected a store, found .*; write s3://lab$"),
        ("zoo", "s3://lab/registry.yaml", "readers of s3://lab/registry.yaml can't reach a folder of this machine"),
    ],
)
def test_a_store_that_readers_would_not_find_is_refused(store, registry, message):
    with pytest.raises(OutputError, match=message):
        name_store(store, registry)


@pytest.mark.parametrize("name", ["a ", " a", "a\n", "a\u00a0", " ", "a\\b", "a\nb", "a\x7f", "st\udcff"], ids=ascii)
def test_a_store_whose_name_not_every_reader_would_read_alike_is_refused(name):
    with pytest.raises(OutputError, match="expected the name of a store in UTF-8"):
        name_store(f"lab/{name}", "lab/registry.yaml")
    with pytest.raises(OutputError, match="expected the name of a store in UTF-8"):
        name_store(f"s3://lab/{name}", "s3://lab/registry.yaml")


@pytest.mark.parametrize("name", ["/zoo", "a//b", "../zoo", "a/../b", "./a"])
def test_a_bucket_that_readers_would_look_for_elsewhere_is_refused(name):
    with pytest.raises(OutputError, match="expected the name of a store in UTF-8"):
        name_store(f"s3://lab/{name}", "s3://lab/registry.yaml")


def test_a_name_in_any_script_is_kept():
    assert name_store("lab/m\u00fcller's m\u200cdl 1", "lab/registry.yaml") == "m\u00fcller's m\u200cdl 1"


@pytest.mark.parametrize(
    ("store", "registry"),
    [
        ("model", "model/registry.yaml"),
        ("model/store", "model/store/registry.yaml"),
        ("./lab/../model/a/b", "registry.yaml"),
        ("link/store", "registry.yaml"),
        ("lab", "model/registry.yaml"),
        ("s3://lab", "model/registry.yaml"),
    ],
)
def test_a_store_or_registry_in_the_models_own_folder_is_refused(store, registry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "link").symlink_to("model")
    with pytest.raises(OutputError, match="lies in the model's folder, model, which stays as it is"):
        check_apart(Path("model"), store, registry)


@pytest.mark.parametrize("store", ["lab", ".", "model-2", "s3://model/store"])
def test_a_store_beside_or_above_the_models_folder_is_none_in_it(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    check_apart(Path("model"), store, "registry.yaml")
