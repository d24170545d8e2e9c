"""One program a module: scores alleles or makes mutation maps with another package, in an environment of its own."""
