import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.errors import ModelError, OutputError, RefMismatch, UnknownContig, VcfError
from zoo.prediction.haplotype_table import score_haplotypes
from zoo.prediction.haplotypes import table as module

GENOME = "AAAACATCAAAACATTACAATTACACATTAAACATACCATA"


@pytest.fixture
def rows_of(write_genotypes, write_genome, tmp_path):
    """Score records and return the rows, by column."""

    def score(records, models, *, genome=GENOME, sample="S", output="out.tsv", samples=("S",), **options):
        contigs = {"chr1": genome} if isinstance(genome, str) else genome
        path = tmp_path / output
        vcf = write_genotypes(records, samples=samples)
        summary = score_haplotypes(vcf, write_genome(**contigs), models, path, sample, **options)
        with path.open() as file:
            return list(csv.DictReader(file, delimiter="\t")), summary

    return score


def brief(rows, *columns):
    return [tuple(row[column] for column in columns) for row in rows]


def test_a_row_without_a_window_stands_where_its_own_would(rows_of, load_counter):
    # Of the other haplotype, its window would start at base 23: before that of the second group, which holds its base.
    records = ["chr1 6 A G 0|1", "chr1 28 C G 1|0", "chr1 31 A G 0|1", "chr1 40 T A 0/1"]
    rows, summary = rows_of(records, load_counter())
    assert brief(rows, "window", "skipped") == [
        ("chr1:1-10", "."), (".", "28:C>G=REF_MISMATCH"), ("chr1:26-35", "."), (".", "40:T>A=UNPHASED")
    ]  # fmt: skip
    assert (summary.groups, summary.together) == ({"counter@1.0.0": 2}, {"counter@1.0.0": 0})
    assert list(summary.skipped.items()) == [("REF_MISMATCH", 1), ("UNPHASED", 1)]


def test_a_row_tells_what_was_scored_and_where(rows_of, load_counter):
    rows, summary = rows_of(["chr1 6 A G 0|1:77", "chr1 9 A G 0|1:77"], load_counter())
    assert rows == [
        {
            "sample": "S", "contig": "chr1", "haplotype": "2", "phase_set": "77", "window": "chr1:2-11",
            "alleles": "6:A>G;9:A>G", "model": "counter@1.0.0", "track": "g", "score": "2", "sum": "2", "excess": "0",
            "skipped": ".",
        }
    ]  # fmt: skip
    assert (summary.groups, summary.together) == ({"counter@1.0.0": 1}, {"counter@1.0.0": 1})
    assert (summary.records, summary.alleles, summary.copies, summary.skipped) == (2, 2, 2, {})


def test_windows_of_alleles_together_come_from_a_cache_too(rows_of, load_counter, tmp_path):
    models = [load_counter(), load_counter(power=2, name="squared")]
    records = ["chr1 6 A G 0|1", "chr1 9 A G 0|1"]
    expected, plain = rows_of(records, models)
    assert plain.cached == {}
    # REF, both alleles, and each of them alone.
    for found in (0, 4):
        rows, summary = rows_of(records, models, cache=tmp_path / "kept")
        assert rows == expected
        counts = {"windows": 4, "found": found}
        assert summary.cached == {"counter@1.0.0": counts, "squared@1.0.0": counts}


def test_a_model_that_adds_has_no_excess_and_one_that_multiplies_has(rows_of, load_counter):
    models = [load_counter(), load_counter(power=2, name="squared")]
    rows, _ = rows_of(["chr1 6 A G 0|1", "chr1 9 A G 0|1"], models)
    # No G in REF's window: 1 and 1 and 2 for the counter, 1 and 1 and 4 for its square.
    assert brief(rows, "model", "score", "sum", "excess") == [
        ("counter@1.0.0", "2", "2", "0"),
        ("squared@1.0.0", "4", "2", "2"),
    ]


def test_an_allele_alone_has_the_score_that_annotate_gives_it(rows_of, load_weigher, write_genotypes, tmp_path):
    from zoo.prediction.annotation import annotate

    model = load_weigher(9, 3)
    records = ["chr1 6 A G 0|1", "chr1 20 ATTAC A 1|0", "chr1 35 T TGG 1|1"]
    rows, _ = rows_of(records, model)
    annotate(tmp_path / "genotypes.vcf", tmp_path / "genome.fa", model, tmp_path / "each.tsv")
    with (tmp_path / "each.tsv").open() as file:
        each = {row["position"]: row["ZOO_WEIGHER_9_3"] for row in csv.DictReader(file, delimiter="\t")}
    assert len(rows) == 4
    for row in rows:
        assert float(row["score"]) == pytest.approx(float(each[row["alleles"].split(":")[0]]), rel=1e-6)
        assert (row["sum"], row["excess"]) == (row["score"], "0")


def test_haplotypes_and_phase_sets_have_rows_of_their_own(rows_of, load_counter):
    records = ["chr1 6 A G 1|0:1", "chr1 7 T G 0|1:1", "chr1 9 A G 1|0:2", "chr1 10 A G .|1:2", "chr1 12 A G 1"]
    rows, _ = rows_of(records, load_counter(11, 5))
    assert sorted(brief(rows, "haplotype", "phase_set", "alleles")) == [
        ("1", "1", "6:A>G"),
        ("1", "2", "9:A>G;12:A>G"),
        ("2", "1", "7:T>G"),
        ("2", "2", "10:A>G"),
    ]


def test_skipped_alleles_stand_beside_the_groups_whose_window_holds_them(rows_of, load_counter):
    records = [
        "chr1 6 A G 0|1",
        "chr1 6 A C 0|1",
        "chr1 8 C <DEL> 1|1",
        "chr1 9 A G 0/1",
        "chr1 10 C G 0|1",
        "chr1 30 A G 0/1",
        "chr1 31 A ACCCCCCC 0|1",
    ]
    rows, summary = rows_of(records, load_counter())
    assert brief(rows, "haplotype", "window", "alleles", "score", "skipped") == [
        ("2", "chr1:1-10", "6:A>G", "1", "6:A>C=OVERLAPS;8:C><DEL>=SYMBOLIC;9:A>G=UNPHASED;10:C>G=REF_MISMATCH"),
        ("1", ".", ".", ".", "8:C><DEL>=SYMBOLIC"),
        (".", ".", ".", ".", "30:A>G=UNPHASED"),
        ("2", ".", ".", ".", "31:A>ACCCCCCC=TOO_LONG"),
    ]
    assert {row["track"] for row in rows[1:]} == {"."}
    assert summary.skipped == {
        "OVERLAPS": 1, "REF_MISMATCH": 1, "SYMBOLIC": 2, "UNPHASED": 2, "counter@1.0.0: TOO_LONG": 1,
    }  # fmt: skip


def test_each_model_has_groups_of_its_own_window(rows_of, load_counter):
    models = [load_counter(), load_counter(21, 10, name="wide")]
    rows, _ = rows_of(["chr1 6 A G 0|1", "chr1 20 A G 0|1"], models)
    assert brief(rows, "model", "alleles") == [
        ("counter@1.0.0", "6:A>G"),
        ("counter@1.0.0", "20:A>G"),
        ("wide@1.0.0", "6:A>G;20:A>G"),
    ]


def test_a_window_that_is_mostly_unknown_scores_none_of_its_alleles(rows_of, load_counter):
    genome = "AAAANNNNN" + GENOME
    rows, summary = rows_of(["chr1 3 A G 0|1", "chr1 4 A G 0|1"], load_counter(), genome=genome)
    assert brief(rows, "alleles", "score", "sum", "excess", "skipped") == [
        (".", ".", ".", ".", "3:A>G=UNKNOWN_BASES;4:A>G=UNKNOWN_BASES")
    ]
    assert summary.skipped == {"counter@1.0.0: UNKNOWN_BASES": 2}
    rows, _ = rows_of(["chr1 3 A G 0|1", "chr1 4 A G 0|1"], load_counter(), genome=genome, max_unknown=0.9)
    assert brief(rows, "score", "skipped") == [("2", ".")]


def test_so_does_the_window_of_one_of_its_alleles(rows_of, load_counter):
    # The deletion alone draws two unknown bases in, which the insertion pushes out again.
    records = ["chr1 2 CGT C 0|1", "chr1 6 C CAA 0|1"]
    rows, _ = rows_of(records, load_counter(), genome="ACGTACGT" + "N" * 20, max_unknown=0.25)
    assert brief(rows, "alleles", "score", "skipped") == [(".", ".", "2:CGT>C=UNKNOWN_BASES;6:C>CAA=UNKNOWN_BASES")]
    rows, _ = rows_of(records, load_counter(), genome="ACGTACGT" + "N" * 20, max_unknown=0.4)
    assert brief(rows, "alleles", "skipped") == [("2:CGT>C;6:C>CAA", ".")]


def test_contigs_are_told_as_the_vcf_names_them(rows_of, load_counter):
    rows, summary = rows_of(["1 6 A G 0|1", "9 6 A G 0|1"], load_counter())
    assert brief(rows, "contig", "window", "alleles", "skipped") == [
        ("1", "1:1-10", "6:A>G", "."),
        ("9", ".", ".", "6:A>G=UNKNOWN_CONTIG"),
    ]
    assert (summary.bridged, summary.unknown_contigs) == ({"1": "chr1"}, ["9"])


def test_regions_choose_groups(rows_of, load_counter, tmp_path):
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t8\t9\n")
    rows, _ = rows_of(["chr1 6 A G 0|1", "chr1 9 A G 0|1", "chr1 30 A G 0|1"], load_counter(), regions=bed)
    assert brief(rows, "alleles", "skipped") == [("6:A>G;9:A>G", "."), (".", "30:A>G=NO_REGION")]


def test_shifted_windows_hold_all_alleles_of_their_group(rows_of, load_counter):
    records = ["chr1 6 A G 0|1", "chr1 12 A G 0|1", "chr1 14 A G 0|1"]
    rows, _ = rows_of(records, load_counter(), shifts=(-1, 0, 1))
    assert brief(rows, "window", "alleles", "score") == [
        ("chr1:4-13", "6:A>G;12:A>G", "2"),
        ("chr1:9-18", "14:A>G", "1"),
    ]


def test_a_limit_of_indels_counts_for_each_allele(rows_of, load_counter):
    records = ["chr1 6 A AGG 0|1", "chr1 9 A AGG 0|1", "chr1 25 A AGGG 0|1"]
    rows, _ = rows_of(records, load_counter(15, 7), max_indel=2)
    assert brief(rows, "alleles", "score", "skipped") == [
        ("6:A>AGG;9:A>AGG", "4", "."),
        (".", ".", "25:A>AGGG=TOO_LONG"),
    ]


def test_what_every_haplotype_carries_goes_through_the_network_once(rows_of, load_counter, monkeypatch):
    model = load_counter()
    windows = []
    predict = model.session.predict
    monkeypatch.setattr(
        model.session, "predict", lambda codes, **rest: windows.append(len(codes)) or predict(codes, **rest)
    )
    rows, _ = rows_of(["chr1 6 A G 1|1", "chr1 9 A G 1|1"], model)
    assert brief(rows, "haplotype", "score") == [("1", "2"), ("2", "2")]
    assert sum(windows) == 4  # REF, both alleles, each of them
    windows.clear()
    rows_of(["chr1 6 A G 1|1"], model)
    assert sum(windows) == 2  # an allele alone is its own sum


def test_a_sample_without_alleles_makes_an_empty_table(rows_of, load_counter):
    rows, summary = rows_of(["chr1 6 A G 0|0"], load_counter())
    assert rows == []
    assert "carries no ALT allele" in summary.warnings[0]


def test_parquet_holds_the_same_rows(rows_of, load_counter, tmp_path):
    from pyarrow import parquet

    records = ["chr1 6 A G 0|1:7", "chr1 9 A G 0|1:7", "chr1 30 A G 0/1"]
    rows, _ = rows_of(records, load_counter())
    vcf, genome = tmp_path / "genotypes.vcf", tmp_path / "genome.fa"
    score_haplotypes(vcf, genome, load_counter(), tmp_path / "out.parquet", "S")
    found = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["haplotype"], row["score"], row["alleles"]) for row in found] == [
        (2, 2.0, "6:A>G;9:A>G"),
        (None, None, None),
    ]
    assert [row["skipped"] or "." for row in found] == [row["skipped"] for row in rows]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"output": "out.vcf"}, OutputError, "haplotypes make a table; expected .tsv", id="format"),
        pytest.param({"sample": "T"}, VcfError, "no sample 'T'", id="sample"),
        pytest.param({"spread": True}, ModelError, "the members' spread can't be had", id="spread"),
        pytest.param({"genome": {"chr7": GENOME}}, UnknownContig, "none of its contigs", id="contigs"),
        pytest.param({"on_ref_mismatch": "error"}, RefMismatch, r"record 2: REF of chr1:9:C>G is not what", id="REF"),
    ],
)
def test_what_can_not_be_done_is_said_and_leaves_no_file(rows_of, load_counter, tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        rows_of(["chr1 6 A G 0|1", "chr1 9 C G 0|1"], load_counter(), **options)
    assert not list(tmp_path.glob("out*"))


edits = st.tuples(
    st.integers(1, 56),
    st.integers(1, 4),
    st.text("ACGT", min_size=1, max_size=4),
    st.sampled_from(["0|1", "1|0", "1|1"]),
)


@settings(max_examples=40)
@given(
    st.text("ACGT", min_size=60, max_size=60),
    st.lists(edits, min_size=1, max_size=10),
    st.sampled_from([(9, 4), (14, 3), (25, 12)]),
    st.sampled_from([1, 3, 2048]),
)
def test_scores_are_those_of_the_slow_reference(
    slow, open_letters, load_weigher, tmp_path_factory, genome, found, window, size
):
    length, anchor = window
    folder = tmp_path_factory.mktemp("run")
    (folder / "genome.fa").write_text(f">chr1\n{genome}\n")
    lines, copies = [], []
    with open_letters(genome) as reference:
        for record, (position, count, alt, value) in enumerate(found):
            ref = genome[position - 1 : position - 1 + count]
            lines.append(f"chr1\t{position}\t.\t{ref}\t{alt}\t.\t.\t.\tGT\t{value}\n")
            carriers = [number for number, part in enumerate(value.split("|"), start=1) if part == "1"]
            copies += [slow.copy(genome, reference, (position, ref, alt), one, ".", (record, 1)) for one in carriers]
    header = '##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    header += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    (folder / "in.vcf").write_text(header + "".join(lines))
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patch:
        patch.setattr(module, "GROUPS_A_BATCH", size)
        score_haplotypes(folder / "in.vcf", folder / "genome.fa", load_weigher(length, anchor), folder / "out.tsv", "S")
    with (folder / "out.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    kept = slow.keep(copies)
    grouped = []
    for row in rows:
        if row["window"] == ".":
            continue
        start = int(row["window"].split(":")[1].rsplit("-", 1)[0])
        names = row["alleles"].split(";") if row["alleles"] != "." else []
        members = [
            next(
                c for c in kept if str(c.haplotype) == row["haplotype"] and f"{c.start + 1}:{c.ref}>{c.spelled}" == name
            )
            for name in names
        ]
        grouped += members
        if not members:
            assert "UNKNOWN_BASES" in row["skipped"]
            continue
        ref = slow.weigh(slow.mutate(genome, start, length, []))
        joint = slow.weigh(slow.mutate(genome, start, length, members)) - ref
        alone = sum(slow.weigh(slow.mutate(genome, start, length, [one])) - ref for one in members)
        assert [float(row[name]) for name in ("score", "sum")] == pytest.approx([joint, alone], abs=1e-3)
        assert float(row["excess"]) == pytest.approx(joint - alone, abs=2e-3)
        # The windows hold everything that is changed: what stands right of it is as on the contig.
        assert all(start <= one.start and one.last <= start + length for one in members)
    left = [one for row in rows for one in row["skipped"].split(";") if one.endswith(("TOO_LONG", "UNKNOWN_BASES"))]
    assert len(set(grouped)) == len(grouped)
    assert len(grouped) + len(left) >= len(kept)
    assert np.all([one in kept for one in grouped])
