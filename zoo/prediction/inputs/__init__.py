"""What variants may come as: VCF and BCF, lists of variants or rsIDs, tables; all are read as records of a VCF."""
