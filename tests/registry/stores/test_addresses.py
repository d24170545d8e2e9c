import pytest

from zoo.errors import DownloadError
from zoo.registry.stores.addresses import check_address, hide_secrets, show, split_address


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


@pytest.mark.parametrize(
    "address",
    [
        *("s3:///zoo/r.yaml", "gs:///r.yaml", "hf:///r.yaml", "oci:///zoo", "http:///r.yaml"),
        *("https://me:s3cret@/r.yaml", "http://[bad/r.yaml", "http://exa\u2100mple.com/r.yaml", "s3://[x]/r.yaml"),
        "oci://[bad/x",
    ],
)
def test_an_address_without_a_server_or_bucket_is_none(address):
    with pytest.raises(ValueError, match=r"^expected an address with the name of a server or bucket behind \w+://$"):
        check_address(address)
    with pytest.raises(DownloadError, match=r"expected an address with the name of a server or bucket") as caught:
        split_address(address)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["s3://zoo/b#1", "s3://zoo/c?d", "gs://zoo/#", "hf://lab/zoo?a=b", "oci://h/a#b", "https://lab.org/zoo#1"],
)
def test_what_a_store_would_pass_over_is_refused(address):
    with pytest.raises(ValueError, match=r"^expected an address without '[?#]'$"):
        check_address(address)


@pytest.mark.parametrize("address", ["http://lab.org/\udcff", "s3://\udcff/zoo"], ids=ascii)
def test_an_address_that_was_typed_in_another_encoding_is_refused(address):
    with pytest.raises(ValueError, match=r"^expected an address in UTF-8$"):
        check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "/srv/what?\udcff#1",
        "https://lab.org/zoo?signature=1",
        "http://[::1]:80/zoo",
        "hf://lab/zoo@main/a",
        "s3://arn:aws:s3:eu-west-1:1:accesspoint/zoo",
    ],
)
def test_a_path_and_an_address_that_can_be_asked_are_taken(address):
    check_address(address)


def test_what_a_server_says_moves_no_cursor_and_fills_no_screen():
    assert show("No\x1b[31m \x07way\r\nM\u00fcller") == "No?[31m ?way??M\u00fcller"
    assert show("a" * 9999) == "a" * 200 + "…"
