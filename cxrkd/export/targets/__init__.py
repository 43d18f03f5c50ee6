"""The forms in which a network can be taken away, a file each: what it is written as, and what answers from that."""
