import sys

import pytest

from zoo.errors import DownloadError, MissingExtra, OutputError
from zoo.registry.stores.http import HttpStore
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.oci import OciStore
from zoo.registry.stores.opening import open_store


@pytest.mark.parametrize(
    ("address", "kind", "shown"),
    [
        ("models", LocalStore, "models"),
        ("/srv/zoo/", LocalStore, "/srv/zoo"),
        ("https://me:s3cret@zoo.org/models/?signature=1", HttpStore, "https://zoo.org/models"),
        ("HTTP://127.0.0.1:8000", HttpStore, "HTTP://127.0.0.1:8000"),
        ("oci://ghcr.io/lab/models/", OciStore, "oci://ghcr.io/lab/models"),
    ],
)
def test_an_address_tells_the_kind_of_store(address, kind, shown):
    store = open_store(address)
    assert isinstance(store, kind)
    assert store.address == shown


@pytest.mark.parametrize(
    ("scheme", "library"), [("s3", "s3fs"), ("gs", "google.auth.exceptions"), ("hf", "huggingface_hub")]
)
def test_a_library_that_is_missing_is_named_with_its_extra(scheme, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=rf"^{scheme}://lab/zoo: needs .*; run pip install 'assayzoo\[{scheme}\]'$"):
        open_store(f"{scheme}://lab/zoo")


@pytest.mark.parametrize("address", ["ftp://zoo.org/models", "file:///srv/zoo", "https://", "s3://", "://a"])
def test_what_is_no_store_is_refused_with_what_there_is(address):
    with pytest.raises(DownloadError, match=r"expected a folder, or an address such as https://…, http://…, s3://…"):
        open_store(address)
    with pytest.raises(OutputError, match=r"expected a folder, or an address such as s3://…, gs://…, hf://…, oci://…$"):
        open_store(address, write=True)


@pytest.mark.parametrize("address", ["s3:///zoo", "gs:///zoo", "hf:///lab/zoo", "oci://[bad/x", "s3://zoo/b#1"])
def test_an_address_that_leads_nowhere_or_is_not_read_as_a_whole_is_refused(address):
    with pytest.raises(DownloadError, match="expected an address with"):
        open_store(address)
    with pytest.raises(OutputError, match="expected an address with"):
        open_store(address, write=True)


def test_a_web_server_can_not_be_written():
    with pytest.raises(OutputError, match=r"^https://zoo\.org/models: a web server can only be read; publish to"):
        open_store("https://me:s3cret@zoo.org/models", write=True)
