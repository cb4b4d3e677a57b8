from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import perimeter

from tonegap.phantom import lesions

SHAPE = (96, 112)


@pytest.mark.parametrize("family", lesions.FAMILIES)
def test_a_lesion_depends_on_its_seed_only(family: str) -> None:
    """The same arguments draw the same lesion, another seed another one."""
    first, again, other = (lesions.draw(family, SHAPE, 0.5, 0.3, seed) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(np.abs(one - two).max() > 0.01 for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize("family", lesions.FAMILIES)
@pytest.mark.parametrize("size", [0.05, 0.5, 1.0])
def test_modulations_stay_physical(family: str, size: float) -> None:
    """Factors lie in [0, 1], additions are finite and not negative beyond rounding."""
    for seed in range(5):
        drawn = lesions.draw(family, SHAPE, size, 1.0, seed)
        assert all(part.shape == SHAPE for part in drawn)
        assert all(np.isfinite(part).all() for part in drawn)
        assert 0.0 <= drawn.melanin_factor.min() <= drawn.melanin_factor.max() <= 1.0
        assert drawn.melanin_added.min() >= 0.0
        assert drawn.blood_added.min() >= 0.0


@pytest.mark.parametrize(
    ("family", "changed"),
    [
        ("plaque", "blood_added"),
        ("papules", "blood_added"),
        ("rash", "blood_added"),
        ("annular", "blood_added"),
        ("nevus", "melanin_added"),
        ("vitiligo", "melanin_factor"),
    ],
)
def test_each_family_changes_one_pigment(family: str, changed: str) -> None:
    """A family moves its own pigment and leaves the others exactly alone."""
    drawn = lesions.draw(family, SHAPE, 0.5, 0.3, 4)
    neutral = {"melanin_factor": 1.0, "melanin_added": 0.0, "blood_added": 0.0}
    for name, value in neutral.items():
        moved = np.abs(getattr(drawn, name) - value).max()
        assert moved > 0.03 if name == changed else moved == 0.0


def test_size_is_the_extent_of_a_round_plaque() -> None:
    """A plaque of size s covers about the area of a disc of diameter s."""
    for size in (0.3, 0.6):
        added = lesions.draw("plaque", (128, 128), size, 0.0, 3).blood_added
        covered = (added > added.max() / 2).mean()
        assert covered == pytest.approx(np.pi / 4 * size**2, rel=0.15)


@pytest.mark.parametrize("size", [0.2, 0.5])
def test_size_is_the_share_that_a_rash_covers(size: float) -> None:
    """A rash of size s covers that share of the picture at half strength."""
    added = lesions.draw("rash", (128, 128), size, 0.5, 3).blood_added
    assert (added > lesions._RASH_BLOOD / 2).mean() == pytest.approx(size, abs=0.01)


def test_a_ring_is_paler_inside_than_on_its_rim() -> None:
    """The blood of an annular lesion peaks off its centre of mass."""
    added = lesions.draw("annular", (128, 128), 0.6, 0.0, 5).blood_added
    rows, columns = np.indices(added.shape)
    centre = [round(float((axis * added).sum() / added.sum())) for axis in (rows, columns)]
    assert added[tuple(centre)] < 0.5 * added.max()


def test_raggedness_lengthens_the_border() -> None:
    """More irregular plaques have a longer outline for their area."""

    def outline(ragged: float) -> float:
        seeds = range(10)
        inside = [
            lesions.draw("plaque", (128, 128), 0.5, ragged, k).blood_added > 0.03 for k in seeds
        ]
        return float(np.mean([perimeter(mask) / np.sqrt(mask.sum()) for mask in inside]))

    assert outline(1.0) > 1.04 * outline(0.0)


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0, 3.0])
def test_noise_has_the_slope_it_is_given(slope: float) -> None:
    """On logarithmic axes power falls by the slope asked for; mean 0, deviation 1."""
    rng = np.random.default_rng(1)
    noise = lesions.power_law_noise((128, 128), slope, rng)
    assert noise.mean() == pytest.approx(0.0, abs=1e-4)
    assert noise.std() == pytest.approx(1.0, abs=1e-4)
    power = np.abs(np.fft.fft2(noise)) ** 2
    frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128)[None, :])
    used = (frequency > 0.02) & (frequency < 0.45)
    fitted = np.polyfit(np.log(frequency[used]), np.log(power[used]), 1)[0]
    assert fitted == pytest.approx(-slope, abs=0.1)


def test_papules_are_more_where_they_are_asked_to_be_dense() -> None:
    """The number of papules grows with size: more of the picture is covered."""
    few, many = (
        np.mean([lesions.draw("papules", SHAPE, s, 0.0, k).blood_added.mean() for k in range(10)])
        for s in (0.1, 1.0)
    )
    assert many > 2.0 * few
