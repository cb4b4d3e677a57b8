"""Generated images beside a data set: their tones, and the share of the compared group among them.

``samples_claims`` gives the content of ``audits/NAME/claims.json``, schema ``tonegap-samples-1``::

    {"schema": "tonegap-samples-1", "audit": NAME, "alpha": 0.05, "gap": "dark minus light",
     "groups": {...}, "method": {...},
     "share": {"value", "low", "high", "unclipped", "called", "true_rate", "false_rate",
               "threshold", "reason", "in_data", "verdict"},
     "tone": {"difference", "low", "high", "wasserstein", "by_chance", "p", "verdict"},
     "flags": [sentences], "not_testable": [sentences]}

A verdict is ``differs`` (flagged), ``no difference shown`` or ``not assessable``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd

from tonegap.digits import json_value
from tonegap.generation.prevalence import Share, Tones, adjusted_share
from tonegap.generation.tones import ToneDifference, tone_difference
from tonegap.groups import Groups
from tonegap.tone import ITA_CLASSES, ita_class

SCHEMA: Final = "tonegap-samples-1"
ALPHA: Final = 0.05
_METHOD: Final = {
    "share": "adjusted count of images called by a threshold on ITA, cross-fitted; 95 %, delta "
    "method over clusters; it takes the images for a mixture of the data's two groups",
    "tone": "Wasserstein distance of ITA to all images of the data, 999 permutations; mean "
    "difference with 95 % interval (Welch)",
}
NOT_TESTABLE: Final = (
    "Reconstruction error by group is not testable: generated images alone have no originals.",
    "How the share depends on the training images is not testable: trained elsewhere.",
)


def samples_claims(
    samples: pd.DataFrame, cohort: pd.DataFrame, name: str, groups: Groups
) -> dict[str, Any]:
    """Compare generated images with a data set.

    Parameters
    ----------
    samples
        A row per generated image: ``ita`` (degrees, NaN where it cannot be read) and ``sha256``.
    cohort
        A row per image of the data: ``ita``, ``group``, ``cluster``.
    name
        The audit's name.
    groups
        The groups; the share is that of the compared one among the two.
    """
    generated = _tones(samples.dropna(subset="ita"), "sha256")
    data = cohort.dropna(subset="ita")
    pair = data[data["group"].isin(groups.pair)]
    compared = (pair["group"] == groups.compared).to_numpy()
    share = adjusted_share(_tones(pair, "cluster"), compared, generated)
    in_data = float(compared.mean()) if len(compared) else math.nan
    tone = tone_difference(data["ita"].to_numpy(dtype=float), generated.tone)
    shares, tones = _share_verdict(share, in_data), _tone_verdict(tone)
    document = {
        "schema": SCHEMA,
        "audit": name,
        "alpha": ALPHA,
        "gap": groups.gap,
        "groups": groups.to_mapping(),
        "method": _METHOD,
        "share": {**asdict(share), "in_data": in_data, "verdict": shares},
        "tone": {**asdict(tone), "verdict": tones},
        "flags": _flags(share, in_data, tone, groups),
        "not_testable": list(NOT_TESTABLE),
    }
    return {key: json_value(value) for key, value in document.items()}


def tone_table(samples: pd.DataFrame, cohort: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Count the images of each tone class: generated, all data, each group.

    Returns
    -------
    DataFrame
        A row per class, light before dark: ``tone``; then for ``generated``, ``data`` and each
        group the share of its images, in [0, 1].
    """
    sets = {"generated": samples["ita"], "data": cohort["ita"]}
    sets |= {name: cohort.loc[cohort["group"] == name, "ita"] for name in groups.names}
    table = pd.DataFrame({"tone": ITA_CLASSES})
    for name, ita in sets.items():
        classes = ita.dropna().map(ita_class)
        table[name] = [float((classes == tone).mean()) if len(classes) else math.nan
                       for tone in ITA_CLASSES]  # fmt: skip
    return table


def _tones(rows: pd.DataFrame, cluster: str) -> Tones:
    unit = pd.factorize(rows[cluster])[0]
    return Tones(rows["ita"].to_numpy(dtype=float), np.asarray(unit))


def _share_verdict(share: Share, in_data: float) -> str:
    if share.reason:
        return "not assessable"
    return "no difference shown" if share.low <= in_data <= share.high else "differs"


def _tone_verdict(tone: ToneDifference) -> str:
    return "differs" if tone.p <= ALPHA else "no difference shown"


def _flags(share: Share, in_data: float, tone: ToneDifference, groups: Groups) -> list[str]:
    """Return a sentence for everything that differs from the data."""
    flags = []
    if _share_verdict(share, in_data) == "differs":
        flags.append(
            f"{100.0 * share.value:.0f} % of the generated images are {groups.compared} "
            f"({_span(share)}), {100.0 * in_data:.0f} % of the data."
        )
    if _tone_verdict(tone) == "differs":
        side = "darker" if tone.difference < 0.0 else "lighter"
        flags.append(
            f"Generated images are {abs(tone.difference):.0f} degrees of ITA {side} than the data "
            f"on average; their tones lie {tone.wasserstein:.0f} degrees apart, "
            f"{tone.by_chance:.1f} by chance."
        )
    return flags


def _span(share: Share) -> str:
    return f"95 % interval {100.0 * share.low:.0f} to {100.0 * share.high:.0f} %"


def share_sentence(document: Mapping[str, Any]) -> str:
    """Say what share of the generated images is of the compared group."""
    share, compared = document["share"], document["groups"]["compare"][1]
    if share["value"] is None:
        return f"The share of {compared} images is not assessable: {share['reason']}."
    span = f"95 % interval {100.0 * share['low']:.0f} to {100.0 * share['high']:.0f} %"
    return (
        f"{100.0 * share['value']:.0f} % of the generated images are {compared} ({span}); in the "
        f"data it is {100.0 * share['in_data']:.0f} %: {share['verdict']}."
    )
