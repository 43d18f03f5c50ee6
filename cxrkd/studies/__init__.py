"""Studies: which teacher, which student, which way of teaching. A job over runs, each of which every page opens."""
