"""A network leaves the house: what it is written as, and what goes along with it."""
