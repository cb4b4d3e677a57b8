"""Duplicates: pairs of copies, the clusters they form, and what those clusters cross."""

from __future__ import annotations

from tonegap.duplicates.candidates import PAIR_COLUMNS, hash_candidates
from tonegap.duplicates.clustering import clusters, straddling
from tonegap.duplicates.listed import listed_among, listed_images, listed_pairs
from tonegap.duplicates.pairs import KINDS, merge_pairs, near_duplicate_pairs, verified

__all__ = [
    "KINDS",
    "PAIR_COLUMNS",
    "clusters",
    "hash_candidates",
    "listed_among",
    "listed_images",
    "listed_pairs",
    "merge_pairs",
    "near_duplicate_pairs",
    "straddling",
    "verified",
]
