import re

import pytest

from zoo.errors import DataError

HEADER = "chrom pos ref alt p\n"
ROWS = "chr1 2 C G 0.1\nchr1 3 G T 1e-8\n"
EXPECTED = ["chr1 2 . C G .", "chr1 3 . G T ."]


@pytest.fixture
def reference(open_genome):
    return open_genome(chr1="ACGTACGTAA")


@pytest.mark.parametrize("name", ["in.tsv", "in.tsv.gz", "in.weird"])
@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(lambda text: text.replace(" ", "\t"), id="tabs"),
        pytest.param(lambda text: text.replace(" ", ","), id="commas"),
        pytest.param(lambda text: text.replace(" ", ", "), id="commas and blanks"),
        pytest.param(lambda text: text, id="blanks"),
        pytest.param(lambda text: "  " + text.replace(" ", "   ").replace("\n", " \n  ").rstrip(" "), id="aligned"),
        pytest.param(lambda text: text.replace(" ", "\t").replace("\n", "\r\n"), id="Windows"),
        pytest.param(lambda text: "\ufeff" + text.replace(" ", "\t"), id="a mark of byte order"),
        pytest.param(lambda text: "#" + text.replace(" ", "\t"), id="a header with #"),
        pytest.param(lambda text: "##made by\n# for you\n\n" + text.replace(" ", "\t"), id="comments first"),
        pytest.param(lambda text: text.replace(" ", "\t") + "\n\n", id="blank lines last"),
        pytest.param(lambda text: text.replace("\n", "\n\n").replace(" ", "\t"), id="blank lines between"),
        pytest.param(lambda text: re.sub(r"([A-Za-z]\w*)", r'"\1"', text).replace(" ", "\t"), id="quotes"),
        pytest.param(lambda text: re.sub(r"([A-Za-z]\w*)", r'"\1"', text), id="quotes and blanks"),
        pytest.param(lambda text: re.sub(r"([A-Za-z]\w*)", r'"\1"', text).replace(" ", ","), id="quotes and commas"),
        pytest.param(
            lambda text: text.replace(" ", "\t").replace("\nchr1", "\n7\tchr1"), id="row names of R, without a title"
        ),
    ],
)
def test_a_table_is_read_however_it_is_written(write_input, read_records, reference, name, spell):
    records, source = read_records(write_input(spell(HEADER + ROWS), name, tabs=False), reference)
    assert records == EXPECTED
    assert source.warnings == []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_size_of_batches_changes_nothing(write_input, read_records, reference, size):
    text = HEADER + "\n" + "".join(f"1 {1 + row % 10} {'ACGTACGTAA'[row % 10]} N {row}\n" for row in range(20))
    records, _ = read_records(write_input(text), reference, size=size)
    assert [record.split()[1] for record in records] == [str(1 + row % 10) for row in range(20)]


def test_a_source_can_be_read_twice_and_tells_the_length_of_its_text(write_input, reference):
    from zoo.prediction.inputs.opening import open_records

    rows = ROWS + "chr1 2e0 C G 0.1\n"
    with open_records(write_input(HEADER + rows), reference) as source:
        once, again = list(source.batches(9)), list(source.batches(9))
        assert [batch.columns for batch in once] == [batch.columns for batch in again]
        assert source.text_length() == len(HEADER + rows)
        assert sum(batch.characters for batch in once) == len(rows)
        (warning,) = source.warnings
        assert ": 1 row: the position is written with an exponent" in warning


def test_a_file_of_a_header_alone_has_no_records(write_input, read_records, reference):
    assert read_records(write_input(HEADER), reference)[0] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "chr1 2 C G 0.1\nchr1 3 G T\n", "line 3: expected 5 cells as in the header, found 4"),
        (HEADER + "\nchr1 2 C G 0.1\nchr1 2 C G 0.1 x\n", "line 4: expected 5 cells as in the header, found 6"),
        (HEADER + "chr1 2 C G 0.1 \n", "line 2: expected 5 cells as in the header, found 6"),
        ("variant\nchr1:2:C:G\n\n#\nchr1:2:C\n", "line 5: expected a variant such as chr1:100:A:G, found 'chr1:2:C'"),
        ("variant p\nchr1:2:C:G 1\nrs1 1\n", "line 3: expected a variant such as chr1:100:A:G, found 'rs1'"),
        (HEADER + '"chr1 2 C G\n1" 2 C G 0.1\n', "line 2 or later: a cell in quotes goes beyond its line"),
    ],
)
def test_a_line_that_does_not_fit_stops_with_its_number(write_input, read_records, reference, text, message):
    path = write_input(text)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}, {message}')}$"):
        read_records(path, reference)


def test_a_list_of_variants_keeps_its_texts_as_ids(write_input, read_records, reference):
    text = "# mine\nSNP\nchr1:2:C:G\n\n# more\n1-3-g-t\nchr1 4 T A\n"
    records, _ = read_records(write_input(text), reference)
    assert records == ["chr1 2 chr1:2:C:G C G .", "chr1 3 1-3-g-t G T .", "chr1 4 . T A ."]


def test_a_column_of_variants_is_read_where_nothing_else_tells_the_place(write_input, read_records, reference):
    records, _ = read_records(write_input("gene variant_id rsid\nx chr1_2_C_G_b38 rs7\n"), reference)
    assert records == ["chr1 2 rs7 C G ."]
    records, _ = read_records(write_input("gene v\nx 1:2:C:G\n"), reference, columns={"variant": "v"})
    assert records == ["chr1 2 1:2:C:G C G ."]


def test_a_column_of_variants_may_have_one_of_effect_alleles_beside_it(write_input, read_records, reference):
    path = write_input("MarkerName Allele1 Allele2 Effect\n1:2:C:G g c 0.1\n1:3:G:T g t 0.1\n")
    records, source = read_records(path, reference, columns={"effect_allele": "Allele1"})
    assert records == ["chr1 2 1:2:C:G C G EFFECT_ALLELE=G", "chr1 3 1:3:G:T G T EFFECT_ALLELE=G"]
    assert "EFFECT_ALLELE" in source.info_ids


def test_bytes_that_are_no_utf_8_stop(tmp_path, read_records, reference):
    path = tmp_path / "in.tsv"
    path.write_bytes(HEADER.replace(" ", "\t").encode() + b"chr1\t2\tC\tG\t\xe4\n")
    with pytest.raises(DataError, match=r"in\.tsv: expected UTF-8, found other bytes; convert the text: iconv"):
        read_records(path, reference)


def test_a_packed_table_that_was_cut_stops(tmp_path, write_input, read_records, reference):
    import gzip
    import io

    from zoo.genome.bgzf import EOF_MARKER, BgzfSink

    path = tmp_path / "in.tsv.gz"
    text = (HEADER + ROWS * 2000).replace(" ", "\t").encode()
    long = (HEADER + ROWS * 40_000).replace(" ", "\t").encode()
    path.write_bytes(gzip.compress(long, 1)[:-20])
    with pytest.raises(DataError, match=r"in\.tsv\.gz: the file is cut or damaged"):
        read_records(path, reference)
    packed = io.BytesIO()
    sink = BgzfSink(packed)
    sink.write(text)
    sink.finish()
    path.write_bytes(packed.getvalue())
    assert len(read_records(path, reference)[0]) == 4000
    path.write_bytes(packed.getvalue()[: -len(EOF_MARKER)])
    with pytest.raises(DataError, match=r"in\.tsv\.gz: the file is cut: its BGZF end marker is missing"):
        read_records(path, reference)


def test_a_last_line_without_newline_gets_a_warning(write_input, read_records, reference):
    path = write_input((HEADER + ROWS).rstrip("\n"))
    records, source = read_records(path, reference)
    assert records == EXPECTED
    assert source.warnings == [f"{path}: the last line has no newline at its end: the file may be cut there"]
