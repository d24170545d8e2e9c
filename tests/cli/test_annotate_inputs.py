"""Lists and tables of variants are as good an input of `zoo annotate` as a VCF."""

import pytest

from zoo.cli import main

# Position 4 is a G.
GENOME = "ATTGACAGATTGGACCGTACACG"


@pytest.fixture
def annotate(tmp_path, g_at_anchor_folder):
    genome = tmp_path / "genome.fa"
    genome.write_text(f">chr1\n{GENOME}\n")

    def run(text, *arguments, name="variants.txt"):
        given = tmp_path / name
        given.write_text(text)
        output = tmp_path / "out.vcf"
        fixed = ["-f", str(genome), "-m", str(g_at_anchor_folder), "-o", str(output)]
        status = main(["annotate", str(given), *fixed, *arguments])
        lines = output.read_text().splitlines() if output.exists() else []
        return status, ["\t".join(line.split("\t")[:5] + line.split("\t")[7:]) for line in lines if line[0] != "#"]

    return run


def test_a_list_of_variants_is_scored_in_its_order(annotate):
    status, lines = annotate("chr1:12:G:A\n1-4-G-A\nchr1:4:G:T\n")
    assert status == 0
    assert [line.split("\t")[1] for line in lines] == ["12", "4", "4"]
    assert all("ZOO_G_AT_ANCHOR=-1" in line for line in lines)


def test_the_effect_allele_of_an_association_may_be_ref(annotate):
    table = "SNP\tCHR\tBP\tA1\tA2\trs\nx\tchr1\t4\tG\tA\trs7\n"
    columns = ["contig=CHR", "position=BP", "effect_allele=A1", "other_allele=A2", "id=rs"]
    status, lines = annotate(table, *[part for column in columns for part in ("--columns", column)], name="gwas.tsv")
    assert status == 0
    (line,) = lines
    assert line.startswith("chr1\t4\trs7\tG\tA\t")
    assert "EFFECT_ALLELE=G" in line
    assert "ZOO_G_AT_ANCHOR=-1" in line


def test_rsids_need_a_file_that_says_where_they_lie(annotate, tmp_path, capsys):
    assert annotate("rs7\n")[0] == 1
    assert "give a dbSNP VCF or BCF that says where they lie (--dbsnp FILE)" in capsys.readouterr().err
    dbsnp = tmp_path / "dbsnp.vcf"
    head = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    dbsnp.write_text(f"{head}chr1\t4\trs7\tG\tA,C\t.\t.\t.\n")
    status, lines = annotate("rs7\nrs8\n", "--dbsnp", str(dbsnp))
    assert status == 0
    assert len(lines) == 1
    assert "ZOO_G_AT_ANCHOR=-1,-1" in lines[0]
    assert "rs8" in capsys.readouterr().err


def test_a_column_that_is_none_of_ours_is_told(annotate, capsys):
    status, _ = annotate("chr1:4:G:A\n", "--columns", "chromosome=CHR")
    assert status == 1
    error = capsys.readouterr().err
    assert error.startswith("zoo: error: columns: expected one of contig, position, ")
    assert "found 'chromosome'" in error


@pytest.mark.parametrize(
    ("columns", "message"),
    [(["contig"], "expected NAME=COLUMN, found 'contig'"), (["id=A", "id=B"], "names 'id' twice; name it once")],
)
def test_columns_that_are_not_given_by_name_are_wrong_usage(annotate, capsys, monkeypatch, columns, message):
    monkeypatch.setenv("COLUMNS", "200")
    status, _ = annotate("chr1:4:G:A\n", *[part for column in columns for part in ("--columns", column)])
    assert status == 2
    assert message in capsys.readouterr().err


def test_a_table_of_scores_tells_the_effect_allele(annotate, tmp_path):
    text = "chr\tpos\tA1\tA2\nchr1\t4\tG\tA\nchr1\t4\tA\tG\n"
    names = ("contig=chr", "position=pos", "effect_allele=A1", "other_allele=A2")
    columns = [part for column in names for part in ("--columns", column)]
    output = tmp_path / "scores.tsv"
    assert annotate(text, *columns, "-o", str(output), name="gwas.tsv")[0] == 0
    header, *rows = (line.split("\t") for line in output.read_text().splitlines())
    cells = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(cell["ref"], cell["alt"], cell["effect_allele"], cell["ref_undecided"]) for cell in cells] == [
        ("G", "A", "G", "0"),
        ("G", "A", "A", "0"),
    ]
    # The first row's effect allele is REF, so that its effect is the score turned round.
    assert [(cell["ZOO_G_AT_ANCHOR"], cell["ZOO_G_AT_ANCHOR_EFFECT"]) for cell in cells] == [("-1", "1"), ("-1", "-1")]


def test_contig_and_position_may_stand_in_one_column_beside_the_alleles(annotate):
    table = "MarkerName\tAllele1\tAllele2\tEffect\n1:4\ta\tg\t0.1\n1:12\tg\ta\t0.2\n"
    columns = ("--columns", "effect_allele=Allele1", "--columns", "other_allele=Allele2")
    for more in ((), ("--columns", "variant=MarkerName")):
        status, lines = annotate(table, *columns, *more, name="metal.tsv")
        assert status == 0
        assert [line.split("\t")[:5] for line in lines] == [
            ["chr1", "4", "1:4", "G", "A"],
            ["chr1", "12", "1:12", "G", "A"],
        ]
        assert "EFFECT_ALLELE=A;" in lines[0]
        assert "EFFECT_ALLELE=G;" in lines[1]


def test_a_place_that_is_none_is_told_with_its_line(annotate, capsys):
    table = "MarkerName\tREF\tALT\n1:4\tG\tA\nrs7\tG\tA\n"
    assert annotate(table, name="table.tsv")[0] == 1
    assert "line 3: expected contig and position such as chr1:100, found 'rs7'" in capsys.readouterr().err
