from zoo.registry.names import blob_path


def test_a_blob_lies_under_its_digest():
    assert blob_path("52aa") == "blobs/sha256/52/52aa"
