"""The index beside a registry: what its lines hold, when it counts, and that halving finds every name."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.registry.made_indexes import INDEXES, MODELS, NAMES, make_entry, make_text, make_versions
from zoo.errors import ModelError
from zoo.registry import index_file
from zoo.registry.index import Index, list_index
from zoo.registry.index_file import Lines, build_index, is_index_of, name_index
from zoo.registry.writing import format_registry, rank, splice


def test_an_index_has_a_head_and_a_line_a_version_with_what_a_list_shows_first():
    model = rank(
        {"1.10.0": make_entry(yanked="wrong"), "1.9.0": make_entry(organism="Homo sapiens", tracks=("CTCF",))},
        {"stable": "1.9.0"},
    )
    text = format_registry(Index(schema_version=2, models={"b-ctcf": model, "a": make_versions()}))
    head, *lines = build_index(text).decode().splitlines()
    digest = hashlib.sha256(text.encode()).hexdigest()
    own = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert head == f'{{"format":1,"registry":"{digest}","versions":3,"lines":"{own}"}}'
    end = f'"summary":"a test","sha256sums":"{"a" * 64}","url":"m"'
    human = '"organism":"Homo sapiens","tracks":["CTCF"]'
    assert lines == [
        f'{{"name":"a","version":"1.0.0","latest":true,"assay":"none",{end}}}',
        f'{{"name":"b-ctcf","version":"1.9.0","latest":true,"aliases":["stable"],"assay":"none",{end},{human}}}',
        f'{{"name":"b-ctcf","version":"1.10.0","latest":false,"yanked":"wrong","assay":"none",{end}}}',
    ]


def test_an_index_stands_beside_its_registry(tmp_path):
    assert name_index(tmp_path / "registry.yaml") == tmp_path / "registry.index.jsonl"
    assert name_index(tmp_path / "lab.yaml") == tmp_path / "lab.index.jsonl"


@given(INDEXES)
@settings(max_examples=60)
def test_every_name_is_found_in_an_index_and_no_other(index):
    text = format_registry(index)
    lines = Lines(build_index(text), "i")
    assert lines.list_names() == sorted(index.models)
    for name, model in index.models.items():
        assert lines.holds(name)
        assert lines.find(name) == model.model_copy(update={"latest": model.newest or max(
            model.versions, key=lambda version: [int(part) for part in version.split(".")])})  # fmt: skip
    for other in ("", "a-", "zzzzz", "m.0"):
        assert lines.find(other) is None
        assert not lines.holds(other)


@given(INDEXES)
@settings(max_examples=60)
def test_the_rows_of_an_index_are_the_registrys(index):
    lines = Lines(build_index(format_registry(index)), "i")
    listings = list_index(index)
    assert [(row["name"], row["version"], row["latest"]) for row in lines.list_rows()] == [
        (listing.name, listing.version, listing.latest) for listing in listings
    ]
    for row, whole, listing in zip(lines.list_rows(shown=True), lines.list_rows(), listings, strict=True):
        assert not {"sha256sums", "metrics", "organism"} & set(row)
        assert row["summary"] == whole["summary"] == listing.entry.summary
        assert whole.get("metrics", {}) == listing.entry.metrics


@given(INDEXES, NAMES, MODELS)
@settings(max_examples=60)
def test_an_index_made_from_the_one_before_is_the_one_made_anew(index, name, versions):
    before = format_registry(index)
    after = splice(before, name, versions)
    assert build_index(after, before=(before, build_index(before))) == build_index(after)
    assert build_index(before, before=(after, build_index(after))) == build_index(before)


def test_only_changed_models_are_read_again(monkeypatch):
    before = make_text(a={}, b={"summary": "old"}, c={})
    built = build_index(before)
    read, parse = [], index_file.parse_registry

    def note(text, where):
        index = parse(text, where)
        read.extend(index.models)
        return index

    monkeypatch.setattr(index_file, "parse_registry", note)
    build_index(splice(before, "b", make_versions(summary="new")), before=(before, built))
    assert read == ["b"]


def test_an_index_of_another_registry_before_is_of_no_use_and_does_no_harm():
    text = make_text(a={}, b={})
    of_another = build_index(make_text(a={"summary": "another"}))
    assert build_index(text, before=(make_text(a={}), of_another)) == build_index(text)


def test_many_models_are_read_in_slices(monkeypatch):
    text = make_text(a={}, b={}, c={}, d={}, e={})
    whole = build_index(text)
    monkeypatch.setattr(index_file, "_SLICE", 2)
    assert build_index(text) == whole


def test_a_fault_is_told_by_its_line_in_the_whole_text(monkeypatch):
    monkeypatch.setattr(index_file, "_SLICE", 1)
    lines = make_text(a={}, b={}).splitlines()
    lines[-1] = f" {lines[-1]}"  # as if it went on with the line above
    with pytest.raises(ModelError, match=f"line {len(lines)}, "):
        build_index("\n".join(lines))


def test_a_wrong_field_is_named(monkeypatch):
    monkeypatch.setattr(index_file, "_SLICE", 1)
    before, after = make_text(a={}, b={}).split("  b:\n")
    with pytest.raises(ModelError, match=r"^lab\.yaml: unknown field 'models\.b\.versions\.1\.0\.0\.asay'"):
        build_index(f"{before}  b:\n{after.replace('assay', 'asay')}", where="lab.yaml")


def test_a_later_schema_is_refused_even_if_no_model_is_new():
    text = make_text(a={})
    with pytest.raises(ModelError, match="update assayzoo"):
        build_index(text.replace("schema_version: 2", "schema_version: 3"), before=(text, build_index(text)))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda content: content[:-1], id="last line end missing"),
        pytest.param(lambda content: content + b"{", id="half a line more"),
        pytest.param(lambda content: content[: content.rindex(b"{")], id="last line missing"),
        pytest.param(lambda content: content + content.splitlines(keepends=True)[-1], id="a line more"),
        pytest.param(lambda content: content.replace(b'"format":1', b'"format":2'), id="another format"),
        pytest.param(lambda content: content.replace(b'"registry":"', b'"registry":"0'), id="another registry"),
        pytest.param(lambda content: content.replace(b"{", b"[", 1), id="a head that is no JSON"),
        pytest.param(lambda content: b"[]" + content[content.index(b"\n") :], id="a head that is no object"),
        pytest.param(lambda content: b"[" * 100_000 + content, id="a head of many levels"),
        pytest.param(lambda content: content.replace(b"a test", b"a tesu", 1), id="another letter"),
        pytest.param(lambda _: b"", id="nothing"),
    ],
)
def test_a_broken_index_does_not_count(change):
    text = make_text(a={}, b={})
    content = build_index(text)
    assert is_index_of(content, text.encode())
    assert not is_index_of(change(content), text.encode())
    assert not is_index_of(content, text.encode() + b"\n")


def test_an_index_counts_that_does_not_tell_the_sha256_of_its_lines_and_one_with_a_wrong_one_does_not():
    text = make_text(a={})
    head, _, lines = build_index(text).partition(b"\n")
    fields = json.loads(head)
    for own, counts in ((None, True), (fields["lines"], True), ("5" * 64, False), ([], False), (5, False)):
        fields["lines"] = own
        assert is_index_of(b"%b\n%b" % (json.dumps(fields).encode(), lines), text.encode()) == counts
    del fields["lines"]
    assert is_index_of(b"%b\n%b" % (json.dumps(fields).encode(), lines), text.encode())


@given(INDEXES, st.integers(1, 600), st.sampled_from([b"", b"ctcf", b"k562", b"a"]), st.booleans(), st.booleans())
@settings(max_examples=60)
def test_rows_are_the_same_wherever_an_index_is_cut_to_be_read(index, part, word, newest, shown):
    lines = Lines(build_index(format_registry(index)), "i")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_file, "_PART", part)
        rows = lines.list_rows(word, newest=newest, shown=shown)
        names, cut = lines.list_names(), lines.list_lines()
    assert cut == lines.content.splitlines()[1:]
    assert names == sorted(index.models)
    expected = []
    for line in cut:
        row = json.loads(line)
        if (word in line.lower() or not line.isascii()) and (row["latest"] or not newest):
            fields = list(row)
            kept = fields[: fields.index("sha256sums")] if shown else fields
            expected.append({field: row[field] for field in kept})
    assert rows == expected


@pytest.mark.parametrize(
    "line",
    [
        b'{"name":"a"}',
        b'{"name":"a","version":1}',
        b'{"name":"a","version":"1.0.0","metrics":[]}',
        b'{"name":"a","version":"1.0.0","tracks":"CTCF"}',
        b'{"name":"a","version":"1.0.0","aliases":{}}',
        b'{"name":"a","version":"1.0.0","summary":1}',
        b'{"name":"a","version":"1.0.0"},{"name":"b","version":"1.0.0"}',
        b'{"name":"a",',
        b"[1]",
        b"",
        pytest.param(b'{"name":"a","version":' + b"[" * 100_000, id="many levels"),
    ],
)
def test_a_line_that_is_none_is_an_error_of_one_line_that_says_what_to_do(line):
    lines = Lines(b"{}\n" + line + b"\n", "lab.index.jsonl")
    with pytest.raises(ModelError, match=r"^lab\.index\.jsonl: expected .*: remove it$"):
        lines.list_rows()
    with pytest.raises(ModelError, match=r"^lab\.index\.jsonl: .*$"):
        lines.find("a")


def test_a_field_that_no_entry_has_is_named():
    lines = Lines(b'{}\n{"name":"a","version":"1.0.0","sha256":"0"}\n', "lab.index.jsonl")
    with pytest.raises(ModelError, match=r"lab\.index\.jsonl: models\.a: unknown field 'versions\.1\.0\.0\.sha256'"):
        lines.find("a")


@given(
    st.lists(st.text(max_size=5), max_size=3), st.text(max_size=5), st.dictionaries(st.text(max_size=5), st.floats())
)
def test_what_stands_in_a_field_is_listed_without_reading_every_line(tracks, assay, metrics):
    row = {"name": "a", "version": "1.0.0", "assay": assay, "metrics": metrics, "tracks": tracks}
    lines = Lines(b"{}\n" + json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n", "i")
    plain = str.isalnum
    assert set(filter(plain, lines.list_values("tracks"))) >= set(filter(plain, tracks))
    assert not plain(assay) or assay in lines.list_values("assay")
    assert not all(map(plain, metrics)) or lines.list_metrics() == set(metrics)


def test_a_name_that_is_no_text_is_nobodys():
    lines = Lines(build_index("schema_version: 2\nmodels: {}\n"), "here")
    assert lines.find("\udcff") is None
    assert not lines.holds("\udcff")
