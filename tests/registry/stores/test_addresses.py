import pytest

from zoo.registry.stores.addresses import hide_secrets, split_address


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


@pytest.mark.parametrize(
    ("address", "store", "name"),
    [
        (
            "https://me:s3cret@zoo.org/lab/registry.yaml?signature=1",
            "https://me:s3cret@zoo.org/lab?signature=1",
            "registry.yaml",
        ),
        ("https://zoo.org/registry.yaml", "https://zoo.org", "registry.yaml"),
        ("s3://zoo/models/my%20index.yaml", "s3://zoo/models", "my index.yaml"),
        ("hf://lab/zoo@main/registry.yaml", "hf://lab/zoo@main", "registry.yaml"),
        ("/srv/zoo/registry.yaml", "/srv/zoo", "registry.yaml"),
        ("registry.yaml", ".", "registry.yaml"),
    ],
)
def test_a_file_is_split_into_its_store_and_its_name(address, store, name):
    assert split_address(address) == (store, name)
