"""What a pull request changes: base and head reproduced on one machine, compared, and judged."""
