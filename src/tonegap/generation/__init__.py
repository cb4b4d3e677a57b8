"""What a model generates, beside real images: how near it comes to each group, and in which tones.

See docs/generation.md.
"""
