import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import UnsafeModel
from zoo.model.file_names import check_name


@pytest.mark.parametrize(
    "name", ["model.onnx", "a/b/c/d.txt", "données.csv", "..a", "a..b", "con1.txt", "-x", "a" * 200]
)
def test_a_plain_name_is_given_back(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", "/etc/passwd", "../a", "a/../b", "a/..", "./a", "a//b", "a/", "a\\b", "..\\a", "C:\\a", "C:a", "a\0b",
        "a\nb", "a\x7fb", "a\u202eb", "a?b", "a*", "a.", "a ", " a", "CON", "nul.txt", "dir/LPT1.x", "com0",
        "a/b/c/d/e", "a" * 201, "é" * 101, "\ud800",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_or_is_not_portable_is_refused(name):
    with pytest.raises(UnsafeModel, match=r"^file name"):
        check_name(name)


@given(st.text(alphabet="ab./\\ :\0é", max_size=12))
def test_a_name_that_passes_stays_in_its_folder(tmp_path_factory, name):
    try:
        check_name(name)
    except UnsafeModel:
        return
    root = tmp_path_factory.getbasetemp()
    inside = (root / name).resolve()
    assert inside != root
    assert inside.relative_to(root.resolve()).as_posix() == name
