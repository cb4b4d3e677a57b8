"""A posterior that has collapsed to the prior: it says nothing of the image, whoever is shown."""

from __future__ import annotations

from typing import Final

import pandas as pd

PRIOR: Final = 1.0
"""Standard deviation of the prior, and so of a posterior that has collapsed to it."""

TOLERANCE: Final = 0.01
"""Largest distance of every image's sigma from the prior's that counts as collapsed."""


def is_collapsed(sigma: pd.Series) -> bool:
    """Return True if every image has the prior's deviation; False without deviations."""
    known = sigma.dropna()
    return len(known) > 0 and bool((known - PRIOR).abs().le(TOLERANCE).all())


def collapse_warning(runs: int, of: int) -> str:
    """Say what a collapse means, or nothing.

    Parameters
    ----------
    runs, of
        How many runs have collapsed, and how many there are.
    """
    if not runs:
        return ""
    which = "The posterior has" if of == 1 else f"In {runs} of {of} runs the posterior has"
    return (
        f"{which} collapsed to the prior: sigma is 1 for every image, whatever it shows. A gap of "
        "0 in sigma is then no parity, because sigma knows no image; lower the weight of the KL "
        "term (train.beta), or train longer."
    )
