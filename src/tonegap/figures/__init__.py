"""The paper's figures 1-8 and the exclusions flow: drawn from tables, returned as values."""
