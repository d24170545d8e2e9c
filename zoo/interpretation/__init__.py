"""What a model has learned, made visible: the effect of every change of a sequence."""
