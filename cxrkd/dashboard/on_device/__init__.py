"""The page On device: what of a run can leave the house."""
