import re
from html.parser import HTMLParser

import pytest

from zoo.health.devices import Devices
from zoo.health.page import COLOURS, write_page
from zoo.health.result import Health, Row

VOID = {"meta", "br"}


class Tree(HTMLParser):
    """Reads a page, and refuses one whose elements are not closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.cells, self.rows, self.tags = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "tr":
            self.cells = []
        elif tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "tr":
            self.rows.append(self.cells)

    def handle_data(self, text):
        if {"td", "th"} & set(self.open):
            self.cells[-1] += text


def make_row(model, state, device="cpu", **fields):
    return Row(model, **{"digest": "ab" * 32, "registry": "lab", "device": device, "state": state, **fields})


def make_page(*rows, absent=None):
    devices = Devices(tuple(dict.fromkeys(row.device for row in rows if row.device)), absent or {})
    return write_page(Health("2026-01-02T03:04:05+00:00", {"python": "3.11"}, devices, rows))


def test_a_model_has_a_row_and_a_device_a_column():
    page = make_page(
        make_row("one", "passed", largest_difference=0.0, tolerance=1e-5, seconds=1.25, signer="lab"),
        make_row("one", "passed", "cuda", largest_difference=3e-6, tolerance=1e-5, seconds=2.5, signer="lab"),
    )
    heading, row = Tree(page).rows
    assert heading[2:4] == ["cpu", "cuda"]
    assert row == ["oneabababababab", "lab", "✓ passed", "✓ passed", "3e-06", "1e-05", "2.5", "lab"]
    assert "<title>1 of 1 models passed</title>" in page


def test_models_that_did_not_pass_stand_first_and_say_why():
    page = make_page(make_row("good", "passed"), make_row("bad", "failed", error="expected 1, found 2"))
    _, first, second = Tree(page).rows
    assert first[0].startswith("bad")
    assert first[-1] == "cpu: expected 1, found 2"
    assert second[0].startswith("good")


def test_a_model_that_was_not_found_has_its_state_under_every_device():
    page = make_page(make_row("good", "passed"), make_row("gone", "unreachable", "", error="no route"))
    _, first, _ = Tree(page).rows
    assert first[2] == "? unreachable"
    assert first[-1] == "no route"


def test_a_page_without_a_device_has_a_column_for_the_state():
    heading, row = Tree(make_page(make_row("gone", "unreachable", "", error="no route"))).rows
    assert (heading[2], row[2]) == ("State", "? unreachable")


def test_the_column_of_what_is_wrong_is_there_where_something_is():
    assert "What is wrong" not in Tree(make_page(make_row("good", "passed"))).rows[0]
    assert "What is wrong" in Tree(make_page(make_row("bad", "failed", error="changed"))).rows[0]


def test_a_long_fingerprint_is_cut_short_and_kept_whole_beside():
    signer = f"unknown: {'3f9a' * 16}"
    page = make_page(make_row("one", "passed", signer=signer))
    assert Tree(page).rows[1][-1] == f"{signer[:20]}…"
    assert f'title="{signer}"' in page


def test_a_check_of_nothing_has_a_page():
    assert len(Tree(make_page()).rows) == 1


def test_what_strangers_wrote_is_text():
    evil = '<script>alert("1")</script>&'
    page = make_page(make_row(evil, "failed", registry=evil, signer=evil, error=evil), absent={"cuda": evil})
    tree = Tree(page)
    assert "script" not in {tag for tag, _ in tree.tags}
    assert tree.rows[1][1] == evil
    assert tree.rows[1][-1] == f"cpu: {evil}"


def test_the_page_needs_nothing_beside_it():
    page = make_page(make_row("one", "passed"), make_row("two", "unsafe", error="why"))
    assert not re.search(r"https?:|src=|href=|url\(|@import|<script|<link", page)
    assert "default-src 'none'" in page


def test_the_page_can_be_read_aloud():
    tree = Tree(make_page(make_row("one", "passed")))
    tags = dict(reversed(tree.tags))
    assert tags["html"] == {"lang": "en"}
    assert {"main", "h1", "caption", "title"} <= set(tags)
    assert [attributes["scope"] for tag, attributes in tree.tags if tag == "th"].count("row") == 1
    assert {attributes["scope"] for tag, attributes in tree.tags if tag == "th"} == {"col", "row"}
    assert tags["div"] == {"class": "table", "role": "region", "aria-labelledby": "title", "tabindex": "0"}


def measure_luminance(colour):
    """Return the relative luminance of a colour, 0 to 1, as WCAG 2.2 defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "behind"),
    [
        ("text", "page"), ("text", "stripe"), ("quiet", "page"), ("quiet", "stripe"), ("passed", "passed-back"),
        ("failed", "failed-back"), ("unreachable", "unreachable-back"),
    ],
)  # fmt: skip
def test_every_text_stands_out_from_what_is_behind_it(mode, text, behind):
    dark, bright = sorted(measure_luminance(COLOURS[mode][name]) for name in (text, behind))
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_both_modes_name_the_same_colours_and_all_of_them_are_defined():
    assert set(COLOURS["light"]) == set(COLOURS["dark"])
    page = make_page(make_row("one", "passed"))
    assert set(re.findall(r"var\(--([a-z-]+)\)", page)) <= set(COLOURS["light"])
