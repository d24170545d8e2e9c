import re

import pytest

from zoo.errors import DataError
from zoo.prediction.inputs.source import parse_columns


def test_options_name_columns_by_our_names():
    assert parse_columns(["position=BP", "id=SNP = ID"]) == {"position": "BP", "id": "SNP = ID"}
    assert parse_columns([]) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["BP"], "columns: expected NAME=COLUMN, such as position=BP, found 'BP'"),
        (["ref="], "columns: expected NAME=COLUMN, such as position=BP, found 'ref='"),
        (["ref=A", "ref=B"], "columns: 'ref' is named twice, as 'A' and as 'B'; name it once"),
        (["positon=BP"], ("columns: expected one of contig, position, ref, alt, id, effect_allele, other_allele, "
         "variant, end, found 'positon'; did you mean 'position'?")),
    ],
)  # fmt: skip
def test_an_option_that_names_no_column_is_an_error(options, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        parse_columns(options)
