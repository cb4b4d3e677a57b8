"""Duplicates: pairs of copies, the clusters they form, and what those clusters cross."""

from __future__ import annotations

from tonegap.duplicates.clustering import clusters, straddling
from tonegap.duplicates.pairs import PAIR_COLUMNS, near_duplicate_pairs

__all__ = ["PAIR_COLUMNS", "clusters", "near_duplicate_pairs", "straddling"]
