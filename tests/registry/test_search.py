"""All registries that are asked are searched, and one that can't be reached hides none of the others."""

import pytest

from tests.registry.made_indexes import make_text
from zoo.errors import DownloadError, UnknownModel
from zoo.registry import search as searching
from zoo.registry.query import Query
from zoo.registry.refreshing import refresh
from zoo.registry.search import search
from zoo.registry.sources import BUNDLED, Source, add_source, find_bundled


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A registry of the user's, beside the one that comes with the package."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    path = tmp_path / "lab" / "registry.yaml"
    path.parent.mkdir()
    path.write_text(
        make_text(
            lab_ctcf={"assay": "TF ChIP-seq", "biosample": "A549", "tracks": ("CTCF",), "metrics": {"auroc": 0.5}},
            lab_made={"assay": "simulation", "metrics": {"own": 1.0}},
        )
    )
    add_source(Source(name="lab", url=str(path)))
    return path


def list_found(**asked):
    return [(row["registry"], row["name"]) for row in search(Query(**asked)).rows]


def test_every_registry_is_searched_the_first_one_first(lab):
    found = list_found(assay="CTCF")
    assert found[-1] == ("lab", "lab-ctcf")
    assert {registry for registry, _ in found[:-1]} == {BUNDLED}
    assert search(Query()).registries == (BUNDLED, "lab")


def test_a_word_that_one_registry_knows_is_known(lab):
    assert list_found(biosample="A549") == [("lab", "lab-ctcf")]


def test_a_metric_sorts_the_models_of_all_registries(lab):
    assert list_found(assay="CTCF", sort="auroc")[-1] == ("lab", "lab-ctcf")
    assert list_found(sort="own")[0] == ("lab", "lab-made")
    assert len(list_found(sort="own")) == len(list_found())
    shown = search(Query(sort="auroc"), shown=True).rows
    assert [row["name"] for row in shown] == [name for _, name in list_found(sort="auroc")]
    with pytest.raises(UnknownModel, match=r"^no model has the metric 'aurok'; did you mean 'auroc'\?$"):
        search(Query(sort="aurok"))


def test_a_word_that_no_registry_knows_is_an_error_with_the_nearest_of_any(lab):
    with pytest.raises(UnknownModel, match=r"has biosample 'A594'; did you mean 'A549'\?$"):
        search(Query(biosample="A594"))


def test_a_word_that_no_registry_knows_is_told_with_all_of_them(lab):
    with pytest.raises(UnknownModel, match=r"^no model in assayzoo, lab has text 'lab-ctfc'; .* mean 'lab-ctcf'\?"):
        search(Query(text="lab-ctfc"))
    with pytest.raises(UnknownModel, match=rf"^no model in {lab} has text 'qqqq'; zoo list shows what there is$"):
        search(Query(text="qqqq"), "lab")


def test_words_of_which_each_is_known_to_another_registry_find_nothing_and_are_no_error(lab):
    assert list_found(text="lab-made", biosample="GM12878") == []


def test_one_registry_is_searched_alone_by_its_name_or_path(lab):
    assert {row["name"] for row in search(Query(), "lab").rows} == {"lab-ctcf", "lab-made"}
    assert search(Query(), lab).rows == [{**row, "registry": str(lab)} for row in search(Query(), "lab").rows]


def test_the_environment_names_the_only_one(lab, monkeypatch):
    monkeypatch.setenv("ZOO_REGISTRY", str(find_bundled()))
    assert "lab-ctcf" not in {name for _, name in list_found()}


def test_a_registry_that_can_not_be_reached_hides_no_other(lab, monkeypatch):
    def fail(source, **options):
        if not source.remote:
            return refresh(source, **options)
        raise DownloadError(f"{source.name} can't be reached")

    monkeypatch.setattr(searching, "refresh", fail)
    add_source(Source(name="far", url="https://zoo.invalid/registry.yaml"))
    with pytest.warns(UserWarning, match=r"^far can't be reached; its models are not listed$"):
        found = search(Query(assay="CTCF"))
    assert found.rows[-1]["name"] == "lab-ctcf"
    with pytest.raises(DownloadError, match="can't be reached"):
        search(Query(), "far")
