"""Plain words for the comparisons, which the documents for machines know by short names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_ACRONYMS = ("auc", "jpeg", "mse", "nmse", "pca")
_COMPARISONS: Mapping[str, str] = {
    "slope_light": "Light images, as their share in training rises from none to all",
    "slope_dark": "Dark images, as their share in training rises from none to all",
    "gap_mixed": "Mixed: both groups half of the training",
    "gap_worst_case": "Worst case: each group absent from training",
    "gap_best_case": "Best case: each group alone in training",
    "gap_best_case_equal_distinct": "Best case, trained on equally many distinct images",
    "sigma_auc_all": "Mean of all mixes",
    "sigma_gap_all": "Mean of all mixes",
    "auc_excess_all": "Mean of all mixes",
    "sigma_error_rank_light": "Among light images",
    "sigma_error_rank_dark": "Among dark images",
}
_BY_MIX = re.compile(r"^(?:sigma_(?:auc|gap)|auc_excess)_(?P<percent>\d+(?:\.\d+)?)$")
_MEASURES: Mapping[str, str] = {
    "mse": "MSE, pixels in [-1, 1]",
    "nmse": "NMSE: MSE over the image's own variance",
    "mse_given_pca": "MSE at equal difficulty for PCA",
    "mse_given_jpeg": "MSE at equal difficulty for JPEG",
    "sigma_auc": "AUC of sigma, less 0.5",
    "sigma": "Sigma: mean posterior standard deviation",
    "auc_excess": "AUC of the error less AUC of sigma",
    "sigma_error_rank": "Rank correlation of sigma with the error",
}


class Sides(NamedTuple):
    """What a value below and above zero means."""

    below: str
    above: str


_NO_SIDES = Sides("lower", "higher")
_SIDES: Mapping[str, Sides] = {
    "slope": Sides("error falls", "error rises"),
    "gap": Sides("light fares worse", "dark fares worse"),
    "sigma_auc": Sides("lower on dark", "higher on dark"),
    "sigma_gap": Sides("lower on dark", "higher on dark"),
    "auc_excess": Sides("sigma shows more", "sigma shows less"),
    "sigma_error_rank": Sides("falls with error", "rises with error"),
}


def comparison_name(contrast: str) -> str:
    """Say what is compared: ``gap_mixed`` is "Mixed: both groups half of the training"."""
    by_mix = _BY_MIX.match(contrast)
    if by_mix:
        return f"Trained on {by_mix['percent']} % dark images"
    return _COMPARISONS.get(contrast, contrast.replace("_", " "))


def measure_words(metric: str) -> str:
    """Describe a measure with its range or unit; unknown ones by their name."""
    return _MEASURES.get(metric, measure_name(metric))


def measure_name(name: str) -> str:
    """Write a measure's column name as words: ``mse_given_pca`` is "MSE given PCA"."""
    words = name.split("_")
    return " ".join(word.upper() if word in _ACRONYMS else word for word in words)


def sides_of(contrast: str) -> Sides:
    """Say what the two sides of zero mean for a comparison."""
    for start, sides in _SIDES.items():
        if contrast.startswith(start):
            return sides
    return _NO_SIDES
