"""Whole processes, side by side: `zoo annotate` and the programs that others have for the same work."""
