"""For tests, ours and a stranger's: contracts of components and stores, servers with faults, tiny models and files."""
