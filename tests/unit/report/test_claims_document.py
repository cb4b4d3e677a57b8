"""The claims as the report shows them."""

from __future__ import annotations

import pytest

from tonegap.errors import DataError
from tonegap.groups import LIGHT_AND_DARK
from tonegap.report.claims import claim_views
from tonegap.statistics.claims import no_claims


@pytest.mark.parametrize(
    ("verdict", "shown", "of"),
    [
        ("supported", 0.011, "within the margin"),
        ("undecided", 0.011, "within the margin"),
        ("contradicted", 0.022, "beyond the margin"),
    ],
)
def test_the_p_of_an_equivalence_is_that_of_its_verdict(claims, verdict, shown, of):
    """A claim of no difference shows the test that its verdict rests on, and names it."""
    claims["contrasts"][0] |= {
        "verdict": verdict,
        "margin": 0.056,
        "p_holm": 0.011,
        "p_beyond_holm": 0.022,
    }
    row = claim_views(claims, LIGHT_AND_DARK)[0].primary[0]
    assert (row["p_shown"], row["p_of"]) == (shown, of)


def test_the_p_of_a_difference_is_its_only_one(claims):
    """Comparisons without a margin have one test, which needs no name."""
    row = claim_views(claims, LIGHT_AND_DARK)[1].primary[0]
    assert (row["p_shown"], row["p_of"]) == (0.00001, "")


def test_primary_contrasts_are_told_from_the_others(claims):
    """What decides a claim stands apart from what stands beside it."""
    first, second = claim_views(claims, LIGHT_AND_DARK)
    assert [row["contrast"] for row in first.primary] == ["slope_light", "own_share_effect"]
    assert [row["contrast"] for row in first.beside] == ["slope_dark"]
    assert [row["contrast"] for row in second.beside] == ["sigma_gap"]


def test_unknown_verdicts_are_refused(claims):
    """A word that the report cannot show is an error of one line."""
    claims["claims"][0]["verdict"] = "proven"
    with pytest.raises(DataError, match="'proven'") as error:
        claim_views(claims, LIGHT_AND_DARK)
    assert "\n" not in str(error.value)


def test_no_study_means_no_claims():
    """Without a study the report has nothing to show."""
    assert claim_views(no_claims(), LIGHT_AND_DARK) == []
