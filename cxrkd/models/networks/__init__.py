"""The networks on offer, a file for each family."""
