import re

import pytest

from zoo.errors import DataError
from zoo.prediction.inputs.columns import find_columns

HEADERS = {
    "GWAS Catalog, harmonised": (
        ("hm_variant_id hm_rsid hm_chrom hm_pos hm_other_allele hm_effect_allele hm_beta chromosome base_pair_location "
        "variant_id effect_allele other_allele"),
        {"contig": "hm_chrom", "position": "hm_pos", "first": "hm_other_allele", "second": "hm_effect_allele",
         "id": "hm_rsid"},
    ),
    "GWAS-SSF": (
        "chromosome base_pair_location effect_allele other_allele beta rsid ref_allele",
        {"contig": "chromosome", "position": "base_pair_location", "first": "other_allele", "second": "effect_allele",
         "id": "rsid"},
    ),
    "eQTL Catalogue": (
        "molecular_trait_id chromosome position ref alt variant pvalue rsid",
        {"contig": "chromosome", "position": "position", "first": "ref", "second": "alt", "id": "rsid"},
    ),
    "GTEx": ("variant_id gene_id tss_distance pval_nominal", {"variant": "variant_id", "id": "variant_id"}),
    "FinnGen": (
        "#chrom pos ref alt rsids pval",
        {"contig": "#chrom", "position": "pos", "first": "ref", "second": "alt", "id": "rsids"},
    ),
    "PLINK 1": (
        "CHR SNP BP A1 F_A F_U A2 CHISQ P OR",
        {"contig": "CHR", "position": "BP", "first": "A2", "second": "A1", "id": "SNP"},
    ),
    "PLINK 2": (
        "#CHROM POS ID REF ALT A1 TEST BETA",
        {"contig": "#CHROM", "position": "POS", "first": "REF", "second": "ALT", "effect": "A1", "id": "ID"},
    ),
    "REGENIE": (
        "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ",
        {"contig": "CHROM", "position": "GENPOS", "first": "ALLELE0", "second": "ALLELE1", "id": "ID"},
    ),
    "BOLT-LMM, whose GENPOS is genetic": (
        "SNP CHR BP GENPOS ALLELE1 ALLELE0",
        {"contig": "CHR", "position": "BP", "first": "ALLELE0", "second": "ALLELE1", "id": "SNP"},
    ),
    "GEMMA": (
        "chr rs ps n_miss allele1 allele0 af",
        {"contig": "chr", "position": "ps", "first": "allele0", "second": "allele1", "id": "rs"},
    ),
    "MAF": (
        "Hugo_Symbol Chromosome Start_Position End_Position Reference_Allele Tumor_Seq_Allele2 dbSNP_RS",
        {"contig": "Chromosome", "position": "Start_Position", "end": "End_Position", "first": "Reference_Allele",
         "second": "Tumor_Seq_Allele2", "id": "dbSNP_RS"},
    ),
    "GWAS Catalog, associations": ("PUBMEDID CHR_ID CHR_POS SNPS P-VALUE", {"id": "SNPS"}),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_well_known_tables_need_no_options(name):
    header, expected = HEADERS[name]
    names = header.split(" ")
    layout = find_columns(names, {}, "in.tsv")
    found = {ours: getattr(layout, ours) for ours in
             ("contig", "position", "first", "second", "effect", "id", "variant", "end")}  # fmt: skip
    assert {ours: names[place] for ours, place in found.items() if place is not None} == expected
    assert layout.oriented == (expected.get("first") in {None, "ref", "REF", "Reference_Allele"})


def test_the_users_names_come_first():
    names = ["chrom", "pos", "pos_hg38", "ref", "alt", "A", "B"]
    assert find_columns(names, {"position": "pos_hg38"}, "x").position == 2
    layout = find_columns(names, {"effect_allele": "A", "other_allele": "B"}, "x")
    assert (layout.first, layout.second, layout.oriented) == (6, 5, False)
    assert find_columns(["key", "chrom", "pos"], {"variant": "key"}, "x").variant == 0


@pytest.mark.parametrize(
    ("names", "chosen", "message"),
    [
        ("chrom pos p", {}, ("expected columns for contig, position and alleles; not found: ref and alt, or "
         "effect_allele and other_allele; there is chrom, pos, p; say which: --columns effect_allele=COLUMN …")),
        ("chrom ref alt", {}, "expected columns for contig, position and alleles; not found: position; "),
        ("chrom pos ref alt", {"position": "BPP"}, "no column 'BPP' for position; there is alt, chrom, pos, ref"),
        ("chr pos pos ref alt", {"position": "pos"}, "2 columns are named 'pos'; rename all but one"),
        ("chr Pos pos ref alt", {}, ("2 columns may be the position: 'Pos', 'pos'; say which: "
         "--columns position=COLUMN")),
        ("chr pos Allele1 Allele2", {}, "expected columns for contig, position and alleles; not found: ref and alt"),
    ],
)  # fmt: skip
def test_what_is_missing_or_may_be_two_things_is_told(names, chosen, message):
    with pytest.raises(DataError, match=f"^in.tsv, line 1: {re.escape(message)}"):
        find_columns(names.split(" "), chosen, "in.tsv, line 1")
