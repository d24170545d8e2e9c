"""Packages to fill in, for those who add components of their own."""
