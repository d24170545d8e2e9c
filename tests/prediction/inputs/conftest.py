"""Inputs of any kind, and the records that they are read as."""

import gzip

import pytest

from zoo.prediction.inputs.opening import open_records
from zoo.prediction.inputs.source import InputOptions


@pytest.fixture
def write_input(tmp_path):
    """Write a text, packed where the name ends with .gz; columns may be given between blanks as one table."""

    def write(text, name="in.tsv", *, tabs=True):
        content = (text.replace(" ", "\t") if tabs else text).encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


@pytest.fixture
def read_records():
    """Return an input's records, columns 1 to 5 and INFO between blanks, and its source, closed."""

    def read(path, reference, *, size=1000, **options):
        with open_records(path, reference, InputOptions(**options)) as source:
            batches = list(source.batches(size))
        assert [batch.first for batch in batches] == [sum(map(len, batches[:n])) for n in range(len(batches))]
        assert all(0 < len(batch) <= size for batch in batches)
        records = [record for batch in batches for record in batch.columns]
        assert all(len(record) == 8 for record in records)
        return [" ".join([*record[:5], record[7]]) for record in records], source

    return read
