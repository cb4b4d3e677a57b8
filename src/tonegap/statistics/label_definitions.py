"""The same runs scored under other definitions of skin tone; nothing is trained again.

Gaps are those of the darker minus the lighter images of a definition, within runs, mean over
mixes, in log error. Slopes ask for a dose response: per step of skin type, per 10 degrees of ITA.

**Attenuation.** Wrong labels mix the groups and pull their gap towards 0. With the positive
predictive values ``PPV`` (shares of a group's images that belong to it) and errors of labelling
that do not depend on the reconstruction error, the gap between the true groups is
``gap / (PPV_lighter + PPV_darker - 1)``. The true PPVs are unknown. Two readings of the agreement
between the annotators span a band:

- *second is right*: PPV is the share of a group's images that the second annotator puts into the
  same group, among those that it puts into either. Its own errors count as the first one's: the
  correction is the largest of the two.
- *equally good*: both err independently, with one accuracy ``a`` in both groups. They agree with
  probability ``a^2 + (1 - a)^2``, which gives ``a``; Bayes' rule gives the PPVs.

The interval of a corrected gap takes the PPVs as known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from tonegap.groups import Groups
from tonegap.skin_types import all_within, middle
from tonegap.statistics.design import ordinary_rows
from tonegap.statistics.inference import Estimate
from tonegap.statistics.within_runs import (
    Rows,
    estimate_of,
    given_pool,
    numbers,
    rows_of,
    slope_within_runs,
    too_few,
)

Chosen = Bool[np.ndarray, " rows"]

LIGHTER, DARKER = (1, 2), (5, 6)
"""Skin types that the paper compares."""

ITA_BOUNDS: tuple[tuple[float, float], ...] = ((41.0, 10.0), (28.0, 28.0))
"""Lighter above the first, darker at or below the second, in degrees: light skin against brown
(Chardon et al. 1991), and all images, parted at the bound of intermediate and tan."""

LEAST_AGREEMENT = 0.5
"""Agreement of two annotators at or below which they say nothing about each other."""


@dataclass(frozen=True)
class Definition:
    """A way to part test images by skin tone.

    Attributes
    ----------
    name, words
        Key of the table, and what a reader needs to know.
    parted
        From the table: which rows are lighter, which are darker; the rest is in neither.
    """

    name: str
    words: str
    parted: Callable[[pd.DataFrame], tuple[Chosen, Chosen]]


def score_definitions(
    table: pd.DataFrame, groups: Groups, *, finished: bool = False
) -> pd.DataFrame:
    """Score the same runs under every definition of the groups.

    Parameters
    ----------
    table
        The per-image study table: run, mix, share, seed, md5hash, group, cluster, mse; fst,
        fst_second (1-6 or a span such as 1-2; missing or negative: unknown) and ita (degrees) where
        they exist. Images
        of further groups, such as FST 3-4, serve the definitions that place them. Where a study
        has runs on equal numbers of distinct images beside others, the others are used.
    groups
        The study's own two, the first row.
    finished
        The table is of one finished model: errors are over image clusters alone.

    Returns
    -------
    DataFrame
        One row per definition, dose response and correction: kind (``gap``, ``slope``,
        ``corrected``), definition, words, estimate, low, high (log units, 95 %), percent,
        percent_low, percent_high, se, df, p, mde, mde_percent, n_reference, n_compared (distinct
        images of the lighter and the darker group; the study's own groups in row ``study``; 0 for
        slopes), n_images, n_clusters, n_runs, n_seeds, ppv_reference, ppv_compared (NaN but for
        ``corrected``), reason (why there is no estimate, else empty).

    Raises
    ------
    DataError
        If an error has no logarithm.
    """
    rows = given_pool(rows_of(ordinary_rows(table), finished=finished))
    whose = "audit's" if finished else "study's"
    own = Definition(
        "study",
        f"the {whose} own groups: {groups.described(groups.compared)} minus "
        f"{groups.described(groups.reference)}",
        lambda rows: (_equals(rows, groups.reference), _equals(rows, groups.compared)),
    )
    found = [
        *(_gap_row(definition, rows) for definition in (own, *DEFINITIONS)),
        *(_slope_row(name, words, tone(rows.table), rows) for name, words, tone in DOSES),
        *(_corrected_row(name, words, ppvs, rows) for name, words, ppvs in CORRECTIONS),
    ]
    frame = pd.DataFrame(found)
    return frame[[*(name for name in frame if name != "reason"), "reason"]]


def predictive_values_if_second_is_right(
    counts: Float[np.ndarray, "2 2"],
) -> tuple[float, float]:
    """Return the PPVs of the first annotator's lighter and darker group.

    Parameters
    ----------
    counts
        Images by the first (rows) and the second annotator's group, lighter before darker.
    """
    lighter, darker = np.diag(counts) / counts.sum(axis=1)
    return float(lighter), float(darker)


def predictive_values_if_equally_good(counts: Float[np.ndarray, "2 2"]) -> tuple[float, float]:
    """Return the PPVs of two annotators who err independently with one accuracy.

    They agree with probability ``a^2 + (1 - a)^2``. The share of truly darker images follows from
    the share that the first annotator calls darker. NaN where they agree in half of the images or
    less: then no accuracy above one half explains them.
    """
    share = counts / counts.sum()
    agreement = float(np.trace(share))
    if agreement <= LEAST_AGREEMENT:
        return math.nan, math.nan
    accuracy = (1.0 + math.sqrt(2.0 * agreement - 1.0)) / 2.0
    called_darker = float(share[1].sum())
    darker = (called_darker - (1.0 - accuracy)) / (2.0 * accuracy - 1.0)
    darker = min(max(darker, 0.0), 1.0)
    return accuracy * (1.0 - darker) / (1.0 - called_darker), accuracy * darker / called_darker


def _number(table: pd.DataFrame, column: str) -> Float[np.ndarray, " rows"]:
    """Read a column of numbers; NaN where it is empty or absent."""
    if column not in table.columns:
        return np.full(len(table), np.nan)
    return pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _fst(table: pd.DataFrame, column: str) -> Float[np.ndarray, " rows"]:
    """Read a column of skin types, spans by their middle; NaN where it is unknown or absent."""
    if column not in table.columns:
        return np.full(len(table), np.nan)
    return middle(table[column])


def _equals(table: pd.DataFrame, group: str) -> Chosen:
    return np.asarray(table["group"].to_numpy(dtype=object) == group)


def _by_fst(
    column: str, darker: tuple[int, ...] = DARKER
) -> Callable[[pd.DataFrame], tuple[Chosen, Chosen]]:
    return lambda table: (
        _within(table, column, LIGHTER),
        _within(table, column, darker),
    )


def _within(table: pd.DataFrame, column: str, types: tuple[int, ...]) -> Chosen:
    if column not in table.columns:
        return np.zeros(len(table), dtype=bool)
    return all_within(table[column], types)


def _by_both(table: pd.DataFrame) -> tuple[Chosen, Chosen]:
    first, second = _by_fst("fst")(table), _by_fst("fst_second")(table)
    return first[0] & second[0], first[1] & second[1]


def _by_ita(lighter: float, darker: float) -> Callable[[pd.DataFrame], tuple[Chosen, Chosen]]:
    return lambda table: (_number(table, "ita") > lighter, _number(table, "ita") <= darker)


DEFINITIONS = (
    Definition("fst", "skin type by the first annotator: 5-6 minus 1-2", _by_fst("fst")),
    Definition(
        "fst_second", "skin type by the second annotator: 5-6 minus 1-2", _by_fst("fst_second")
    ),
    Definition("fst_both", "both annotators agree on the group", _by_both),
    Definition(
        "fst_4_6",
        "skin type by the first annotator: 4-6 minus 1-2",
        _by_fst("fst", darker=(4, *DARKER)),
    ),
    *(
        Definition(
            f"ita_{lighter:g}_{darker:g}",
            f"measured ITA: at most {darker:g} minus above {lighter:g} degrees",
            _by_ita(lighter, darker),
        )
        for lighter, darker in ITA_BOUNDS
    ),
)
"""Definitions in the order of the table; each is assessed where its images were tested."""

DOSES: tuple[tuple[str, str, Callable[[pd.DataFrame], Float[np.ndarray, " rows"]]], ...] = (
    ("fst", "per step of skin type, first annotator", lambda rows: _fst(rows, "fst")),
    (
        "fst_second",
        "per step of skin type, second annotator",
        lambda rows: _fst(rows, "fst_second"),
    ),
    ("ita", "per 10 degrees of ITA towards dark", lambda rows: -_number(rows, "ita") / 10.0),
)
"""Slopes of the log error: name, words, and what grows with darker skin."""

CORRECTIONS = (
    (
        "second is right",
        "corrected as if the second annotator were right",
        predictive_values_if_second_is_right,
    ),
    (
        "equally good",
        "corrected as if both annotators were equally good and independent",
        predictive_values_if_equally_good,
    ),
)
"""Readings of the annotators' agreement, which span the band."""


def _gap_row(definition: Definition, rows: Rows) -> dict[str, Any]:
    lighter, darker = definition.parted(rows.table)
    found, images = _gap(lighter, darker, rows), _images(rows, lighter, darker)
    return _row("gap", definition.name, definition.words, found, images=images)


def _gap(lighter: Chosen, darker: Chosen, rows: Rows) -> tuple[Estimate | None, str]:
    """Return the gap between two sets of rows, or why there is none."""
    kept = rows.where(lighter | darker)
    kept = replace(
        kept, table=kept.table.assign(group=np.where(darker, "b", "a")[lighter | darker])
    )
    return _slope(np.asarray(darker[lighter | darker], dtype=float), kept, Groups("a", "b", {}))


def _slope(
    x: Float[np.ndarray, " rows"], rows: Rows, groups: Groups | None = None
) -> tuple[Estimate | None, str]:
    """Return the slope of the log error on ``x``, or why there is none."""
    reason = too_few(rows, groups)
    if reason:
        return None, reason
    slope = slope_within_runs(x, rows)
    if slope is None:
        return None, "no variation within the runs of a mix"
    return estimate_of(rows.design, slope), ""


def _slope_row(
    name: str, words: str, tone: Float[np.ndarray, " rows"], rows: Rows
) -> dict[str, Any]:
    known = np.isfinite(tone)
    return _row("slope", name, words, _slope(tone[known], rows.where(known)))


def _corrected_row(
    name: str,
    words: str,
    predictive_values: Callable[[Float[np.ndarray, "2 2"]], tuple[float, float]],
    rows: Rows,
) -> dict[str, Any]:
    lighter, darker = _by_fst("fst")(rows.table)
    found, reason = _gap(lighter, darker, rows)
    ppvs = (math.nan, math.nan)
    counts = annotator_counts(rows.table)
    if not reason and counts.sum(axis=1).min() > 0.0:
        ppvs = predictive_values(counts)
    informative = sum(ppvs) - 1.0
    if found and informative > 0.0:
        found = replace(found, value=found.value / informative, se=found.se / informative)
    elif found:
        found, reason = None, "the second annotator's labels are missing or say nothing"
    images = _images(rows, lighter, darker)
    return _row("corrected", name, words, (found, reason), images=images, ppvs=ppvs)


def annotator_counts(table: pd.DataFrame) -> Float[np.ndarray, "2 2"]:
    """Count distinct images by the first (rows) and the second annotator's group.

    Lighter comes before darker; images that either annotator puts into neither are left out.
    """
    images = table.drop_duplicates("md5hash")
    first, second = _by_fst("fst")(images), _by_fst("fst_second")(images)
    return np.array([[float((a & b).sum()) for b in second] for a in first])


def _row(
    kind: str,
    name: str,
    words: str,
    found: tuple[Estimate | None, str],
    *,
    images: tuple[int, int] = (0, 0),
    ppvs: tuple[float, float] = (math.nan, math.nan),
) -> dict[str, Any]:
    return {
        "kind": kind,
        "definition": name,
        "words": words,
        **numbers(found[0]),
        "n_reference": images[0],
        "n_compared": images[1],
        "ppv_reference": ppvs[0],
        "ppv_compared": ppvs[1],
        "reason": found[1],
    }


def _images(rows: Rows, lighter: Chosen, darker: Chosen) -> tuple[int, int]:
    """Count the distinct images of each part."""
    image = rows.design.image
    return len(set(image[lighter].tolist())), len(set(image[darker].tolist()))
