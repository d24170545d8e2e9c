"""For tests, ours and a stranger's: the contracts of components and of stores, servers with faults, tiny model folders and a golden file."""
