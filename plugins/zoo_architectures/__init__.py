"""The built-in components of this kind."""
