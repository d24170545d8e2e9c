"""From variants, sequences and regions to numbers."""
