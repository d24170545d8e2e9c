"""Whether what was published still predicts what it did, and whether this installation is sound."""
