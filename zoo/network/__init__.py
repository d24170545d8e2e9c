"""What a network does along the sequence, read from its ONNX graph, and the graphs that do less of it."""
