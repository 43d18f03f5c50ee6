"""The engines there are, a file each: what one is called, what it needs, and what answers."""
