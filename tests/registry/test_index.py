import pytest
import yaml

from zoo.errors import ModelError, UnknownModel
from zoo.publishing.registering import register
from zoo.registry.fetching import MAX_MODEL
from zoo.registry.index import MAX_SIZE, parse_registry, read_registry
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


def write_index(path, **changes):
    entry = {"url": "models/m/1.0.0", "sha256sums": "0" * 64, "assay": "none", "summary": "a test"}
    document = {"schema_version": 1, "models": {"m": {"latest": "1.0.0", "versions": {"1.0.0": entry}}}}
    document["models"]["m"]["versions"]["1.0.0"].update(changes.pop("entry", {}))
    document["models"]["m"].update(changes.pop("model", {}))
    path.write_text(yaml.safe_dump({**document, **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"schema_version": 3, "fields": "new"},
            "expected schema_version 2 or lower, found 3; update assayzoo to read it",
        ),
        ({"schema_version": 0}, "field 'schema_version': Input should be 1 or 2, found 0"),
        ({"modles": {}}, "unknown field 'modles'; did you mean 'models'?"),
        ({"entry": {"sha256sums": "abc"}}, r"field 'models\.m\.versions\.1\.0\.0\.sha256sums'"),
        ({"entry": {"url": "models/m\0"}}, r"field 'models\.m\.versions\.1\.0\.0\.url': .*without the character NUL"),
        ({"entry": {"licence": "MIT"}}, r"unknown field 'models\.m\.versions\.1\.0\.0\.licence'"),
        ({"entry": {"yankd": "x"}}, r"unknown field 'models\.m\.versions\.1\.0\.0\.yankd'; did you mean 'yanked'"),
        ({"entry": {"blobs": "."}}, "expected either url, a folder, or blobs, a store"),
        ({"entry": {"url": None}}, "expected either url, a folder, or blobs, a store"),
        ({"entry": {"url": None, "blobs": "."}}, "expected size, the bytes of all files, beside blobs"),
        ({"entry": {"size": -1}}, r"size'.*greater than or equal to 0"),
        ({"entry": {"size": MAX_SIZE + 1}}, r"size'.*less than or equal to 8589934592"),
        ({"model": {"aliases": {"latest": "1.0.0"}}}, "aliases: 'latest' is the highest version"),
        ({"model": {"aliases": {"stable": "2.0.0"}}}, "alias 'stable': '2.0.0' is not among the versions 1.0.0"),
        ({"model": {"versions": {f"{'9' * 5000}.0.0": {}}}}, "versions.9{200}….*: expected three numbers of at most 9"),
        ({"model": {"latest": "2.0.0"}}, "latest '2.0.0' is not among the versions 1.0.0"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, changes, message):
    with pytest.raises(ModelError, match=rf"registry\.yaml: .*{message}"):
        read_registry(write_index(tmp_path / "registry.yaml", **changes))


def test_a_model_may_be_as_large_as_one_whose_size_is_not_told(tmp_path):
    read_registry(write_index(tmp_path / "registry.yaml", entry={"size": MAX_SIZE}))
    assert MAX_SIZE == MAX_MODEL


@pytest.mark.parametrize(
    ("text", "message"), [("[1]", "expected a mapping of fields, found list"), ("a: [", "expected YAML")]
)
def test_a_file_that_is_no_index_is_refused(tmp_path, text, message):
    (tmp_path / "registry.yaml").write_text(text)
    with pytest.raises(ModelError, match=message):
        read_registry(tmp_path / "registry.yaml")


def test_a_missing_index_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"registry\.yaml: can't be read: No such file"):
        read_registry(tmp_path / "registry.yaml")


@pytest.fixture
def publish(tmp_path):
    """Write and register a version of a model; another base at the anchor makes other bytes."""

    def publish(version, base="G", **options):
        graph = make_base_at_anchor_graph(base)
        folder = write_model_folder(
            tmp_path / "models" / "g-at-anchor" / f"{version}-{base}", graph, {"version": version}
        )
        return register(folder, tmp_path / "registry.yaml", **options)

    return publish


def test_the_highest_version_is_the_latest_by_number_not_by_letter(publish, tmp_path):
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        publish(version)
    registry = read_registry(tmp_path / "registry.yaml")
    assert registry.find("g-at-anchor").version == "1.10.0"
    assert not registry.find("g-at-anchor@1.9.0").latest
    assert list(registry.index.models["g-at-anchor"].versions) == ["1.2.0", "1.9.0", "1.10.0"]
    assert [(listing.version, listing.latest) for listing in registry.list_models()] == [
        ("1.2.0", False),
        ("1.9.0", False),
        ("1.10.0", True),
    ]


@pytest.fixture
def yank(tmp_path):
    """Withdraw a version, as its publisher does: in the file."""

    def yank(version):
        path = tmp_path / "registry.yaml"
        document = yaml.safe_load(path.read_text())
        document["models"]["g-at-anchor"]["versions"][version]["yanked"] = "wrong anchor"
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    return yank


def test_a_bare_name_never_stands_for_a_withdrawn_version(publish, yank, tmp_path):
    def find(name):
        return read_registry(tmp_path / "registry.yaml").find(name)

    publish("1.0.0")
    publish("2.0.0")
    yank("2.0.0")  # in the file, whose field `latest` still names it
    assert find("g-at-anchor").version == "1.0.0"
    assert find("g-at-anchor").latest
    assert not find("g-at-anchor@2.0.0").latest
    assert publish("1.0.0").latest
    assert find("g-at-anchor@latest").version == "1.0.0"


def test_a_model_whose_versions_are_all_withdrawn_is_had_by_version_alone(publish, yank, tmp_path):
    publish("1.9.0")
    publish("1.10.0")
    yank("1.9.0")
    yank("1.10.0")
    registry = read_registry(tmp_path / "registry.yaml")
    message = (
        r"^every version of model 'g-at-anchor' was withdrawn, 1\.10\.0 for this reason: wrong anchor; "
        r"to use it all the same, write g-at-anchor@1\.10\.0$"
    )
    for name in ("g-at-anchor", "g-at-anchor@latest"):
        with pytest.raises(UnknownModel, match=message):
            registry.find(name)
    assert registry.find("g-at-anchor@1.9.0").entry.yanked == "wrong anchor"
    assert not any(listing.latest for listing in registry.list_models())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("g-at-ancor", r"no model 'g-at-ancor' in .*registry\.yaml; did you mean 'g-at-anchor'\?"),
        ("g-at-anchor@1.0.1", r"no version '1\.0\.1' of model 'g-at-anchor'; did you mean '1\.0\.0'\?"),
        ("g-at-anchor@", "no version '' of model 'g-at-anchor'"),
        ("g-at-anchor@stabel", "no version 'stabel' of model 'g-at-anchor'; there is 1.0.0"),
    ],
)
def test_an_unknown_name_or_version_gets_a_near_match(publish, tmp_path, name, message):
    publish("1.0.0")
    with pytest.raises(UnknownModel, match=message):
        read_registry(tmp_path / "registry.yaml").find(name)


@pytest.mark.parametrize("text", ["<html>a: b: c</html>", "[]", "schema_version: 3", "a: [", "a: &b 1\nc: *b"])
def test_a_page_in_the_place_of_a_registry_is_told_by_its_whole_address(text):
    with pytest.raises(ModelError, match=r"^https://lab\.org/zoo/registry\.yaml: "):
        parse_registry(text, "https://lab.org/zoo/registry.yaml")
