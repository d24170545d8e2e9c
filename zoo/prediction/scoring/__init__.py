"""From windows to scores: models, scorers, and where a score stands among common variants."""
