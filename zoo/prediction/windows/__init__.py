"""What a model reads for an allele: a window of REF and one of ALT."""
