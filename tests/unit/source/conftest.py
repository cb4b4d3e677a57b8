"""Fixtures for tests of choosing a data set."""

from branches import plain_branch

__all__ = ["plain_branch"]
