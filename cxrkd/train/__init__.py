"""Training: Lightning under one function, and what a teacher says kept on disk."""
