"""The report: one self-contained HTML page for readers, and its claims for machines."""
