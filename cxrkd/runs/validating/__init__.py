"""A run measured on films of another data set, or on its own test films with other labels: a job that keeps answers."""
