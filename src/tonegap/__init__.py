"""tonegap assesses whether generative models of skin images serve dark skin as well as light."""

__version__ = "0.1.0"
