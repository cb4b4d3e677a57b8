"""One module per pipeline stage, each with one ``run``: read, call the core, write."""
