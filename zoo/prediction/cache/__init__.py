"""Predictions that are kept on disk, for later runs to find."""
