"""The alleles of records, as arrays: normal form, reasons, and whether they belong to the genome."""
