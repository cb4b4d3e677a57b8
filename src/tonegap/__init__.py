"""tonegap."""
