"""Ranks among the scores of common variants, and the file that holds them."""

import io
import json
import pickle
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from zoo.errors import DataError
from zoo.prediction.scoring.background import (
    MIN_ALLELES,
    Background,
    BackgroundDocument,
    read_background,
    write_background,
)

FIELDS = {
    "model": "g-at-anchor@1.0.0",
    "digest": "ab" * 32,
    "scorer": "difference",
    "config": {"width": 4},
    "signed": True,
    "tracks": ("g",),
    "settings": {"shifts": [0]},
    "alleles": MIN_ALLELES,
    "genome": "18Foh_HBStH8xA1fNjFTaMHDCLtrkJur",
    "vcf": "common.vcf",
    "vcf_sha256": "cd" * 32,
}
FINITE = st.floats(-1e3, 1e3, width=16)


def make(*tracks, **fields):
    """A background of some scores a track."""
    names = tuple(f"track{number}" for number in range(len(tracks)))
    document = BackgroundDocument(**{**FIELDS, "tracks": names, **fields})
    return Background(np.sort(np.array(tracks, np.float32), axis=1), document)


def ranks(function, scores):
    return function(np.array(scores, np.float32)[:, np.newaxis])[:, 0].tolist()


@pytest.fixture
def background():
    return make(np.arange(MIN_ALLELES), -np.ones(MIN_ALLELES))


@pytest.fixture
def written(tmp_path, background):
    path = tmp_path / "background.npz"
    with path.open("wb") as file:
        write_background(background, file)
    return path


def test_a_percentile_counts_those_below_and_half_of_the_equals():
    background = make([-1, 0, 2, 2])
    assert ranks(background.percentile, [-2, -1, 1, 2, 3]) == [0, 12.5, 50, 75, 100]


def test_other_scores_or_others_of_them_have_another_digest(background):
    same = make(np.arange(MIN_ALLELES), -np.ones(MIN_ALLELES))
    others = [make(np.arange(MIN_ALLELES), np.ones(MIN_ALLELES)), background.take([0]), background.take([1, 0])]
    assert background.digest() == same.digest()
    assert len({found.digest() for found in (background, *others)}) == 4


def test_p_of_a_signed_score_counts_those_as_far_out_on_its_own_side():
    background = make([-3, -1, 0, 2])
    assert ranks(background.empirical_p, [-4, -3, -1, 1, 2, 3]) == pytest.approx([0.2, 0.4, 0.6, 0.4, 0.4, 0.2])
    assert ranks(background.empirical_p, [0.0, -0.0]) == [1, 1]


def test_p_of_an_unsigned_score_counts_those_as_large_or_larger():
    background = make([0, 0, 1, 4], signed=False)
    assert ranks(background.empirical_p, [0, 1, 2, 4, 5]) == pytest.approx([1, 0.6, 0.4, 0.4, 0.2])


def test_nan_stays_nan():
    background = make([-1, 0, 2])
    assert np.isnan(ranks(background.percentile, [np.nan, 1])).tolist() == [True, False]
    assert np.isnan(ranks(background.empirical_p, [1, np.nan])).tolist() == [False, True]


def test_each_track_is_ranked_among_its_own():
    background = make([0, 1], [10, 20])
    scores = np.array([[5, 5], [np.nan, 15]], np.float32)
    np.testing.assert_array_equal(background.percentile(scores), [[100, 0], [np.nan, 50]])
    assert background.percentile(scores).dtype == background.empirical_p(scores).dtype == np.float32


def test_some_tracks_can_be_taken():
    taken = make([0, 1], [10, 20], [5, 6]).take([2, 0])
    assert taken.document.tracks == ("track2", "track0")
    assert taken.scores.tolist() == [[5, 6], [0, 1]]


def test_scores_of_another_number_of_tracks_are_a_slip():
    with pytest.raises(ValueError, match=r"expected scores of 2 tracks, found shape \(4, 1\)"):
        make([0, 1], [0, 1]).percentile(np.zeros((4, 1), np.float32))


@given(known=arrays.arrays(np.float32, st.integers(1, 30), elements=FINITE), asked=FINITE, signed=st.booleans())
def test_ranks_are_what_counting_gives(known, asked, signed):
    background = make(known, signed=signed)
    expected = 100 * (sum(known < asked) + sum(known == asked) / 2) / len(known)
    assert ranks(background.percentile, [asked]) == pytest.approx([expected])
    if signed and asked == 0:
        extreme = len(known)
    elif signed and asked < 0:
        extreme = sum(known <= asked)
    else:
        extreme = sum(known >= asked)
    assert ranks(background.empirical_p, [asked]) == pytest.approx([(1 + extreme) / (len(known) + 1)])


@given(known=arrays.arrays(np.float32, st.integers(1, 30), elements=FINITE), asked=FINITE)
def test_signed_p_is_the_same_of_the_mirror_image(known, asked):
    assert ranks(make(known).empirical_p, [asked]) == ranks(make(-known).empirical_p, [-asked])


def test_what_was_written_is_read_again(written, background):
    found = read_background(written)
    np.testing.assert_array_equal(found.scores, background.scores)
    assert (found.document, found.source, found.signed) == (background.document, str(written), True)


def test_the_same_scores_make_the_same_bytes_which_any_reader_of_arrays_reads(written, background):
    again = io.BytesIO()
    write_background(background, again)
    assert again.getvalue() == written.read_bytes()
    with np.load(written, allow_pickle=False) as archive:
        assert archive["scores"].shape == (2, MIN_ALLELES)
        assert json.loads(archive["document.json"])["scorer"] == "difference"


def array_bytes(scores, **options):
    file = io.BytesIO()
    np.save(file, scores, **options)
    return file.getvalue()


def rewrite(path, *, compression=zipfile.ZIP_STORED, **entries):
    """Put other contents in place of some entries, by their names without the ending; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    names = {"scores": "scores.npy", "document": "document.json"}
    contents |= {names.get(name, name): content for name, content in entries.items()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)


def document_bytes(**fields):
    document = {**FIELDS, "schema_version": 1, "tracks": ["track0", "track1"], **fields}
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


GOOD = np.zeros((2, MIN_ALLELES), np.float32)
HUGE = array_bytes(GOOD).replace(b"(2, 100)", b"(2, 10**15)").replace(b"10**15", b"1" + b"0" * 15)
DESCENDING = np.tile(np.arange(MIN_ALLELES, 0, -1, dtype=np.float32), (2, 1))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"scores": array_bytes(GOOD.astype(float))}, "expected float32 of 2 tracks, found float64 of shape (2, 100)"),
        ({"scores": array_bytes(GOOD[:1])}, "expected float32 of 2 tracks, found float32 of shape (1, 100)"),
        ({"scores": array_bytes(GOOD[0])}, "expected float32 of 2 tracks, found float32 of shape (100,)"),
        ({"scores": array_bytes(GOOD[:, 1:])}, "expected a score of each of 100 alleles, found 99"),
        ({"scores": array_bytes(np.full_like(GOOD, np.inf))}, "expected finite scor"),
        ({"scores": array_bytes(DESCENDING)}, "expected ascending scores in each track, found others"),
        ({"scores": array_bytes(np.array([[{}]]), allow_pickle=True)}, "Object arrays cannot be loaded when"),
        ({"scores": array_bytes(GOOD)[:-1]}, "found a broken or another file ("),
        ({"scores": b"no array"}, "found a broken or another file ("),
        ({"scores": HUGE}, "found a broken or another file (Unable to allocate"),
        ({"scores": None}, "expected the entries scores.npy and document.json, found ['document.json']"),
        ({"other": b""}, "expected the entries scores.npy and document.json, found"),
        ({"document": b"\xff"}, "found a broken or another file ("),
        ({"document": b"[" * 100_000}, "found a broken or another file ("),
        ({"document": b"[]"}, "document.json: expected fields, found a list"),
        ({"document": document_bytes(digest=None)}, "document.json: field 'digest' is missing"),
        ({"document": document_bytes(digest="x")}, "document.json: field 'digest': "),
        ({"document": document_bytes(alleles=99)}, "document.json: field 'alleles': "),
        ({"document": document_bytes(more=1)}, "document.json: unknown field 'more'"),
        ({"document": document_bytes(config={"epsilon": float("nan")})}, "expected numbers, found NaN"),
        ({"compression": zipfile.ZIP_DEFLATED}, "expected entries that are not compressed"),
    ],
)
def test_a_broken_background_is_one_line(written, entries, message):
    rewrite(written, **entries)
    with pytest.raises(DataError, match=rf"^{re.escape(str(written))}: .*{re.escape(message)}") as error:
        read_background(written)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive", pickle.dumps([1]), array_bytes(GOOD)])
def test_another_file_is_no_background(tmp_path, content):
    path = tmp_path / "background.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"expected a background, found a broken or another file .*make it again with"):
        read_background(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.npz: can't be read: No such file or directory"):
        read_background(tmp_path / "nothing.npz")


@given(place=st.integers(0, 2**16), value=st.integers(0, 255))
def test_a_changed_byte_gives_the_same_scores_or_an_error(tmp_path_factory, place, value):
    file = io.BytesIO()
    background = make(np.arange(MIN_ALLELES))
    write_background(background, file)
    content = bytearray(file.getvalue())
    content[place % len(content)] = value
    path = tmp_path_factory.mktemp("changed") / "background.npz"
    path.write_bytes(content)
    try:
        found = read_background(path)
    except DataError:
        return
    np.testing.assert_array_equal(found.scores, background.scores)
    assert found.document == background.document
