import numpy as np
import pytest

from zoo.genome.variant import Reason
from zoo.genome.vcf import RecordBatch
from zoo.prediction.alleles.batch import AlleleBatch
from zoo.prediction.output.keys import Extras, ModelKeys
from zoo.prediction.output.lines import Layout, format_vcf, make_rows, table_columns, table_header
from zoo.prediction.scoring.scores import ModelScores

ONE = ModelKeys(("t",), ("ZOO_ONE",), "ZOO_ONE_SKIPPED")
TWO = ModelKeys(("a", "b"), ("ZOO_TWO_A", "ZOO_TWO_B"), "ZOO_TWO_SKIPPED")


def alleles_of(record, reason):
    empty = np.zeros(len(record), dtype=np.int64)
    reasons = np.array(reason, dtype=np.uint8)
    return AlleleBatch(
        np.array(record), ("chr1",), empty, empty, empty, empty.astype(np.uint8), empty, empty, reasons, reasons == 0
    )


def model(scores, reason, windows=None, **more):
    """Scores of alleles in order, a row for each that has a reason of OK, or for each of ``windows``' pairs."""
    reasons = np.array(reason, dtype=np.uint8)
    pairs = windows if windows is not None else [(allele, -1) for allele in np.flatnonzero(reasons == 0)]
    allele, window = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    values = np.array(scores, dtype=np.float32).reshape(len(reason) if windows is None else len(pairs), -1)
    kept = values if windows is not None else values[reasons == 0]
    return ModelScores(allele, window, kept, reasons, **more)


def layout(*keys, regions=(), dropped=(), **extras):
    return Layout((), keys, Extras(**extras), regions, dropped)


def record(alt="C", info="."):
    return ["chr1", "5", "id", "A", alt, ".", "PASS", info]


def batch_of(columns):
    return RecordBatch(0, ["\t".join(record) for record in columns], 0)


def infos(columns, alleles, scores, keys, dropped=()):
    lines = format_vcf(batch_of(columns), alleles, scores, layout(*keys, dropped=dropped)).splitlines()
    return [line.split("\t")[7] for line in lines]


def test_keys_follow_what_was_there_and_everything_else_stays():
    alleles = alleles_of([0, 1], [0, 0])
    columns = [[*record(info="DP=3;DB"), "GT\t0/1"], [*record(), "GT\t./."]]
    text = format_vcf(batch_of(columns), alleles, [model([0.5, -1.25], [0, 0])], layout(ONE))
    assert text == (
        "chr1\t5\tid\tA\tC\t.\tPASS\tDP=3;DB;ZOO_ONE=0.5\tGT\t0/1\nchr1\t5\tid\tA\tC\t.\tPASS\tZOO_ONE=-1.25\tGT\t./.\n"
    )


def test_each_alt_has_its_place_in_each_key():
    alleles = alleles_of([0, 0, 1], [0, 0, 0])
    scores = [model([1, 2, 3], [0] * 3), model([1, 10, 2, 20, 3, 30], [0] * 3)]
    assert infos([record("C,G"), record()], alleles, scores, [ONE, TWO]) == [
        "ZOO_ONE=1,2;ZOO_TWO_A=1,2;ZOO_TWO_B=10,20",
        "ZOO_ONE=3;ZOO_TWO_A=3;ZOO_TWO_B=30",
    ]


def test_a_reason_stands_at_the_place_of_its_allele_the_models_own_apart():
    symbolic, long = Reason.SYMBOLIC, Reason.TOO_LONG
    alleles = alleles_of([0, 0, 1, 2], [0, symbolic, 0, Reason.NO_ALT])
    nan = np.nan
    narrow = model([1, nan, nan, nan], [0, symbolic, long, Reason.NO_ALT])
    wide = model([1, 1, nan, nan, 2, 2, nan, nan], [0, symbolic, 0, Reason.NO_ALT])
    assert infos([record("C,<DEL>"), record("CAA"), record(".", "DP=1")], alleles, [narrow, wide], [ONE, TWO]) == [
        "ZOO_ONE=1,.;ZOO_TWO_A=1,.;ZOO_TWO_B=1,.;ZOO_SKIPPED=.,SYMBOLIC",
        "ZOO_ONE=.;ZOO_TWO_A=2;ZOO_TWO_B=2;ZOO_ONE_SKIPPED=TOO_LONG",
        "DP=1;ZOO_SKIPPED=NO_ALT",
    ]


def test_numbers_bring_back_every_float32():
    values = np.float32([1 / 3, -1e-30, 3.4028235e38, 1.17549435e-38, 123456789])
    alleles = alleles_of(range(5), [0] * 5)
    texts = [
        info.partition("=")[2] for info in infos([record() for _ in range(5)], alleles, [model(values, [0] * 5)], [ONE])
    ]
    assert np.array_equal(np.float32(texts), values)


def test_zero_has_no_sign():
    assert infos([record()], alleles_of([0], [0]), [model([-0.0], [0])], [ONE]) == ["ZOO_ONE=0"]


def test_keys_to_be_replaced_go_and_others_stay():
    columns = [
        record(info="ZOO_ONE=7;DP=3;ZOO_ONE_SKIPPED=x;ZOO_ONES=1"),
        record(info="ZOO_ONE=7"),
        record(info="FLAG"),
    ]
    scores = [model([1, 2, 3], [0] * 3)]
    dropped = ["ZOO_ONE", "ZOO_ONE_SKIPPED"]
    assert infos(columns, alleles_of(range(3), [0] * 3), scores, [ONE], dropped) == [
        "DP=3;ZOO_ONES=1;ZOO_ONE=1",
        "ZOO_ONE=2",
        "FLAG;ZOO_ONE=3",
    ]


@pytest.mark.parametrize("scores", [[3.0, -9, 1, 0, 5, 2, -4], [3.0, -9, 1, -0.0, 5, 2, -4]])
def test_of_too_many_tracks_the_five_strongest_are_named(scores):
    keys = ModelKeys(("a", "b b", "c", "d", "e", "f", "g:h"), ("ZOO_MANY_TOP",), "ZOO_MANY_SKIPPED", top=True)
    alleles = alleles_of([0, 0], [0, Reason.SYMBOLIC])
    many = model([*scores, *[np.nan] * 7], [0, Reason.SYMBOLIC])
    expected = "ZOO_MANY_TOP=b_b:-9|e:5|g_h:-4|a:3|f:2,.;ZOO_SKIPPED=.,SYMBOLIC"
    assert infos([record("C,<DEL>")], alleles, [many], [keys]) == [expected]


def test_a_table_has_a_row_for_each_allele():
    long, no_alt = Reason.TOO_LONG, Reason.NO_ALT
    alleles = alleles_of([0, 0, 1], [0, Reason.BREAKEND, no_alt])
    scores = [
        model([1, np.nan, np.nan], [0, Reason.BREAKEND, no_alt]),
        model([np.nan] * 6, [long, Reason.BREAKEND, no_alt]),
    ]
    header, *rows = (
        table_header(layout(ONE, TWO))
        + make_rows(batch_of([record("C,G]2:7]"), record(".")]), alleles, scores, layout(ONE, TWO)).spell()
    ).splitlines()
    assert header.split("\t") == [
        *("contig", "position", "id", "ref", "alt", "qual", "filter", "skipped"),
        *("ZOO_ONE", "ZOO_ONE_SKIPPED", "ZOO_TWO_A", "ZOO_TWO_B", "ZOO_TWO_SKIPPED"),
    ]
    assert [row.split("\t")[4:] for row in rows] == [
        ["C", ".", "PASS", ".", "1", ".", ".", ".", "TOO_LONG"],
        ["G]2:7]", ".", "PASS", "BREAKEND", ".", ".", ".", ".", "."],
        [".", ".", "PASS", "NO_ALT", ".", ".", ".", ".", "."],
    ]


def test_of_an_alleles_regions_vcf_has_the_one_of_largest_score_and_a_table_all():
    keys = ModelKeys(("t",), ("ZOO_P",), "ZOO_P_SKIPPED", region="ZOO_P_REGION")
    alleles = alleles_of([0, 0, 1], [0, 0, 0])
    scores = [model([1, -3, 2], [0, Reason.NO_REGION, 0], [(0, 0), (0, 1), (2, 1)])]
    made = layout(keys, regions=("promoter one", "p2"), region=True)
    columns = [record("C,G"), record()]
    assert [line.split("\t")[7] for line in format_vcf(batch_of(columns), alleles, scores, made).splitlines()] == [
        "ZOO_P=-3,.;ZOO_P_REGION=p2,.;ZOO_P_SKIPPED=.,NO_REGION",
        "ZOO_P=2;ZOO_P_REGION=p2",
    ]
    header, *rows = (table_header(made) + make_rows(batch_of(columns), alleles, scores, made).spell()).splitlines()
    assert header.split("\t")[7:] == ["region", "skipped", "ZOO_P", "ZOO_P_SKIPPED"]
    assert [[row.split("\t")[4], *row.split("\t")[7:]] for row in rows] == [
        ["C", "promoter one", ".", "1", "."],
        ["C", "p2", ".", "-3", "."],
        ["G", ".", ".", ".", "NO_REGION"],
        ["C", "p2", ".", "2", "."],
    ]


def test_models_that_share_no_region_have_rows_of_their_own():
    keys = [ModelKeys(("t",), (f"ZOO_{name}",), f"ZOO_{name}_SKIPPED") for name in "AB"]
    alleles = alleles_of([0], [0])
    scores = [model([1], [0], [(0, 0)]), model([2], [0], [(0, 1)])]
    made = layout(*keys, regions=("one", "two"), region=True)
    rows = [row.split("\t")[7:] for row in make_rows(batch_of([record()]), alleles, scores, made).spell().splitlines()]
    assert rows == [["one", ".", "1", ".", ".", "."], ["two", ".", ".", ".", "2", "."]]


def test_what_stands_beside_a_score_has_keys_of_its_own():
    keys = ModelKeys(
        ("t",), ("ZOO_P",), "ZOO_P_SKIPPED", spread=("ZOO_P_SD",), disagree=("ZOO_P_DISAGREE",),
        percentile=("ZOO_P_PERCENTILE",), p=("ZOO_P_P",), seen="ZOO_P_SEEN",
    )  # fmt: skip
    column = np.float32([[0.5], [np.nan]])
    more = {"spread": column, "disagree": column == 0.5, "percentile": column * 2, "p": column / 2}
    alleles = alleles_of([0, 1], [0, 0])
    found = model([1, 2], [0, 0], **more, seen=np.array([False, True]))
    assert infos([record(), record()], alleles, [found], [keys]) == [
        "ZOO_P=1;ZOO_P_SD=0.5;ZOO_P_PERCENTILE=1;ZOO_P_P=0.25;ZOO_P_DISAGREE=1",
        "ZOO_P=2;ZOO_P_SD=.;ZOO_P_PERCENTILE=.;ZOO_P_P=.;ZOO_P_DISAGREE=.;ZOO_P_SEEN",
    ]
    columns = table_columns(layout(keys))
    assert {name: kind for name, kind in columns.items() if name.startswith("ZOO")} == {
        "ZOO_P": "float", "ZOO_P_SD": "float", "ZOO_P_PERCENTILE": "float", "ZOO_P_P": "float",
        "ZOO_P_DISAGREE": "integer", "ZOO_P_SEEN": "flag", "ZOO_P_SKIPPED": "text",
    }  # fmt: skip
    rows = make_rows(batch_of([record(), record()]), alleles, [found], layout(keys)).spell().splitlines()
    cells = [dict(zip(columns, row.split("\t"), strict=True)) for row in rows]
    assert [cell["ZOO_P_SEEN"] for cell in cells] == ["0", "1"]
    assert [cell["ZOO_P_SD"] for cell in cells] == ["0.5", "."]
