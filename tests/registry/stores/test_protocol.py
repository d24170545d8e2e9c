import pytest

from zoo.registry.stores.protocol import hide_secrets, leads_out


@pytest.mark.parametrize("path", ["", ".", "..", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a\\b", "a\0"])
def test_these_are_no_names_below_a_store(path):
    assert leads_out(path)


@pytest.mark.parametrize("path", ["a", "a/b", "...", "a..b", ".a", "a b/~é?#%2e%2e"])
def test_these_are(path):
    assert not leads_out(path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:s3cret@zoo.org/a@b/c?signature=1#part", "https://zoo.org/a@b/c"),
        ("https://zoo.org", "https://zoo.org"),
        ("https://t0ken@zoo.org?a", "https://zoo.org"),
        ("https://user:p@ss@host/a", "https://host/a"),
        ("https://user:p'w@host", "https://host"),
        ('found "https://user:p\'w\\"@host/a@b"', 'found "https://host/a@b"'),
        ("https://user:p?w#@host/a", "https://host/a"),
        ("ftp://u:secret@h", "ftp://h"),
        ("hf://lab/zoo@main/a", "hf://lab/zoo@main/a"),
        ("can't reach 'https://a:b@c/d?e=f' nor s3://c/d", "can't reach 'https://c/d' nor s3://c/d"),
        ("retries exceeded with url: /b/o?uploadId=5ecret (refused)", "retries exceeded with url: /b/o (refused)"),
        ("/srv/zoo/what?", "/srv/zoo/what?"),
    ],
)
def test_messages_show_addresses_without_their_secrets(text, shown):
    assert hide_secrets(text) == shown
