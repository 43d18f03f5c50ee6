"""A network of a run as a file to take away, checked against PyTorch before anybody gets it."""
