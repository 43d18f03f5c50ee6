"""Explainable knowledge distillation for on-device chest X-ray classification."""

__version__ = "0.1.0"
