"""Is a run whole, and what of it can be mended: `runs check`."""
