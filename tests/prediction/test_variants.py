from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from zoo import annotate, score_variants
from zoo.errors import DataError, RefMismatch
from zoo.model.folder import load_folder
from zoo.prediction import variants as module
from zoo.prediction.scoring.cached import finish_caches
from zoo.testing.golden import RECORDS, write_golden
from zoo.testing.models import CARD, write_model_folder


@pytest.fixture
def golden(tmp_path):
    return write_golden(tmp_path / "golden")


@pytest.fixture
def table():
    """The golden file's records, one ALT a row."""
    rows = [record.given.split(" ") for record in RECORDS]
    return pd.DataFrame(
        [(row[0], int(row[1]), row[3], alt, row[2]) for row in rows for alt in row[4].split(",")],
        columns=["contig", "position", "ref", "alt", "note"],
    )


def test_a_table_gets_the_numbers_and_reasons_of_an_annotated_file(golden, table, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RECORDS_A_BATCH", 5)
    scored = score_variants(table, golden.genome, golden.models, threads=1)
    annotate(golden.vcf, golden.genome, golden.models, tmp_path / "out.tsv", threads=1)
    expected = pd.read_csv(tmp_path / "out.tsv", sep="\t", na_values=".", keep_default_na=False)
    for column in ("ZOO_AT", "ZOO_AFTER", "ZOO_EITHER"):
        assert scored[column].dtype == np.float32
        assert np.array_equal(scored[column], expected[column].to_numpy(np.float32), equal_nan=True)
    skipped = expected["skipped"].astype(object).where(expected["skipped"].notna(), None)
    assert scored["ZOO_SKIPPED"].tolist() == skipped.tolist()
    assert [reason for reason in scored["ZOO_AT_SKIPPED"] if reason] == ["UNKNOWN_BASES", "TOO_LONG", "UNKNOWN_BASES"]


def test_the_rows_their_index_and_other_columns_stay_and_the_input_too(golden, table):
    turned = table.iloc[::-1]
    before = turned.copy()
    scored = score_variants(turned, golden.genome, golden.models[0], threads=1)
    pd.testing.assert_frame_equal(turned, before)
    pd.testing.assert_frame_equal(scored[before.columns], before)
    assert scored.loc[1, "ZOO_AT"] == 1


def test_a_cache_is_written_before_the_table_is_returned(golden, table, tmp_path, monkeypatch):
    models = [load_folder(folder, threads=1) for folder in golden.models]
    plain = score_variants(table, golden.genome, models)
    kept = []
    monkeypatch.setattr(module, "finish_caches", lambda predictors: kept.extend(finish_caches(predictors)))
    for found in (False, True):
        scored = score_variants(table, golden.genome, models, cache=tmp_path / "kept")
        pd.testing.assert_frame_equal(scored, plain)
        assert list(tmp_path.glob("kept/*/*.segment"))
        assert len(kept) == len(models)
        assert all(counts.windows > 0 and counts.found == (counts.windows if found else 0) for counts in kept)
        kept.clear()


def test_an_empty_table_gets_the_columns(golden, table):
    scored = score_variants(table.iloc[:0], golden.genome, golden.models[0], threads=1)
    assert scored.shape == (0, 8)
    assert scored.columns.tolist()[-3:] == ["ZOO_AT", "ZOO_AT_SKIPPED", "ZOO_SKIPPED"]


def test_columns_can_be_renamed(golden, table):
    scored = score_variants(table, golden.genome, golden.models[0], keys={"at": "effect"}, threads=1)
    assert {"effect", "effect_SKIPPED", "ZOO_SKIPPED"} <= set(scored.columns)


def test_a_model_of_many_tracks_has_a_column_for_each(golden, table, tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    constant = numpy_helper.from_array(np.ones((36, 21), dtype=np.float32), "w")
    shape = numpy_helper.from_array(np.array([0, 36]), "shape")
    nodes = [
        helper.make_node("Reshape", ["sequence", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["prediction"]),
    ]
    graph = helper.make_graph(
        nodes,
        "many",
        [helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 9, 4])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 21])],
        [constant, shape],
    )
    tracks = [{"name": f"t{number}", "assay": "none"} for number in range(21)]
    output = CARD["outputs"][0] | {"tracks": tracks}
    model = load_folder(write_model_folder(tmp_path / "many", graph, {"name": "many", "outputs": [output]}))
    scored = score_variants(table, golden.genome, model, threads=1)
    assert {f"ZOO_MANY_T{number}" for number in range(21)} < set(scored.columns)


def test_positions_may_be_floats_that_are_whole(golden, table):
    scored = score_variants(table.astype({"position": float}), golden.genome, golden.models[0], threads=1)
    assert scored.loc[1, "ZOO_AT"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.rename(columns={"position": "POS"}), r"has no column 'position'"),
        (lambda t: t.rename(columns={"contig": "contigs"}), r"has no column 'contig'; did you mean 'contigs'\?"),
        (lambda t: t.assign(position="five"), r"row 1: column 'position': expected a whole number, found 'five'"),
        (lambda t: t.assign(position=None), r"row 1: column 'position': expected a whole number, found None"),
        (lambda t: t.assign(position=1.5), r"row 1: column 'position': expected a whole number, found 1\.5"),
        (lambda t: t.assign(position=np.inf), r"row 1: column 'position': expected a whole number, found inf"),
        (lambda t: t.assign(position=np.nan), r"row 1: column 'position': expected a whole number, found nan"),
        (lambda t: t.assign(position=True), r"row 1: column 'position': expected a whole number, found True"),
        (lambda t: t.assign(position=Decimal("1.5")), r"expected a whole number, found Decimal\('1\.5'\)"),
        (lambda t: t.assign(position=Decimal("NaN")), r"expected a whole number, found Decimal\('NaN'\)"),
        (lambda t: t.assign(position="1_0"), r"row 1: column 'position': expected a whole number, found '1_0'"),
        (lambda t: t.assign(position=" 10"), r"row 1: column 'position': expected a whole number, found ' 10'"),
        (lambda t: t.assign(position="٣"), r"row 1: column 'position': expected a whole number, found '٣'"),
        (lambda t: t.assign(position="9" * 5000), r"row 1: column 'position': expected a whole number, found '999"),
        (
            lambda t: t.assign(position=2**63),
            r"row 1: column 'position': expected a whole number, found one out of range",
        ),
        (
            lambda t: t.assign(position=-(2**70)),
            r"row 1: column 'position': expected a whole number, found one out of range",
        ),
        (lambda t: t.assign(position=10**5000), r"row 1: column 'position': expected a whole number, found one out of"),
        (lambda t: t.assign(position=Decimal("1e999999")), r"expected a whole number, found Decimal\('1E\+999999'\)"),
        (lambda t: t.assign(position=1j), r"row 1: column 'position': expected a whole number, found 1j"),
        (lambda t: pd.concat([t, t[["ref"]]], axis=1), r"has more than one column 'ref'; drop or rename the others"),
        (lambda t: t.assign(ref=b"A"), r"row 1: column 'ref': expected text, found bytes b'A'"),
        (lambda t: t.assign(alt=5), r"row 1: column 'alt': expected text, found int 5"),
        (lambda t: t.assign(ref="A "), r"row 1: column 'ref': expected letters without blanks, found 'A '"),
        (lambda t: t.assign(alt="A\tC"), r"row 1: column 'alt': expected letters without blanks, found 'A\\tC'"),
        (lambda t: t.assign(alt=""), r"row 1: column 'alt': expected letters without blanks, found ''"),
        (lambda t: t.assign(alt="C,G"), r"row 1: expected one ALT, found 'C,G'; give each a row of its own"),
    ],
)
def test_a_table_that_is_none_of_variants_is_an_error_that_names_column_and_row(golden, table, change, message):
    with pytest.raises(DataError, match=rf"^the table of variants.*{message}"):
        score_variants(change(table), golden.genome, golden.models[0], threads=1)


def test_a_ref_that_disagrees_can_be_an_error(golden, table):
    with pytest.raises(
        RefMismatch, match=r"^the table of variants, record \d+ \(chr1:25\): REF is G, .* holds a there; annotate with"
    ):
        score_variants(table, golden.genome, golden.models[0], on_ref_mismatch="error", threads=1)


@pytest.mark.parametrize("position", [-(10**18), -1, 0, 10**6, 10**18, Decimal(10**6), "1000000"])
def test_a_position_outside_the_contig_is_a_ref_that_disagrees(golden, table, position):
    scored = score_variants(
        table.iloc[1:2].astype(object).assign(position=position, ref="A", alt="C"),
        golden.genome,
        golden.models[0],
        threads=1,
    )
    assert scored["ZOO_SKIPPED"].tolist() == ["REF_MISMATCH"]


@pytest.mark.parametrize("kind", [str, Decimal, np.int32, np.uint64])
def test_positions_may_be_digits_or_numbers_of_any_kind(golden, table, kind):
    positions = pd.Series([kind(position) for position in table["position"]], dtype=object)
    scored = score_variants(table.assign(position=positions), golden.genome, golden.models[0], threads=1)
    assert scored.loc[1, "ZOO_AT"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "^batch_size: expected at least 1, found 0$"),
        ({"on_ref_mismatch": "stop"}, "^on_ref_mismatch: expected 'skip' or 'error', found 'stop'$"),
    ],
)
def test_an_option_out_of_range_is_a_slip_in_tables_and_files(golden, table, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        score_variants(table, golden.genome, golden.models[0], **options)
    with pytest.raises(ValueError, match=message):
        annotate(golden.vcf, golden.genome, golden.models[0], tmp_path / "out.vcf", **options)


@pytest.mark.parametrize("column", ["contig", "ref", "alt"])
def test_a_missing_text_is_refused_and_never_read_as_letters(golden, table, column):
    broken = table.astype(object)
    broken.loc[broken.index[1], column] = None

    with pytest.raises(DataError, match=f"row 2: column '{column}': expected letters, found nothing"):
        score_variants(broken, golden.genome, golden.models[0], threads=1)


def test_a_column_of_an_earlier_scoring_is_never_overwritten(golden, table):
    scored = score_variants(table, golden.genome, golden.models[0], threads=1)

    with pytest.raises(DataError, match="has a column 'ZOO_SKIPPED' already; drop it"):
        score_variants(scored, golden.genome, golden.models[0], threads=1)


def test_a_track_may_be_named_alone(golden, table):
    named = score_variants(table, golden.genome, golden.models[0], tracks="g", threads=1)
    listed = score_variants(table, golden.genome, golden.models[0], tracks=("g",), threads=1)
    pd.testing.assert_frame_equal(named, listed)


@pytest.mark.parametrize("given", ["variants.vcf", [("chr1", 1, "A", "C")]])
def test_what_is_no_table_is_an_error_that_names_what_reads_files(golden, given):
    with pytest.raises(DataError, match=r"expected a pandas table .*, found (str|list); .*zoo\.annotate"):
        score_variants(given, golden.genome, golden.models[0])
