"""Explainers, one a file. What stands here is on the page, on the command line and in the help."""
