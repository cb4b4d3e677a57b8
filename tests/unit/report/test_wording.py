"""Plain words for every comparison that the statistics declare."""

from __future__ import annotations

from tonegap.report.wording import comparison_name, measure_words, sides_of
from tonegap.statistics.contrasts import declared_contrasts


def test_every_declared_comparison_has_plain_words():
    """No short name of the documents for machines is left to the reader, for any mixes."""
    for contrast in declared_contrasts([0.0, 0.25, 0.5, 0.75, 1.0]):
        name = comparison_name(contrast.name)
        assert "_" not in name
        assert name != contrast.name.replace("_", " ")
        assert measure_words(contrast.measure)[0].isupper()
        assert sides_of(contrast.name).below != "lower", contrast.name


def test_unknown_names_are_shown_as_they_are():
    """A new comparison is readable before it has words."""
    assert comparison_name("rank_of_rash") == "rank of rash"
    assert measure_words("ssim_given_pca") == "ssim given PCA"
    assert sides_of("rank_of_rash") == ("lower", "higher")
