"""The kinds of job there are, a file each: a name, and what opens a folder of that kind."""
