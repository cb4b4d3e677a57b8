"""Measure what a model costs: operations, memory, and the speed of training it."""
