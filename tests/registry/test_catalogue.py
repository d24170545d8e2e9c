"""A registry is found in and searched through its index, wherever that is, and however old."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.registry.made_indexes import INDEXES, make_entry, make_text, seal
from zoo.errors import ModelError, UnknownModel
from zoo.places import cache_folder
from zoo.registry import catalogue
from zoo.registry.catalogue import Catalogue, Query, build_index, find_near
from zoo.registry.index import Index, read_registry
from zoo.registry.query import list_criteria
from zoo.registry.writing import format_registry, rank

HUMAN = {"assay": "TF ChIP-seq", "organism": "Homo sapiens"}
TEXT = make_text(
    gm12878_ctcf={
        "assay": "TF ChIP-seq",
        "biosample": "GM12878",
        "organism": "Homo sapiens",
        "metrics": {"auroc": 0.9},
    },
    k562_ctcfl={**HUMAN, "biosample": "K562", "metrics": {"auroc": 0.8}},
    multi={"assay": "many", "tracks": ("CTCF", "DNase"), "metrics": {"auroc": 0.95, "mse": 1.0}},
    old_ctcf={"assay": "TF ChIP-seq", "yanked": "wrong anchor", "biosample": "A549"},
    yeast_mpra={"assay": "MPRA", "organism": "Saccharomyces cerevisiae", "summary": "Flanks of a promoter"},
)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "registry.yaml").write_text(TEXT)
    return tmp_path / "registry.yaml"


@pytest.fixture
def large(monkeypatch, path, tmp_path):
    """The same registry, taken for one whose index is kept."""
    monkeypatch.setattr(catalogue, "_SMALL", 0)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return path


def list_kept():
    return sorted(path for path in cache_folder().rglob("*") if path.is_file())


def find_names(path, **asked):
    return [listing.name for listing in Catalogue(path).search(Query(**asked))]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["gm12878-ctcf", "k562-ctcfl", "multi", "yeast-mpra"]),
        ({"every": True}, ["gm12878-ctcf", "k562-ctcfl", "multi", "old-ctcf", "yeast-mpra"]),
        ({"assay": "CTCF"}, ["gm12878-ctcf", "multi"]),
        ({"assay": "CTCF", "every": True}, ["gm12878-ctcf", "multi", "old-ctcf"]),
        ({"assay": "CTCF", "sort": "auroc"}, ["multi", "gm12878-ctcf"]),
        ({"sort": "mse"}, ["multi", "gm12878-ctcf", "k562-ctcfl", "yeast-mpra"]),
        ({"assay": "CTCF", "biosample": "GM12878", "organism": "human"}, ["gm12878-ctcf"]),
        ({"organism": "yeast"}, ["yeast-mpra"]),
        ({"text": "promot flank"}, ["yeast-mpra"]),
        ({"assay": "MPRA", "biosample": "K562"}, []),  # each there, and not together
        ({"biosample": "A549"}, []),  # withdrawn
    ],
)
def test_a_search_finds_what_is_all_that_is_asked(path, asked, found):
    assert find_names(path, **asked) == found


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"assay": "CTFC"}, r"has assay 'CTFC'; did you mean 'CTCF'\?$"),
        ({"assay": "yeats"}, r"has assay 'yeats'; did you mean 'yeast'\?$"),  # in a name
        ({"biosample": "K652"}, r"has biosample 'K652'; did you mean 'K562'\?$"),
        ({"organism": "mouse"}, "has organism 'mouse'; there is Homo sapiens, Saccharomyces cerevisiae$"),
        ({"text": "flanks promotor"}, r"has text 'promotor'; did you mean 'promoter'\?$"),
        ({"assay": "MPRA", "biosample": "-"}, "has biosample '-'; there is"),
        ({"text": "gm12878-ctf"}, r"has text 'gm12878-ctf'; did you mean 'gm12878-ctcf'\?$"),
        ({"text": "yaest"}, r"has text 'yaest'; did you mean 'yeast'\?$"),
        ({"text": "ChIP-sek"}, r"has text 'ChIP-sek'; did you mean 'ChIP-seq'\?$"),
        ({"text": "off"}, "has text 'off'; zoo list shows what there is$"),
        ({"assay": "qqq"}, "has assay 'qqq'; there is CTCF, DNase, MPRA, TF ChIP-seq, many$"),
        ({"sort": "aurok"}, r"^no model has the metric 'aurok'; did you mean 'auroc'\?$"),
    ],
)
def test_a_word_that_no_model_has_is_an_error_with_a_near_match(path, asked, message):
    with pytest.raises(UnknownModel, match=message):
        find_names(path, **asked)


def test_letters_that_are_small_ones_of_ascii_to_python_alone_are_found(tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_text(make_text(a={"biosample": "\u212a562"}, b={"biosample": "STRASSE"}, c={"biosample": "straße"}))
    assert find_names(path, biosample="k562") == ["a"]  # a kelvin, not a K
    assert find_names(path, biosample="strasse") == find_names(path, biosample="Straße") == ["b", "c"]


@pytest.mark.parametrize("asked", [{}, {"assay": "CTCF"}, {"sort": "auroc"}, {"sort": "organism"}])
def test_rows_that_are_to_be_shown_alone_are_the_same(path, asked):
    whole = Catalogue(path).list_rows(Query(**asked))
    shown = Catalogue(path).list_rows(Query(**asked), shown=True)
    assert [row["name"] for row in shown] == [row["name"] for row in whole]
    assert all(row.items() <= full.items() for row, full in zip(shown, whole, strict=True))


WORDS = ["", "", "CTCF", "k562", "human", "Homo", "straße", "strasse", "hg19", "-"]


@given(INDEXES, st.builds(Query, *[st.sampled_from(WORDS)] * 5, st.just(""), st.booleans()))
@settings(max_examples=150)
def test_a_search_finds_what_reading_every_entry_finds(tmp_path_factory, index, query):
    path = tmp_path_factory.mktemp("registry") / "registry.yaml"
    path.write_bytes(format_registry(index).encode())
    criteria = list_criteria(query)
    listings = [listing for listing in read_registry(path).list_models() if query.every or listing.latest]
    expected = [
        listing
        for listing in listings
        if all(
            criterion.admits({"name": listing.name, **listing.entry.model_dump(mode="json")}) for criterion in criteria
        )
    ]
    try:
        assert Catalogue(path).search(query) == expected
    except UnknownModel:
        assert expected == []


@pytest.mark.parametrize("name", ["gm12878-ctcf", "gm12878-ctcf@1.0.0", "gm12878-ctcf@latest", "old-ctcf@1.0.0"])
def test_a_catalogue_finds_what_the_registry_finds(path, name):
    assert Catalogue(path).find(name) == read_registry(path).find(name)


@pytest.mark.parametrize("name", ["gm12878-ctfc", "gm12878-ctcf@2.0.0", "old-ctcf", "", "@", "gm12878-ctcf@"])
def test_a_catalogue_refuses_what_the_registry_refuses_in_the_same_words(path, name):
    with pytest.raises(UnknownModel) as expected:
        read_registry(path).find(name)
    with pytest.raises(UnknownModel) as found:
        Catalogue(path).find(name)
    assert str(found.value) == str(expected.value)


def test_an_alias_is_found_through_the_index(tmp_path):
    model = rank({"1.0.0": make_entry(), "2.0.0": make_entry()}, {"stable": "1.0.0"})
    (tmp_path / "r.yaml").write_text(format_registry(Index(schema_version=2, models={"a": model})))
    assert Catalogue(tmp_path / "r.yaml").find("a@stable").version == "1.0.0"
    assert Catalogue(tmp_path / "r.yaml").find("a").latest


def test_a_name_is_listed_whatever_its_versions(path):
    assert Catalogue(path).lists("old-ctcf")
    assert not Catalogue(path).lists("old")
    assert Catalogue(path).list_names()[0] == "gm12878-ctcf"


def test_the_index_beside_a_registry_is_taken_and_of_its_yaml_one_models_lines_are_read(path, monkeypatch):
    path.with_name("registry.index.jsonl").write_bytes(build_index(TEXT))
    monkeypatch.setattr(catalogue, "build_index", None)
    monkeypatch.setattr(catalogue, "read_text", None)
    assert Catalogue(path).find("multi").version == "1.0.0"


@pytest.mark.parametrize(
    ("name", "line", "other"),
    [
        ("multj", b'"name":"multi"', b'"name":"multj"'),
        ("multi", b"a" * 64, b"b" * 64),
        ("old-ctcf", b'"latest":false,"yanked":"wrong anchor"', b'"latest":true'),
        ("multi", b'"version":"1.0.0"', b'"version":"1.0.1"'),
        ("multi", b'"latest":true', b'"latest":true,"aliases":["stable"]'),
    ],
)
def test_an_index_that_says_of_a_model_what_its_registry_does_not_is_refused(path, name, line, other):
    beside = path.with_name("registry.index.jsonl")
    beside.write_bytes(seal(build_index(TEXT).replace(line, other)))
    with pytest.raises(ModelError) as refused:
        Catalogue(path).find(name)
    assert str(refused.value) == (
        f"{beside}: models.{name}: expected what {path} says, found something else; remove this index, and it is made "
        f"anew"
    )
    beside.unlink()
    assert Catalogue(path).find("multi").entry.sha256sums == "a" * 64


@pytest.mark.parametrize(
    ("written", "as_people_may"),
    [
        ("  multi:\n", "  'multi': # ours\n"),
        ("  multi:\n    latest: ", "  multi:\n    latest: &one "),
        ("\n", "\r\n"),
    ],
)
def test_a_registry_that_is_written_otherwise_says_the_same_as_its_index(path, written, as_people_may):
    text = TEXT.replace(written, as_people_may)
    assert text != TEXT
    path.write_bytes(text.encode())
    path.with_name("registry.index.jsonl").write_bytes(build_index(text))
    assert Catalogue(path).find("multi").version == "1.0.0"


def test_a_registry_that_is_replaced_while_its_index_is_read_is_no_fault_of_that(path):
    path.with_name("registry.index.jsonl").write_bytes(build_index(TEXT))
    opened = Catalogue(path)
    assert opened.lists("multi")
    path.write_text(make_text(a={}))
    assert opened.find("multi").version == "1.0.0"


def test_an_index_of_an_earlier_registry_is_passed_over(path):
    path.with_name("registry.index.jsonl").write_bytes(build_index(make_text(a={})))
    assert Catalogue(path).lists("multi")
    assert not Catalogue(path).lists("a")


def test_a_small_registry_leaves_nothing_in_the_cache(path, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    assert Catalogue(path).lists("multi")
    assert not (tmp_path / "home").exists()


def test_the_index_of_a_large_registry_is_kept_and_replaced_when_that_changes(large, monkeypatch):
    assert Catalogue(large).lists("multi")
    (kept,) = list_kept()
    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "build_index", None)
        assert Catalogue(large).lists("multi")
    large.write_text(make_text(a={}))
    assert Catalogue(large).lists("a")
    assert not Catalogue(large).lists("multi")
    assert list_kept() == [kept]


def make_folder(path):
    path.unlink()
    (path / "below").mkdir(parents=True)


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-20]), id="cut off"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes().replace(b"yeast", b"yeasu")), id="a letter"),
        pytest.param(make_folder, id="a folder"),
        pytest.param(make_pipe, id="a pipe"),
    ],
)
def test_a_kept_index_that_was_damaged_is_made_again(large, damage):
    assert Catalogue(large).lists("multi")
    (kept,) = list_kept()
    whole = kept.read_bytes()
    damage(kept)
    assert Catalogue(large).lists("yeast-mpra")
    assert kept.read_bytes() == whole


def test_a_damaged_index_beside_a_registry_is_passed_over(path):
    beside = path.with_name("registry.index.jsonl")
    beside.write_bytes(build_index(TEXT).replace(b"multi", b"mulzi"))
    assert Catalogue(path).find("multi").version == "1.0.0"


@pytest.mark.parametrize("obstacle", ["file", "read-only"])
def test_a_cache_that_can_not_be_written_costs_time_alone(large, tmp_path, monkeypatch, obstacle):
    home = tmp_path / "home"
    if obstacle == "file":
        home.write_text("no folder")
    else:
        home.mkdir()

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert Catalogue(large).find("multi").version == "1.0.0"
    assert Catalogue(large).search(Query(assay="MPRA"))[0].name == "yeast-mpra"


def test_without_any_home_a_catalogue_works(large, monkeypatch):
    def have_none():
        raise RuntimeError

    monkeypatch.delenv("ZOO_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", have_none)
    assert Catalogue(large).lists("multi")


def test_processes_that_keep_one_index_at_once_all_have_it_whole(large):
    code = (
        "import sys; from pathlib import Path; from zoo.registry import catalogue; catalogue._SMALL = 0; "
        "print(len(catalogue.Catalogue(Path(sys.argv[1])).list_names()))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(large)], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert [process.communicate()[0] for process in started] == ["5\n"] * 3
    (kept,) = list_kept()
    assert kept.read_bytes() == build_index(TEXT)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"registry\.yaml: can't be read: No such file"),
        (b"\xff", r"registry\.yaml: expected text, found bytes that are none"),
        (b"a: [", r"registry\.yaml: expected YAML"),
        (b"schema_version: 3\nnews: 1\n", r"registry\.yaml: .*update assayzoo"),
    ],
)
def test_what_is_no_registry_is_named(tmp_path, content, message):
    path = tmp_path / "registry.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        Catalogue(path).find("a")


@given(st.text("abC-1", max_size=8), st.lists(st.text("abC-1", max_size=8), min_size=4, max_size=30))
def test_those_names_are_compared_with_a_misspelt_one_that_have_most_of_its_letters_in_a_row(name, names):
    small, compared = name.casefold(), []
    size = 2 if len(small) <= 6 else 3
    pieces = {small[start : start + size] for start in range(max(1, len(small) - size + 1))}

    def rank_name(other):
        return -sum(piece in other.casefold() for piece in pieces), abs(len(other) - len(name)), other

    def compare(_, likely):
        compared.extend(likely)
        return "; did you mean it?"

    expected = sorted({other for other in names if rank_name(other)[0]}, key=rank_name)[:3]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "_FEW", 3)
        patch.setattr(catalogue, "near_match", compare)
        find_near(name, names)
    assert compared == (expected if len(set(names)) > 3 else sorted(set(names)))


def test_a_near_match_among_many_names_is_found_where_letters_in_a_row_are_the_same(monkeypatch):
    names = [f"{factor}-{cell}" for factor in ("ctcf", "sp1", "rest", "max") for cell in ("k562", "gm12878", "hepg2")]
    monkeypatch.setattr(catalogue, "_FEW", 3)
    assert find_near("gm12878-ctfc", ["gm12878-ctcf", *names]) == "; did you mean 'gm12878-ctcf'?"
    assert find_near("CTCF-K526", names) == "; did you mean 'ctcf-k562'?"
    assert find_near("zzz", names) == "; there are 12, see `zoo list`"
    assert find_near("z", names) == "; there are 12, see `zoo list`"
    assert find_near("", names) == "; there are 12, see `zoo list`"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes on the disk")
def test_a_pipe_in_the_place_of_a_registry_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "registry.yaml")
    with pytest.raises(ModelError, match=r"registry\.yaml: expected a file, found a folder, a pipe or a device$"):
        Catalogue(tmp_path / "registry.yaml").find("gm12878-ctcf")
