"""A report's content, small and with hostile names."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.groups import LIGHT_AND_DARK
from tonegap.report.context import (
    Analysis,
    Context,
    Deviation,
    Picture,
    Planted,
    Provenance,
)

HOSTILE = "<script>alert('x')</script> & \"rash\""


def _contrast(claim, name, verdict, family="primary", **numbers):
    row = {
        "claim": claim,
        "contrast": name,
        "metric": "mse",
        "family": family,
        "expected": "positive",
        "estimate": 0.0123456789,
        "low": -0.001,
        "high": 0.02,
        "p": 0.2,
        "p_holm": 0.00001,
        "p_beyond": None,
        "p_beyond_holm": None,
        "p_tests": "the contrast is 0",
        "margin": None,
        "n_images": 352,
        "n_clusters": 350,
        "n_runs": 12,
        "verdict": verdict,
        "reason": "",
        "sentence": f"{name} says {HOSTILE}",
    }
    return row | numbers


def _sentence(number, contrast, verdict, **numbers):
    row = {
        "number": number,
        "says": f"Sentence {number} {HOSTILE}",
        "contrast": contrast,
        "estimate": 0.31,
        "low": 0.25,
        "high": 0.37,
        "percent": None,
        "percent_low": None,
        "percent_high": None,
        "mde": 0.09,
        "mde_percent": 12.0,
        "verdict": verdict,
        "reason": "",
        "shown": contrast,
        "parts": [
            {"contrast": "beside", "words": "Beside it", "decides": False},
            {"contrast": contrast, "words": f"Words of {contrast}", "decides": True},
        ],
    }
    return row | numbers


def _estimates(**columns):
    numbers = {"percent": 36.4, "percent_low": 28.0, "percent_high": 45.0, "mde_percent": 12.0}
    counts = {"n_reference": 40, "n_compared": 30, "n_left_out": 0, "reason": float("nan")}
    return pd.DataFrame([{**numbers, **counts, **columns}])


def _scorecard():
    """Give the rows of two scores: one that flags, one that cannot be assessed."""
    both, pair = [""], ["light", "dark"]
    quantities = {
        **dict.fromkeys(("rank", "partial", "worst_found"), pair),
        **dict.fromkeys(("interaction", "auc", "rank_darkness"), both),
    }
    nothing = float("nan")
    scores = {
        "u_kl": {"words": "KL", "kind": "model", "verdict": "flags", "because": nothing},
        "u_mine": {
            "words": HOSTILE,
            "kind": "own",
            "verdict": "not assessable",
            "because": f"there is no {HOSTILE}",
        },
    }
    known = {"estimate": 0.71, "low": 0.52, "high": 0.93, "margin": 0.2, "reason": nothing}
    unknown = dict.fromkeys(("estimate", "low", "high", "margin"), nothing)
    return pd.DataFrame(
        {"score": name, "quantity": quantity, "group": group or nothing, **facts}
        | (known if name == "u_kl" else unknown | {"reason": "only two seeds"})
        for name, facts in scores.items()
        for quantity, groups in quantities.items()
        for group in groups
    )


def _analysis():
    overall = {"mix": "overall", "reliability": float("nan")}
    shrunken = {
        f"shrunken_percent{end}": value
        for end, value in (("", 30.0), ("_low", 20.0), ("_high", 40.0))
    }
    missing = {"percent": float("nan"), "percent_low": float("nan"), "percent_high": float("nan")}
    return Analysis(
        decomposition=pd.concat(
            [
                _estimates(words="all test images", step="raw", **overall),
                _estimates(
                    words="+ source", step="source", **overall | missing, reason="one source"
                ),
            ]
        ),
        labels=_estimates(kind="gap", words=HOSTILE),
        conditions_gap=_estimates(label=HOSTILE, **overall, **shrunken),
        heterogeneity=pd.DataFrame(),
        influence=_estimates(left_out="condition", label=HOSTILE),
        scorecard=_scorecard(),
        amplification=pd.DataFrame(
            [{"sampler": "prior", "slope": 0.62, "low": 0.51, "high": 0.73, "reason": ""}]
        ),
        sentence="Of 36 %, 8 points go with conditions and sources, 28 (20 to 37) remain.",
    )


@pytest.fixture
def claims() -> dict:
    """Every verdict, a row without numbers, a description."""
    percents = {"percent": 36.0, "percent_low": 28.0, "percent_high": 45.0}
    waits = "waits for the equal-distinct study"
    nothing = dict.fromkeys(("estimate", "low", "high", "p", "p_holm"))
    return {
        "schema": "tonegap-claims-1",
        "study": "synthetic",
        "claims": [
            {"claim": "C1", "statement": "First.", "verdict": "supported", "because": "x"},
            {"claim": "C2", "statement": "Second.", "verdict": "contradicted", "because": "y"},
        ],
        "contrasts": [
            _contrast("C1", "slope_light", "supported"),
            _contrast("C1", "slope_dark", "undecided", family="nmse"),
            _contrast("C2", "gap_mixed", "contradicted"),
            _contrast("C2", "gap_best", "not assessable", reason="too few seeds", **nothing),
            _contrast(
                "C2",
                "gap_overall",
                "supported",
                metric="log_mse",
                **percents,
                mde_percent=12.0,
            ),
            _contrast(
                "C1",
                "own_share_effect",
                "undecided",
                metric="log_mse",
                percent=-9.0,
                percent_low=-20.0,
                percent_high=4.0,
                mde_percent=15.0,
            ),
        ],
        "gap": "dark minus light",
        "caveats": ["Phantoms only."],
        "descriptions": [_contrast("C2", "sigma_gap", "described", family="description")],
        "paper": [
            _sentence(4, "gap_mixed", "supported", **percents),
            _sentence(9, "sigma_gap_all", "undecided"),
            _sentence(7, "sensitivity", "not assessable", **(nothing | {"reason": waits})),
        ],
        "paper_reading": {
            "warning": "Runs are not independent.",
            "false_positive_rate": 0.187,
            "tests": [
                {
                    "contrast": "gap_mixed",
                    "metric": "mse",
                    "value": 0.01,
                    "p_paired": 0.01,
                    "p_welch": 0.02,
                    "n_seeds": 4,
                }
            ],
        },
    }


@pytest.fixture
def context(claims) -> Context:
    """Content of a whole report."""
    conditions = pd.DataFrame(
        [
            ("light", 0.0, "fine", HOSTILE, 7, 6, 0.01, 0.02, 0.01, True),
            ("dark", 1.0, "fine", HOSTILE, 7, 6, 0.03, 0.02, -0.01, True),
            ("light", 0.0, "coarse", "phantom", 30, 3, 0.01, 0.02, 0.01, False),
        ],
        columns=[
            *("mix", "share", "level", "label", "n_reference", "n_compared"),
            *("mse_reference", "mse_compared", "gap", "drawn"),
        ],
    )
    arms = pd.DataFrame(
        [
            (mix, share, group, 4, 60, 0.03, float("nan"))
            for mix, share in (("light", 0.0), ("dark", 1.0))
            for group in ("light", "dark")
        ],
        columns=["mix", "share", "group", "runs", "n", "mse", "sigma"],
    )
    flow = pd.DataFrame(
        [
            (step, group, left, excluded)
            for step, left, excluded in (("annotated", 9000, 0), ("large_enough", 8000, 1000))
            for group in ("all", "light", "dark", "neither")
        ],
        columns=["step", "group", "left", "excluded"],
    )
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    return Context(
        study=HOSTILE,
        no_study="",
        caveats=["Phantoms only."],
        basis=["phantom images", "random features"],
        groups=LIGHT_AND_DARK,
        cohort={"all": 577, "light": 338, "dark": 239},
        flow=flow,
        arms=arms,
        claims=claims,
        pictures=[
            Picture("exclusions_flow", "Flow", "Follow the boxes.", svg, ""),
            Picture("fig3", HOSTILE, "Lower is better.", svg, ""),
            Picture("fig4", "Examples", "Compare.", None, "Photographs stay here."),
        ],
        conditions=conditions,
        few_images=5,
        analysis=_analysis(),
        planted=[Planted("tone", "30 % more error", "31 %", "+2 %", "28 %", agrees=True)],
        warnings=["dark images measure lighter than light ones"],
        deviations=[Deviation(HOSTILE, "a", "b", "data.mix")],
        provenance=Provenance(
            facts={"Code (git commit)": "0" * 40},
            settings={"features": HOSTILE},
            experiments={"synthetic-light-s0": "1" * 40},
            params=f"data:\n  mix: {HOSTILE}\n",
        ),
    )
