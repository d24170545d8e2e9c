import pytest

from zoo.errors import near_match


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("ctfc", ["ctcf", "pu1"], "; did you mean 'ctcf'?"),
        ("CTCF", ["gm12878-ctcf", "pu1"], "; did you mean 'gm12878-ctcf'?"),
        ("ctcf", ["gm12878-ctcf", "ctcf-sites", "pu1"], "; did you mean 'ctcf-sites' or 'gm12878-ctcf'?"),
        ("fast", ["fasta", "labelled_fasta"], "; did you mean 'fasta'?"),
        ("zzz", ["one", "two"], "; there is one, two"),
        ("zzz", [], "; there are none"),
        ("", ["one"], "; there is one"),
    ],
)
def test_an_unknown_name_is_answered_with_what_was_meant_or_what_there_is(name, known, expected):
    assert near_match(name, known) == expected
