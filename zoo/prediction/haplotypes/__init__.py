"""One sample's alleles on its haplotypes: those of a window scored together, or each on its own background."""
