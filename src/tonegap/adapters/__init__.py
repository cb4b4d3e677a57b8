"""Adapters: finished models of other libraries as models that tonegap can assess."""
