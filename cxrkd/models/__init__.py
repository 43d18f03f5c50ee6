"""Networks behind one contract, the list of those on offer, and their weights on disk."""
