"""The phantoms whose samples are assessed, and the space in which they are compared."""

from sampled_phantoms import network, space, world

__all__ = ["network", "space", "world"]
