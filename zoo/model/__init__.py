"""One model: its card, its folder, its checksums and the session that runs it."""
