"""Data sets whose layout is known: one YAML file each, of the schema in :mod:`.schema`."""
