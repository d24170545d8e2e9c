"""What is written: INFO keys, lines, formats, and the journal of an unfinished run."""
