import hashlib

import pytest

from zoo.errors import DataError, RecipeError
from zoo.training.recipe import DataChoice, check_sources, read_recipe


def change(document, field, value):
    """Set a field by its dotted path."""
    *parents, name = field.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    document[name] = value


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sed", 1, "unknown field 'sed'; did you mean 'seed'?"),
        ("training.epoch", 1, "unknown field 'training.epoch'; did you mean 'epochs'?"),
        ("split.tests", ["chr1"], "unknown field 'split.tests'; did you mean 'test'?"),
        ("data.sources", [{"path": "a", "sha": "b"}], "unknown field 'data.sources.0.sha'; did you mean 'sha256'?"),
        ("output.tracks", [{"name": "a", "asay": "b"}], "unknown field 'output.tracks.0.asay'; did you mean 'assay'?"),
        ("split.method", "contigs", "field 'split.method': unknown method 'contigs'; did you mean 'contig'?"),
        ("split", {"test": ["chr1"]}, "field 'split.method' is missing"),
        ("split.validation", ["chr1"], "field 'split': 'chr1' is named for test and for validation"),
        ("split", {"method": "hash", "test": 0.6, "validation": 0.4}, "leave nothing to train on"),
        ("training.epochs", 0, "field 'training.epochs': Input should be greater than 0, found 0"),
        ("training.weight_decay", 0.1, "field 'training': weight_decay needs optimiser: adamw, found adam"),
        ("name", "My Model", "field 'name': String should match pattern"),
        ("seed", "one", "field 'seed': Input should be a valid integer"),
    ],
)
def test_a_wrong_field_is_named_with_the_file(tiny_recipe, write_recipe, field, value, message):
    change(tiny_recipe, field, value)
    path = write_recipe(tiny_recipe)

    with pytest.raises(RecipeError) as error:
        read_recipe(path)

    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)


def test_a_missing_field_is_named(tiny_recipe, write_recipe):
    del tiny_recipe["license"]

    with pytest.raises(RecipeError, match="field 'license' is missing"):
        read_recipe(write_recipe(tiny_recipe))


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "expected YAML"), ("- a", "expected a mapping of fields, found list"), ("", "found NoneType")],
)
def test_what_is_no_recipe_is_refused(tmp_path, text, message):
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(RecipeError, match=message):
        read_recipe(tmp_path / "r.yaml")


def test_a_recipe_that_is_missing_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"none\.yaml: the recipe can't be read"):
        read_recipe(tmp_path / "none.yaml")


def choose_data(**source):
    return DataChoice.model_validate({"loader": "fasta", "sources": [{"path": "a.fa", **source}]})


def test_every_source_gets_its_digest(tmp_path):
    (tmp_path / "a.fa").write_bytes(b">a\nA\n")
    digest = hashlib.sha256(b">a\nA\n").hexdigest()

    assert check_sources(choose_data(), tmp_path)[0].sha256 == digest
    assert check_sources(choose_data(sha256=digest), tmp_path)[0].sha256 == digest


def test_a_file_that_only_the_loaders_config_names_is_a_source_too(tmp_path):
    (tmp_path / "b.fa").write_bytes(b">a\nA\n")
    data = DataChoice(loader="fasta", config={"positives": "b.fa", "target": "b"})

    assert [source.path for source in check_sources(data, tmp_path)] == ["b.fa"]


def test_a_source_with_another_digest_is_refused(tmp_path):
    (tmp_path / "a.fa").write_bytes(b">a\nC\n")

    with pytest.raises(DataError, match=r"a\.fa: expected sha256 0{64}, found [0-9a-f]{64}; it is not the recipe's"):
        check_sources(choose_data(sha256="0" * 64), tmp_path)


def test_a_missing_source_says_where_paths_start(tmp_path):
    with pytest.raises(DataError, match=r"a\.fa: can't be read .*; paths in a recipe start at the data root"):
        check_sources(choose_data(), tmp_path)
