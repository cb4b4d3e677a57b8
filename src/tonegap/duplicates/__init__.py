"""Duplicates: pairs of copies, the clusters they form, and the borders that clusters cross."""
