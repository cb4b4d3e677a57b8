"""The share of a group among samples, counted by a classifier and corrected for its mistakes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float, Shaped
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

_FOLDS: Final = 5
_MOST_STEPS: Final = 1000

MIN_DIFFERENCE: Final = 0.2
"""Least difference of the two rates: below it the classifier knows too little to be corrected."""


def adjusted_count(counted: float, tpr: float, fpr: float) -> float:
    """Correct a share for a classifier's mistakes: (counted - fpr) / (tpr - fpr), in [0, 1].

    Parameters
    ----------
    counted
        Share of the cases that the classifier puts into the class.
    tpr, fpr
        Shares of the class, and of the others, that it puts there.

    Returns
    -------
    float
        Clipped to [0, 1]; NaN where the two rates differ by less than :data:`MIN_DIFFERENCE`.

    Notes
    -----
    The adjusted count of Forman (2008, Data Min. Knowl. Discov. 17:164). It holds if the samples of
    a group are recognised as often as its real images are.
    """
    if not tpr - fpr >= MIN_DIFFERENCE:
        return math.nan
    return min(max((counted - fpr) / (tpr - fpr), 0.0), 1.0)


@dataclass(frozen=True)
class GroupClassifier:
    """Tells two groups apart by the features of their real images.

    Attributes
    ----------
    tpr, fpr
        Shares of the compared and of the reference group that it takes for the compared one, each
        image judged by a classifier that did not see it or a near duplicate of it.
    """

    tpr: float
    fpr: float
    _fitted: Pipeline

    def is_compared(
        self, points: Float[np.ndarray, "count features"]
    ) -> Bool[np.ndarray, " count"]:
        """Return which points it takes for the compared group."""
        if not len(points):
            return np.zeros(0, dtype=bool)
        found: np.ndarray = self._fitted.predict(points)
        return found.astype(bool)


def fit_group_classifier(
    points: Float[np.ndarray, "images features"],
    compared: Bool[np.ndarray, " images"],
    cluster: Shaped[np.ndarray, " images"],
) -> GroupClassifier | None:
    """Fit a logistic regression on real images; its rates are cross-validated.

    Returns
    -------
    GroupClassifier or None
        None unless both groups have two clusters or more.
    """
    clusters = [len(set(cluster[side])) for side in (compared, ~compared)]
    folds = min(_FOLDS, *clusters)
    if folds < 2:  # noqa: PLR2004 - one part to learn from, one to judge
        return None
    cv = StratifiedGroupKFold(folds)  # type: ignore[no-untyped-call]
    judged = cross_val_predict(_untrained(), points, compared, groups=cluster, cv=cv)
    return GroupClassifier(
        tpr=float(judged[compared].mean()),
        fpr=float(judged[~compared].mean()),
        _fitted=_untrained().fit(points, compared),
    )


def _untrained() -> Any:
    model = LogisticRegression(max_iter=_MOST_STEPS)  # type: ignore[no-untyped-call]
    return make_pipeline(StandardScaler(), model)  # type: ignore[no-untyped-call]
