import re

import pytest

from zoo.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def reference(open_genome):
    return open_genome(chr1="ACGTACGTAA", chrX="ACGT")


def write(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("name", ["in.parquet", "in.tsv"])
@pytest.mark.parametrize("positions", [[2, 3], [2.0, 3.0], ["2", "3"]])
def test_parquet_is_read_as_a_table_whatever_the_types(tmp_path, read_records, reference, name, positions):
    path = write(tmp_path / name, snp=["rs1", None], beta=[0.5, None], chrom=["1", "chr1"], pos=positions,
                 effect_allele=["G", "G"], other_allele=["C", "A"])  # fmt: skip
    records, source = read_records(path, reference, size=1)
    assert records == ["chr1 2 rs1 C G EFFECT_ALLELE=G", "chr1 3 . G A EFFECT_ALLELE=G"]
    assert source.text_length() is None


def test_whole_numbers_are_contigs_too(tmp_path, read_records, reference):
    path = write(tmp_path / "in.parquet", chrom=[1, 1], pos=[2, 3], ref=["C", "G"], alt=["A", "A"])
    assert read_records(path, reference)[0] == ["chr1 2 . C A .", "chr1 3 . G A ."]


def test_a_null_stops_with_its_row(tmp_path, read_records, reference):
    path = write(tmp_path / "in.parquet", chrom=["1", "1"], pos=[2, None], ref=["C", "G"], alt=["A", "A"])
    message = f"{path}, row 2: expected a position, a whole number from 0, found none (''); take such rows out"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_records(path, reference)


def test_a_damaged_file_stops(tmp_path, read_records, reference):
    path = write(tmp_path / "in.parquet", chrom=["1"], pos=[2], ref=["C"], alt=["A"])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"in\.parquet: can't be read as Parquet: "):
        read_records(path, reference)
