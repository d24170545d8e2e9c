"""For tests, ours and a stranger's: the contract of components, tiny model folders and a golden file."""
