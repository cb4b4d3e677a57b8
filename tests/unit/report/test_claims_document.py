"""report/claims.json: the claims as they are, and nothing else."""

from __future__ import annotations

import json

import pytest

from tonegap.errors import DataError
from tonegap.report.claims import NO_CLAIMS, claim_views, claims_document


def test_the_document_equals_the_claims(claims):
    """Every row and key comes through, numbers to six digits, absent ones as null."""
    found = json.loads(json.dumps(claims_document(claims, ["Phantoms."]), allow_nan=False))
    assert found["caveats"] == ["Phantoms."]
    assert found["gap"] == "dark minus light"
    assert found["claims"] == claims["claims"]
    for row, expected in zip(found["contrasts"], claims["contrasts"], strict=True):
        assert {**row, "estimate": None} == {**expected, "estimate": None}
    assert found["contrasts"][0]["estimate"] == 0.0123457
    assert found["contrasts"][3]["estimate"] is None


def test_primary_contrasts_are_told_from_the_others(claims):
    """What decides a claim stands apart from what stands beside it."""
    first, second = claim_views(claims)
    assert [row["contrast"] for row in first.primary] == ["slope_light"]
    assert [row["contrast"] for row in first.beside] == ["slope_dark"]
    assert [row["contrast"] for row in second.beside] == ["sigma_gap"]


def test_unknown_verdicts_are_refused(claims):
    """A word that the report cannot show is an error of one line."""
    claims["claims"][0]["verdict"] = "proven"
    with pytest.raises(DataError, match="'proven'") as error:
        claim_views(claims)
    assert "\n" not in str(error.value)


def test_no_study_means_no_claims():
    """Without a study the document holds empty lists."""
    assert claim_views(NO_CLAIMS) == []
    assert claims_document(NO_CLAIMS, [])["contrasts"] == []
