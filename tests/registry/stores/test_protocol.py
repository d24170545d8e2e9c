import pytest

from zoo.registry.stores.protocol import leads_out


@pytest.mark.parametrize("path", ["", ".", "..", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a\\b", "a\0"])
def test_these_are_no_names_below_a_store(path):
    assert leads_out(path)


@pytest.mark.parametrize("path", ["a", "a/b", "...", "a..b", ".a", "a b/~é?#%2e%2e"])
def test_these_are(path):
    assert not leads_out(path)
