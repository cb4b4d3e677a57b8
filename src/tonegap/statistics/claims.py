"""Verdicts on the paper's claims, with the numbers and the sentences behind them.

``Claims.to_mapping()`` is what ``report/claims.json`` holds, schema ``tonegap-claims-1``::

    {"schema": "tonegap-claims-1", "study": NAME, "alpha": 0.05,
     "method": {"unit", "resamples", "seed", "interval", "correction", "auc_margin"},
     "claims": [{"claim", "statement", "verdict", "because"}],
     "contrasts": [{"claim", "contrast", "metric", "family", "expected", "estimate",
                    "low", "high", "low_90", "high_90", "se", "df", "p", "p_beyond",
                    "n_images", "n_clusters", "n_runs", "n_seeds", "p_holm",
                    "p_beyond_holm", "p_tests", "margin", "verdict", "reason",
                    "sentence"}],
     "descriptions": [the same keys; verdict "described" or "not assessable", no p_holm],
     "paper_reading": {"warning", "known_false_positive_rate",
                       "tests": [{"contrast", "metric", "value", "p_paired", "p_welch",
                                  "n_seeds"}]},
     "gap": "dark minus light", "caveats": [what the numbers rest on]}

Numbers that do not exist are null, the others have six significant digits, so that processors
that round differently in the last place write the same file. An interval is 95 % unless named
otherwise; those of AUC and of rank correlations are not symmetric about the estimate, whose
``se`` is that on its own scale (see :mod:`tonegap.statistics.inference`). ``p_tests`` names the
null of ``p``. A test of equivalence has a second one, ``p_beyond``, whose null is that the
contrast lies within the margin: a small ``p`` supports the claim, a small ``p_beyond`` contradicts
it. A claim takes its verdict from the contrasts of the ``primary`` family alone: contradicted when
any is, supported when all are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped
from statsmodels.stats.multitest import multipletests

from tonegap.statistics.bootstrap import Resamples, resample
from tonegap.statistics.contrasts import (
    AUC_MARGIN,
    DESCRIPTION,
    PRIMARY,
    Contrast,
    declared_contrasts,
)
from tonegap.statistics.design import Design, design_of, ordinary_rows, rows_of_equal_distinct
from tonegap.statistics.inference import Estimate, estimate, obstacle
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.pairwise import KNOWN_FALSE_POSITIVE_RATE, RunMeansTest, run_means_test
from tonegap.statistics.sentences import Decision, sentence, tested_null

Verdict = Literal["supported", "not supported", "contradicted", "not assessable"]

SCHEMA = "tonegap-claims-1"
STATEMENTS: Mapping[str, str] = {
    "C1": "A group's reconstruction error falls as its share in training rises.",
    "C2": "Dark images are reconstructed worse than light ones: in the mixed, the worst and "
    "the best case.",
    "C3": "Sigma, the model's own uncertainty, does not tell the groups apart.",
}
GAP = "dark minus light"
DIGITS = 6
"""Significant digits of the document; more would differ between processors."""

WARNING = (
    "Tests on run means take runs for independent samples, which redrawn test sets are not; "
    "they reject true nulls too often and decide no verdict here."
)


@dataclass(frozen=True)
class Finding:
    """A contrast with its estimate, or with the reason why there is none.

    The corrected p values and the verdict are filled in once the whole family is known.
    """

    contrast: Contrast
    estimate: Estimate | None
    reason: str = ""
    p_holm: float = math.nan
    p_beyond_holm: float = math.nan
    verdict: Verdict | Literal["described"] = "not assessable"

    def to_mapping(self) -> dict[str, Any]:
        """One row of the contrasts table; NaN where there is no number."""
        row: dict[str, Any] = {
            "claim": self.contrast.claim,
            "contrast": self.contrast.name,
            "metric": self.contrast.measure,
            "family": self.contrast.family,
            "expected": self.contrast.expected,
        }
        return {**row, **_numbers(self.estimate), **self._judgement()}

    def _judgement(self) -> dict[str, Any]:
        return {
            "p_holm": self.p_holm,
            "p_beyond_holm": self.p_beyond_holm,
            "p_tests": tested_null(self.contrast) if self.contrast.is_tested else "",
            "margin": math.nan if self.contrast.margin is None else self.contrast.margin,
            "verdict": self.verdict,
            "reason": self.reason,
            "sentence": sentence(self.contrast, self.estimate, self._deciding(), self.reason),
        }

    def _deciding(self) -> Decision:
        """Give the verdict and the p value of the test that it rests on."""
        beyond = self.contrast.margin is not None and self.verdict == "contradicted"
        return Decision(self.verdict, self.p_beyond_holm if beyond else self.p_holm)


@dataclass(frozen=True)
class Claims:
    """What a study says about every claim.

    Attributes
    ----------
    alpha
        Level of the corrected tests.
    resamples, seed
        Of the bootstrap; 0 resamples mean closed-form variances.
    """

    study: str
    alpha: float
    resamples: int
    seed: int
    findings: tuple[Finding, ...]
    paper_reading: tuple[RunMeansTest, ...]

    def verdict(self, claim: str) -> Verdict:
        """Verdict on a claim, from the contrasts of its primary family."""
        verdicts = [finding.verdict for finding in self._primary(claim)]
        if "contradicted" in verdicts:
            return "contradicted"
        if not verdicts or "not assessable" in verdicts:
            return "not assessable"
        return "supported" if set(verdicts) == {"supported"} else "not supported"

    def contrasts_table(self) -> pd.DataFrame:
        """One row per tested contrast, columns as in the module's schema."""
        return pd.DataFrame([f.to_mapping() for f in self.findings if f.contrast.is_tested])

    def descriptions_table(self) -> pd.DataFrame:
        """One row per described contrast, the same columns."""
        return pd.DataFrame([f.to_mapping() for f in self.findings if not f.contrast.is_tested])

    def paper_reading_table(self) -> pd.DataFrame:
        """One row per test on run means."""
        columns = list(RunMeansTest.__dataclass_fields__)
        table = pd.DataFrame([asdict(test) for test in self.paper_reading], columns=columns)
        return table.rename(columns={"name": "contrast", "measure": "metric"})

    def to_mapping(self, caveats: Sequence[str] = ()) -> dict[str, Any]:
        """Everything, ready for JSON: the content of report/claims.json.

        Parameters
        ----------
        caveats
            What the numbers rest on, in sentences.
        """
        content = {**self._content(), "gap": GAP, "caveats": list(caveats)}
        return {key: _rounded(value) for key, value in content.items()}

    def _content(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "study": self.study,
            "alpha": self.alpha,
            "method": self._method(),
            "claims": [self._claim(claim) for claim in STATEMENTS],
            "contrasts": _records(self.contrasts_table()),
            "descriptions": _records(self.descriptions_table()),
            "paper_reading": {
                "warning": WARNING,
                "known_false_positive_rate": KNOWN_FALSE_POSITIVE_RATE,
                "tests": _records(self.paper_reading_table()),
            },
        }

    def _primary(self, claim: str) -> list[Finding]:
        return [
            finding
            for finding in self.findings
            if finding.contrast.claim == claim and finding.contrast.family == PRIMARY
        ]

    def _claim(self, claim: str) -> dict[str, str]:
        because = "; ".join(f"{f.contrast.name} {f.verdict}" for f in self._primary(claim))
        verdict = self.verdict(claim)
        return {
            "claim": claim,
            "statement": STATEMENTS[claim],
            "verdict": verdict,
            "because": because,
        }

    def _method(self) -> dict[str, Any]:
        return {
            "unit": "cluster of near duplicates, crossed with seeds",
            "resamples": self.resamples,
            "seed": self.seed,
            "interval": "95 %, t, two-way cluster "
            + ("bootstrap" if self.resamples else "variance")
            + "; AUC and rank correlations on the scale of atanh",
            "correction": "Holm within each family",
            "auc_margin": AUC_MARGIN,
        }


def assess_claims(
    table: pd.DataFrame,
    study: str,
    resamples: int = 10_000,
    seed: int = 0,
    alpha: float = 0.05,
) -> Claims:
    """Assess every pre-declared contrast of a study.

    Parameters
    ----------
    table
        The per-image study table: one row per run x test image, columns run, share,
        seed, md5hash, group, cluster, and mse; nmse, sigma, mse_pca and mse_jpeg where they
        exist. A column ``distinct`` (``paper``, ``equal``) marks runs trained on equal
        numbers of distinct images; where both kinds occur, only the contrast that needs
        equal numbers uses the ``equal`` ones.
    study
        The study's name.
    resamples
        Of the bootstrap; 0 takes closed-form variances instead.
    seed
        Of the bootstrap's weights.
    alpha
        Level of the Holm-corrected tests, in (0, 1).

    Raises
    ------
    DataError
        A column is missing or a group is unknown.
    """
    ordinary, equal = ordinary_rows(table), rows_of_equal_distinct(table)
    contrasts = declared_contrasts(sorted(set(ordinary["share"].astype(float))))
    parts = {False: [c for c in contrasts if not c.equal_distinct]}
    parts[True] = [c for c in contrasts if c.equal_distinct]
    first, tests = _assess_rows(ordinary, parts[False], resamples, seed)
    if equal.empty:
        reason = _reason_for_no_equal(table)
        second = [Finding(contrast, None, reason) for contrast in parts[True]]
    else:
        second, _ = _assess_rows(equal, parts[True], resamples, seed)
    findings = judge([*first, *second], alpha)
    return Claims(study, alpha, resamples, seed, findings, tests)


def judge(findings: Sequence[Finding], alpha: float) -> tuple[Finding, ...]:
    """Correct p values by Holm (1979) within each family and draw the verdicts.

    Contrasts that are not assessable have no p and do not count into their family. A test of
    equivalence counts once: its ``p_beyond`` is corrected in the family that has it in the
    place of ``p``, since a contrast lies either within its margin or beyond.
    """
    p_values = np.array([f.estimate.p if f.estimate else math.nan for f in findings])
    beyond = np.array([f.estimate.p_beyond if f.estimate else math.nan for f in findings])
    families = np.array([finding.contrast.family for finding in findings])
    within = _holm_by_family(p_values, families)
    contrary = _holm_by_family(np.where(np.isnan(beyond), p_values, beyond), families)
    contrary = np.where(np.isnan(beyond), math.nan, contrary)
    corrected = (
        replace(finding, p_holm=float(p), p_beyond_holm=float(p_beyond))
        for finding, p, p_beyond in zip(findings, within, contrary, strict=True)
    )
    return tuple(replace(finding, verdict=_verdict(finding, alpha)) for finding in corrected)


def _holm_by_family(
    p_values: Float[np.ndarray, " tests"], families: Shaped[np.ndarray, " tests"]
) -> Float[np.ndarray, " tests"]:
    """Holm's correction within each family; NaN for descriptions and where there is no p."""
    corrected = np.full(p_values.size, math.nan)
    for family in sorted(set(families.tolist()) - {DESCRIPTION}):
        members = np.flatnonzero((families == family) & np.isfinite(p_values))
        if members.size:
            corrected[members] = _holm(p_values[members])
    return corrected


def no_claims(caveats: Sequence[str] = ()) -> dict[str, Any]:
    """Give the document where no study is shown: the schema with nothing in it."""
    return {
        "schema": SCHEMA,
        "study": None,
        "claims": [],
        "contrasts": [],
        "descriptions": [],
        "gap": GAP,
        "caveats": list(caveats),
    }


def _holm(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    adjusted: Float[np.ndarray, " tests"] = multipletests(  # type: ignore[no-untyped-call] # untyped library
        p_values, method="holm"
    )[1]
    return adjusted


def _verdict(finding: Finding, alpha: float) -> Verdict | Literal["described"]:
    """Supported or contradicted only beyond the corrected level, else not supported."""
    found, expected = finding.estimate, finding.contrast.expected
    if found is None:
        return "not assessable"
    if expected == "none":
        return "described"
    if finding.p_beyond_holm <= alpha:
        return "contradicted"
    if finding.p_holm > alpha:
        return "not supported"
    as_expected = found.margin is not None or (found.value > 0.0) == (expected == "positive")
    return "supported" if as_expected else "contradicted"


def _reason_for_no_equal(table: pd.DataFrame) -> str:
    """Say why the contrast at equal distinct images has no runs."""
    if "distinct" not in table.columns:
        return (
            "the study's table has no column `distinct` to tell which runs trained on equal "
            "numbers of distinct images (data.distinct: equal); `tonegap study collect` writes it"
        )
    return "no run trained on equal numbers of distinct images (data.distinct: equal)"


def _assess_rows(
    table: pd.DataFrame, contrasts: Sequence[Contrast], resamples: int, seed: int
) -> tuple[list[Finding], tuple[RunMeansTest, ...]]:
    """Find the contrasts' values on these rows, and the paper's tests beside them."""
    design = design_of(table)
    measures = measure_columns(table, design)
    drawn = _draw(design, measures, resamples, seed)
    findings = [_finding(contrast, design, measures, drawn) for contrast in contrasts]
    tests = (
        run_means_test(contrast, design, measures[contrast.measure].to_numpy())
        for contrast in contrasts
        if contrast.measure == "mse"
    )
    return findings, tuple(test for test in tests if test is not None)


def _draw(design: Design, measures: pd.DataFrame, resamples: int, seed: int) -> Resamples | None:
    if resamples == 0:
        return None
    # Missing values become 0 here: contrasts that would use them are not assessed at all.
    values = np.nan_to_num(measures.to_numpy(dtype=float), nan=0.0)
    return resample(design, values, resamples, np.random.default_rng(seed))


def _finding(
    contrast: Contrast, design: Design, measures: pd.DataFrame, drawn: Resamples | None
) -> Finding:
    values = measures[contrast.measure].to_numpy()
    reason = obstacle(contrast, design, values)
    if reason is not None:
        return Finding(contrast, None, reason)
    column = list(measures.columns).index(contrast.measure)
    return Finding(contrast, estimate(contrast, design, values, drawn, column))


def _numbers(found: Estimate | None) -> dict[str, float]:
    names = ("estimate", "low", "high", "low_90", "high_90", "se", "df", "p", "p_beyond")
    counts = ("n_images", "n_clusters", "n_runs", "n_seeds")
    if found is None:
        return {**dict.fromkeys(names, math.nan), **dict.fromkeys(counts, 0)}
    values = (found.value, *found.interval(0.95), *found.interval(0.90))
    numbers = dict(zip(names, (*values, found.se, found.df, found.p, found.p_beyond), strict=True))
    return {**numbers, **{name: getattr(found, name) for name in counts}}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values, NaN as None."""
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def _rounded(value: Any) -> Any:
    """Round every float in nested mappings and lists to ``DIGITS`` significant digits."""
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
