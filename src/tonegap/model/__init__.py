"""Generative models, their features and their objective: torch in, torch out."""
