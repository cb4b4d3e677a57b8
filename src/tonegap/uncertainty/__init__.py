"""Uncertainty scores: how unsure of an image a model is, or should be."""
