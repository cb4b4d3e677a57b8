"""Duplicates: pairs of copies, the clusters they form, and what those clusters cross."""
