"""Pictures of reconstructions: pixels as given, errors as shown."""

from __future__ import annotations

import numpy as np
import pytest

from tonegap.errors import DataError
from tonegap.examples import StudyExamples
from tonegap.figures import reconstructions
from tonegap.groups import LIGHT_AND_DARK

SHARES = {"light": 0.0, "mixed": 0.5, "dark": 1.0}


def test_every_row_shows_the_pixels_it_is_given(examples):
    """Originals on top, then the mixes in order, pixel by pixel."""
    drawing = reconstructions.draw_by_mix(examples, "dark", SHARES, LIGHT_AND_DARK, "")
    shown = [axes.images[0].get_array() for axes in drawing.figure.axes]
    count = len(examples.originals["dark"])
    np.testing.assert_array_equal(shown[:count], examples.originals["dark"])
    expected = examples.reconstructions["mixed"]["dark"]
    np.testing.assert_array_equal(shown[2 * count : 3 * count], expected)


def test_figure_1_shows_both_groups(examples):
    """Three light and three dark images, each above its reconstruction."""
    drawing = reconstructions.draw_one_mix(examples, "mixed", 0.5, LIGHT_AND_DARK, "")
    shown = [axes.images[0].get_array() for axes in drawing.figure.axes]
    np.testing.assert_array_equal(shown[3:6], examples.originals["dark"][:3])
    np.testing.assert_array_equal(shown[6:9], examples.reconstructions["mixed"]["light"][:3])
    assert set(drawing.data["group"]) == {"light", "dark"}


def test_errors_are_those_of_the_shown_pixels(examples):
    """The numbers beside the picture are its squared errors in [-1, 1]."""
    drawing = reconstructions.draw_by_mix(examples, "light", SHARES, LIGHT_AND_DARK, "")
    again = examples.reconstructions["dark"]["light"] / 127.5 - 1
    originals = examples.originals["light"] / 127.5 - 1
    expected = ((again - originals) ** 2).mean(axis=(1, 2, 3))
    found = drawing.data.loc[drawing.data["mix"] == "dark", "mse"]
    np.testing.assert_allclose(found, expected)


def test_arrays_make_examples(examples):
    """Names of arrays say group and mix, underscores in mixes included."""
    arrays = {f"originals_{group}": pixels for group, pixels in examples.originals.items()}
    for group, pixels in examples.reconstructions["mixed"].items():
        arrays[f"recon_dark_25_{group}"] = pixels
    found = StudyExamples.from_arrays(arrays, LIGHT_AND_DARK)
    assert list(found.reconstructions) == ["dark_25"]
    np.testing.assert_array_equal(found.originals["dark"], examples.originals["dark"])


def test_missing_arrays_are_named():
    """Incomplete examples are an error of one line."""
    arrays = {"recon_mixed_light": np.zeros((1, 2, 2, 3), np.uint8)}
    with pytest.raises(DataError, match="originals_light"):
        StudyExamples.from_arrays(arrays, LIGHT_AND_DARK)


def test_reconstructions_must_fit_their_originals(examples):
    """A reconstruction too many is refused."""
    wrong = {"mixed": {group: pixels[:1] for group, pixels in examples.originals.items()}}
    with pytest.raises(DataError, match="collect the study again"):
        StudyExamples(examples.originals, wrong)
