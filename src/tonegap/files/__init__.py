"""Reading and writing: the shell around the core. Every write is atomic."""
