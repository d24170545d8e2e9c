import pytest

from zoo.errors import near_match


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("ctfc", ["ctcf", "pu1"], "; did you mean 'ctcf'?"),
        ("CTCF", ["gm12878-ctcf", "pu1"], "; did you mean 'gm12878-ctcf'?"),
        ("ctcf", ["gm12878-ctcf", "ctcf-sites", "pu1"], "; did you mean 'ctcf-sites' or 'gm12878-ctcf'?"),
        (
            "cell",
            ["a-cell", "cell-a", "cell-b", "cell-c", "cell-d", "z-cell", "CELL-e"],
            "; did you mean 'CELL-e', 'cell-a', 'cell-b', 'cell-c', 'cell-d' or one of 2 more?",
        ),
        ("x", [f"one-x{n}" for n in range(6)], "; there is one-x0, one-x1, one-x2, one-x3, one-x4, one-x5"),
        ("fast", ["fasta", "labelled_fasta"], "; did you mean 'fasta'?"),
        ("zzz", ["one", "two"], "; there is one, two"),
        ("zzz", [], "; there are none"),
        ("", ["one"], "; there is one"),
    ],
)
def test_an_unknown_name_is_answered_with_what_was_meant_or_what_there_is(name, known, expected):
    assert near_match(name, known) == expected
