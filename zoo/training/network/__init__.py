"""The network itself: found step by step, kept, joined and exported."""
