"""Audits: any finished model on any data in one command, as a DVC pipeline of its own."""
