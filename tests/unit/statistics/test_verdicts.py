"""Conjunctions, corrections and minimum detectable effects against statsmodels and by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from tonegap.statistics.claims import CLAIMS
from tonegap.statistics.contrasts import AUC_MARGIN, PRIMARY
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.inference import Estimate
from tonegap.statistics.verdicts import (
    Finding,
    claim_verdicts,
    conjunction,
    holm,
    numbers,
    p_toward,
    with_verdicts,
)

ALPHA = 0.05
GAP = next(c for c in declared_contrasts((0.0, 1.0)) if c.name == "gap_overall")
OWN = next(c for c in declared_contrasts((0.0, 1.0)) if c.name == "own_share_effect")
SIGMA = next(c for c in declared_contrasts((0.0, 1.0)) if c.name == "sigma_auc_all")


def with_p(p: float, sign: float = 1.0, df: float = 50.0) -> Estimate:
    """Make an estimate with a given two-sided p value."""
    return Estimate(float(sign * stats.t.isf(p / 2.0, df)), 1.0, df, None, 100, 90, 30, 10)


def gaps(*estimates: Estimate | None) -> list[Finding]:
    """Make findings of C2 that all have to hold."""
    return [
        Finding(replace(GAP, name=f"gap_{k}"), found, "" if found else "missing")
        for k, found in enumerate(estimates)
    ]


def verdict(findings: list[Finding], claim: str = "C2") -> str:
    """Give the verdict on one claim."""
    return claim_verdicts(with_verdicts(findings, ALPHA), CLAIMS, ALPHA)[claim].verdict


def test_a_conjunction_has_the_level_of_its_largest_p() -> None:
    """Three contrasts at .04 support without a correction among them, which Holm would need."""
    assert verdict(gaps(with_p(0.04), with_p(0.04), with_p(0.04))) == "supported"
    assert verdict(gaps(with_p(0.001), with_p(0.001), with_p(0.06))) == "undecided"
    assert multipletests([0.04] * 3, method="holm")[1].max() > ALPHA


def test_a_conjunction_of_true_nulls_is_rejected_in_no_more_than_5_percent() -> None:
    """One of two effects is 0, the other large: supported in about 2.5 %, its one side."""
    rng = np.random.default_rng(0)
    large, null = rng.normal(6.0, 1.0, 4000), rng.normal(0.0, 1.0, 4000)

    def p_of(value: float) -> float:
        return p_toward(Estimate(float(value), 1.0, 1e6, None, 9, 9, 9, 9), "positive")

    found = [conjunction([p_of(a), p_of(b)]) for a, b in zip(large, null, strict=True)]
    rate = float(np.mean(np.array(found) <= ALPHA))
    assert 0.018 < rate < 0.033


def test_claims_are_corrected_by_holm_over_the_claims() -> None:
    """Corrected p values are statsmodels' on each claim's largest p."""
    sigma = Estimate(0.0, AUC_MARGIN / stats.t.isf(0.03, 50), 50.0, AUC_MARGIN, 9, 9, 9, 9)
    findings = [
        Finding(OWN, with_p(0.02, -1.0)),
        *gaps(with_p(0.001), with_p(0.04)),
        Finding(SIGMA, sigma),
    ]
    found = claim_verdicts(with_verdicts(findings, ALPHA), CLAIMS, ALPHA)
    largest = [found[claim].p for claim in CLAIMS]
    assert largest == pytest.approx([0.02, 0.04, 0.03])
    expected = multipletests(largest, method="holm")[1]
    assert [found[claim].p_holm for claim in CLAIMS] == pytest.approx(expected)
    assert {found[claim].verdict for claim in CLAIMS} == {"undecided"}


def test_a_claim_that_is_not_assessable_does_not_count() -> None:
    """Two claims are corrected for two; a missing contrast makes its claim not assessable."""
    findings = [Finding(OWN, with_p(0.02, -1.0)), *gaps(with_p(0.001), None)]
    found = claim_verdicts(with_verdicts(findings, ALPHA), CLAIMS, ALPHA)
    assert found["C1"].p_holm == pytest.approx(0.02)
    assert found["C1"].verdict == "supported"
    assert [found[c].verdict for c in ("C2", "C3")] == ["not assessable"] * 2


def test_any_contrast_contradicts_after_holm_over_contrasts() -> None:
    """At -.01 beside two open ones it does; at -.03 Holm over three does not let it."""
    open_ones = (with_p(0.5), with_p(0.6))
    assert verdict(gaps(with_p(0.01, -1.0), *open_ones)) == "contradicted"
    assert verdict(gaps(with_p(0.03, -1.0), *open_ones)) == "undecided"
    assert verdict(gaps(with_p(0.01, -1.0), None)) == "contradicted"


def test_the_wrong_sign_supports_nothing() -> None:
    """However small its p value."""
    wrong, right = gaps(with_p(1e-9, -1.0), with_p(1e-9))
    assert (wrong.p_supports, right.p_contradicts) == (1.0, 1.0)
    assert wrong.p_contradicts == right.p_supports == pytest.approx(1e-9)


def test_holm_is_that_of_statsmodels_without_what_is_missing() -> None:
    """Any p values, ties and 1 among them; NaN stays NaN and does not count."""
    rng = np.random.default_rng(0)
    for size in (1, 2, 5, 20):
        p = rng.uniform(size=size) ** 3
        p[rng.uniform(size=size) < 0.2] = 0.02
        p[-1] = 1.0
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    missing = holm(np.array([0.01, math.nan, 0.04, 0.03]))
    np.testing.assert_allclose(
        missing[[0, 2, 3]], multipletests([0.01, 0.04, 0.03], method="holm")[1]
    )
    assert math.isnan(missing[1])
    assert np.isnan(holm(np.full(2, math.nan))).all()
    assert holm(np.empty(0)).size == 0


@pytest.mark.parametrize("df", [3.0, 9.0, 200.0])
def test_the_minimum_detectable_effect_has_a_power_of_80_percent(df) -> None:
    """It is se (t_.975 + t_.8), within 3 % of what statsmodels' exact power gives from 9 df on."""
    found = Estimate(0.1, 2.0, df, None, 100, 90, 30, 10)
    expected = 2.0 * (stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df))
    assert found.minimum_detectable == pytest.approx(expected)
    if df >= 9.0:
        n = df + 1.0
        power = TTestPower().power(found.minimum_detectable / (2.0 * math.sqrt(n)), n, ALPHA)
        assert power == pytest.approx(0.8, abs=0.03)
    assert numbers(found, is_log=True)["mde_percent"] == pytest.approx(100 * math.expm1(expected))


def test_the_minimum_detectable_auc_lies_within_its_bound() -> None:
    """A bounded measure cannot differ from 0 by more than its bound."""
    wide = Estimate(0.0, 0.4, 3.0, AUC_MARGIN, 100, 90, 30, 4, bound=0.5)
    assert 0.45 < wide.minimum_detectable < 0.5
    narrow = replace(wide, se=1e-4)
    expected = 1e-4 * (stats.t.ppf(0.975, 3) + stats.t.ppf(0.8, 3))
    assert narrow.minimum_detectable == pytest.approx(expected, rel=1e-4)


def test_primaries_and_families_are_corrected_apart() -> None:
    """Holm runs within a family; a description has no corrected p."""
    beside = [replace(f, contrast=replace(f.contrast, family="log_mse")) for f in gaps(with_p(0.5))]
    first, other = with_verdicts([*gaps(with_p(0.04)), *beside], ALPHA)
    assert first.contrast.family == PRIMARY
    assert (first.p_holm, other.p_holm) == pytest.approx((0.04, 0.5))


def test_an_undecided_sentence_names_an_effect_of_the_expected_sign() -> None:
    """Where the claim expects a fall, the effect to be found is negative, not "+25 % or more"."""
    undecided = Estimate(0.0, 0.1, 50.0, None, 100, 90, 30, 10)
    findings = with_verdicts([Finding(GAP, undecided), Finding(OWN, undecided)], ALPHA)
    rise, fall = (str(finding.to_mapping()["sentence"]) for finding in findings)
    ratio = math.exp(undecided.minimum_detectable)
    assert f"an effect of {100 * (ratio - 1):+.3g} % or more" in rise
    assert f"an effect of {100 * (1 / ratio - 1):+.3g} % or less" in fall
