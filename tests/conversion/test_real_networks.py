"""Networks that other people saved in another Keras, where they lie beside the repository, against numpy alone."""

import gzip
import itertools
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from benchmarks.convert import FILES, check_effects, compare_with_numpy, convert_file, unpack_genome
from zoo import annotate

RECORDS = 500
"""All of them are annotated by ``benchmarks/convert.py``."""

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(not (DATA / "keras_hdf5").is_dir(), reason=f"{DATA / 'keras_hdf5'} is absent"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    work = tmp_path_factory.mktemp("converted")
    return {track: convert_file(DATA, track, work) for track in FILES}


@pytest.mark.parametrize("track", FILES)
def test_a_thousand_windows_get_what_numpy_says(folders, track):
    assert compare_with_numpy(DATA, track, folders[track]) < 1e-5


def test_effects_of_variants_of_chr20_are_what_numpy_says(folders, tmp_path):
    genome = unpack_genome(DATA, tmp_path)
    vcf, output = tmp_path / "first.vcf", tmp_path / "annotated.vcf"
    with gzip.open(next((DATA / "human_chr20").glob("*.vcf.gz")), "rt") as lines, vcf.open("w") as target:
        target.writelines(itertools.islice(itertools.dropwhile(lambda line: line.startswith("##"), lines), 1 + RECORDS))
    vcf.write_text(f"##fileformat=VCFv4.2\n##contig=<ID=chr20>\n{vcf.read_text()}")
    summary = annotate(vcf, genome, list(folders.values()), output, device="cpu", threads=1)
    assert summary.records == RECORDS
    for count, largest in check_effects(DATA, output, genome, every=1).values():
        assert count > RECORDS / 2
        assert largest < 1e-5
