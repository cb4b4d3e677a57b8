"""Measure the cost of a model: operations, memory, and training speed."""
