import numpy as np
import pytest

from benchmarks.peers.genome import draw_genome, write_genome
from benchmarks.peers.networks import Shape, draw_weights, flatten_channels_first
from benchmarks.peers.variants import (
    Record,
    draw_cohort,
    draw_records,
    draw_sequences,
    is_snv,
    read_alleles,
    write_vcf,
)
from benchmarks.peers.windows import cut_windows, encode, read_genome
from zoo.genome.codes import decode

CONTIGS = {"a": 120_000, "b": 60_000}
SMALL = Shape("small", 20, ((3, 4, 2), (5, 3, 1)), (6, 2))


@pytest.fixture(scope="module")
def genome():
    return draw_genome(CONTIGS)


def test_the_same_seed_draws_the_same_and_another_seed_something_else(genome):
    again, other = draw_genome(CONTIGS), draw_genome(CONTIGS, seed=2)
    assert all(np.array_equal(genome[name], again[name]) for name in CONTIGS)
    assert not np.array_equal(genome["a"], other["a"])
    assert draw_records(genome, 300, indels=0.1) == draw_records(again, 300, indels=0.1)
    assert draw_cohort("a", genome["a"], 20_000, 100, 34) == draw_cohort("a", again["a"], 20_000, 100, 34)
    assert draw_sequences(genome["a"], 3, 50) == draw_sequences(again["a"], 3, 50)
    first, second = draw_weights(SMALL), draw_weights(SMALL)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_genome_has_unknown_and_soft_masked_bases_and_comes_back_from_its_file(genome, tmp_path):
    letters = genome["a"].tobytes().decode()
    assert set(letters) == set("ACGTacgtN")
    assert set(letters[:10_000]) == {"N"}
    write_genome(tmp_path / "genome.fa", genome)
    assert all(np.array_equal(read_genome(tmp_path / "genome.fa")[name], encode(genome[name])) for name in CONTIGS)
    index = [line.split("\t") for line in (tmp_path / "genome.fa.fai").read_text().splitlines()]
    assert [(name, int(length)) for name, length, *_ in index] == list(CONTIGS.items())
    content = (tmp_path / "genome.fa").read_bytes()
    assert [chr(content[int(offset) - 1]) for _, _, offset, *_ in index] == ["\n", "\n"]


def test_every_ref_is_what_the_genome_holds_and_no_indel_can_be_shifted(genome):
    records = draw_records(genome, 1000, indels=0.3, multiallelic=0.1)
    assert len(records) == 1000
    assert [(r.contig, r.start) for r in records] == sorted({(r.contig, r.start) for r in records})
    for record in records:
        found = genome[record.contig][record.start : record.start + len(record.ref)].tobytes().decode().upper()
        assert found == record.ref
        assert record.ref not in record.alts
        if not is_snv((record.contig, record.start, record.ref, record.alts[0])):
            assert record.ref[-1] != record.alts[0][-1]
    indels = sum(len(r.ref) != len(r.alts[0]) for r in records)
    multiallelic = sum(len(r.alts) > 1 for r in records)
    assert (indels, multiallelic) == (pytest.approx(300, abs=60), pytest.approx(100, abs=40))


def test_a_cohort_stands_at_random_distances_of_a_mean(genome):
    letters = np.frombuffer(b"ACGT" * 10_000, dtype=np.uint8)
    starts = np.array([record.start for record in draw_cohort("c", letters, 20_000, 2000, 5)])
    assert starts[0] > 20_000
    distances = np.diff(starts)
    assert distances.min() >= 1
    assert distances.mean() == pytest.approx(5, rel=0.15)
    with pytest.raises(ValueError, match=r"a: expected room for 9000 records, found \d+"):
        draw_cohort("a", genome["a"], 20_000, 9000, 34)


def test_alleles_come_back_from_a_vcf_one_by_one(genome, tmp_path):
    write_vcf(tmp_path / "x.vcf", genome, [Record("a", 9, "A", ("C", "G")), Record("b", 19, "AC", ("A",))])
    assert list(read_alleles(tmp_path / "x.vcf")) == [("a", 9, "A", "C"), ("a", 9, "A", "G"), ("b", 19, "AC", "A")]


@pytest.mark.parametrize(
    ("allele", "anchor", "ref", "alt"),
    [
        pytest.param(("c", 4, "T", "G"), 2, "GGTT", "GGGT", id="SNV"),
        pytest.param(("c", 4, "T", "G"), 1, "GTTC", "GGTC", id="SNV, one base to the left"),
        pytest.param(("c", 4, "TT", "T"), 2, "GGTT", "GGTC", id="deletion"),
        pytest.param(("c", 4, "T", "TAA"), 2, "GGTT", "GGTA", id="insertion"),
        pytest.param(("c", 0, "A", "C"), 2, "NNAA", "NNCA", id="at the contig's start"),
    ],
)
def test_windows_of_both_alleles(allele, anchor, ref, alt):
    found = cut_windows({"c": encode(b"AAGGTTCC")}, [allele], 4, anchor)
    assert tuple(decode(codes[0]) for codes in found) == (ref, alt)


def test_channels_of_drawn_weights_vary_and_tracks_are_spread(tmp_path):
    weights = draw_weights(SMALL)
    assert {name: values.shape for name, values in weights.items() if name.endswith("kernels")} == {
        "convolution_1.kernels": (3, 4, 4),
        "convolution_2.kernels": (5, 3, 3),
        "dense_1.kernels": (6, 30),
        "dense_2.kernels": (2, 6),
    }
    assert SMALL.features == (6, 5)
    assert SMALL.multiply_adds == 17 * 3 * 4 * 4 + 6 * 5 * 3 * 3 + 30 * 6 + 6 * 2


def test_features_of_either_order_meet_the_same_weights():
    kernels = np.random.default_rng(0).standard_normal((6, 30)).astype(np.float32)
    features = np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)
    turned = flatten_channels_first(SMALL, kernels)
    np.testing.assert_allclose(turned @ features.T.ravel(), kernels @ features.ravel(), rtol=1e-5)


def test_the_model_folder_and_the_plain_network_predict_the_same(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    from benchmarks.peers.model_folders import write_folder, write_plain
    from zoo.model.folder import load_folder

    weights = draw_weights(SMALL)
    write_folder(tmp_path / "small", SMALL, weights)
    write_plain(tmp_path / "plain.onnx", SMALL, weights)
    codes = np.random.default_rng(3).integers(0, 4, (64, SMALL.length), dtype=np.uint8)
    one_hot = np.eye(4, dtype=np.float32)[codes]
    session = onnxruntime.InferenceSession(str(tmp_path / "plain.onnx"), providers=["CPUExecutionProvider"])
    (plain,) = session.run(None, {"sequence": np.ascontiguousarray(one_hot.transpose(0, 2, 1))})
    model = load_folder(tmp_path / "small", "cpu")
    np.testing.assert_allclose(model.predict_codes(codes)["prediction"], plain, rtol=0, atol=1e-6)
    assert not model.card.strand.average
    assert (plain.std(axis=0) > 0.1).all()
