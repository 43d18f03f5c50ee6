"""Watching a folder: each film that comes is answered by teacher and student, until somebody stops it."""
