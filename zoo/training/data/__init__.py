"""Examples on their way to a network: targets, strands, batches, stores, splits and checks."""
