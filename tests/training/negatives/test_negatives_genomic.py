from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.components import ExampleSet
from zoo.errors import BedError, DataError, RecipeError
from zoo.genome.codes import decode, encode, reverse_complement
from zoo.genome.interval import Interval
from zoo.genome.reference import Reference
from zoo.genome.regions import Regions
from zoo.training.choices import GenomicNegatives
from zoo.training.metrics.values import measure_ks
from zoo.training.negatives import add_negatives
from zoo.training.negatives.drawn import KnownSequences
from zoo.training.negatives.genomic import match_regions
from zoo.training.negatives.landscape import BaseCounts, Landscape
from zoo.training.negatives.matching import match_counts
from zoo.training.negatives.words import HeldWords, list_words

LENGTH = 100
SIZE = 60_000


def choose(**fields):
    return GenomicNegatives(method="genomic", **fields)


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    """Two contigs whose GC content and soft-masking change along the way, each with a gap of 5,000 bases."""
    generator = np.random.default_rng(11)
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    with path.open("w", encoding="ascii") as file:
        for contig in ("chr1", "chr2"):
            gc = np.repeat(generator.uniform(0.25, 0.65, SIZE // 300), 300)
            strong = generator.random(SIZE) < gc
            letters = np.where(strong, generator.choice(list("CG"), SIZE), generator.choice(list("AT"), SIZE))
            masked = np.repeat(generator.random(SIZE // 60) < 0.4, 60)
            letters = np.where(masked, np.char.lower(letters), letters)
            letters[20_000:25_000] = "N"
            file.write(f">{contig}\n{''.join(letters)}\n")
    with Reference(path) as reference:
        yield reference


@pytest.fixture
def positives(genome):
    """80 windows that do not overlap, 40 a contig, richer in G and C than the rest."""
    found = []
    for contig in ("chr1", "chr2"):
        codes = genome.codes(contig)
        starts = [start for start in range(0, SIZE, LENGTH) if not 19_900 < start < 25_000]
        share = [np.isin(codes[start : start + LENGTH], (1, 2)).mean() for start in starts]
        found += [Interval(contig, starts[row], starts[row] + LENGTH) for row in np.argsort(share)[-160::4]]
    return Regions.of(found)


def make_examples(genome, positives, **fields):
    intervals = [
        Interval(str(contig), start, end)
        for contig, start, end in zip(
            positives.contigs, positives.starts.tolist(), positives.ends.tolist(), strict=True
        )
    ]
    return ExampleSet(
        np.stack([genome.fetch(interval) for interval in intervals]),
        np.ones((len(intervals), 1), dtype=np.float32),
        ("a",),
        **{
            "ids": tuple(map(str, intervals)),
            "groups": positives.contigs,
            "complete": False,
            "regions": positives,
            "repeats": np.array([genome.soft_masked(interval).mean() for interval in intervals], dtype=np.float32),
            **fields,
        },
    )


def match(genome, positives, seed=1, avoid=None, **fields):
    return match_regions(positives, avoid or positives, genome, choose(**fields), np.random.default_rng(seed))


def overlaps(first, second):
    return [
        (row, other)
        for row in range(len(first))
        for other in np.flatnonzero(
            (second.contigs == first.contigs[row])
            & (second.starts < first.ends[row])
            & (second.ends > first.starts[row])
        )
    ]


def test_each_positive_gets_a_stretch_of_its_contig_and_length_that_is_like_it(genome, positives):
    found = match(genome, positives, gc_tolerance=0.03, repeat_tolerance=0.1)

    np.testing.assert_array_equal(found.rows, np.arange(80))
    np.testing.assert_array_equal(found.regions.contigs, positives.contigs)
    np.testing.assert_array_equal(found.regions.ends - found.regions.starts, LENGTH)
    for row in range(80):
        interval = Interval(str(found.regions.contigs[row]), found.regions.starts[row], found.regions.ends[row])
        codes = genome.fetch(interval)
        assert (codes < 4).all()
        assert found.gc[1][row] == np.isin(codes, (1, 2)).mean()
        assert found.repeats[1][row] == genome.soft_masked(interval).mean()
    assert np.abs(found.gc[0] - found.gc[1]).max() <= 0.03 + 1e-9
    assert np.abs(found.repeats[0] - found.repeats[1]).max() <= 0.1 + 1e-9
    assert measure_ks(*found.gc) < 0.05


def test_nothing_overlaps_a_peak_or_another_negative(genome, positives):
    more = Regions(
        np.repeat(["chr1", "chr2"], 50), np.tile(np.arange(50) * 1000, 2), np.tile(np.arange(50) * 1000 + 300, 2)
    )
    avoid = Regions.join([positives, more])

    found = match(genome, positives, avoid=avoid, gc_tolerance=0.1, repeat_tolerance=0.5, max_shared=1)

    assert len(found.rows) == 80
    assert overlaps(found.regions, avoid) == []
    assert overlaps(found.regions, found.regions) == [(row, row) for row in range(80)]


def test_a_margin_is_kept_around_peaks(genome, positives):
    found = match(genome, positives, margin=70, gc_tolerance=0.2, repeat_tolerance=1)

    wide = Regions(positives.contigs, positives.starts - 70, positives.ends + 70)
    assert len(found.rows) == 80
    assert overlaps(found.regions, wide) == []


def test_lengths_may_differ_and_each_is_matched(genome, positives):
    ends = positives.ends - np.arange(80) % 7
    found = match(genome, Regions(positives.contigs, positives.starts, ends))

    np.testing.assert_array_equal(found.regions.ends - found.regions.starts, 100 - np.arange(80) % 7)


def test_the_seed_decides(genome, positives):
    first, again, other = (match(genome, positives, seed).regions.starts for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_added_negatives_carry_their_region_sequence_and_repeats(genome, positives):
    examples = make_examples(genome, positives, avoid=positives)

    found = add_negatives(examples, (choose(),), genome, 1, pytest.fail, Path(), "r.yaml")

    assert len(found) == len(found.regions) == 160
    np.testing.assert_array_equal(found.groups[80:], positives.contigs)
    assert not found.targets[80:].any()
    for row in range(80, 160):
        place = Interval(str(found.regions.contigs[row]), found.regions.starts[row], found.regions.ends[row])
        np.testing.assert_array_equal(found.sequences[row], genome.fetch(place))
        assert found.repeats[row] == np.float32(genome.soft_masked(place).mean())
        assert found.ids[row] == f"{examples.ids[row - 80]}/genomic {place}"
    assert found.notes == ("80 negatives are stretches of the genome that match positives",)


def test_excluded_regions_are_read_by_any_name_of_their_contig(genome, positives, tmp_path):
    (tmp_path / "blacklist.bed").write_text("1\t0\t30000\nchrUn\t0\t10\n", encoding="utf-8")
    examples = make_examples(genome, positives)
    choice = choose(exclude=("blacklist.bed",), gc_tolerance=0.3, repeat_tolerance=1)

    found = add_negatives(examples, (choice,), genome, 1, pytest.fail, tmp_path, "r.yaml")

    new = found.regions.take(np.arange(80, 160))
    assert (new.starts[new.contigs == "chr1"] >= 30_000).all()
    assert (new.starts[new.contigs == "chr2"] < 30_000).any()


def test_an_excluded_file_of_another_genome_is_an_error(genome, positives, tmp_path):
    (tmp_path / "b.bed").write_text("scaffold_1\t0\t30000\n", encoding="utf-8")

    with pytest.raises(BedError, match="expected contigs of the genome, found none; it names 'scaffold_1'"):
        add_negatives(
            make_examples(genome, positives), (choose(exclude=("b.bed",)),), genome, 1, pytest.fail, tmp_path, "r.yaml"
        )


def test_too_few_matches_are_an_error_that_says_where_and_what_to_loosen(genome, positives):
    avoid = Regions(np.array(["chr2"]), np.array([0]), np.array([SIZE - 250]))
    examples = make_examples(genome, positives, avoid=avoid)

    with pytest.raises(
        DataError, match=r"asked for 80 negatives, found 4\d; .* on chr2 \(\d+\), such as 'chr2:.*loosen gc_"
    ):
        add_negatives(examples, (choose(),), genome, 1, pytest.fail, Path(), "r.yaml")


@pytest.mark.parametrize(
    ("fields", "with_genome", "message"),
    [
        ({}, False, "data.reference is missing"),
        ({"regions": None}, True, "needs to know where each positive lies"),
        ({"extra": {"signal": np.zeros((80, 1), dtype=np.float32)}}, True, "the input 'signal' beside the sequence"),
    ],
    ids=["no genome", "no regions", "further inputs"],
)
def test_data_that_do_not_fit_are_an_error(genome, positives, fields, with_genome, message):
    examples = make_examples(genome, positives, **fields)

    with pytest.raises(RecipeError, match=message):
        add_negatives(examples, (choose(),), genome if with_genome else None, 1, pytest.fail, Path(), "r.yaml")


def test_a_contig_that_the_genome_lacks_is_an_error(genome):
    with pytest.raises(DataError, match=r"positives lie on 'chr3', no contig of the genome"):
        match(genome, Regions(np.array(["chr3"]), np.array([0]), np.array([100])))


def test_a_stretch_that_reads_as_a_known_sequence_is_no_negative(tmp_path):
    (tmp_path / "g.fa").write_text(f">c\n{'A' * 500}\n>d\n{'T' * 500}\n", encoding="ascii")
    positives = Regions(np.array(["c", "d"]), np.array([0, 0]), np.array([100, 100]))
    known = KnownSequences()

    with Reference(tmp_path / "g.fa") as reference:
        alone = match_regions(positives, positives, reference, choose(max_shared=1), np.random.default_rng(1))
        known.add(np.zeros((1, 100), dtype=np.uint8))
        found = match_regions(positives, positives, reference, choose(max_shared=1), np.random.default_rng(1), known)

    assert alone.rows.tolist() == [0]
    assert found.rows.tolist() == []


def test_unknown_bases_of_a_positive_count_as_if_they_were_like_the_rest(genome):
    land = Landscape(genome, "chr1", Regions.of(()))
    known = np.isin(genome.codes("chr1")[19_900:20_000], (1, 2)).sum()

    ((gc, _),) = land.describe(np.array([19_900]), np.array([20_100]))

    assert gc == 2 * known


def test_negatives_share_few_words(tmp_path):
    # A unit of 300 bases, 120 times: without the rule most negatives would be one stretch of it again and again.
    generator = np.random.default_rng(5)
    unit, rest = (decode(generator.integers(0, 4, size).astype(np.uint8)) for size in (300, 20_000))
    path = tmp_path / "g.fa"
    path.write_text(f">c\n{unit * 120}{rest}\n", encoding="ascii")
    positives = Regions(np.full(40, "c"), np.arange(40) * 300, np.arange(40) * 300 + 100)
    with Reference(path) as reference:
        strict, loose = (
            match(reference, positives, gc_tolerance=0.2, max_shared=share, kmer=20).regions for share in (0.0, 1.0)
        )
        shares = []
        for found in (strict, loose):
            words, owners = list_words([reference.codes("c")[start : start + 100] for start in found.starts], 20)
            _, inverse = np.unique(words, return_inverse=True)
            first = np.full(inverse.max() + 1, len(words))
            np.minimum.at(first, inverse, np.arange(len(words)))
            shares.append((owners[first[inverse]] != owners).mean())

    assert shares[0] == 0
    assert shares[1] > 0.1


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.data())
def test_bases_are_counted_in_any_stretch(mask, data):
    mask = np.array(mask)
    start = data.draw(st.integers(0, len(mask)))
    end = data.draw(st.integers(start, len(mask)))

    (count,) = BaseCounts(mask).count(np.array([start]), np.array([end]))

    assert count == mask[start:end].sum()


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_a_match_is_in_reach_and_given_once(wanted, offered, reach):
    wanted, offered = np.array(wanted), np.array(offered, dtype=np.int64).reshape(-1, 2)

    found = match_counts(wanted, offered, reach)

    rows = np.flatnonzero(found >= 0)
    assert len(set(found[rows].tolist())) == len(rows)
    assert (np.abs(wanted[rows] - offered[found[rows]]) <= reach).all()
    equal = sum(
        min((wanted == value).all(axis=1).sum(), (offered == value).all(axis=1).sum())
        for value in np.unique(wanted, axis=0)
    )
    assert (wanted[rows] == offered[found[rows]]).all(axis=1).sum() >= equal


def test_the_nearest_is_taken_first():
    found = match_counts(np.array([[50, 10]]), np.array([[53, 10], [51, 10], [47, 10]]), (5, 5))

    assert found.tolist() == [1]


def test_a_word_is_one_number_on_both_strands_and_never_crosses_sequences():
    first, second = encode("ACGGTCA"), encode("TTGCA")

    words, owners = list_words([first, second], 4)
    reverse, _ = list_words([reverse_complement(first)], 4)

    assert owners.tolist() == [0, 0, 0, 0, 1, 1]
    assert words[:4].tolist() == reverse[::-1].tolist()
    assert words[4] == min(int("3321", 4), int("2100", 4))  # TTGC and GCAA


def test_words_are_the_same_however_many_sequences_there_are():
    sequences = [np.random.default_rng(seed).integers(0, 4, 500 * seed).astype(np.uint8) for seed in range(30)]

    words, owners = list_words(sequences, 12)  # more bases than are worked on at a time

    for row, codes in enumerate(sequences):
        np.testing.assert_array_equal(words[owners == row], list_words([codes], 12)[0])
    assert (np.diff(owners) >= 0).all()


def test_a_sequence_that_repeats_too_many_held_words_is_told():
    held = HeldWords(8)
    one, other = (np.random.default_rng(seed).integers(0, 4, 27).astype(np.uint8) for seed in (1, 2))
    half = np.concatenate([one[:17], other[:10]])

    assert held.find_distinct([one, one, half], 0.5).tolist() == [True, False, True]
    assert held.find_distinct([one, half, other], 0.2).tolist() == [False, False, True]
