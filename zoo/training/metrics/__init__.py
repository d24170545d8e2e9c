"""How good predictions are: classes, values and bins, with intervals."""
