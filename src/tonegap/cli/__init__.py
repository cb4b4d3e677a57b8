"""The command line: parses, calls, translates errors; nothing else lives here."""
