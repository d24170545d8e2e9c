"""Which columns of a table hold contig, position and alleles: as named by the user, or by well-known names.

The names are those of GWAS Catalog (harmonised, and GWAS-SSF), eQTL Catalogue, GTEx, FinnGen, PLINK 1 and 2, REGENIE,
BOLT-LMM, METAL, LDSC, ANNOVAR, MAF, BioMart and VCF, in small letters, other signs as ``_``. The first that a table
has counts: GWAS Catalog's harmonised columns stand before those that its authors gave.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.errors import DataError, near_match
from zoo.prediction.inputs.variant_text import split_place, split_variant

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "contig": (
        "hm_chrom", "contig", "chrom", "chr", "chromosome", "chromosome_name", "chromosome_scaffold_name", "seqnames",
        "seqname", "seq_region_name", "variant_chromosome", "variant_chr", "snp_chr", "chr_name", "chrom_id", "chr_id",
    ),
    "position": (
        "hm_pos", "position", "pos", "base_pair_location", "bp", "variant_position", "variant_pos", "snp_pos",
        "base_pair_position", "chrom_position", "chr_position", "chr_pos", "chrpos", "bp_position", "pos1", "ps",
        "genpos", "start_position", "seq_region_start", "chromosome_scaffold_position_start_bp", "start",
    ),
    "ref": (
        "ref", "reference", "ref_allele", "reference_allele", "allele_ref", "ref_base", "allele_reference",
    ),
    "alt": (
        "alt", "alternate", "alternative", "alt_allele", "alternate_allele", "alternative_allele", "allele_alt",
        "tumor_seq_allele2", "allele_alternate", "alt_base",
    ),
    "effect_allele": (
        "hm_effect_allele", "effect_allele", "effectallele", "ea", "assessed_allele", "tested_allele", "test_allele",
        "coded_allele", "risk_allele", "a1",
    ),
    "other_allele": (
        "hm_other_allele", "other_allele", "otherallele", "oa", "nea", "non_effect_allele", "noneffect_allele",
        "noneffectallele", "noncoded_allele", "non_coded_allele", "baseline_allele", "a2", "a0", "ax", "omitted",
    ),
    "id": (
        "hm_rsid", "rsid", "rs_id", "rs", "rs_id_dbsnp151_grch38p7", "rsids", "dbsnp_rs", "snpid", "snp_id", "snp",
        "snps", "id", "variation_name", "refsnp_id", "markername", "markerid", "marker", "hm_variant_id",
        "variant_id", "variantid", "variant", "name",
    ),
    "variant": (
        "variant", "variant_id", "variantid", "hm_variant_id", "markername", "markerid", "marker", "snpid", "snp_id",
        "snp", "cptid", "id", "uniqid",
    ),
    "end": (
        "end", "end_position", "seq_region_end", "chromosome_scaffold_position_end_bp",
    ),
}  # fmt: skip

# Of ALLELE1 and ALLELE0 (REGENIE, BOLT-LMM) the first is the effect's; of Allele1 and Allele2 METAL says the first,
# SAIGE the second, so that nobody can tell.
_NUMBERED = {"effect_allele": "allele1", "other_allele": "allele0"}

_RSID = re.compile(r"rs[0-9]+", re.IGNORECASE | re.ASCII)

_PLACE = ("contig", "position")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table's columns stand, counted from 0; None for what it lacks, or what is not needed.

    Either ``variant`` is given, or ``first`` and ``second`` with ``contig`` and ``position`` or ``place``, or ``id``
    alone.

    Attributes:
        place: Contig and position in one text, as METAL's ``20:1000072``.
        first: REF, or the other allele.
        second: ALT, or the effect allele.
        oriented: Whether ``first`` is REF; else the genome decides.
        effect: A column of the effect allele beside REF and ALT, or beside ``variant``.
        names: The names of all columns.
    """

    names: tuple[str, ...]
    contig: int | None = None
    position: int | None = None
    first: int | None = None
    second: int | None = None
    oriented: bool = True
    effect: int | None = None
    id: int | None = None
    variant: int | None = None
    place: int | None = None
    end: int | None = None

    @property
    def has_place(self) -> bool:
        """Whether a row says where its variant lies; else its ID has to be looked up."""
        return any(column is not None for column in (self.variant, self.contig, self.place))

    @property
    def needed(self) -> set[int]:
        """The columns that are read."""
        columns = (
            self.contig, self.position, self.place, self.variant, self.id, self.end,
            self.first, self.second, self.effect,
        )  # fmt: skip
        return {column for column in columns if column is not None}


def find_columns(names: Sequence[str], chosen: Mapping[str, str], where: str, example: Sequence[str] = ()) -> Layout:
    """Return where the columns stand.

    Args:
        names: The table's header.
        chosen: The user's names, by ours.
        where: What to call the header in messages.
        example: The cells of the first row, which tell a column of variants from one of other IDs.

    Raises:
        DataError: A column that the user named is not there, or contig, position or alleles can't be found.
    """
    _check_chosen(names, chosen, where)
    ours_of_rows = [ours for ours in SYNONYMS if ours != "variant" or ours in chosen]
    found = {ours: place for ours in ours_of_rows if (place := _find(names, ours, chosen, where)) is not None}
    effect = found.get("effect_allele")
    together = _find_together(names, found.get("variant"), example)
    if "variant" in chosen and together is None:
        return Layout(tuple(names), variant=found["variant"], id=found.get("id"), effect=effect)
    place = all(name in found for name in _PLACE)
    if not place and together is not None:
        found = {name: column for name, column in found.items() if name not in _PLACE}
        place = True
    pairs = {True: ("ref", "alt"), False: ("other_allele", "effect_allele")}
    # A user who names one pair means it, whatever else the table has.
    order = (False, True) if _names_only_effect(chosen) else (True, False)
    for oriented in order:
        first, second = pairs[oriented]
        if place and first in found and second in found:
            return Layout(
                tuple(names),
                **{name: found.get(name) for name in (*_PLACE, "id", "end")},
                place=None if "contig" in found else together,
                first=found[first],
                second=found[second],
                oriented=oriented,
                effect=effect if oriented else None,
            )
    variant = _find_variant(names, example) if set(chosen) <= {"id", "effect_allele"} else None
    if variant is not None:
        return Layout(tuple(names), variant=variant, id=found.get("id"), effect=effect)
    if "id" in found and set(chosen) <= {"id"}:
        return Layout(tuple(names), id=found["id"])
    raise DataError(_describe_missing(names, found, where))


def recognises(names: Sequence[str], chosen: Mapping[str, str], example: Sequence[str] = ()) -> bool:
    """Tell whether a line looks like a table's header.

    It has a column that the user named, or two well-known ones, or one of IDs or variants with such a cell below.
    """
    if any(name in chosen.values() for name in names):
        return True
    plain = [_plain(name) for name in names]
    if sum(bool(set(plain).intersection(known)) for known in SYNONYMS.values()) >= 2:
        return True
    return len(example) == len(names) and any(
        is_id_name(name) and (is_rsid(cell) or split_variant(cell)) for name, cell in zip(names, example, strict=True)
    )


def is_rsid(text: str) -> bool:
    """Tell whether a text is the ID of a variant in dbSNP."""
    return _RSID.fullmatch(text) is not None


def is_id_name(name: str) -> bool:
    """Tell whether a text can head a list of IDs or variants."""
    return _plain(name) in {*SYNONYMS["id"], *SYNONYMS["variant"]}


def _check_chosen(names: Sequence[str], chosen: Mapping[str, str], where: str) -> None:
    for ours, column in chosen.items():
        count = list(names).count(column)
        if not count:
            raise DataError(f"{where}: no column {column!r} for {ours}{near_match(column, names)}")
        if count > 1:
            raise DataError(f"{where}: {count} columns are named {column!r}; rename all but one")


def _find(names: Sequence[str], ours: str, chosen: Mapping[str, str], where: str) -> int | None:
    if ours in chosen:
        return list(names).index(chosen[ours])
    plain = [_plain(name) for name in names]
    known = SYNONYMS[ours]
    if ours in _NUMBERED and {"allele0", "allele1"} <= set(plain):
        known = (*known, _NUMBERED[ours])
    counts = Counter(plain)
    for name in known:
        if counts[name] > 1:
            raise DataError(
                f"{where}: {counts[name]} columns may be the {ours}: "
                f"{', '.join(repr(names[place]) for place, other in enumerate(plain) if other == name)}; "
                f"say which: --columns {ours}=COLUMN"
            )
        if counts[name]:
            return plain.index(name)
    return None


def _find_together(names: Sequence[str], chosen: int | None, example: Sequence[str]) -> int | None:
    """Return the column that holds contig and position in one text, as the first row tells."""
    if len(example) != len(names):
        return None
    known = SYNONYMS["variant"]
    columns = [chosen] if chosen is not None else [i for i, name in enumerate(names) if _plain(name) in known]
    return next((column for column in columns if split_place(example[column]) and not is_rsid(example[column])), None)


def _find_variant(names: Sequence[str], example: Sequence[str]) -> int | None:
    """Return the first column of variants, as its name and the first row tell; by the name alone without a row."""
    plain = [_plain(name) for name in names]
    for name in SYNONYMS["variant"]:
        if plain.count(name) == 1:
            place = plain.index(name)
            if len(example) != len(names) or split_variant(example[place]):
                return place
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _names_only_effect(chosen: Mapping[str, str]) -> bool:
    return "effect_allele" in chosen and "other_allele" in chosen and not {"ref", "alt"} & set(chosen)


def _describe_missing(names: Sequence[str], found: Mapping[str, int], where: str) -> str:
    missing = [name for name in _PLACE if name not in found]
    if not (("ref" in found and "alt" in found) or ("effect_allele" in found and "other_allele" in found)):
        missing.append("ref and alt, or effect_allele and other_allele")
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    example = "effect_allele" if missing[0].startswith("ref") else missing[0]
    return (
        f"{where}: expected columns for contig, position and alleles; not found: {'; '.join(missing)}; "
        f"there is {shown}; say which: --columns {example}=COLUMN …"
    )
