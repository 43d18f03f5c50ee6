"""Anything that was answered -> one file to keep: HTML that opens anywhere and asks nobody, or the same as JSON."""
