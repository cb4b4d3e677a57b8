"""Plain words for the comparisons that machine-readable documents name in short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tonegap.groups import Groups
from tonegap.measures import MEASURES, SCORES

_ACRONYMS = ("auc", "ita", "jpeg", "lpips", "mse", "nmse", "pca", "ssim")
_OWN_SHARE = "{} images, as their share in training rises from none to all"
_COMPARISONS: Mapping[str, str] = {
    "slope_{reference}": _OWN_SHARE.format("{Reference}"),
    "slope_{compared}": _OWN_SHARE.format("{Compared}"),
    "own_share_effect": "A group's error, as its own share in training rises from none to all",
    "gap": "{Compared} against {reference} images",
    "gap_overall": "All mixes",
    "gap_mixed": "Mixed: both groups half of the training",
    "gap_worst": "Worst case: each group absent from training",
    "gap_worst_case": "Worst case: each group absent from training",
    "gap_best": "Best case: each group alone in training",
    "gap_best_case": "Best case: each group alone in training",
    "sigma_share_slope_{reference}": "{Reference} images, as the share of {compared} ones rises",
    "sigma_share_slope_{compared}": "{Compared} images, as the share of {compared} ones rises",
    "curvature": "Curvature: the mixed set against the mean of the pure ones",
    "sensitivity": "Which group depends more on the training mix",
    "sigma_auc": "{Compared} against {reference} images",
    "sigma_gap": "{Compared} against {reference} images",
    "sigma_flag": "The group with the larger error against the other",
    "mean_{reference}": "{Reference} images, mean of all mixes",
    "mean_{compared}": "{Compared} images, mean of all mixes",
    "tone_slope": "Both groups",
    "tone_slope_all": "Mean of all mixes",
    "sigma_auc_all": "Mean of all mixes",
    "sigma_gap_all": "Mean of all mixes",
    "auc_excess_all": "Mean of all mixes",
    "sigma_error_rank_{reference}": "Among {reference} images",
    "sigma_error_rank_{compared}": "Among {compared} images",
}
_EQUAL = "_equal_distinct"
_BY_MIX = ("sigma_auc_", "sigma_gap_", "auc_excess_", "tone_slope_")
_MEASURES: Mapping[str, str] = {
    **{row.name: row.axis for row in (*MEASURES, *SCORES)},
    "log_mse": "MSE, logarithm",
    "mse_given_pca": "MSE at equal difficulty for PCA",
    "mse_given_jpeg": "MSE at equal difficulty for JPEG",
    "sigma_auc": "AUC of sigma, less 0.5",
    "auc_excess": "AUC of the error less AUC of sigma",
    "sigma_error_rank": "Rank correlation of sigma with the error",
    "tone_slope": "Slope of the reconstructed on the original skin tone, less 1",
}


class Sides(NamedTuple):
    """The meanings of values below and above zero."""

    below: str
    above: str


_HIGHER_IS_BETTER = {row.name for row in MEASURES if row.better == "higher"}
_SHIFTS = {row.name for row in MEASURES if row.better == "zero"}
_OF_ERROR = ("slope", "own_share", "gap", "sensitivity", "curvature")
"""Comparisons whose sides speak of errors: they are turned where higher values are better."""

_NO_SIDES = Sides("lower", "higher")
_SIDES: Mapping[str, Sides] = {
    "slope": Sides("error falls", "error rises"),
    "own_share": Sides("error falls", "error rises"),
    "gap": Sides("{reference} fares worse", "{compared} fares worse"),
    "sensitivity": Sides("{reference} depends more", "{compared} depends more"),
    "curvature": Sides("mixing helps", "mixing hurts"),
    "sigma_share_slope": Sides("sigma falls", "sigma rises"),
    "sigma_auc": Sides("lower on {compared}", "higher on {compared}"),
    "sigma_gap": Sides("lower on {compared}", "higher on {compared}"),
    "auc_excess": Sides("sigma shows more", "sigma shows less"),
    "sigma_error_rank": Sides("falls with error", "rises with error"),
    "tone_slope": Sides("tones move together", "tones move apart"),
}
_SIDES_OF_SHIFTS: Mapping[str, Sides] = {
    "slope": Sides("becomes darker", "becomes lighter"),
    "gap": Sides("{compared} shifted darker", "{compared} shifted lighter"),
    "mean": Sides("made darker", "made lighter"),
}

_SAMPLES = "sample_distance"
_SIDES_OF_SAMPLES: Mapping[str, Sides] = {
    "slope": Sides("samples come nearer", "samples move away"),
}


def comparison_name(contrast: str, groups: Groups) -> str:
    """Describe the comparison: ``gap_mixed`` is "Mixed: both groups half of the training"."""
    if contrast.endswith(_EQUAL):
        name = comparison_name(contrast.removesuffix(_EQUAL), groups)
        return f"{name}, trained on equally many distinct images"
    for start in _BY_MIX:
        share = contrast.removeprefix(start)
        if contrast.startswith(start) and share.replace(".", "", 1).isdigit():
            return f"Trained on {share} % {groups.compared} images"
    names = {_filled(key, groups): _filled(words, groups) for key, words in _COMPARISONS.items()}
    return names.get(contrast, contrast.replace("_", " "))


def measure_words(metric: str) -> str:
    """Describe a measure with its range or unit; unknown ones by their name."""
    return _MEASURES.get(metric, measure_name(metric))


def measure_name(name: str) -> str:
    """Write a measure's column name as words: ``mse_given_pca`` is "MSE given PCA"."""
    words = name.split("_")
    return " ".join(word.upper() if word in _ACRONYMS else word for word in words)


def sides_of(contrast: str, metric: str, groups: Groups) -> Sides:
    """Return what the two sides of zero mean for a comparison of a measure."""
    for start, sides in _sides_by_start(metric).items():
        if contrast.startswith(start):
            below, above = (_filled(words, groups) for words in sides)
            turned = start in _OF_ERROR and metric in _HIGHER_IS_BETTER
            return Sides(above, below) if turned else Sides(below, above)
    return _NO_SIDES


def _sides_by_start(metric: str) -> Mapping[str, Sides]:
    if metric in _SHIFTS:
        return _SIDES_OF_SHIFTS
    return {**_SIDES, **_SIDES_OF_SAMPLES} if metric.startswith(_SAMPLES) else _SIDES


def _filled(words: str, groups: Groups) -> str:
    names = {"reference": groups.reference, "compared": groups.compared}
    return words.format(**names, **{key.title(): name.capitalize() for key, name in names.items()})
