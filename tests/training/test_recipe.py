import pytest

from zoo.errors import RecipeError
from zoo.training.recipe import read_recipe


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
        ("name", "My Model", "field 'name': expected at most 64 lower-case letters"),
        ("split", {"method": "group", "test": ["a"], "validation": []}, "expected at least one name, or a fraction"),
        ("split.fold", 3, "unknown field 'split.fold'; did you mean 'folds'?"),
        ("negatives", [{"method": "shuffle"}], "field 'negatives.0.method': unknown method 'shuffle'"),
        ("tune", {"training.epochs": {"low": 9, "high": 3}}, "low 9 must lie below high 3"),
        ("tune", {"training.epochs": {"low": 0, "high": 3, "log": True}}, "log needs a low above 0, found 0"),
        ("window", {"mode": "fixed"}, "mode: fixed needs fixed_end"),
        ("window", {"prefix": "ACGT"}, "fixed_end, prefix and suffix belong to mode: fixed"),
        ("window", {"mode": "fixed", "fixed_end": "end", "prefix": "XYZ"}, "field 'window.prefix'"),
        ("training.warmup_epochs", 2, "warmup_epochs 2 must be fewer than the epochs, 2"),
        ("training.learning_rate", float("inf"), "field 'training.learning_rate': Input should be a finite number"),
        ("output.name", "a b/c", "field 'output.name'"),
        ("baseline", {"name": "none", "config": {"k": 4}}, "config needs the name of an architecture, found none"),
        (
            "negatives",
            [{"method": "dinucleotide_shuffle", "per_positive": 1e9}],
            "should be less than or equal to 1000",
        ),
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
    with pytest.raises(RecipeError, match=r"none\.yaml: can't be read: No such file"):
        read_recipe(tmp_path / "none.yaml")


def test_a_recipe_comes_with_its_text_as_it_stands(tiny_recipe, write_recipe):
    path = write_recipe(tiny_recipe)
    path.write_bytes(b"# mine\r\n" + path.read_bytes())

    for seed in (None, 3):
        recipe, text = read_recipe(path, seed)
        assert (recipe.seed, text.encode()) == (3, path.read_bytes())


def test_another_seed_stands_in_the_text_and_nothing_else_changes(tiny_recipe, write_recipe):
    path = write_recipe(tiny_recipe)
    path.write_text(path.read_text().replace("seed: 3", "seed: 3  # of mine: 3"))

    recipe, text = read_recipe(path, 41)

    assert recipe.seed == 41
    assert text == path.read_text().replace("seed: 3 ", "seed: 41 ")


@pytest.mark.parametrize("line", ["seed: *size", "<<: {seed: 3}"])
def test_a_seed_that_is_written_in_a_roundabout_way_is_replaced_too(tiny_recipe, write_recipe, line):
    tiny_recipe["training"]["batch_size"] = 3
    path = write_recipe(tiny_recipe)
    path.write_text(path.read_text().replace("batch_size: 3", "batch_size: &size 3").replace("seed: 3", line))

    recipe, text = read_recipe(path, 41)
    path.write_text(text)

    assert recipe.training.batch_size == 3
    assert read_recipe(path)[0] == recipe


def test_a_seed_that_is_none_is_refused(tiny_recipe, write_recipe):
    with pytest.raises(RecipeError, match=r"^--seed: field 'seed': .* greater than or equal to 0, found -1$"):
        read_recipe(write_recipe(tiny_recipe), -1)
