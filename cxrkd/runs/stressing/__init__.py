"""Stress tests: the networks of a run asked about degraded films."""
