"""Published, pulled into an empty home, annotated: the same to the last bit."""

from pathlib import Path

import pytest

import zoo
from tests.publishing.makers import read_files, write_key
from zoo.publishing.publish import publish
from zoo.registry.pull import pull

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("signed", [False, True])
def test_a_model_annotates_the_same_before_and_after(store, tmp_path, signed):
    model = zoo.load("gm12878-ctcf").folder
    publish(model, store, key=write_key(tmp_path / "key.pem") if signed else None)
    pulled = pull("gm12878-ctcf", registry=store / "registry.yaml").folder
    assert read_files(pulled).items() >= read_files(model).items()
    genome = tmp_path / "genome.fa"
    genome.write_bytes((EXAMPLES / "genome.fa").read_bytes())

    def annotate(folder, name):
        zoo.annotate(EXAMPLES / "variants.vcf", genome, folder, tmp_path / name, threads=1)
        return [line for line in (tmp_path / name).read_bytes().splitlines() if not line.startswith(b"##zoo")]

    before = annotate(model, "before.vcf")
    assert annotate(pulled, "after.vcf") == before
    assert sum(b"ZOO_GM12878_CTCF=" in line for line in before) > 0
