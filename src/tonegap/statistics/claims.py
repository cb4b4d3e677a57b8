"""Verdicts on the paper's claims, with the numbers and the sentences behind them.

``Claims.to_mapping()`` is what ``report/claims.json`` holds, schema ``tonegap-claims-2``::

    {"schema": "tonegap-claims-2", "study": NAME, "alpha": 0.05,
     "gap": "dark minus light", "groups": {"compare": [...], "words": {...}},
     "method": {"unit", "interval", "correction", "auc_margin", "mde"},
     "claims": [{"claim", "statement", "verdict", "p", "p_holm", "because"}],
     "contrasts": [{"claim", "contrast", "metric", "family", "expected", "estimate",
                    "low", "high", "low_90", "high_90", "percent", "percent_low",
                    "percent_high", "se", "df", "pool_share", "p", "p_beyond", "mde", "mde_percent",
                    "n_images", "n_clusters", "n_runs", "n_seeds", "p_holm",
                    "p_beyond_holm", "p_tests", "margin", "verdict", "waiting",
                    "reason", "sentence"}],
     "descriptions": [the same keys; verdict "described" or "not assessable", no p_holm],
     "paper": [the paper's sentences, see tonegap.statistics.paper],
     "paper_reading": {"warning", "false_positive_rate", "null_studies",
                       "tests": [{"contrast", "metric", "value", "p_paired", "p_welch",
                                  "n_seeds", "false_positive_paired",
                                  "false_positive_welch"}]},
     "caveats": [what the numbers rest on]}

Numbers that do not exist are null, the others have six significant digits, so that processors
that round differently in the last place write the same file. An interval is 95 % unless named
otherwise; those of AUC and of rank correlations are not symmetric about the estimate, whose
``se`` is that on its own scale (see :mod:`tonegap.statistics.inference`). ``pool_share`` is the
share of ``se`` squared that another pool of training images adds
(:mod:`tonegap.statistics.training_pool`); null where it is not known. Differences of log
errors have percents, too: ``100 (exp(x) - 1)``. ``mde`` is the smallest effect that 80 % of such
studies detect. ``p_tests`` names the null of ``p``. A test of equivalence has a second one,
``p_beyond``, whose null is that the contrast lies within the margin: a small ``p`` supports the
claim, a small ``p_beyond`` contradicts it. ``waiting`` marks rows whose runs are still to be made.

Verdicts are supported, undecided, contradicted and not assessable. A claim takes its own from the
contrasts of the ``primary`` family alone (:mod:`tonegap.statistics.verdicts`). The row
``sigma_flag`` is a finding of its own: flags, blind, anti-flag, undecided or not assessable
(:mod:`tonegap.statistics.flag`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from tonegap.digits import json_value
from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.statistics.contrasts import AUC_MARGIN, Contrast
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.design import (
    Design,
    design_of,
    ordinary_rows,
    rows_of_equal_distinct,
    rows_of_pair,
)
from tonegap.statistics.draws import with_draws
from tonegap.statistics.false_positives import STUDIES, false_positive_rates
from tonegap.statistics.flag import flag_finding
from tonegap.statistics.inference import estimate, obstacle
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.pairwise import RunMeansTest, run_means_test
from tonegap.statistics.verdicts import (
    WAITING,
    ClaimVerdict,
    Finding,
    Verdict,
    claim_verdicts,
    with_verdicts,
)

SCHEMA = "tonegap-claims-2"
CLAIMS = ("C1", "C2", "C3")

WARNING = (
    "Tests on run means take runs for independent samples, which redrawn test sets are not; "
    "they reject true nulls too often and decide no verdict here."
)
_METHOD = {
    "unit": "cluster of near duplicates, crossed with seeds",
    "interval": "95 %, t, two-way cluster variance; AUC and rank correlations on the scale of "
    "atanh; over pools of training images where pool_share is a number, else given this pool",
    "correction": "largest p within a claim, Holm over the claims; Holm within each family of "
    "contrasts",
    "auc_margin": AUC_MARGIN,
    "mde": "effect that a two-sided test at .05 finds in 80 % of such studies",
}


def statements(groups: Groups) -> dict[str, str]:
    """Return the three claims in words."""
    compared, reference = groups.compared, groups.reference
    return {
        "C1": "A group's reconstruction error falls as its share in training rises.",
        "C2": f"{compared.capitalize()} images are reconstructed worse than {reference} ones, on "
        "average over the training mixes.",
        "C3": "Sigma, the model's own uncertainty, does not tell the groups apart.",
    }


@dataclass(frozen=True)
class Claims:
    """The results of a study for every claim.

    Attributes
    ----------
    alpha
        Level of the corrected tests.
    findings
        One per declared contrast, and the flag.
    paper_reading
        The paper's tests on run means.
    false_positives
        Their false positive rates in this design, paired and Welch, by contrast.
    """

    study: str
    alpha: float
    findings: tuple[Finding, ...]
    paper_reading: tuple[RunMeansTest, ...] = ()
    false_positives: Mapping[str, tuple[float, float]] | None = None
    groups: Groups = LIGHT_AND_DARK

    def verdict(self, claim: str) -> Verdict:
        """Return the verdict on a claim."""
        return self.verdicts()[claim].verdict

    def verdicts(self) -> dict[str, ClaimVerdict]:
        """Return the verdict on each claim, with its p value."""
        return claim_verdicts(self.findings, CLAIMS, self.alpha)

    def finding(self, name: str, measure: str = "log_mse") -> Finding:
        """Return the finding of one contrast.

        Raises
        ------
        KeyError
            If the study's mixes declare no such contrast.
        """
        for finding in self.findings:
            if (finding.contrast.name, finding.contrast.measure) == (name, measure):
                return finding
        raise KeyError(f"no contrast {name} of {measure}")

    def table(self) -> pd.DataFrame:
        """Return one row per contrast, tested or described, columns as in the schema."""
        return pd.DataFrame([finding.to_mapping() for finding in self.findings])

    def contrasts_table(self) -> pd.DataFrame:
        """Return the rows of tested contrasts."""
        return self._rows(tested=True)

    def descriptions_table(self) -> pd.DataFrame:
        """Return the rows of described contrasts."""
        return self._rows(tested=False)

    def paper_reading_table(self) -> pd.DataFrame:
        """Return one row per test on run means."""
        rates = self.false_positives or {}
        rows = []
        for test in self.paper_reading:
            paired, welch = rates.get(test.name, (math.nan, math.nan))
            rows.append(
                asdict(test) | {"false_positive_paired": paired, "false_positive_welch": welch}
            )
        columns = [
            *RunMeansTest.__dataclass_fields__,
            "false_positive_paired",
            "false_positive_welch",
        ]
        table = pd.DataFrame(rows, columns=columns)
        return table.rename(columns={"name": "contrast", "measure": "metric"})

    def to_mapping(
        self, caveats: Sequence[str] = (), paper: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, Any]:
        """Return everything, ready for JSON: the content of report/claims.json.

        Parameters
        ----------
        caveats
            What the numbers rest on, in sentences.
        paper
            Rows of :func:`tonegap.statistics.paper.paper_sentences`.
        """
        words = statements(self.groups)
        content = {
            "schema": SCHEMA,
            "study": self.study,
            "alpha": self.alpha,
            "gap": self.groups.gap,
            "groups": self.groups.to_mapping(),
            "method": _METHOD,
            "claims": [
                {"claim": claim, "statement": words[claim], **asdict(found)}
                for claim, found in self.verdicts().items()
            ],
            "contrasts": self.contrasts_table().to_dict("records"),
            "descriptions": self.descriptions_table().to_dict("records"),
            "paper": list(paper),
            "paper_reading": self._paper_reading(),
            "caveats": list(caveats),
        }
        return {key: json_value(value) for key, value in content.items()}

    def _rows(self, *, tested: bool) -> pd.DataFrame:
        rows = [f.to_mapping() for f in self.findings if f.contrast.is_tested == tested]
        return pd.DataFrame(rows)

    def _paper_reading(self) -> dict[str, Any]:
        table = self.paper_reading_table()
        gaps = table.loc[table["contrast"].str.startswith("gap"), "false_positive_welch"]
        return {
            "warning": WARNING,
            "false_positive_rate": float(gaps.mean()) if gaps.notna().any() else math.nan,
            "null_studies": STUDIES,
            "tests": table.to_dict("records"),
        }


def assess_claims(
    table: pd.DataFrame,
    study: str,
    groups: Groups = LIGHT_AND_DARK,
    *,
    alpha: float = 0.05,
    seed: int = 0,
) -> Claims:
    """Assess every pre-declared contrast of a study.

    Parameters
    ----------
    table
        The per-image study table: one row per run x test image, columns run, share,
        seed, md5hash, group, cluster, and mse; nmse, sigma, mse_pca and mse_jpeg where they
        exist. With the columns of :mod:`tonegap.statistics.draws` intervals hold against other
        pools of training images. A column ``distinct`` (``paper``, ``equal``) marks runs trained
        on equal numbers of distinct images; where both kinds occur, only the contrasts that
        need equal numbers use the ``equal`` ones. Rows of groups outside the pair are ignored.
    study
        The study's name.
    groups
        The two that are compared.
    alpha
        Level of the Holm-corrected tests, in (0, 1).
    seed
        Seed of the null studies behind the false positive rates.

    Raises
    ------
    DataError
        If a column is missing or a row contradicts another.
    """
    table = rows_of_pair(table, groups)
    ordinary, equal = ordinary_rows(table), rows_of_equal_distinct(table)
    design = with_draws(design_of(ordinary), ordinary)
    shares = sorted(set(ordinary["share"].astype(float)))
    contrasts = declared_contrasts(shares, groups)
    measures = measure_columns(ordinary, design, groups=groups)
    first = [_finding(c, design, measures) for c in contrasts if not c.equal_distinct]
    second = _at_equal_distinct(equal, [c for c in contrasts if c.equal_distinct], groups)
    flag = flag_finding(design, measures, shares, groups, alpha)
    tests = tuple(_run_means_tests(contrasts, design, measures))
    named = [c for c in contrasts if (c.name, c.measure) in {(t.name, t.measure) for t in tests}]
    rates = false_positive_rates(
        named, design, measures["mse"].to_numpy(), np.random.default_rng(seed)
    )
    findings = (*with_verdicts([*first, *second], alpha), flag)
    return Claims(study, alpha, findings, tests, rates, groups)


def no_claims(caveats: Sequence[str] = ()) -> dict[str, Any]:
    """Return the document for no study: the schema without content."""
    return {
        "schema": SCHEMA,
        "study": None,
        "claims": [],
        "contrasts": [],
        "descriptions": [],
        "paper": [],
        "caveats": list(caveats),
    }


def _at_equal_distinct(
    equal: pd.DataFrame, contrasts: Sequence[Contrast], groups: Groups
) -> list[Finding]:
    if equal.empty:
        return [Finding(contrast, None, WAITING) for contrast in contrasts]
    design = with_draws(design_of(equal), equal)
    measures = measure_columns(equal, design, sorted({c.measure for c in contrasts}), groups)
    return [_finding(contrast, design, measures) for contrast in contrasts]


def _finding(contrast: Contrast, design: Design, measures: pd.DataFrame) -> Finding:
    values = measures[contrast.measure].to_numpy()
    reason = obstacle(contrast, design, values)
    if reason is not None:
        return Finding(contrast, None, reason)
    return Finding(contrast, estimate(contrast, design, values))


def _run_means_tests(
    contrasts: Sequence[Contrast], design: Design, measures: pd.DataFrame
) -> list[RunMeansTest]:
    """Test the contrasts of the plain error as the paper reads them."""
    values = measures["mse"].to_numpy()
    tests = (
        run_means_test(contrast, design, values)
        for contrast in contrasts
        if contrast.measure == "mse"
    )
    return [test for test in tests if test is not None]
