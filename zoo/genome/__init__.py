"""Bases, intervals, variants, genomes and the files that hold them."""
