"""What the page of measured effects says around its tables."""

from __future__ import annotations

HEAD = """\
# Measured effects

How far the scores of each model agree with effects of variants that were measured. Made by one command, which also
writes the rows beside the models' folders (`zoo info NAME` shows them):

```
python benchmarks/effects.py --data-root DIR --write-cards
```

Every model of the registry meets every set, by the scorer of its card and by the other of `difference` and
`logit_difference`; nothing is picked. No model was trained on any of these effects: the yeast promoters are of the test
part of the yeast models, and the others never saw a changed sequence. Figures in brackets are 95 % intervals of 1,000
bootstrap samples; a dash stands for what is not defined: fewer than 10 effects, or a score that is the same for all.
The last row of a table, *{gc}*, is no model: it counts the bases G and C of ALT less those of REF.

Measured on {machine}, at commit `{commit}`.

**Where a window lies.** *Centred*: the variant stands at the anchor of the card, as in an annotated VCF; of the yeast
models, which read 80 bases between constant flanks, in the middle of those 80. *Region*: the window lies over the
middle of the region, the same for all its variants, wherever they are in it. The sets carry short sequences and no
genome around them: what a window reads beyond them is N, up to half of it. A genome has bases there, which annotation
reads. Variants that a window does not hold are left out, which is why n differs.

**Figures.** *r*: Pearson's correlation; *rho*: Spearman's; *sign*: the share of effects whose sign is right;
*concordance*: the mean of that share among the effects below 0 and among those above 0, so that one answer for all
gets 0.50. A score of exactly 0 is half right. Both scorers have one sign, save where rounding makes one of them 0 (of
sequences that a model is sure about, as the primer is of most); tables show the sign and concordance of `difference`.

![Predicted against measured effects](images/{figure})
"""

ASB_TEXT = """
## Allele-specific binding of CTCF

AlleleDB's rows for CTCF alone: reads of each allele summed over individuals, one site a region. Regions that overlap
are one; its most-read site counts: {n} sites, {held_out} of them on chr8 and chr9, which no model of CTCF was trained
on (the peaks of ctcfl-k562 tell no contig). Of the others the region may be a peak that a model was trained on; its
alleles never are. {share:.0%} favour REF, so that always answering REF has a concordance of 0.50. Measured is
log2((ALT + 1) / (REF + 1)). Only significant sites are in the set, half of which change at least {fold:.0f}-fold.

**Expected**: that the models of CTCF agree (ctcf-sites, ctcf-100bp, gm12878-ctcf, the track CTCF of gm12878-multi, and
that of its paralogue CTCFL: ctcfl-k562), and that no other does. Asked of a CTCF model are a concordance of {least:.2f}
and an r of {least_r:.2f}; the aim is {aim:.2f} and {aim_r:.2f}.

Over all sites, both are reached by:

{reached}

On chr8 and chr9, where {held_out} sites leave wide intervals, by:

{reached_held_out}

{made_for_it}

{aim_reached}

**Why not more.** {in_motif} of the {n} sites lie in the best match of CTCF's motif ({motif}, HOCOMOCO v12) in their
region, by either allele; the others beside it, and of those {strong} change at least 16-fold all the same. A base pair
that CTCF does not touch rarely does that: another variant of the same haplotype, an indel, or a copy number may. The
tables below show both kinds apart: models agree with the first, and hardly with the second.

**What was not expected.** arid3a-k562 agrees although it knows nothing of CTCF: a fifth of the ARID3A peaks that it was
trained on hold a strong match of CTCF's motif. pu1-100bp and the track H3K4me3 of gm12878-multi have the opposite sign:
of the first, CTCF's peaks were negatives. A count of G and C does as well as the models of CTCF where the site lies
outside the motif.

**How ctcf-sites was made.** How to train it was chosen among twelve short runs (positives, negatives, smoothing,
filters, shifts) by the agreement with the sites that are not on chr8 and chr9: 305 sites, of which none was trained on,
but whose figures are therefore a little too good. What helped were negatives of the genome's own composition
(`benchmarks/genome_windows.py`), beside dinucleotide shuffles; the gain over gm12878-ctcf was +0.03 in concordance
(95 % interval -0.02 to 0.07): no proof. The sites of chr8 and chr9 took no part in the choice. The models published
before were measured on them while this benchmark was written, of the runs none was; ctcf-sites was once, for this page.
"""

ELEMENTS_TEXT = """
## Saturation mutagenesis of nine elements

Kircher 2019 (doi:10.1038/s41467-019-11526-w): each base of an element is changed to every other, or deleted, before a
reporter gene (log2 effect on the + strand; alleles of at least 10 barcodes). rho by element; *inside*: variants whose
centred window lies inside the element; *padded*: all, with N beyond its ends. Intervals resample blocks of ten
neighbouring bases.

LDLR and LDLR.2 are two measurements of one element: {shared} alleles stand in both, rho {replicates:.2f}, which is
about what a perfect model could reach. Elements differ in how strong their effects are, so compare models within one.

**Expected**, written before anything was measured: a model can match where its factor was measured in the cell type of
the element, and binds it. That leaves the rows marked *yes* below: for F9, LDLR, LDLR.2 and SORT1 (HepG2) the three
models of HepG2, of which ZBTB7A mostly represses, so that its sign may be the other one; for PKLR-24h (K562) the two of
K562. HEK293T (HNF4A, MYCrs6983267), HaCaT (IRF6) and Neuro-2a (RET) have no model here, and nothing is expected of
GM12878, H1-hESC or yeast. Each of these models knows one factor, an element answers to many: correlations near 0 are
what to expect of most rows, and one above 0 in an unmarked row tells of a factor, or of GC content, that several cell
types share.

{counts}
"""

YEAST_TEXT = """
## Substitutions in yeast promoters

Vaishnav 2022 (doi:10.1038/s41586-022-04506-6): {n:,} effects of one to three substitutions on the expression of
{promoters} promoters in complex medium, the window over the whole promoter. Intervals resample promoters.

**Expected**: that yeast-promoter-complex agrees, and yeast-promoter-defined (the same promoters, another medium)
somewhat less; of the models of human factors nothing.
"""
