"""The report for people: one self-contained HTML page, and its claims for machines."""
