import hashlib

import pytest

from zoo.errors import DataError, RecipeError
from zoo.training.choices import DataChoice
from zoo.training.recipe import read_recipe
from zoo.training.sources import check_sources


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


def choose_data(**source):
    return DataChoice.model_validate({"loader": "fasta", "sources": [{"path": "a.fa", **source}]})


def test_every_source_gets_its_digest(tmp_path):
    (tmp_path / "a.fa").write_bytes(b">a\nA\n")
    digest = hashlib.sha256(b">a\nA\n").hexdigest()

    assert check_sources(choose_data(), tmp_path, "r.yaml")[0].sha256 == digest
    assert check_sources(choose_data(sha256=digest), tmp_path, "r.yaml")[0].sha256 == digest


def test_a_file_that_only_the_loaders_config_names_is_a_source_too(tmp_path):
    (tmp_path / "b.fa").write_bytes(b">a\nA\n")
    data = DataChoice(loader="fasta", config={"positives": "b.fa", "target": "b"})

    assert [source.path for source in check_sources(data, tmp_path, "r.yaml")] == ["b.fa"]


def test_a_source_with_another_digest_is_refused(tmp_path):
    (tmp_path / "a.fa").write_bytes(b">a\nC\n")

    with pytest.raises(DataError, match=r"a\.fa: expected sha256 0{64}, found [0-9a-f]{64}; it is not the recipe's"):
        check_sources(choose_data(sha256="0" * 64), tmp_path, "r.yaml")


def test_a_missing_source_says_where_paths_start(tmp_path):
    with pytest.raises(DataError, match=r"a\.fa: can't be read: .*; paths in a recipe start at the data root"):
        check_sources(choose_data(), tmp_path, "r.yaml")


def test_files_that_the_config_names_at_any_depth_are_sources(tmp_path):
    for name in ("a.fa", "b.fa", "c.fa"):
        (tmp_path / name).write_text(f">{name}\n", encoding="utf-8")
    config = {"pairs": [{"positives": "a.fa"}, {"positives": "b.fa"}], "more": ["c.fa", 3, None], "label": "x" * 300}

    found = check_sources(DataChoice(loader="fasta", config=config), tmp_path, "r.yaml")

    assert [source.path for source in found] == ["a.fa", "b.fa", "c.fa"]
    assert all(source.sha256 for source in found)


@pytest.mark.parametrize("path", ["{root}/a.fa", "../outside.fa", "sub/../../outside.fa"])
def test_a_path_that_is_absolute_or_leaves_the_data_root_is_refused(tmp_path, path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    for file in (root / "a.fa", tmp_path / "outside.fa"):
        file.write_text(">a\nA\n", encoding="utf-8")
    name = path.format(root=root)
    for data, field in (
        (choose_data(path=name), "data.sources.0.path"),
        (DataChoice(loader="fasta", config={"files": ["a", name]}), "data.config.files.1"),
    ):
        with pytest.raises(RecipeError) as error:
            check_sources(data, root, "r.yaml")
        assert str(error.value) == (
            f"r.yaml: field '{field}': expected a path below the data root {root}, found {name!r}; "
            "give it relative to --data-root, so that the recipe works elsewhere"
        )


def test_a_link_below_the_data_root_may_lead_anywhere(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "outside.fa").write_text(">a\nA\n", encoding="utf-8")
    (tmp_path / "root" / "a.fa").symlink_to(tmp_path / "outside.fa")

    assert check_sources(choose_data(), tmp_path / "root", "r.yaml")[0].path == "a.fa"


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
