"""Readers of data sets as they are published, unpacked: one file a data set. Nothing here reads a pixel."""
