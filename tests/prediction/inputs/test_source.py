import re

import pytest

from zoo.errors import DataError
from zoo.prediction.inputs.source import check_columns


def test_a_column_has_one_of_our_names():
    check_columns({"position": "BP", "id": "SNP = ID"})
    message = (
        "columns: expected one of contig, position, ref, alt, id, effect_allele, other_allele, variant, end, "
        "found 'positon'; did you mean 'position'?"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        check_columns({"positon": "BP"})
